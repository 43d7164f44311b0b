package billing

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"tollhouse/billing/agenda"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// ErrFileCutOff means that an upload ended early; nothing of it is kept.
var ErrFileCutOff = errors.New("the file ended before it was whole")

// ReceiveFile keeps a usage file on disk and puts it on the agenda to be read.
// When it returns, the file survives a crash. The same contents from the same
// source are the same file: repeat is true and nothing is done twice. Memory
// use does not grow with the file.
func (s *Stack) ReceiveFile(ctx context.Context, source uuid.UUID, name string, body io.Reader) (file usage.File, repeat bool, err error) {
	received, err := s.spool(body)
	if err != nil {
		return usage.File{}, false, fmt.Errorf("receive %s: %w", name, err)
	}
	defer func() { _ = os.Remove(received.path) }() // it has its name in the inbox, or is not kept
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		file, repeat, err = usage.RegisterFile(ctx, tx, source, name, received.digest, received.size)
		if err != nil || repeat && file.State == usage.Done {
			return err
		}
		// The file is in its place before anything refers to it. A link, not a
		// move: the transaction may be run again, and a repeat has its file.
		if err := os.Link(received.path, s.inboxPath(file.ID)); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
		if err := syncFolder(s.inbox()); err != nil {
			return err
		}
		return agenda.Again(ctx, tx, agenda.UsageFile, file.ID, nil)
	})
	return file, repeat, err
}

type spooled struct {
	path   string
	digest usage.Digest
	size   int64
}

// spool writes a body to disk, synced, while hashing it.
func (s *Stack) spool(body io.Reader) (spooled, error) {
	if err := os.MkdirAll(s.inbox(), 0o700); err != nil {
		return spooled{}, err
	}
	file, err := os.CreateTemp(s.inbox(), "receiving-*")
	if err != nil {
		return spooled{}, err
	}
	hash := sha256.New()
	size, err := io.Copy(io.MultiWriter(file, hash), body)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		_ = os.Remove(file.Name())
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = ErrFileCutOff
		}
		return spooled{}, err
	}
	return spooled{path: file.Name(), digest: usage.Digest(hash.Sum(nil)), size: size}, nil
}

func (s *Stack) inbox() string { return filepath.Join(s.host.config.Inbox, s.Ref.ID.String()) }

func (s *Stack) inboxPath(file uuid.UUID) string { return filepath.Join(s.inbox(), file.String()) }

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	return folder.Sync()
}

// readFile opens a received file from where reading goes on.
func (s *Stack) readFile(file uuid.UUID, offset int64) (io.ReadCloser, error) {
	f, err := os.Open(s.inboxPath(file))
	if err != nil {
		return nil, fmt.Errorf("open received file: %w", err)
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

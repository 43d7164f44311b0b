package intake

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// File is a file of a batch, as it is listed.
type File struct {
	ID        uuid.UUID
	Kind      Kind
	Name      string
	SizeBytes int64
	CreatedAt time.Time
}

// Upload is a file that arrives.
type Upload struct {
	Kind    Kind
	Name    string // without a path; the same name again takes the file's place
	Content []byte
}

// Errors of files.
var (
	// ErrFile means a kind that we don't know, or a name that is none.
	ErrFile = errors.New("a file has a known kind and a name of 1 to 200 characters without slashes")
	// ErrFileSize means a file that is empty or above its bound.
	ErrFileSize = errors.New("a CSV file of up to 32 MB or an archive of up to 64 MB is wanted")
	// ErrFiles means that the batch has as many files as it may have.
	ErrFiles = errors.New("a batch has at most 40 files")
)

func (u Upload) check() error {
	const maxFileName = 200
	name := strings.TrimSpace(u.Name)
	if !slices.Contains(Kinds, u.Kind) || name == "" || len([]rune(name)) > maxFileName || strings.ContainsAny(name, "/\\\r\n\x00") {
		return ErrFile
	}
	bound := MaxFileBytes
	if u.Kind == Archive {
		bound = MaxArchiveBytes
	}
	if len(u.Content) == 0 || len(u.Content) > bound {
		return ErrFileSize
	}
	return nil
}

// sealName binds a file's content to its place.
func sealName(batch, file uuid.UUID) string { return "intake/" + batch.String() + "/" + file.String() }

// Upload stores a file of a batch, sealed. The batch has to be checked again.
func (im *Importer) Upload(ctx context.Context, tx tenant.Tx, batch uuid.UUID, u Upload) (File, error) {
	if err := u.check(); err != nil {
		return File{}, err
	}
	b, err := lock(ctx, tx, batch)
	if err != nil {
		return File{}, err
	}
	if err := b.edit(); err != nil {
		return File{}, err
	}
	f := File{ID: uuid.Must(uuid.NewV7()), Kind: u.Kind, Name: strings.TrimSpace(u.Name), SizeBytes: int64(len(u.Content)), CreatedAt: tx.At}
	sealed, err := im.config.Seal.Seal(tx.Tenant, sealName(batch, f.ID), u.Content)
	if err != nil {
		return File{}, fmt.Errorf("seal %s: %w", f.Name, err)
	}
	digest := sha256.Sum256(u.Content)
	if _, err := tx.Exec(ctx, `delete from intake_file where batch_id = $1 and name = $2`, batch, f.Name); err != nil {
		return File{}, fmt.Errorf("replace %s: %w", f.Name, err)
	}
	done, err := tx.Exec(ctx, `
		insert into intake_file (id, batch_id, kind, name, size_bytes, digest, sealed, created_at)
		select $1, $2, $3, $4, $5, $6, $7, $8
		 where (select count(*) from intake_file where batch_id = $2) < $9`,
		f.ID, batch, f.Kind, f.Name, f.SizeBytes, digest[:], sealed, f.CreatedAt, MaxFiles)
	if err != nil {
		return File{}, fmt.Errorf("store %s: %w", f.Name, err)
	}
	if done.RowsAffected() == 0 {
		return File{}, ErrFiles
	}
	return f, b.save(ctx, tx)
}

// Remove takes a file out of a batch that is not committed.
func (im *Importer) Remove(ctx context.Context, tx tenant.Tx, batch, file uuid.UUID) error {
	b, err := lock(ctx, tx, batch)
	if err != nil {
		return err
	}
	if err := b.edit(); err != nil {
		return err
	}
	done, err := tx.Exec(ctx, `delete from intake_file where batch_id = $1 and id = $2`, batch, file)
	if err != nil {
		return fmt.Errorf("remove file %s: %w", file, err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("file %s: %w", file, ErrNotFound)
	}
	return b.save(ctx, tx)
}

// Files lists a batch's files in the order in which they came.
func Files(ctx context.Context, tx tenant.Tx, batch uuid.UUID) ([]File, error) {
	rows, err := tx.Query(ctx, `select id, kind, name, size_bytes, created_at from intake_file where batch_id = $1 order by id`, batch)
	if err != nil {
		return nil, fmt.Errorf("list files: %w", err)
	}
	files, err := pgx.CollectRows(rows, pgx.RowToStructByPos[File])
	if err != nil {
		return nil, fmt.Errorf("list files: %w", err)
	}
	return files, nil
}

// openFile is a file with its content in clear.
type openFile struct {
	name    string
	kind    Kind
	content []byte
}

func (im *Importer) openFiles(ctx context.Context, tx tenant.Tx, batch uuid.UUID) ([]openFile, error) {
	rows, err := tx.Query(ctx, `select id, kind, name, sealed from intake_file where batch_id = $1 order by id`, batch)
	if err != nil {
		return nil, fmt.Errorf("read files: %w", err)
	}
	var id uuid.UUID
	var f openFile
	var sealed []byte
	var files []openFile
	_, err = pgx.ForEachRow(rows, []any{&id, &f.kind, &f.name, &sealed}, func() (err error) {
		if f.content, err = im.config.Seal.Open(tx.Tenant, sealName(batch, id), sealed); err != nil {
			return fmt.Errorf("open %s: %w", f.name, err)
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read files: %w", err)
	}
	return files, nil
}

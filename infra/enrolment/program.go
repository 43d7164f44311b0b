package enrolment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"tollhouse/provisioning/machine"
)

// DigestOf is the digest by which a program is known.
func DigestOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", fmt.Errorf("digest of %s: %w", path, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

const (
	// maxProgram bounds what is taken for a program.
	maxProgram = 1 << 30
	// tryTimeout is how long a new program may take to say its help.
	tryTimeout = 20 * time.Second
)

// fetchProgram fetches a program by its digest and puts it where it belongs, if
// it is the one that was asked for and starts at all.
func (c *Client) fetchProgram(ctx context.Context, digest, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.store.Identity().Control+machine.PathDownloads+digest, nil)
	if err != nil {
		return err
	}
	response, err := (&http.Client{}).Do(request) // its bound is ctx: it may be large
	if err != nil {
		return plainly(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return &Refused{Status: response.StatusCode, Title: "the program is not there"}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), "fresh.*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // gone already where all went well
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(file, sum), io.LimitReader(response.Body, maxProgram))
	if err = errors.Join(err, file.Chmod(0o755), file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("fetch program %s: %w", digest, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != digest {
		return fmt.Errorf("fetch program %s: %w", digest, errDigest)
	}
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	if out, err := exec.CommandContext(ctx, file.Name(), "help").CombinedOutput(); err != nil {
		return fmt.Errorf("program %s does not start: %w: %.200s", digest, err, out)
	}
	return os.Rename(file.Name(), path)
}

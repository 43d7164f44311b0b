package enrolment

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	"tollhouse/provisioning/enrol"
)

// Programs are the versions of the program that the control plane gives away:
// the one that runs, and those in a folder, each named by its digest.
type Programs struct {
	dir  string
	self func() (string, error)
}

// itself is the program that runs, even after its file was replaced.
const itself = "/proc/self/exe"

// NewPrograms serves the program that runs and, if dir is not empty, what is in dir.
func NewPrograms(dir string) *Programs {
	return &Programs{dir: dir, self: sync.OnceValues(func() (string, error) { return DigestOf(itself) })}
}

// Own is the digest of the program that runs.
func (p *Programs) Own() (string, error) { return p.self() }

var digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Open opens a program by its digest; enrol.ErrProgram if there is none. Who
// fetches it checks the digest.
func (p *Programs) Open(digest string) (io.ReadCloser, int64, error) {
	if !digestForm.MatchString(digest) {
		return nil, 0, enrol.ErrProgram
	}
	own, err := p.self()
	if err != nil {
		return nil, 0, err
	}
	path := itself
	if digest != own {
		if p.dir == "" {
			return nil, 0, enrol.ErrProgram
		}
		path = filepath.Join(p.dir, digest)
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, enrol.ErrProgram
	}
	if err != nil {
		return nil, 0, fmt.Errorf("open program %s: %w", digest, err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}

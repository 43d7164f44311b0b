package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"tollhouse/billing/tenant"
)

// Argon2id parameters: OWASP Password Storage Cheat Sheet, the choice with
// 19 MiB, two passes and one lane.
const (
	argonMemoryKiB = 19 * 1024
	argonPasses    = 2
	argonLanes     = 1
	saltBytes      = 16
	hashBytes      = 32
)

// Length of a password in characters. The upper bound keeps a request from
// making us hash megabytes (NIST SP 800-63B asks for at least 64).
const (
	minPassword = 10
	maxPassword = 256
)

// Errors of passwords.
var (
	ErrPassword     = fmt.Errorf("a password has %d to %d characters", minPassword, maxPassword)
	ErrBusy         = errors.New("too many are signing in at this moment: try again in a few seconds")
	errPasswordHash = errors.New("not an Argon2id hash of ours")
)

// PasswordHash is a password as it is stored: a PHC string. The type keeps a
// password itself from being stored by mistake.
type PasswordHash string

// Passwords hashes and checks passwords, a few at a time: each takes 19 MiB
// and a core, so a burst of sign-ins waits in line instead of eating memory.
// One is made for the whole process; each tenant uses its own view of it.
type Passwords struct {
	line  *line
	lane  string
	decoy PasswordHash
}

// NewPasswords makes one that works on as many passwords at once as there are
// cores.
func NewPasswords() (*Passwords, error) {
	p := &Passwords{line: newLine(runtime.GOMAXPROCS(0))}
	var err error
	// Nobody knows this password: it takes the place of a user who isn't there.
	p.decoy, err = p.Hash(context.Background(), rand.Text())
	return p, err
}

// For is a tenant's view: its passwords wait in a lane of their own, so that a
// flood there keeps nobody else waiting. Without it the house's own is meant.
func (p *Passwords) For(id tenant.ID) *Passwords {
	return &Passwords{line: p.line, lane: id.String(), decoy: p.decoy}
}

// Hash makes the stored form of a new password; ErrPassword for one that is
// too short or too long.
func (p *Passwords) Hash(ctx context.Context, password string) (PasswordHash, error) {
	if err := checkPassword(password); err != nil {
		return "", err
	}
	salt := make([]byte, saltBytes)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("draw salt: %w", err)
	}
	key, err := p.derive(ctx, password, salt)
	if err != nil {
		return "", err
	}
	return PasswordHash(phcPrefix() + base64.RawStdEncoding.EncodeToString(salt) + "$" + base64.RawStdEncoding.EncodeToString(key)), nil
}

func checkPassword(password string) error {
	if n := utf8.RuneCountInString(password); n < minPassword || n > maxPassword {
		return ErrPassword
	}
	return nil
}

// Check says whether a password is the one that was hashed.
func (p *Passwords) Check(ctx context.Context, hash PasswordHash, password string) (bool, error) {
	salt, want, err := hash.parts()
	if err != nil {
		return false, err
	}
	if len(password) > maxPassword*utf8.UTFMax {
		password = "" // too long to be anybody's; the work below stays the same
	}
	got, err := p.derive(ctx, password, salt)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && password != "", nil
}

// CheckNobody does the work of Check where there is no user, so that the time
// an answer takes does not tell who is one.
func (p *Passwords) CheckNobody(ctx context.Context, password string) error {
	_, err := p.Check(ctx, p.decoy, password)
	return err
}

func (p *Passwords) derive(ctx context.Context, password string, salt []byte) ([]byte, error) {
	if err := p.line.enter(ctx, p.lane); err != nil {
		return nil, err
	}
	defer p.line.leave()
	return argon2.IDKey([]byte(password), salt, argonPasses, argonMemoryKiB, argonLanes, hashBytes), nil
}

func phcPrefix() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$", argon2.Version, argonMemoryKiB, argonPasses, argonLanes)
}

// parts reads salt and key. Only our own parameters are accepted: others could
// ask for any amount of memory. New ones come with a list of the old here.
func (h PasswordHash) parts() (salt, key []byte, err error) {
	const saltText, keyText = 22, 43 // base64 of 16 and 32 bytes
	prefix := phcPrefix()
	if len(h) != len(prefix)+saltText+1+keyText || string(h[:len(prefix)]) != prefix || h[len(prefix)+saltText] != '$' {
		return nil, nil, errPasswordHash
	}
	rest := string(h[len(prefix):])
	salt, saltErr := base64.RawStdEncoding.DecodeString(rest[:saltText])
	key, keyErr := base64.RawStdEncoding.DecodeString(rest[saltText+1:])
	if saltErr != nil || keyErr != nil {
		return nil, nil, errPasswordHash
	}
	return salt, key, nil
}

package identity

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// tokenBytes is the length of secrets that nobody can guess: challenges, links
// and device cookies. A plain hash keeps them; short codes need a keyed one.
const tokenBytes = 32

// newToken draws a secret for somebody to hand back, and its stored form.
func newToken() (text string, hash []byte, err error) {
	raw := make([]byte, tokenBytes)
	if _, err := rand.Read(raw); err != nil {
		return "", nil, fmt.Errorf("draw token: %w", err)
	}
	text = base64.RawURLEncoding.EncodeToString(raw)
	return text, hashToken(text), nil
}

func hashToken(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// codeKeyName is where the key of the stack's short codes stands, sealed: who
// reads the database cannot try the million values of a code.
const codeKeyName = "identity_code_key"

// codeKey reads the key, or makes it at the first use.
func (a *Authority) codeKey(ctx context.Context, tx tenant.Tx) ([]byte, error) {
	const find = `select sealed from secret where name = $1`
	var sealed []byte
	err := tx.QueryRow(ctx, find, codeKeyName).Scan(&sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		if err := a.addCodeKey(ctx, tx); err != nil {
			return nil, err
		}
		err = tx.QueryRow(ctx, find, codeKeyName).Scan(&sealed) // ours, or that of who was faster
	}
	if err != nil {
		return nil, fmt.Errorf("read code key: %w", err)
	}
	key, err := a.sealer.Open(tx.Tenant, codeKeyName, sealed)
	if err != nil {
		return nil, fmt.Errorf("open code key: %w", err)
	}
	return key, nil
}

func (a *Authority) addCodeKey(ctx context.Context, tx tenant.Tx) error {
	key := make([]byte, sha256.Size)
	if _, err := rand.Read(key); err != nil {
		return fmt.Errorf("draw code key: %w", err)
	}
	sealed, err := a.sealer.Seal(tx.Tenant, codeKeyName, key)
	if err != nil {
		return fmt.Errorf("seal code key: %w", err)
	}
	_, err = tx.Exec(ctx, `insert into secret (name, sealed, created_at) values ($1, $2, $3) on conflict (name) do nothing`, codeKeyName, sealed, a.now())
	if err != nil {
		return fmt.Errorf("store code key: %w", err)
	}
	return nil
}

// keyed is the stored form of a short code. What it is for, and whose it is,
// goes into it, so that no row's hash is good in another.
func keyed(key []byte, purpose, owner, code string) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range []string{purpose, owner, code} {
		fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	return mac.Sum(nil)
}

package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// apiKeyPrefix lets people and secret scanners recognise a key of ours.
const (
	apiKeyPrefix = "thk_"
	apiKeyBytes  = 32
)

// Errors of API keys.
var (
	ErrKeyName     = errors.New("an API key has a name")
	ErrKeyNotFound = errors.New("no such API key")
)

// APIKey is a machine's credential, without its secret.
type APIKey struct {
	ID        uuid.UUID
	Name      string
	Role      Role
	CreatedAt time.Time
	RevokedAt *time.Time
}

// NewAPIKey is a key to be made.
type NewAPIKey struct {
	Name string
	Role Role
}

// AddAPIKey makes a key and returns its secret, which is never shown again:
// only a hash is kept. With 32 random bytes nobody can try them all, so a plain
// SHA-256 does. ErrBeyond for a role with more rights than who makes the key.
func (a *Authority) AddAPIKey(ctx context.Context, tx tenant.Tx, by Principal, n NewAPIKey) (key APIKey, secret string, err error) {
	if strings.TrimSpace(n.Name) == "" {
		return APIKey{}, "", ErrKeyName
	}
	if n.Role == Subscriber {
		return APIKey{}, "", fmt.Errorf("%q: %w", n.Role, ErrRole)
	}
	if err := mayGive(ctx, tx, by, n.Role); err != nil {
		return APIKey{}, "", err
	}
	raw := make([]byte, apiKeyBytes)
	if _, err := rand.Read(raw); err != nil {
		return APIKey{}, "", fmt.Errorf("draw API key: %w", err)
	}
	secret = apiKeyPrefix + base64.RawURLEncoding.EncodeToString(raw)
	key = APIKey{ID: uuid.Must(uuid.NewV7()), Name: n.Name, Role: n.Role, CreatedAt: a.now()}
	_, err = tx.Exec(ctx, `insert into api_key (id, name, hash, role, created_by, created_at) values ($1, $2, $3, $4, $5, $6)`,
		key.ID, key.Name, hashKey(secret), key.Role, by.UserID, key.CreatedAt)
	if err != nil {
		return APIKey{}, "", fmt.Errorf("add API key: %w", err)
	}
	return key, secret, nil
}

func hashKey(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// RevokeAPIKey ends a key: in this process at once, in others within KeyLife.
// Revoking a revoked one changes nothing.
func (a *Authority) RevokeAPIKey(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
	a.changed(tx.Tenant)
	done, err := tx.Exec(ctx, `update api_key set revoked_at = coalesce(revoked_at, $2) where id = $1`, id, a.now())
	if err != nil {
		return fmt.Errorf("revoke API key %s: %w", id, err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("API key %s: %w", id, ErrKeyNotFound)
	}
	return nil
}

// APIKeys lists keys, newest first: those before an id, or the newest for a zero one.
func (a *Authority) APIKeys(ctx context.Context, tx tenant.Tx, before uuid.UUID, limit int) ([]APIKey, error) {
	var last *uuid.UUID
	if before != uuid.Nil {
		last = &before
	}
	rows, err := tx.Query(ctx, `
		select id, name, role, created_at, revoked_at
		  from api_key
		 where $1::uuid is null or id < $1
		 order by id desc
		 limit $2`, last, min(max(limit, 1), MaxPage))
	if err != nil {
		return nil, fmt.Errorf("list API keys: %w", err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[APIKey])
	if err != nil {
		return nil, fmt.Errorf("list API keys: %w", err)
	}
	return keys, nil
}

// authenticateKey looks a key up by its hash: how long that takes tells
// something of the hash at most, and nothing of the key.
func authenticateKey(ctx context.Context, tx tenant.Tx, secret string) (Principal, error) {
	p := Principal{Kind: KeyPrincipal, Tenant: tx.Tenant}
	var granted []string
	err := tx.QueryRow(ctx, `
		select k.id, k.role, r.permissions
		  from api_key k
		  left join custom_role r on r.name = k.role
		 where k.hash = $1 and k.revoked_at is null`, hashKey(secret)).Scan(&p.UserID, &p.Role, &granted)
	if errors.Is(err, pgx.ErrNoRows) {
		return Principal{}, ErrUnauthenticated
	}
	if err != nil {
		return Principal{}, fmt.Errorf("read API key: %w", err)
	}
	p.granted = grantable(granted)
	return p, nil
}

package identity

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// keyLife is how long a key signs before the first sign-in after that makes a
// new one. Nobody has to remember it, and none is in use for years.
const keyLife = 90 * 24 * time.Hour

// ErrNoSigningKey means that a stack was not set up to sign tokens.
var ErrNoSigningKey = errors.New("the stack has no signing key")

// SetUp gives a new stack its signing key. A stack that has one keeps it.
func (a *Authority) SetUp(ctx context.Context, tx tenant.Tx) error {
	var signs bool
	if err := tx.QueryRow(ctx, `select exists (select from signing_key where retired_at is null)`).Scan(&signs); err != nil {
		return fmt.Errorf("look for signing key: %w", err)
	}
	if signs {
		return nil
	}
	return a.addKey(ctx, tx)
}

// RotateSigningKey makes a new signing key and retires the one before, which
// verifies what it signed until that has expired.
func (a *Authority) RotateSigningKey(ctx context.Context, tx tenant.Tx) error {
	if _, err := tx.Exec(ctx, `update signing_key set retired_at = $1 where retired_at is null`, a.now()); err != nil {
		return fmt.Errorf("retire signing key: %w", err)
	}
	return a.addKey(ctx, tx)
}

// rotateOld makes a new signing key where the one in use has signed long
// enough. Of two that come at the same time the second waits at the row, and
// finds it retired.
func (a *Authority) rotateOld(ctx context.Context, tx tenant.Tx) error {
	now := a.now()
	done, err := tx.Exec(ctx, `update signing_key set retired_at = $1 where retired_at is null and created_at <= $2`, now, now.Add(-keyLife))
	if err != nil {
		return fmt.Errorf("retire signing key: %w", err)
	}
	if done.RowsAffected() == 0 {
		return nil
	}
	return a.addKey(ctx, tx)
}

func (a *Authority) addKey(ctx context.Context, tx tenant.Tx) error {
	key, err := NewKey()
	if err != nil {
		return err
	}
	sealed, err := a.sealer.Seal(tx.Tenant, sealName(key.ID), key.Private.Seed())
	if err != nil {
		return fmt.Errorf("seal signing key: %w", err)
	}
	_, err = tx.Exec(ctx, `insert into signing_key (id, public_key, sealed_private, created_at) values ($1, $2, $3, $4)`,
		key.ID, []byte(key.Public()), sealed, a.now())
	if err != nil {
		return fmt.Errorf("store signing key: %w", err)
	}
	return nil
}

func sealName(key string) string { return "signing_key/" + key }

// signer is the stack's newest key that is not retired.
func (a *Authority) signer(ctx context.Context, tx tenant.Tx) (TokenSigner, error) {
	var id string
	var sealed []byte
	err := tx.QueryRow(ctx, `
		select id, sealed_private
		  from signing_key
		 where retired_at is null
		 order by created_at desc, id
		 limit 1`).Scan(&id, &sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return TokenSigner{}, ErrNoSigningKey
	}
	if err != nil {
		return TokenSigner{}, fmt.Errorf("read signing key: %w", err)
	}
	seed, err := a.sealer.Open(tx.Tenant, sealName(id), sealed)
	if err != nil {
		return TokenSigner{}, fmt.Errorf("open signing key %s: %w", id, err)
	}
	key, err := KeyFromSeed(seed)
	return TokenSigner{Realm: realm(tx.Tenant), Key: key}, err
}

// verifier knows the stack's keys that may still have tokens out.
func (a *Authority) verifier(ctx context.Context, tx tenant.Tx) TokenVerifier {
	return TokenVerifier{Realm: realm(tx.Tenant), Now: a.now, Key: func(id string) (ed25519.PublicKey, error) {
		var public []byte
		err := tx.QueryRow(ctx, `select public_key from signing_key where id = $1 and (retired_at is null or retired_at > $2)`,
			id, a.lastTokensFrom()).Scan(&public)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, ErrToken
		}
		if err != nil {
			return nil, fmt.Errorf("read signing key: %w", err)
		}
		return public, nil
	}}
}

// lastTokensFrom is when a key was last in use that could have signed a token
// that is good now.
func (a *Authority) lastTokensFrom() time.Time { return a.now().Add(-MaxTokenLife - tokenLeeway) }

// JWKS lists the public keys that tokens of this stack may be signed with.
func (a *Authority) JWKS(ctx context.Context, tx tenant.Tx) (JWKSet, error) {
	rows, err := tx.Query(ctx, `
		select public_key
		  from signing_key
		 where retired_at is null or retired_at > $1
		 order by created_at desc, id`, a.lastTokensFrom())
	if err != nil {
		return JWKSet{}, fmt.Errorf("read signing keys: %w", err)
	}
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (JWK, error) {
		var public []byte
		err := row.Scan(&public)
		return NewJWK(public), err
	})
	if err != nil {
		return JWKSet{}, fmt.Errorf("read signing keys: %w", err)
	}
	return JWKSet{Keys: keys}, nil
}

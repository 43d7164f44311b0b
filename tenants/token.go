package tenants

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/identity"
)

// realm keeps the control plane's tokens and the stacks' apart: a stack's realm
// is its tenant id.
var realm = identity.Realm{Issuer: "control", Audience: "control"}

// Authenticate says who holds a token. Rights come from the user's row, never
// from the token; ErrToken whatever is wrong with it.
func (s *Staff) Authenticate(ctx context.Context, token string) (Actor, error) {
	var actor Actor
	err := s.db.Read(ctx, func(ctx context.Context, tx Tx) error {
		verifier := identity.TokenVerifier{Realm: realm, Now: s.now,
			Key: func(id string) (ed25519.PublicKey, error) { return publicKey(ctx, tx, id) }}
		claims, err := verifier.Verify(token)
		if errors.Is(err, identity.ErrToken) {
			return ErrToken
		}
		if err != nil {
			return err
		}
		actor, err = sessionActor(ctx, tx, claims)
		return err
	})
	return actor, err
}

func sessionActor(ctx context.Context, tx Tx, claims identity.Claims) (Actor, error) {
	actor := Actor{ID: claims.Subject, Session: claims.Session}
	err := tx.QueryRow(ctx, `
		select u.email, u.role
		  from staff_session s join staff_user u on u.id = s.staff_id
		 where s.id = $1 and u.id = $2 and u.state = 'active' and s.ended_at is null and s.expires_at > $3`,
		claims.Session, claims.Subject, tx.At).Scan(&actor.Email, &actor.Role)
	if errors.Is(err, pgx.ErrNoRows) {
		return Actor{}, ErrToken
	}
	if err != nil {
		return Actor{}, fmt.Errorf("read session: %w", err)
	}
	return actor, nil
}

// JWKS is the set of keys with which tokens may be checked now.
func (s *Staff) JWKS(ctx context.Context) (identity.JWKSet, error) {
	set := identity.JWKSet{Keys: []identity.JWK{}}
	err := s.db.Read(ctx, func(ctx context.Context, tx Tx) error {
		rows, err := tx.Query(ctx, `
			select public_key from signing_key
			 where retired_at is null or retired_at > $1
			 order by created_at desc`, verifiesSince(tx.At))
		if err != nil {
			return fmt.Errorf("read signing keys: %w", err)
		}
		keys, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		for _, public := range keys {
			set.Keys = append(set.Keys, identity.NewJWK(public))
		}
		return err
	})
	return set, err
}

// RotateSigningKey has new tokens signed with a new key. The old one goes on
// verifying until the last token it signed has expired.
func (s *Staff) RotateSigningKey(ctx context.Context, tx Tx, by Actor) error {
	if _, err := tx.Exec(ctx, `update signing_key set retired_at = $1 where retired_at is null`, tx.At); err != nil {
		return fmt.Errorf("retire signing key: %w", err)
	}
	if _, err := s.signingKey(ctx, tx); err != nil {
		return err
	}
	return Record(ctx, tx, by, Entry{Action: "staff.rotate_key", Object: uuid.Nil})
}

// verifiesSince is the retirement up to which a key's tokens may still be alive.
func verifiesSince(at time.Time) time.Time { return at.Add(-identity.MaxTokenLife) }

func publicKey(ctx context.Context, tx Tx, id string) (ed25519.PublicKey, error) {
	var public []byte
	err := tx.QueryRow(ctx, `
		select public_key from signing_key
		 where id = $1 and (retired_at is null or retired_at > $2)`, id, verifiesSince(tx.At)).Scan(&public)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, identity.ErrToken
	}
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	return public, nil
}

// signingKey reads the key that signs now, and makes one where there is none.
func (s *Staff) signingKey(ctx context.Context, tx Tx) (identity.Key, error) {
	key, err := s.currentKey(ctx, tx)
	if !errors.Is(err, pgx.ErrNoRows) {
		return key, err
	}
	if key, err = identity.NewKey(); err != nil {
		return identity.Key{}, err
	}
	sealed, err := s.seal.Seal(keyContext(key.ID), key.Private.Seed())
	if err != nil {
		return identity.Key{}, fmt.Errorf("seal signing key: %w", err)
	}
	// signing_key_current lets one of several processes make the first key.
	if _, err := tx.Exec(ctx, `
		insert into signing_key (id, public_key, sealed_private, created_at)
		values ($1, $2, $3, $4)
		on conflict do nothing`, key.ID, []byte(key.Public()), sealed, tx.At); err != nil {
		return identity.Key{}, fmt.Errorf("store signing key: %w", err)
	}
	return s.currentKey(ctx, tx)
}

func (s *Staff) currentKey(ctx context.Context, tx Tx) (identity.Key, error) {
	var id string
	var sealed []byte
	if err := tx.QueryRow(ctx, `select id, sealed_private from signing_key where retired_at is null`).Scan(&id, &sealed); err != nil {
		return identity.Key{}, fmt.Errorf("read signing key: %w", err)
	}
	seed, err := s.seal.Open(keyContext(id), sealed)
	if err != nil {
		return identity.Key{}, fmt.Errorf("open signing key: %w", err)
	}
	return identity.KeyFromSeed(seed)
}

func keyContext(id string) string { return "control/signing_key/" + id }

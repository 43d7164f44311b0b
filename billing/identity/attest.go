package identity

import (
	"context"
	"crypto/ed25519"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Attest signs claims of the stack itself with the key that signs its tokens
// (a JWS by EdDSA, RFC 8037). kind is the JWS's typ: nothing that is signed
// under one can be taken for something else, a token least of all. What is
// attested stays good when its key is retired.
func (a *Authority) Attest(ctx context.Context, tx tenant.Tx, kind string, claims jwt.Claims) (string, error) {
	signer, err := a.signer(ctx, tx)
	if err != nil {
		return "", err
	}
	return Attest(signer.Key, kind, claims)
}

// Attest signs claims with a key.
func Attest(key Key, kind string, claims jwt.Claims) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	token.Header["kid"], token.Header["typ"] = key.ID, kind
	text, err := token.SignedString(key.Private)
	if err != nil {
		return "", fmt.Errorf("sign %s: %w", kind, err)
	}
	return text, nil
}

// ReadAttested checks what Attest made and reads its claims; issuer is whose it
// must be. Every reason to refuse it is ErrToken; other errors are those of key.
func ReadAttested(text, kind, issuer string, claims jwt.Claims, key func(id string) (ed25519.PublicKey, error)) error {
	var keyErr error
	parsed, err := jwt.ParseWithClaims(text, claims, func(t *jwt.Token) (any, error) {
		id, isText := t.Header["kid"].(string)
		if !isText || !isKeyID(id) || t.Header["typ"] != kind {
			return nil, ErrToken
		}
		var public ed25519.PublicKey
		public, keyErr = key(id)
		return public, keyErr
	}, jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithIssuer(issuer), jwt.WithStrictDecoding())
	if keyErr != nil {
		return keyErr
	}
	if err != nil || !parsed.Valid {
		return fmt.Errorf("%w: %w", ErrToken, err)
	}
	return nil
}

// Published is a public key of a stack as others keep it.
type Published struct {
	ID     string
	Public ed25519.PublicKey
}

// Publish names a public key: its id follows from it.
func Publish(public ed25519.PublicKey) Published { return Published{keyID(public), public} }

// SigningKeys are the public halves of all keys that a stack ever signed with,
// the oldest first: what it attested is checked years later.
func SigningKeys(ctx context.Context, tx tenant.Tx) ([]Published, error) {
	rows, err := tx.Query(ctx, `select public_key from signing_key order by created_at, id`)
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Published, error) {
		var public []byte
		err := row.Scan(&public)
		return Publish(public), err
	})
}

package identity

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// Tokens live for at most MaxTokenLife; clocks may differ by tokenLeeway.
const (
	MaxTokenLife = time.Hour
	tokenLeeway  = 30 * time.Second
	tokenType    = "at+jwt" // RFC 9068, 2.1
)

// ErrToken means that a token is not one of this realm's, or not any more.
var ErrToken = errors.New("token is not valid here")

// Realm names who issues tokens and for whom they are good. A stack has its
// tenant id in both places.
type Realm struct{ Issuer, Audience string }

// Key is a signing key with both halves.
type Key struct {
	ID      string
	Private ed25519.PrivateKey
}

// Claims are what a token says.
type Claims struct {
	Subject  uuid.UUID // a user
	Session  uuid.UUID
	Role     string // for the reader's information; rights come from the user's row
	IssuedAt time.Time
	Expires  time.Time // at most MaxTokenLife after IssuedAt
}

type wireClaims struct {
	jwt.RegisteredClaims
	Role    string `json:"role"`
	Session string `json:"sid"`
}

// TokenSigner signs tokens of a realm with one key.
type TokenSigner struct {
	Realm Realm
	Key   Key
}

// Sign makes a token.
func (s TokenSigner) Sign(c Claims) (string, error) {
	if life := c.Expires.Sub(c.IssuedAt); life <= 0 || life > MaxTokenLife {
		return "", fmt.Errorf("sign token: a life of %s is not between 0 and %s", life, MaxTokenLife)
	}
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, wireClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: s.Realm.Issuer, Audience: jwt.ClaimStrings{s.Realm.Audience}, Subject: c.Subject.String(),
			IssuedAt: jwt.NewNumericDate(c.IssuedAt), NotBefore: jwt.NewNumericDate(c.IssuedAt), ExpiresAt: jwt.NewNumericDate(c.Expires),
			ID: uuid.NewString(),
		},
		Role: c.Role, Session: c.Session.String(),
	})
	token.Header["kid"], token.Header["typ"] = s.Key.ID, tokenType
	text, err := token.SignedString(s.Key.Private)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return text, nil
}

// TokenVerifier checks tokens of a realm.
type TokenVerifier struct {
	Realm Realm
	// Key finds the public half of a key that may have signed; an error, such
	// as one wrapping ErrToken, if there is none.
	Key func(id string) (ed25519.PublicKey, error)
	Now func() time.Time
}

// Verify reads a token and returns what it says. Every reason to refuse it is
// ErrToken; other errors are those of Key.
//
// The algorithm is ours to choose, never the token's (RFC 8725, 3.1): "none",
// and an HMAC keyed with our public key, end at WithValidMethods.
func (v TokenVerifier) Verify(text string) (Claims, error) {
	var wire wireClaims
	var keyErr error
	parsed, err := jwt.ParseWithClaims(text, &wire, func(t *jwt.Token) (any, error) {
		id, isText := t.Header["kid"].(string)
		// An id of another form is not looked for: the database would call some
		// texts faults, such as a zero byte.
		if !isText || !isKeyID(id) || t.Header["typ"] != tokenType {
			return nil, ErrToken
		}
		var key ed25519.PublicKey
		key, keyErr = v.Key(id)
		return key, keyErr
	},
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithIssuer(v.Realm.Issuer), jwt.WithAudience(v.Realm.Audience),
		jwt.WithExpirationRequired(), jwt.WithNotBeforeRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(tokenLeeway),
		jwt.WithTimeFunc(v.Now), jwt.WithStrictDecoding())
	if keyErr != nil {
		return Claims{}, keyErr
	}
	if err != nil || !parsed.Valid {
		return Claims{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	return wire.claims()
}

// claims turns what a well-signed token holds into our types. A life over the
// limit was not given by Sign.
func (w wireClaims) claims() (Claims, error) {
	subject, subjectErr := uuid.Parse(w.Subject)
	session, sessionErr := uuid.Parse(w.Session)
	if subjectErr != nil || sessionErr != nil || w.IssuedAt == nil || w.ExpiresAt.Sub(w.IssuedAt.Time) > MaxTokenLife {
		return Claims{}, ErrToken
	}
	return Claims{Subject: subject, Session: session, Role: w.Role, IssuedAt: w.IssuedAt.UTC(), Expires: w.ExpiresAt.UTC()}, nil
}

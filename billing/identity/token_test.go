package identity_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"tollhouse/billing/identity"
)

var (
	noon  = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	home  = identity.Realm{Issuer: "stack-a", Audience: "stack-a"}
	other = identity.Realm{Issuer: "stack-b", Audience: "stack-b"}
)

func newKey(t *testing.T) identity.Key {
	t.Helper()
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func verifier(now time.Time, keys ...identity.Key) identity.TokenVerifier {
	return identity.TokenVerifier{Realm: home, Now: func() time.Time { return now }, Key: func(id string) (ed25519.PublicKey, error) {
		for _, k := range keys {
			if k.ID == id {
				return k.Public(), nil
			}
		}
		return nil, identity.ErrToken
	}}
}

func claims() identity.Claims {
	return identity.Claims{Subject: uuid.New(), Session: uuid.New(), Role: "clerk", IssuedAt: noon, Expires: noon.Add(time.Hour)}
}

// forge signs any claims and headers with any method and key.
func forge(t *testing.T, method jwt.SigningMethod, key any, header map[string]any, change func(jwt.MapClaims)) string {
	t.Helper()
	c := jwt.MapClaims{
		"iss": home.Issuer, "aud": home.Audience, "sub": uuid.NewString(), "sid": uuid.NewString(), "role": "owner",
		"iat": noon.Unix(), "nbf": noon.Unix(), "exp": noon.Add(time.Hour).Unix(),
	}
	if change != nil {
		change(c)
	}
	token := jwt.NewWithClaims(method, c)
	token.Header["typ"] = "at+jwt"
	for name, value := range header {
		token.Header[name] = value
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestVerify_acceptsWhatWasSigned(t *testing.T) {
	t.Parallel()
	key, want := newKey(t), claims()
	token, err := identity.TokenSigner{Realm: home, Key: key}.Sign(want)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Time{noon.Add(-29 * time.Second), noon, noon.Add(time.Hour + 29*time.Second)} {
		if got, err := verifier(at, newKey(t), key).Verify(token); err != nil || got != want {
			t.Errorf("at %s: %+v, %v", at, got, err)
		}
	}
}

func TestVerify_refusesForgedTokens(t *testing.T) {
	t.Parallel()
	key, stranger := newKey(t), newKey(t)
	kid := map[string]any{"kid": key.ID}
	set := func(name string, value any) func(jwt.MapClaims) { return func(c jwt.MapClaims) { c[name] = value } }
	without := func(name string) func(jwt.MapClaims) { return func(c jwt.MapClaims) { delete(c, name) } }
	ed := jwt.SigningMethodEdDSA
	good := forge(t, ed, key.Private, kid, nil)
	if _, err := verifier(noon, key).Verify(good); err != nil {
		t.Fatalf("the forger's own pattern is not accepted: %v", err)
	}
	parts := strings.Split(good, ".")
	owner := base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"stack-a","aud":"stack-a","role":"owner"}`))
	for name, token := range map[string]string{
		"alg none":                  forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, kid, nil),
		"HS256 with our public key": forge(t, jwt.SigningMethodHS256, []byte(key.Public()), kid, nil),
		"HS512 with our public key": forge(t, jwt.SigningMethodHS512, []byte(key.Public()), kid, nil),
		"another stack's key":       forge(t, ed, stranger.Private, map[string]any{"kid": stranger.ID}, nil),
		"another key under our kid": forge(t, ed, stranger.Private, kid, nil),
		"no kid":                    forge(t, ed, key.Private, nil, nil),
		"kid not a text":            forge(t, ed, key.Private, map[string]any{"kid": 7}, nil),
		"kid with a path":           forge(t, ed, key.Private, map[string]any{"kid": "../../etc/passwd"}, nil),
		"an id token's type":        forge(t, ed, key.Private, map[string]any{"kid": key.ID, "typ": "JWT"}, nil),
		"key in the header":         forge(t, ed, stranger.Private, map[string]any{"jwk": identity.NewJWK(stranger.Public()), "kid": stranger.ID}, nil),
		"wrong issuer":              forge(t, ed, key.Private, kid, set("iss", other.Issuer)),
		"no issuer":                 forge(t, ed, key.Private, kid, without("iss")),
		"wrong audience":            forge(t, ed, key.Private, kid, set("aud", other.Audience)),
		"no audience":               forge(t, ed, key.Private, kid, without("aud")),
		"expired":                   forge(t, ed, key.Private, kid, set("exp", noon.Add(-time.Minute).Unix())),
		"no expiry":                 forge(t, ed, key.Private, kid, without("exp")),
		"from the future":           forge(t, ed, key.Private, kid, set("iat", noon.Add(time.Minute).Unix())),
		"not yet":                   forge(t, ed, key.Private, kid, set("nbf", noon.Add(time.Minute).Unix())),
		"no issue time":             forge(t, ed, key.Private, kid, without("iat")),
		"a life of a day":           forge(t, ed, key.Private, kid, set("exp", noon.AddDate(0, 0, 1).Unix())),
		"subject not an id":         forge(t, ed, key.Private, kid, set("sub", "admin")),
		"no session":                forge(t, ed, key.Private, kid, without("sid")),
		"claims changed":            parts[0] + "." + owner + "." + parts[2],
		"signature cut off":         parts[0] + "." + parts[1] + ".",
		"signature changed":         good[:len(good)-4] + "AAAA",
		"nothing":                   "",
		"no token":                  "hello",
	} {
		if _, err := verifier(noon, key).Verify(token); !errors.Is(err, identity.ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSign_refusesALongLife(t *testing.T) {
	t.Parallel()
	c := claims()
	c.Expires = c.IssuedAt.Add(identity.MaxTokenLife + time.Second)
	if _, err := (identity.TokenSigner{Realm: home, Key: newKey(t)}).Sign(c); err == nil {
		t.Error("signed a token for over an hour")
	}
}

func TestKeyFromSeed_isTheSameKey(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	again, err := identity.KeyFromSeed(key.Private.Seed())
	if err != nil || again.ID != key.ID || !again.Public().Equal(key.Public()) {
		t.Errorf("%+v, %v", again.ID, err)
	}
	if _, err := identity.KeyFromSeed(key.Private.Seed()[1:]); err == nil {
		t.Error("a short seed was taken")
	}
}

package api

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// crafted is a token of any header and claims, signed by any means.
func crafted(t *testing.T, header, claims map[string]any, sign func(text []byte) []byte) string {
	t.Helper()
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	text := part(header) + "." + part(claims)
	return text + "." + base64.RawURLEncoding.EncodeToString(sign([]byte(text)))
}

// parts are a token's header and claims.
func parts(t *testing.T, token string) (header, claims map[string]any) {
	t.Helper()
	pieces := strings.Split(token, ".")
	for i, into := range []*map[string]any{&header, &claims} {
		raw, err := base64.RawURLEncoding.DecodeString(pieces[i])
		if err == nil {
			err = json.Unmarshal(raw, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

func with(m map[string]any, name string, value any) map[string]any {
	m = maps.Clone(m)
	if value == nil {
		delete(m, name)
	} else {
		m[name] = value
	}
	return m
}

// Every token here comes from one that is good, with one thing turned.
func TestToken_attacks(t *testing.T) {
	control, staffSignIn := newControl(t)
	w := newWorldBeside(t, control)
	other := w.db.Place(t, 1)
	w.setUp(other)
	good := w.user(w.db, identity.Owner, nil)
	w.get(good, w.path("/me")).want(t, 200)
	key := w.ownKey()
	header, claims := parts(t, good)
	own := func(text []byte) []byte { return ed25519.Sign(key.Private, text) }
	hmacWith := func(secret []byte) func([]byte) []byte {
		return func(text []byte) []byte {
			mac := hmac.New(sha256.New, secret)
			mac.Write(text)
			return mac.Sum(nil)
		}
	}
	none := func([]byte) []byte { return nil }
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	strange := func(text []byte) []byte { return ed25519.Sign(stranger, text) }
	w.get(crafted(t, header, claims, own), w.path("/me")).want(t, 200) // the craft itself is right
	at := func(d time.Duration) float64 { return float64(w.now().Add(d).Unix()) }
	tokens := map[string]string{
		"algorithm none":                        crafted(t, with(header, "alg", "none"), claims, none),
		"algorithm None":                        crafted(t, with(header, "alg", "None"), claims, none),
		"no algorithm":                          crafted(t, with(header, "alg", nil), claims, own),
		"no signature":                          crafted(t, header, claims, none),
		"HMAC keyed with the public key":        crafted(t, with(header, "alg", "HS256"), claims, hmacWith(key.Public())),
		"HMAC keyed with the public key's text": crafted(t, with(header, "alg", "HS256"), claims, hmacWith([]byte(base64.RawURLEncoding.EncodeToString(key.Public())))),
		"HMAC keyed with nothing":               crafted(t, with(header, "alg", "HS256"), claims, hmacWith(nil)),
		"a key of its own in the header":        crafted(t, with(header, "jwk", map[string]string{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(stranger.Public().(ed25519.PublicKey))}), claims, strange),
		"an address of keys in the header":      crafted(t, with(header, "jku", "http://127.0.0.1/jwks"), claims, strange),
		"another type":                          crafted(t, with(header, "typ", "JWT"), claims, own),
		"no kid":                                crafted(t, with(header, "kid", nil), claims, own),
		"kid of a number":                       crafted(t, with(header, "kid", 1), claims, own),
		"kid with a zero byte":                  crafted(t, with(header, "kid", key.ID+"\x00"), claims, own),
		"kid of a path":                         crafted(t, with(header, "kid", "../../../../dev/null"), claims, hmacWith(nil)),
		"kid of SQL":                            crafted(t, with(header, "kid", "' or '1'='1"), claims, own),
		"kid of SQL that unites":                crafted(t, with(header, "kid", "x' union select public_key from signing_key --"), claims, own),
		"kid without an end":                    crafted(t, with(header, "kid", strings.Repeat("k", 4_000)), claims, own),
		"expired":                               crafted(t, header, with(with(claims, "iat", at(-2*time.Hour)), "exp", at(-time.Hour)), own),
		"never expires":                         crafted(t, header, with(claims, "exp", nil), own),
		"lives too long":                        crafted(t, header, with(claims, "exp", at(48*time.Hour)), own),
		"not yet valid":                         crafted(t, header, with(claims, "nbf", at(10*time.Minute)), own),
		"issued in the future":                  crafted(t, header, with(claims, "iat", at(10*time.Minute)), own),
		"issued elsewhere":                      crafted(t, header, with(claims, "iss", other.Ref.ID.String()), own),
		"for somewhere else":                    crafted(t, header, with(claims, "aud", other.Ref.ID.String()), own),
		"for nobody":                            crafted(t, header, with(claims, "aud", nil), own),
		"another's session":                     crafted(t, header, with(claims, "sid", uuid.NewString()), own),
		"another subject":                       crafted(t, header, with(claims, "sub", uuid.NewString()), own),
		"subject of SQL":                        crafted(t, header, with(claims, "sub", "' or true --"), own),
		"another stack's":                       w.user(other, identity.Owner, nil),
		"hosting staff's":                       staffSignIn(w, tenants.Admin),
		"a good one with something after it":    good + ".x",
		"a good one padded":                     good + "=",
		"a good one in another alphabet":        strings.NewReplacer("-", "+", "_", "/").Replace(good) + "=",
		"two in one":                            good + " " + good,
		"two with a comma":                      good + "," + good,
	}
	for name, token := range tokens {
		for _, path := range []string{"/me", "/accounts"} {
			if got := w.get(token, w.path(path)); got.status != 401 {
				t.Errorf("%s at %s: %d %s", name, path, got.status, got.raw)
			}
		}
		if got := w.get(token, "/staff/v1/operators"); got.status != 401 && name != "hosting staff's" {
			t.Errorf("%s at the control plane: %d %s", name, got.status, got.raw)
		}
	}
	w.get(good, w.path("/me")).want(t, 200)
	w.get(good, "/t/"+other.Ref.Name+"/v1/me").want(t, 401)
	w.get(good, "/staff/v1/operators").want(t, 401)
}

// A token counts where it belongs, in one Authorization header, and nowhere else.
func TestToken_standsInOneHeaderOnly(t *testing.T) {
	w := newWorld(t)
	good := w.user(w.db, identity.Owner, nil)
	for name, r := range map[string]request{
		"in the query":         {path: "/me?access_token=" + good},
		"in the query, as key": {path: "/me?token=" + good},
		"in a cookie":          {path: "/me", header: map[string]string{"Cookie": "access_token=" + good + "; token=" + good}},
		"in another header":    {path: "/me", header: map[string]string{"X-Authorization": "Bearer " + good}},
		"as basic":             {path: "/me", header: map[string]string{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte("owner:"+good))}},
		"without its scheme":   {path: "/me", header: map[string]string{"Authorization": good}},
	} {
		r.method, r.path = "GET", w.path(r.path)
		if got := w.send(r); got.status != 401 {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	for _, both := range [][]string{{"Bearer " + good, "Bearer nonsense"}, {"Bearer nonsense", "Bearer " + good}, {"Bearer " + good, "Bearer " + good}} {
		out, err := http.NewRequest("GET", w.url+w.path("/me"), nil)
		if err != nil {
			t.Fatal(err)
		}
		out.Header["Authorization"] = both
		w.receive(out).want(t, 401)
	}
}

// What was ended stays ended, however good its token looks.
func TestToken_isDeadOnceItsSessionIs(t *testing.T) {
	w := newWorld(t)
	out, changed, disabled := w.user(w.db, identity.Owner, nil), w.user(w.db, identity.Clerk, nil), w.user(w.db, identity.Clerk, nil)
	w.send(request{method: "POST", path: w.path("/sign-out"), token: out}).want(t, 204)
	subject := func(token string) uuid.UUID {
		_, claims := parts(t, token)
		return uuid.MustParse(claims["sub"].(string))
	}
	hash, err := w.passwords.Hash(context.Background(), "another horse battery")
	if err != nil {
		t.Fatal(err)
	}
	owner := identity.Principal{Kind: identity.UserPrincipal, Role: identity.Owner, Tenant: w.db.Ref.ID}
	w.db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		if err := w.authority.SetPassword(ctx, tx, subject(changed), hash); err != nil {
			return err
		}
		return w.authority.Disable(ctx, tx, owner, subject(disabled))
	})
	for name, token := range map[string]string{"signed out": out, "password changed": changed, "disabled": disabled} {
		for range 2 {
			if got := w.get(token, w.path("/me")); got.status != 401 {
				t.Errorf("%s: %d", name, got.status)
			}
		}
	}
}

// Tokens of a key that was rotated are good for as long as they live; an hour
// later nothing that it signs is, even if somebody has kept the key.
func TestToken_ofARotatedKey(t *testing.T) {
	w := newWorld(t)
	token := w.user(w.db, identity.Owner, nil)
	stolen := w.ownKey()
	header, claims := parts(t, token)
	signedNow := func() string {
		fresh := with(with(with(claims, "iat", float64(w.now().Unix())), "nbf", float64(w.now().Unix())), "exp", float64(w.now().Add(10*time.Minute).Unix()))
		return crafted(t, header, fresh, func(text []byte) []byte { return ed25519.Sign(stolen.Private, text) })
	}
	w.db.Write(t, func(ctx context.Context, tx tenant.Tx) error { return w.authority.RotateSigningKey(ctx, tx) })
	w.get(token, w.path("/me")).want(t, 200)
	if n := len(w.get("", w.path("/jwks")).want(t, 200).at("keys").([]any)); n != 2 {
		t.Errorf("%d keys are told, want 2", n)
	}
	w.pass(identity.MaxTokenLife + time.Minute)
	w.get(token, w.path("/me")).want(t, 401)
	w.get(signedNow(), w.path("/me")).want(t, 401)
	if n := len(w.get("", w.path("/jwks")).want(t, 200).at("keys").([]any)); n != 1 {
		t.Errorf("%d keys are told, want 1", n)
	}
}

// Whatever is answered, nobody on the way keeps, sniffs or frames it.
func TestAnswers_haveSecurityHeaders(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	for name, r := range map[string]request{
		"an answer":     {method: "GET", path: w.path("/me"), token: owner},
		"not signed in": {method: "GET", path: w.path("/me")},
		"wrong":         {method: "POST", path: w.path("/payments"), token: owner, key: "k", raw: "{"},
		"no operation":  {method: "GET", path: w.path("/nothing")},
		"no tenant":     {method: "GET", path: "/t/nobody/v1/me"},
		"no method":     {method: "DELETE", path: w.path("/me"), token: owner},
		"public":        {method: "GET", path: w.path("/jwks")},
		"of the house":  {method: "GET", path: "/healthz"},
		"options":       {method: "OPTIONS", path: w.path("/me"), header: map[string]string{"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}},
	} {
		got := w.send(r)
		for header, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Access-Control-Allow-Origin": "", "Server": "",
		} {
			if got.header.Get(header) != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got.header.Get(header), want)
			}
		}
	}
}

// endless is a body that tells no length and does not end by itself.
type endless struct{ left int }

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := min(len(p), e.left)
	for i := range n {
		p[i] = ' '
	}
	e.left -= n
	return n, nil
}

// Bodies are bounded, with a length told beforehand and without.
func TestBodies_areBounded(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.post(owner, w.path("/usage-sources"), map[string]any{"name": "api", "preset": "json-events"}).want(t, 201)
	for name, c := range map[string]struct {
		path, contentType string
		limit             int
	}{
		"sign-in": {"/sign-in", jsonType, defaultMaxBody},
		"command": {"/payments", jsonType, defaultMaxBody},
		"upload":  {"/usage-files?source=api", streamType, maxTestUpload},
	} {
		for _, told := range []bool{true, false} {
			body := &endless{left: c.limit + 1}
			out, err := http.NewRequest("POST", w.url+w.path(c.path), body)
			if err != nil {
				t.Fatal(err)
			}
			out.Header.Set("Content-Type", c.contentType)
			out.Header.Set("Authorization", "Bearer "+owner)
			out.Header.Set(idempotencyKey, uuid.NewString())
			if told {
				out.ContentLength = int64(c.limit + 1)
			}
			if got := w.receive(out); got.status != 413 {
				t.Errorf("%s, length told %t: %d %s", name, told, got.status, got.raw)
			}
		}
	}
}

package identity_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

func (d *door) sessions() []identity.OpenSession {
	d.t.Helper()
	var open []identity.OpenSession
	d.db.Read(d.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		open, err = d.Sessions(ctx, tx, d.ana.ID)
		return err
	})
	return open
}

func TestSessions_listedAndEndedOneByOne(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	first := d.must(d.password(identity.Credentials{Password: goodPassword, Address: "192.0.2.1", UserAgent: "one"}))
	d.wall.forward(time.Second)
	second := d.must(d.password(identity.Credentials{Password: goodPassword, Address: "2001:db8::1", UserAgent: "two"}))
	third := d.must(d.password(identity.Credentials{Password: goodPassword}))
	open := d.sessions()
	if len(open) != 3 || open[2].ID != first.Session || open[2].Address != "192.0.2.1" || open[2].UserAgent != "one" || open[2].Method != identity.ByPassword {
		t.Fatalf("%+v", open)
	}
	bob := d.add("bob@example.com", identity.Owner)
	err := d.db.DB.Write(t.Context(), d.db.Ref, func(ctx context.Context, tx tenant.Tx) error { return d.EndSessionOf(ctx, tx, bob.ID, first.Session) })
	if !errors.Is(err, identity.ErrSessionNotFound) {
		t.Errorf("bob ended ana's session: %v", err)
	}
	d.write(func(ctx context.Context, tx tenant.Tx) error { return d.EndSessionOf(ctx, tx, d.ana.ID, first.Session) })
	if _, err := d.who(first.Token); !errors.Is(err, identity.ErrUnauthenticated) {
		t.Errorf("an ended session lives: %v", err)
	}
	p, err := d.who(second.Token)
	if err != nil {
		t.Fatal(err)
	}
	d.write(func(ctx context.Context, tx tenant.Tx) error { return d.EndOtherSessions(ctx, tx, p) })
	if _, err := d.who(third.Token); !errors.Is(err, identity.ErrUnauthenticated) {
		t.Errorf("another session lives: %v", err)
	}
	if open := d.sessions(); len(open) != 1 || open[0].ID != second.Session {
		t.Errorf("%+v", open)
	}
}

func TestToken_isVoidOnceSignedOut(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	in := d.must(d.password(identity.Credentials{Password: goodPassword}))
	p, err := d.who(in.Token)
	if err != nil {
		t.Fatal(err)
	}
	var renewed identity.SignedIn
	d.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		renewed, err = d.Renew(ctx, tx, p)
		return err
	})
	d.write(func(ctx context.Context, tx tenant.Tx) error { return d.EndSession(ctx, tx, p) })
	for name, token := range map[string]string{"the first": in.Token, "the renewed": renewed.Token} {
		if _, err := d.who(token); !errors.Is(err, identity.ErrUnauthenticated) {
			t.Errorf("%s token was replayed: %v", name, err)
		}
	}
	err = d.db.DB.Write(t.Context(), d.db.Ref, func(ctx context.Context, tx tenant.Tx) error {
		_, err := d.Renew(ctx, tx, p)
		return err
	})
	if !errors.Is(err, identity.ErrUnauthenticated) {
		t.Errorf("an ended session was renewed: %v", err)
	}
}

// What a stack shows of its keys is no help to a forger, nor is any text where
// the key's id stands: all of it is a token that is not valid, never an error.
func TestAuthenticate_forgedWithWhatIsPublic(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	in := d.must(d.password(identity.Credentials{Password: goodPassword}))
	var set identity.JWKSet
	d.db.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		set, err = d.JWKS(ctx, tx)
		return err
	})
	kid := set.Keys[0].KeyID
	public, err := base64.RawURLEncoding.DecodeString(set.Keys[0].X)
	if err != nil {
		t.Fatal(err)
	}
	whole := func(c jwt.MapClaims) {
		stack := d.db.Ref.ID.String()
		c["iss"], c["aud"], c["sub"], c["sid"] = stack, stack, d.ana.ID.String(), in.Session.String()
	}
	own := newKey(t)
	tokens := map[string]string{
		"HS256 with the public key":         forge(t, jwt.SigningMethodHS256, public, map[string]any{"kid": kid}, whole),
		"HS256 with the public key as text": forge(t, jwt.SigningMethodHS256, []byte(set.Keys[0].X), map[string]any{"kid": kid}, whole),
		"none":                              forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, map[string]any{"kid": kid}, whole),
		"another key under the id":          forge(t, jwt.SigningMethodEdDSA, own.Private, map[string]any{"kid": kid}, whole),
	}
	for _, odd := range []string{"\x00", "AAAA\x00AAAAAAAAAAA", "' or true --", strings.Repeat("A", 1<<16), "\xff", own.ID, kid + "A"} {
		tokens["key id "+odd[:min(len(odd), 12)]] = forge(t, jwt.SigningMethodEdDSA, own.Private, map[string]any{"kid": odd}, whole)
	}
	for name, token := range tokens {
		if _, err := d.who(token); !errors.Is(err, identity.ErrUnauthenticated) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := d.who(in.Token); err != nil {
		t.Errorf("the real one: %v", err)
	}
}

func TestSeen_onceAMinute(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	in := d.must(d.password(identity.Credentials{Password: goodPassword}))
	seen := func() time.Time {
		t.Helper()
		p, err := d.who(in.Token)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Seen(t.Context(), d.db.DB, d.db.Ref, p); err != nil {
			t.Fatal(err)
		}
		return d.sessions()[0].LastSeen
	}
	began := d.wall.now()
	for _, step := range []struct{ forward, want time.Duration }{{30 * time.Second, 0}, {40 * time.Second, 70 * time.Second}, {50 * time.Second, 70 * time.Second}} {
		d.wall.forward(step.forward)
		if at := seen(); at.Sub(began) != step.want {
			t.Errorf("seen %s after it began, want %s", at.Sub(began), step.want)
		}
	}
}

func TestSigningKey_isReplacedByItself(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	keys := func() (n int) {
		d.db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
			return tx.QueryRow(ctx, `select count(*) from signing_key`).Scan(&n)
		})
		return n
	}
	d.must(d.password(identity.Credentials{Password: goodPassword}))
	if keys() != 1 {
		t.Errorf("%d keys at the start", keys())
	}
	d.wall.forward(90*24*time.Hour + time.Second)
	in := d.must(d.password(identity.Credentials{Password: goodPassword}))
	if _, err := d.who(in.Token); err != nil || keys() != 2 {
		t.Errorf("%d keys after ninety days, %v", keys(), err)
	}
}

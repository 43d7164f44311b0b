package identity_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

// Strangers guess at Ana's password without end. Her own browser never notices;
// strangers, the right password among theirs, are kept waiting.
func TestLockout_strangersNeverShutOutAKnownBrowser(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	home := d.must(d.password(identity.Credentials{Password: goodPassword}))
	if home.Device == "" {
		t.Fatal("no device cookie")
	}
	for range 30 {
		in, err := d.password(identity.Credentials{Password: "wrong password"})
		d.refused("a guess", in, err)
	}
	in, err := d.password(identity.Credentials{Password: goodPassword})
	d.refused("a stranger with the right password during the lock", in, err)
	again := d.must(d.password(identity.Credentials{Password: goodPassword, Device: home.Device}))
	if again.Device != "" {
		t.Error("a known browser was given another cookie")
	}
	in, err = d.password(identity.Credentials{Password: goodPassword})
	d.refused("the known browser's success freed strangers", in, err)
	in, err = d.password(identity.Credentials{Password: goodPassword, Device: home.Device + "A"})
	d.refused("a made-up device", in, err)

	// A stolen cookie guesses no faster than strangers do.
	for range 30 {
		in, err := d.password(identity.Credentials{Password: "wrong password", Device: home.Device})
		d.refused("a guess", in, err)
	}
	in, err = d.password(identity.Credentials{Password: goodPassword, Device: home.Device})
	d.refused("a known browser that guesses", in, err)
}

func TestLockout_aDeviceIsItsUsersOnly(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.add("bob@example.com", identity.Clerk)
	bobs := d.must(d.password(identity.Credentials{Email: "bob@example.com", Password: goodPassword}))
	for range 30 {
		_, _ = d.password(identity.Credentials{Password: "wrong password"})
	}
	in, err := d.password(identity.Credentials{Password: goodPassword, Device: bobs.Device})
	d.refused("bob's browser at ana's door during the lock", in, err)
	d.wall.forward(2 * time.Minute)
	shared := d.must(d.password(identity.Credentials{Password: goodPassword, Device: bobs.Device}))
	if shared.Device != "" {
		t.Error("a browser that two people use loses its cookie")
	}
	made := d.must(d.password(identity.Credentials{Password: goodPassword, Device: "a cookie that we never gave out"}))
	if made.Device == "" {
		t.Error("a made-up cookie was taken for a device")
	}
}

func TestLockout_neighboursBehindOneAddress(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	const shared = "198.51.100.7"
	home := d.must(d.password(identity.Credentials{Password: goodPassword, Address: shared}))
	limited := false
	for n := range 60 {
		_, err := d.code(identity.CodeCredentials{Contact: fmt.Sprintf("user%d@example.com", n), Code: "123456", Address: shared})
		limited = limited || errors.Is(err, identity.ErrTooMany)
	}
	if !limited {
		t.Fatal("nobody was limited")
	}
	d.must(d.password(identity.Credentials{Password: goodPassword, Address: shared, Device: home.Device}))
	if _, err := d.password(identity.Credentials{Password: goodPassword, Address: shared, Device: "made up"}); !errors.Is(err, identity.ErrTooMany) {
		t.Errorf("a made-up device went past the limit: %v", err)
	}
}

// Refusals are bounded and push nothing else out of the history.
func TestHistory_strangersCannotFloodIt(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.must(d.password(identity.Credentials{Password: goodPassword, Address: "192.0.2.1", UserAgent: "home\x00\xff"}))
	for range 130 {
		_, _ = d.code(identity.CodeCredentials{Code: "000000"})
		_, _ = d.code(identity.CodeCredentials{Contact: "nobody@example.com", Code: "000000"})
	}
	kinds := d.events(d.ana)
	if len(kinds) != 101 || kinds[100] != identity.EventSignedIn {
		t.Errorf("%d events, the last %v", len(kinds), kinds[len(kinds)-1])
	}
	var strangers int
	d.db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from signin_event where user_id is null`).Scan(&strangers)
	})
	if strangers != 100 {
		t.Errorf("%d events of nobody", strangers)
	}
}

// Whether somebody is a user cannot be told from how long a refusal takes. The
// bound is wide: on a busy machine single tries differ by far more.
func TestSignIn_unknownUserTakesAsLong(t *testing.T) {
	d := newDoor(t)
	took := map[string][]time.Duration{}
	for range 21 {
		d.wall.forward(20 * time.Minute) // so that no try is delayed
		for _, email := range []string{anaEmail, "nobody@example.com"} {
			began := time.Now()
			in, err := d.password(identity.Credentials{Email: email, Password: "wrong password"})
			took[email] = append(took[email], time.Since(began))
			d.refused(email, in, err)
		}
	}
	median := func(all []time.Duration) time.Duration {
		slices.Sort(all)
		return all[len(all)/2]
	}
	known, unknown := median(took[anaEmail]), median(took["nobody@example.com"])
	if difference := (known - unknown).Abs(); difference > max(known, unknown)/3 {
		t.Errorf("known %s, unknown %s", known, unknown)
	}
}

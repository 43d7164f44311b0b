package identity_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/infra/secrets"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const goodPassword = "correct horse battery"

// owner may do all that a user may.
var owner = identity.Principal{Kind: identity.UserPrincipal, Role: identity.Owner}

// clock is wall time that a test can move.
type clock struct{ at atomic.Pointer[time.Time] }

func (c *clock) now() time.Time          { return *c.at.Load() }
func (c *clock) set(t time.Time)         { c.at.Store(&t) }
func (c *clock) forward(d time.Duration) { c.set(c.now().Add(d)) }

var passwords = sync.OnceValue(func() *identity.Passwords {
	p, err := identity.NewPasswords()
	if err != nil {
		panic(err)
	}
	return p
})

func authority(t *testing.T) (*identity.Authority, *clock) {
	t.Helper()
	box, err := secrets.New(bytes.Repeat([]byte{7}, secrets.KeyBytes))
	if err != nil {
		t.Fatal(err)
	}
	c := new(clock)
	c.set(noon)
	return identity.New(passwords(), box.Tenants(), c.now), c
}

// stack sets a tenant up with a clerk that can sign in.
func stack(t *testing.T, a *identity.Authority, db *pgtest.TenantDB) identity.User {
	t.Helper()
	hash, err := passwords().Hash(t.Context(), goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	var u identity.User
	db.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		if err := a.SetUp(ctx, tx); err != nil {
			return err
		}
		u, err = a.AddUser(ctx, tx, identity.NewUser{Email: "Ana@Example.com", Name: "Ana", Role: identity.Clerk, Password: hash})
		return err
	})
	return u
}

func signIn(t *testing.T, a *identity.Authority, db *pgtest.TenantDB, password string) (identity.SignedIn, error) {
	t.Helper()
	return a.SignIn(t.Context(), db.DB, db.Ref, identity.Credentials{Email: "ana@example.com", Password: password})
}

func authenticate(t *testing.T, a *identity.Authority, db *pgtest.TenantDB, bearer string) (p identity.Principal, err error) {
	t.Helper()
	err = db.DB.Read(t.Context(), db.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		p, err = a.Authenticate(ctx, tx, bearer)
		return err
	})
	return p, err
}

func TestSignIn_tokenSpeaksForTheUser(t *testing.T) {
	t.Parallel()
	a, wall := authority(t)
	db := pgtest.Tenant(t)
	user := stack(t, a, db)
	in, err := signIn(t, a, db, goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	p, err := authenticate(t, a, db, in.Token)
	if err != nil || p.UserID != user.ID || p.Role != identity.Clerk || p.Tenant != db.Ref.ID || p.Session != in.Session {
		t.Fatalf("%+v, %v", p, err)
	}
	if err := p.Require(identity.OrderWrite); err != nil {
		t.Error(err)
	}
	if err := p.Require(identity.OfferingWrite); !errors.Is(err, identity.ErrForbidden) {
		t.Errorf("a clerk writes offerings: %v", err)
	}
	wall.forward(time.Hour + time.Minute)
	if _, err := authenticate(t, a, db, in.Token); !errors.Is(err, identity.ErrUnauthenticated) {
		t.Errorf("after an hour: %v", err)
	}
}

func TestAuthenticate_refusesAnotherStacksToken(t *testing.T) {
	t.Parallel()
	a, _ := authority(t)
	host := pgtest.NewHost(t)
	first, second := host.Place(t, 0), host.Place(t, 1)
	stack(t, a, first)
	stack(t, a, second)
	in, err := signIn(t, a, first, goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := authenticate(t, a, second, in.Token); !errors.Is(err, identity.ErrUnauthenticated) {
		t.Errorf("a token crossed over: %v", err)
	}
	var secret string
	first.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		_, secret, err = a.AddAPIKey(ctx, tx, owner, identity.NewAPIKey{Name: "feed", Role: identity.Machine})
		return err
	})
	if _, err := authenticate(t, a, second, secret); !errors.Is(err, identity.ErrUnauthenticated) {
		t.Errorf("an API key crossed over: %v", err)
	}
}

func TestAuthenticate_endsWithSessionUserAndPassword(t *testing.T) {
	t.Parallel()
	a, _ := authority(t)
	db := pgtest.Tenant(t)
	user := stack(t, a, db)
	hash, err := passwords().Hash(t.Context(), goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	for name, end := range map[string]func(context.Context, tenant.Tx, identity.Principal) error{
		"signed out": a.EndSession,
		"disabled": func(ctx context.Context, tx tenant.Tx, _ identity.Principal) error {
			return errors.Join(a.Disable(ctx, tx, owner, user.ID), a.Enable(ctx, tx, owner, user.ID))
		},
		"new password": func(ctx context.Context, tx tenant.Tx, _ identity.Principal) error {
			return a.SetPassword(ctx, tx, user.ID, hash)
		},
	} {
		in, err := signIn(t, a, db, goodPassword)
		if err != nil {
			t.Fatal(err)
		}
		p, err := authenticate(t, a, db, in.Token)
		if err != nil {
			t.Fatal(err)
		}
		db.Write(t, func(ctx context.Context, tx tenant.Tx) error { return end(ctx, tx, p) })
		if _, err := authenticate(t, a, db, in.Token); !errors.Is(err, identity.ErrUnauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRenew_goesOnUntilTheSessionEnds(t *testing.T) {
	t.Parallel()
	a, wall := authority(t)
	db := pgtest.Tenant(t)
	stack(t, a, db)
	in, err := signIn(t, a, db, goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	token, renewed := in.Token, 0
	for ; renewed < 100; renewed++ {
		wall.forward(50 * time.Minute)
		p, err := authenticate(t, a, db, token)
		if err != nil {
			break
		}
		db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			next, err := a.Renew(ctx, tx, p)
			token = next.Token
			return err
		})
	}
	if renewed != 14 { // 14 × 50 min are within 12 h, 15 are not
		t.Errorf("renewed %d times", renewed)
	}
}

func TestRotateSigningKey_oldTokensLiveOn(t *testing.T) {
	t.Parallel()
	a, wall := authority(t)
	db := pgtest.Tenant(t)
	stack(t, a, db)
	old, err := signIn(t, a, db, goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	keys := func() (n int) {
		db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
			set, err := a.JWKS(ctx, tx)
			n = len(set.Keys)
			return err
		})
		return n
	}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error { return a.RotateSigningKey(ctx, tx) })
	fresh, err := signIn(t, a, db, goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{old.Token, fresh.Token} {
		if _, err := authenticate(t, a, db, token); err != nil {
			t.Error(err)
		}
	}
	if keys() != 2 {
		t.Errorf("%d keys are published", keys())
	}
	wall.forward(2 * time.Hour)
	if keys() != 1 {
		t.Errorf("%d keys are published after the old one's tokens expired", keys())
	}
}

func TestSignIn_lockIsShortAndNotExtended(t *testing.T) {
	t.Parallel()
	a, wall := authority(t)
	db := pgtest.Tenant(t)
	stack(t, a, db)
	for range 16 { // ten free, then 1, 2, 4, 8, 16, 32 s
		if _, err := signIn(t, a, db, "wrong password"); !errors.Is(err, identity.ErrSignIn) {
			t.Fatal(err)
		}
		wall.forward(33 * time.Second)
	}
	if _, err := signIn(t, a, db, "wrong password"); !errors.Is(err, identity.ErrSignIn) {
		t.Fatal(err)
	}
	if _, err := signIn(t, a, db, goodPassword); !errors.Is(err, identity.ErrSignIn) {
		t.Errorf("the right password opened a locked user: %v", err)
	}
	for range 20 { // guesses during the lock change nothing
		wall.forward(2 * time.Second)
		if _, err := signIn(t, a, db, "wrong password"); !errors.Is(err, identity.ErrSignIn) {
			t.Fatal(err)
		}
	}
	wall.forward(21 * time.Second)
	if _, err := signIn(t, a, db, goodPassword); err != nil {
		t.Errorf("a minute after the lock: %v", err)
	}
}

func TestSignIn_guessesAtOnceDoNotOutrunTheLimit(t *testing.T) {
	t.Parallel()
	a, _ := authority(t)
	db := pgtest.Tenant(t)
	stack(t, a, db)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { _, _ = signIn(t, a, db, "wrong password") })
	}
	all.Wait()
	var failed int
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select failed_signins from app_user`).Scan(&failed) //nolint:misspell // the column's name
	})
	if failed != 11 { // ten free ones, and the one that began the lock
		t.Errorf("%d guesses were looked at", failed)
	}
}

func TestSignIn_unknownAndDisabledLookTheSame(t *testing.T) {
	t.Parallel()
	a, _ := authority(t)
	db := pgtest.Tenant(t)
	user := stack(t, a, db)
	if _, err := a.SignIn(t.Context(), db.DB, db.Ref, identity.Credentials{Email: "nobody@example.com", Password: goodPassword}); !errors.Is(err, identity.ErrSignIn) {
		t.Errorf("unknown: %v", err)
	}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error { return a.Disable(ctx, tx, owner, user.ID) })
	if _, err := signIn(t, a, db, goodPassword); !errors.Is(err, identity.ErrSignIn) {
		t.Errorf("disabled: %v", err)
	}
}

func TestPasswords_waitForAPlace(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p, err := identity.NewPasswords()
	if err != nil {
		t.Fatal(err)
	}
	var refused atomic.Int64
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if err := p.CheckNobody(ctx, "x"); errors.Is(err, context.Canceled) {
				refused.Add(1)
			}
		})
	}
	all.Wait()
	if refused.Load() == 0 {
		t.Error("64 checks ran at once")
	}
}

func TestPasswords_checkWhatWasHashed(t *testing.T) {
	t.Parallel()
	p := passwords()
	hash, err := p.Hash(t.Context(), goodPassword)
	if err != nil || !strings.HasPrefix(string(hash), "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("%s, %v", hash, err)
	}
	for password, want := range map[string]bool{goodPassword: true, goodPassword + " ": false, "": false, strings.Repeat("x", 1<<20): false} {
		if got, err := p.Check(t.Context(), hash, password); err != nil || got != want {
			t.Errorf("%.20q: %v, %v", password, got, err)
		}
	}
	for _, password := range []string{"short", strings.Repeat("x", 257)} {
		if _, err := p.Hash(t.Context(), password); !errors.Is(err, identity.ErrPassword) {
			t.Errorf("%.20q was hashed: %v", password, err)
		}
	}
	for _, bad := range []identity.PasswordHash{"", hash[1:], "$argon2id$v=19$m=4294967295,t=2,p=1$" + hash[len(hash)-66:]} {
		if _, err := p.Check(t.Context(), bad, goodPassword); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestAPIKey_worksUntilRevoked(t *testing.T) {
	t.Parallel()
	a, _ := authority(t)
	db := pgtest.Tenant(t)
	stack(t, a, db)
	var key identity.APIKey
	var secret string
	db.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		if _, _, err := a.AddAPIKey(ctx, tx, owner, identity.NewAPIKey{Name: "x", Role: identity.Subscriber}); !errors.Is(err, identity.ErrRole) {
			t.Errorf("a subscriber's key: %v", err)
		}
		key, secret, err = a.AddAPIKey(ctx, tx, owner, identity.NewAPIKey{Name: "feed", Role: identity.Machine})
		return err
	})
	p, err := authenticate(t, a, db, secret)
	if err != nil || p.Role != identity.Machine || p.UserID != key.ID || p.Actor() != "key:"+key.ID.String() {
		t.Fatalf("%+v, %v", p, err)
	}
	for _, wrong := range []string{"thk_", secret + "A", secret[:len(secret)-1], strings.ToLower(secret)} {
		if _, err := authenticate(t, a, db, wrong); !errors.Is(err, identity.ErrUnauthenticated) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error { return a.RevokeAPIKey(ctx, tx, key.ID) })
	if _, err := authenticate(t, a, db, secret); !errors.Is(err, identity.ErrUnauthenticated) {
		t.Errorf("revoked: %v", err)
	}
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		keys, err := a.APIKeys(ctx, tx, [16]byte{}, 10)
		if err != nil || len(keys) != 1 || keys[0].RevokedAt == nil {
			t.Errorf("%+v, %v", keys, err)
		}
		return nil
	})
}

func TestAddUser_refusesWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	a, _ := authority(t)
	db := pgtest.Tenant(t)
	stack(t, a, db)
	for name, c := range map[string]struct {
		user identity.NewUser
		want error
	}{
		"taken email, other case":       {identity.NewUser{Email: "ANA@example.com", Role: identity.Owner}, identity.ErrEmailTaken},
		"no email":                      {identity.NewUser{Email: "Ana <a@b.c>", Role: identity.Owner}, identity.ErrEmail},
		"unknown role":                  {identity.NewUser{Email: "a@b.c", Role: "root"}, identity.ErrRole},
		"machine":                       {identity.NewUser{Email: "a@b.c", Role: identity.Machine}, identity.ErrRole},
		"subscriber without an account": {identity.NewUser{Email: "a@b.c", Role: identity.Subscriber}, identity.ErrRole},
	} {
		err := db.DB.Write(t.Context(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := a.AddUser(ctx, tx, c.user)
			return err
		})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSubscriber_isBoundToItsAccount(t *testing.T) {
	t.Parallel()
	a, _ := authority(t)
	db := pgtest.Tenant(t)
	stack(t, a, db)
	hash, err := passwords().Hash(t.Context(), goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	var own account.Account
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		parties, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: "Budi"}})
		if err != nil {
			return err
		}
		accounts, err := account.Open(ctx, tx, []account.NewAccount{{PartyID: parties[0].ID, Kind: account.Prepaid}})
		if err != nil {
			return err
		}
		own = accounts[0]
		_, err = a.AddUser(ctx, tx, identity.NewUser{Email: "budi@example.com", Role: identity.Subscriber, AccountID: &own.ID, Password: hash})
		return err
	})
	in, err := a.SignIn(t.Context(), db.DB, db.Ref, identity.Credentials{Email: "budi@example.com", Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	p, err := authenticate(t, a, db, in.Token)
	if err != nil || p.AccountID != own.ID {
		t.Fatalf("%+v, %v", p, err)
	}
	for _, permission := range []identity.Permission{identity.AccountRead, identity.BillRead, identity.UsageRead, identity.PaymentWrite} {
		if err := p.Require(permission); !errors.Is(err, identity.ErrForbidden) {
			t.Errorf("a subscriber has %s", permission)
		}
	}
}

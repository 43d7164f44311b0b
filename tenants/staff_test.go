package tenants_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
	"tollhouse/tenants"
)

const adminEmail = "admin@tollhouse.example"

// admin makes the first staff user and says its password.
func (c *control) admin(t *testing.T) string {
	t.Helper()
	password, err := c.staff.EnsureFirst(context.Background(), adminEmail)
	if err != nil || password == "" {
		t.Fatalf("first admin: %q, %v", password, err)
	}
	return password
}

func (c *control) signIn(t *testing.T, password string) tenants.Session {
	t.Helper()
	session, err := c.staff.SignIn(context.Background(), adminEmail, password, "trace-1")
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func TestEnsureFirst_onlyWhileThereIsNobody(t *testing.T) {
	t.Parallel()
	c := newControl(t)
	var made atomic.Int64
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			password, err := c.staff.EnsureFirst(context.Background(), adminEmail)
			if err != nil {
				t.Error(err)
			}
			if password != "" {
				made.Add(1)
			}
		})
	}
	wait.Wait()
	if made.Load() != 1 {
		t.Errorf("%d first admins, want 1", made.Load())
	}
}

func TestSignIn_tokenSpeaksForTheUser(t *testing.T) {
	t.Parallel()
	c, ctx := newControl(t), context.Background()
	session := c.signIn(t, c.admin(t))
	actor, err := c.staff.Authenticate(ctx, session.Token)
	if err != nil || actor.Role != tenants.Admin || actor.Email != adminEmail {
		t.Fatalf("got %+v, %v", actor, err)
	}
	keys, err := c.staff.JWKS(ctx)
	if err != nil || len(keys.Keys) != 1 || keys.Keys[0].Algorithm != "EdDSA" {
		t.Errorf("keys %+v, %v; want one", keys, err)
	}
	c.write(t, func(ctx context.Context, tx tenants.Tx) error { return c.staff.RotateSigningKey(ctx, tx, actor) })
	if _, err := c.staff.Authenticate(ctx, session.Token); err != nil {
		t.Errorf("a token of the retired key: %v, want it good until it expires", err)
	}
	c.write(t, func(ctx context.Context, tx tenants.Tx) error { return tenants.SignOut(ctx, tx, actor) })
	if _, err := c.staff.Authenticate(ctx, session.Token); !errors.Is(err, tenants.ErrToken) {
		t.Errorf("after sign-out: got %v, want ErrToken", err)
	}
}

func TestAuthenticate_refusesEveryOtherToken(t *testing.T) {
	t.Parallel()
	c, ctx := newControl(t), context.Background()
	session := c.signIn(t, c.admin(t))
	foreign, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	claims := identity.Claims{Subject: session.User.ID, Session: uuid.New(), Role: "admin", IssuedAt: c.now(), Expires: c.now().Add(time.Hour)}
	sign := func(realm identity.Realm, key identity.Key) string {
		token, err := identity.TokenSigner{Realm: realm, Key: key}.Sign(claims)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	tenantRealm := identity.Realm{Issuer: uuid.NewString(), Audience: uuid.NewString()}
	for name, token := range map[string]string{
		"empty":           "",
		"no token":        "a.b.c",
		"foreign key":     sign(identity.Realm{Issuer: "control", Audience: "control"}, foreign),
		"a stack's realm": sign(tenantRealm, foreign),
		"changed":         session.Token[:len(session.Token)-4] + "AAAA",
	} {
		if _, err := c.staff.Authenticate(ctx, token); !errors.Is(err, tenants.ErrToken) {
			t.Errorf("%s: got %v, want ErrToken", name, err)
		}
	}
	c.pass(time.Hour + time.Minute)
	if _, err := c.staff.Authenticate(ctx, session.Token); !errors.Is(err, tenants.ErrToken) {
		t.Errorf("expired: got %v, want ErrToken", err)
	}
}

func TestSignIn_guessesAreCountedBeforeTheyAreChecked(t *testing.T) {
	t.Parallel()
	c, ctx := newControl(t), context.Background()
	password := c.admin(t)
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if _, err := c.staff.SignIn(ctx, adminEmail, "wrong password", ""); !errors.Is(err, tenants.ErrCredentials) {
				t.Errorf("got %v, want ErrCredentials", err)
			}
		})
	}
	wait.Wait()
	if n := c.count(t, `select count(*) from audit where action = 'staff.signin_refused'`); n != 5 {
		t.Errorf("%d guesses were checked, want 5", n)
	}
	if _, err := c.staff.SignIn(ctx, adminEmail, password, ""); !errors.Is(err, tenants.ErrCredentials) {
		t.Errorf("while locked: got %v, want ErrCredentials", err)
	}
	c.pass(time.Minute)
	c.signIn(t, password)
	if _, err := c.staff.SignIn(ctx, "nobody@tollhouse.example", password, ""); !errors.Is(err, tenants.ErrCredentials) {
		t.Errorf("unknown user: got %v, want ErrCredentials", err)
	}
}

func TestChangeStaff_takesEffectAtOnce(t *testing.T) {
	t.Parallel()
	c, ctx := newControl(t), context.Background()
	c.admin(t)
	engineer, err := c.staff.Admit(ctx, "jo@tollhouse.example", "Jo", "engineer")
	if err != nil {
		t.Fatal(err)
	}
	var user tenants.StaffUser
	var password string
	c.write(t, func(ctx context.Context, tx tenants.Tx) (err error) {
		user, password, err = c.staff.Create(ctx, tx, tenants.System, engineer)
		return err
	})
	session, err := c.staff.SignIn(ctx, user.Email, password, "")
	if err != nil {
		t.Fatal(err)
	}
	change := func(role tenants.Role, active bool) {
		c.write(t, func(ctx context.Context, tx tenants.Tx) error {
			_, err := tenants.ChangeStaff(ctx, tx, tenants.System, user.ID, role, active)
			return err
		})
	}
	change(tenants.Viewer, true)
	if actor, err := c.staff.Authenticate(ctx, session.Token); err != nil || actor.Role != tenants.Viewer {
		t.Errorf("got %+v, %v; want the new role", actor, err)
	}
	change(tenants.Viewer, false)
	if _, err := c.staff.Authenticate(ctx, session.Token); !errors.Is(err, tenants.ErrToken) {
		t.Errorf("disabled: got %v, want ErrToken", err)
	}
	if _, err := c.staff.SignIn(ctx, user.Email, password, ""); !errors.Is(err, tenants.ErrCredentials) {
		t.Errorf("disabled: got %v, want ErrCredentials", err)
	}
}

func TestChangeStaff_keepsTheLastAdmin(t *testing.T) {
	t.Parallel()
	c, ctx := newControl(t), context.Background()
	session := c.signIn(t, c.admin(t))
	for _, to := range []struct {
		role   tenants.Role
		active bool
	}{{tenants.Viewer, true}, {tenants.Admin, false}} {
		err := c.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
			_, err := tenants.ChangeStaff(ctx, tx, tenants.System, session.User.ID, to.role, to.active)
			return err
		})
		if !errors.Is(err, tenants.ErrLastAdmin) {
			t.Errorf("%v: got %v, want ErrLastAdmin", to, err)
		}
	}
}

func TestSetPassword_endsSessions(t *testing.T) {
	t.Parallel()
	c, ctx := newControl(t), context.Background()
	session := c.signIn(t, c.admin(t))
	actor, err := c.staff.Authenticate(ctx, session.Token)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.staff.SetPassword(ctx, actor, "short"); !errors.Is(err, identity.ErrPassword) {
		t.Errorf("got %v, want ErrPassword", err)
	}
	if err := c.staff.SetPassword(ctx, actor, "a much longer password"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.staff.Authenticate(ctx, session.Token); !errors.Is(err, tenants.ErrToken) {
		t.Errorf("old session: got %v, want ErrToken", err)
	}
	c.signIn(t, "a much longer password")
}

func TestRole_may(t *testing.T) {
	t.Parallel()
	cases := []struct {
		role       tenants.Role
		permission tenants.Permission
		may        bool
	}{
		{tenants.Admin, tenants.StaffWrite, true},
		{tenants.Engineer, tenants.OperatorCreate, true},
		{tenants.Engineer, tenants.StaffWrite, false},
		{tenants.Viewer, tenants.OperatorRead, true},
		{tenants.Viewer, tenants.OperatorCreate, false},
		{"", tenants.OperatorRead, false},
		{tenants.Admin, "no.such.permission", false},
	}
	for _, c := range cases {
		if got := c.role.May(c.permission); got != c.may {
			t.Errorf("%q may %s: %v, want %v", c.role, c.permission, got, c.may)
		}
	}
}

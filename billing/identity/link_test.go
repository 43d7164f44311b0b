package identity_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollhouse/billing/identity"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

const newPassword = "an entirely new one"

func (d *door) reset(token, password string) error {
	return d.ResetPassword(d.t.Context(), d.db.DB, d.db.Ref, token, password)
}

func TestReset_setsThePasswordAndEndsAllElse(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	in := d.must(d.password(identity.Credentials{Password: goodPassword}))
	d.sendCode(anaEmail, "")
	code := d.lastCode()
	d.sendReset("ANA@example.com")
	other := d.lastToken()
	d.sendReset(anaEmail)
	token := d.lastToken()
	if err := d.reset(token, "short"); !errors.Is(err, identity.ErrPassword) {
		t.Errorf("a short password: %v", err)
	}
	if err := d.reset(token, newPassword); err != nil {
		t.Fatal(err)
	}
	if _, err := d.who(in.Token); !errors.Is(err, identity.ErrUnauthenticated) {
		t.Errorf("an old session lives: %v", err)
	}
	for name, dead := range map[string]string{"used": token, "sent before": other, "made up": "A" + token[1:], "none": ""} {
		if err := d.reset(dead, goodPassword); !errors.Is(err, identity.ErrResetToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	old, err := d.code(identity.CodeCredentials{Code: code})
	d.refused("a code sent before", old, err)
	old, err = d.password(identity.Credentials{Password: goodPassword})
	d.refused("the old password", old, err)
	d.must(d.password(identity.Credentials{Password: newPassword}))
	if told := d.messages()[0]; told.Kind != notice.SecurityNews || told.To != d.ana.Email {
		t.Errorf("the user was not told: %+v", told)
	}
}

func TestReset_tokenAtTheSameTimeSetsOnePassword(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.sendReset(anaEmail)
	token := d.lastToken()
	tries := []string{"first new password", "second new password", "third new password", "fourth new password"}
	var done atomic.Int64
	var all sync.WaitGroup
	for _, password := range tries {
		all.Go(func() {
			if err := d.reset(token, password); err == nil {
				done.Add(1)
			} else if !errors.Is(err, identity.ErrResetToken) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if done.Load() != 1 {
		t.Errorf("%d passwords were set by one token", done.Load())
	}
}

func TestReset_endsAfterHalfAnHourOrWhenDisabled(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.sendReset(anaEmail)
	token := d.lastToken()
	d.wall.forward(30*time.Minute + time.Second)
	if err := d.reset(token, newPassword); !errors.Is(err, identity.ErrResetToken) {
		t.Errorf("after half an hour: %v", err)
	}
	d.sendReset(anaEmail)
	token = d.lastToken()
	d.write(func(ctx context.Context, tx tenant.Tx) error { return d.Disable(ctx, tx, owner, d.ana.ID) })
	if err := d.reset(token, newPassword); !errors.Is(err, identity.ErrResetToken) {
		t.Errorf("a disabled user: %v", err)
	}
}

func TestReset_doesNotReplaceTheSecondFactor(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	setup, _ := d.withFactor(d.ana)
	d.sendReset(anaEmail)
	if err := d.reset(d.lastToken(), newPassword); err != nil {
		t.Fatal(err)
	}
	_, err := d.password(identity.Credentials{Password: newPassword})
	wanted, is := errors.AsType[*identity.SecondFactorError](err)
	if !is {
		t.Fatalf("a mailbox alone lets in: %v", err)
	}
	d.must(d.factor(identity.SecondFactor{Challenge: wanted.Challenge, Code: d.codeAt(setup, d.wall.now())}))
}

func TestSendReset_threeInAQuarterOfAnHour(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	for range 6 {
		d.sendReset(anaEmail)
	}
	if n := len(d.messages()); n != 3 {
		t.Errorf("%d were sent", n)
	}
}

func TestInvite_letsANewUserChooseAPassword(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	invite := func(user identity.User) error {
		return d.db.DB.Write(t.Context(), d.db.Ref, func(ctx context.Context, tx tenant.Tx) error { return d.Invite(ctx, tx, user.ID, resetPage) })
	}
	if err := invite(d.ana); !errors.Is(err, identity.ErrNotInvited) {
		t.Errorf("a user who has a password: %v", err)
	}
	var eve identity.User
	d.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		eve, err = d.AddUserBy(ctx, tx, owner, identity.NewUser{Email: "eve@example.com", Role: identity.Clerk, Language: "ru"})
		return err
	})
	in, err := d.password(identity.Credentials{Email: eve.Email, Password: ""})
	d.refused("no password yet", in, err)
	if err := invite(eve); err != nil {
		t.Fatal(err)
	}
	late := d.lastToken()
	d.wall.forward(7*24*time.Hour + time.Second)
	if err := d.reset(late, newPassword); !errors.Is(err, identity.ErrResetToken) {
		t.Errorf("after a week: %v", err)
	}
	if err := invite(eve); err != nil {
		t.Fatal(err)
	}
	d.wall.forward(6 * 24 * time.Hour)
	if err := d.reset(d.lastToken(), newPassword); err != nil {
		t.Error(err)
	}
	d.must(d.password(identity.Credentials{Email: eve.Email, Password: newPassword}))
}

func TestChangePassword_keepsThisSessionOnly(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	here := d.must(d.password(identity.Credentials{Password: goodPassword}))
	there := d.must(d.password(identity.Credentials{Password: goodPassword}))
	p, err := d.who(here.Token)
	if err != nil {
		t.Fatal(err)
	}
	change := func(old, fresh string) error {
		return d.ChangePassword(t.Context(), d.db.DB, d.db.Ref, p, identity.PasswordChange{Old: old, New: fresh})
	}
	if err := change("not my password", newPassword); !errors.Is(err, identity.ErrSignIn) {
		t.Errorf("a wrong old one: %v", err)
	}
	if err := change(goodPassword, "short"); !errors.Is(err, identity.ErrPassword) {
		t.Errorf("a short new one: %v", err)
	}
	if err := change(goodPassword, newPassword); err != nil {
		t.Fatal(err)
	}
	if _, err := d.who(here.Token); err != nil {
		t.Errorf("this session: %v", err)
	}
	if _, err := d.who(there.Token); !errors.Is(err, identity.ErrUnauthenticated) {
		t.Errorf("the other session: %v", err)
	}
	if kinds := d.events(d.ana); kinds[0] != identity.EventPasswordChanged || kinds[1] != identity.EventRefused {
		t.Errorf("the history says %v", kinds)
	}
	for range 30 { // who found an open session cannot search for the password
		_ = change("a guess at the password", goodPassword)
	}
	if err := change(newPassword, goodPassword); !errors.Is(err, identity.ErrSignIn) {
		t.Errorf("after thirty guesses: %v", err)
	}
}

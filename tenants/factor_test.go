package tenants_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"tollhouse/tenants"
)

// A second factor is asked for once it was confirmed; each code is good once, a
// challenge for five tries and five minutes, and the password alone for nothing.
func TestFactor(t *testing.T) {
	t.Parallel()
	c := newControl(t)
	password := c.admin(t)
	session := c.signIn(t, password)
	me, err := c.staff.Authenticate(context.Background(), session.Token)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	check := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", what, err, want)
		}
	}
	var secret string
	c.write(t, func(ctx context.Context, tx tenants.Tx) error {
		setup, err := c.staff.BeginFactor(ctx, tx, me)
		secret = setup.Secret
		return err
	})
	code := func() string {
		t.Helper()
		text, err := totp.GenerateCode(secret, c.now())
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	c.signIn(t, password) // not confirmed yet: not asked for
	confirm := func(code string) (codes []string, err error) {
		err = c.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
			codes, err = c.staff.ConfirmFactor(ctx, tx, me, code)
			return err
		})
		return codes, err
	}
	_, err = confirm("000000")
	check("a wrong code confirming", err, tenants.ErrFactorCode)
	used := code()
	recovery, err := confirm(used)
	if err != nil || len(recovery) != 10 {
		t.Fatalf("%d recovery codes, %v", len(recovery), err)
	}

	challenge := func() string {
		t.Helper()
		_, err := c.staff.SignInAt(ctx, tenants.Attempt{Email: me.Email, Password: password})
		var wanted *tenants.FactorWantedError
		if !errors.As(err, &wanted) {
			t.Fatalf("the password alone gave %v", err)
		}
		return wanted.Challenge
	}
	try := func(challenge, code string) error {
		_, err := c.staff.CompleteSignIn(ctx, challenge, code, tenants.SignInPlace{})
		return err
	}
	first := challenge()
	check("the code that confirmed, again", try(first, used), tenants.ErrFactorCode)
	c.pass(time.Minute)
	fresh := code()
	check("the next code", try(first, fresh), nil)
	check("the challenge again", try(first, recovery[0]), tenants.ErrCredentials)
	second := challenge()
	check("the same code again", try(second, fresh), tenants.ErrFactorCode)
	check("a recovery code, as people type it", try(second, strings.ToLower(recovery[0])), nil)
	check("the recovery code again", try(challenge(), recovery[0]), tenants.ErrFactorCode)

	third := challenge()
	for range 5 {
		check("a guess", try(third, "123456"), tenants.ErrFactorCode)
	}
	c.pass(time.Minute)
	check("the right code after five guesses", try(third, code()), tenants.ErrCredentials)
	late := challenge()
	c.pass(5 * time.Minute)
	check("the right code five minutes later", try(late, code()), tenants.ErrCredentials)
	check("no challenge at all", try("nonsense", code()), tenants.ErrCredentials)

	check("removing it with a wrong password", c.staff.RemoveFactor(ctx, me, "not the password"), tenants.ErrCredentials)
	check("removing it", c.staff.RemoveFactor(ctx, me, password), nil)
	c.signIn(t, password)
}

func TestChangePassword_wantsTheOldOne(t *testing.T) {
	t.Parallel()
	c := newControl(t)
	password := c.admin(t)
	mine, other := c.signIn(t, password), c.signIn(t, password)
	ctx := context.Background()
	me, err := c.staff.Authenticate(ctx, mine.Token)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.staff.ChangePassword(ctx, me, "not the password", "another good password"); !errors.Is(err, tenants.ErrCredentials) {
		t.Errorf("with a wrong old one: %v", err)
	}
	if err := c.staff.ChangePassword(ctx, me, password, "another good password"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.staff.Authenticate(ctx, other.Token); !errors.Is(err, tenants.ErrToken) {
		t.Errorf("the other session goes on: %v", err)
	}
	if _, err := c.staff.Authenticate(ctx, mine.Token); err != nil {
		t.Errorf("one's own session ended: %v", err)
	}
	c.signIn(t, "another good password")
}

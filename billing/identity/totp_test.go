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

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

func (d *door) codeAt(s identity.TOTPSetup, at time.Time) string {
	d.t.Helper()
	code, err := totp.GenerateCode(s.Secret, at)
	if err != nil {
		d.t.Fatal(err)
	}
	return code
}

// withFactor gives a user a second factor and moves on to a fresh step.
func (d *door) withFactor(user identity.User) (setup identity.TOTPSetup, recovery []string) {
	d.t.Helper()
	d.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		if setup, err = d.BeginTOTP(ctx, tx, user.ID); err != nil {
			return err
		}
		recovery, err = d.ConfirmTOTP(ctx, tx, user.ID, d.codeAt(setup, d.wall.now()))
		return err
	})
	d.wall.forward(2 * time.Minute)
	return setup, recovery
}

// challenge signs in with the password and returns what the second factor answers.
func (d *door) challenge(c identity.Credentials) string {
	d.t.Helper()
	c.Password = goodPassword
	in, err := d.password(c)
	wanted, is := errors.AsType[*identity.SecondFactorError](err)
	if !is || in.Token != "" || !errors.Is(err, identity.ErrSecondFactor) {
		d.t.Fatalf("a password alone: %v, token %t", err, in.Token != "")
	}
	return wanted.Challenge
}

func TestTOTP_passwordAndCodeBothAskForIt(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	setup, _ := d.withFactor(d.ana)
	in := d.must(d.factor(identity.SecondFactor{Challenge: d.challenge(identity.Credentials{}), Code: d.codeAt(setup, d.wall.now())}))
	if _, err := d.who(in.Token); err != nil {
		t.Error(err)
	}
	d.wall.forward(time.Minute)
	d.sendCode(anaEmail, "")
	_, err := d.code(identity.CodeCredentials{Code: d.lastCode()})
	wanted, is := errors.AsType[*identity.SecondFactorError](err)
	if !is {
		t.Fatalf("a one-time code alone: %v", err)
	}
	in = d.must(d.factor(identity.SecondFactor{Challenge: wanted.Challenge, Code: d.codeAt(setup, d.wall.now())}))
	d.db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		sessions, err := d.Sessions(ctx, tx, d.ana.ID)
		for _, s := range sessions {
			if s.ID == in.Session && (s.Method != identity.ByCode || s.Factor != identity.TOTP) {
				t.Errorf("%+v", s)
			}
		}
		return err
	})
	for name, forged := range map[string]string{"": "", "made up": strings.Repeat("A", 43), "used": wanted.Challenge} {
		d.wall.forward(time.Minute)
		in, err := d.factor(identity.SecondFactor{Challenge: forged, Code: d.codeAt(setup, d.wall.now())})
		d.refused("challenge "+name, in, err)
	}
}

func TestTOTP_stepIsTakenOnce(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	setup, _ := d.withFactor(d.ana)
	code := d.codeAt(setup, d.wall.now())
	before := d.codeAt(setup, d.wall.now().Add(-30*time.Second))
	d.must(d.factor(identity.SecondFactor{Challenge: d.challenge(identity.Credentials{}), Code: code}))
	again := d.challenge(identity.Credentials{})
	in, err := d.factor(identity.SecondFactor{Challenge: again, Code: code})
	d.refused("the same code", in, err)
	in, err = d.factor(identity.SecondFactor{Challenge: again, Code: before})
	d.refused("the step before, seen over a shoulder", in, err)
	d.must(d.factor(identity.SecondFactor{Challenge: again, Code: d.codeAt(setup, d.wall.now().Add(30*time.Second))}))
}

func TestTOTP_sameCodeAtTheSameTimeLetsOneIn(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	setup, _ := d.withFactor(d.ana)
	code := d.codeAt(setup, d.wall.now())
	d.oneGetsIn(func() string { return code })
}

func TestRecovery_codeAtTheSameTimeLetsOneIn(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	_, recovery := d.withFactor(d.ana)
	d.oneGetsIn(func() string { return recovery[3] })
	d.db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		left, err := d.RecoveryCodesLeft(ctx, tx, d.ana.ID)
		if left != 9 {
			t.Errorf("%d are left", left)
		}
		return err
	})
	in, err := d.factor(identity.SecondFactor{Challenge: d.challenge(identity.Credentials{}), Code: recovery[3]})
	d.refused("used", in, err)
	typed := strings.ToLower(strings.ReplaceAll(recovery[4], "-", " "))
	d.must(d.factor(identity.SecondFactor{Challenge: d.challenge(identity.Credentials{}), Code: typed}))
}

// oneGetsIn answers several challenges with the same code at once.
func (d *door) oneGetsIn(code func() string) {
	d.t.Helper()
	const n = 6
	var challenges [n]string
	for i := range challenges {
		challenges[i] = d.challenge(identity.Credentials{})
	}
	var in atomic.Int64
	var all sync.WaitGroup
	for _, challenge := range challenges {
		all.Go(func() {
			if _, err := d.factor(identity.SecondFactor{Challenge: challenge, Code: code()}); err == nil {
				in.Add(1)
			} else if !errors.Is(err, identity.ErrSignIn) {
				d.t.Error(err)
			}
		})
	}
	all.Wait()
	if in.Load() != 1 {
		d.t.Errorf("%d got in by one code", in.Load())
	}
}

func TestChallenge_fiveTriesFiveMinutesOneUser(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	setup, _ := d.withFactor(d.ana)
	bob := d.add("bob@example.com", identity.Support)
	bobs, _ := d.withFactor(bob)

	anas := d.challenge(identity.Credentials{})
	in, err := d.factor(identity.SecondFactor{Challenge: anas, Code: d.codeAt(bobs, d.wall.now())})
	d.refused("another user's code", in, err)
	for range 4 {
		in, err := d.factor(identity.SecondFactor{Challenge: anas, Code: "000000"})
		d.refused("a guess", in, err)
	}
	in, err = d.factor(identity.SecondFactor{Challenge: anas, Code: d.codeAt(setup, d.wall.now())})
	d.refused("the right code at the sixth try", in, err)

	late := d.challenge(identity.Credentials{})
	d.wall.forward(5*time.Minute + time.Second)
	in, err = d.factor(identity.SecondFactor{Challenge: late, Code: d.codeAt(setup, d.wall.now())})
	d.refused("after five minutes", in, err)

	for name, end := range map[string]func(ctx context.Context, tx tenant.Tx) error{
		"new password": func(ctx context.Context, tx tenant.Tx) error {
			hash, err := passwords().Hash(ctx, goodPassword)
			return errors.Join(err, d.SetPassword(ctx, tx, d.ana.ID, hash))
		},
		"disabled and back": func(ctx context.Context, tx tenant.Tx) error {
			return errors.Join(d.Disable(ctx, tx, owner, d.ana.ID), d.Enable(ctx, tx, owner, d.ana.ID))
		},
		"all others signed out": func(ctx context.Context, tx tenant.Tx) error {
			return d.EndOtherSessions(ctx, tx, identity.Principal{Kind: identity.UserPrincipal, UserID: d.ana.ID})
		},
	} {
		d.wall.forward(time.Minute)
		open := d.challenge(identity.Credentials{})
		d.write(end)
		in, err := d.factor(identity.SecondFactor{Challenge: open, Code: d.codeAt(setup, d.wall.now())})
		d.refused(name, in, err)
	}
}

// Who knows the password can begin as many challenges as they like: tries at
// the second factor are counted across them, and the user's own browser is not
// kept out by that.
func TestTOTP_guessesAreCountedAcrossChallenges(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	setup, _ := d.withFactor(d.ana)
	home := d.must(d.factor(identity.SecondFactor{Challenge: d.challenge(identity.Credentials{}), Code: d.codeAt(setup, d.wall.now())}))
	if home.Device == "" {
		t.Fatal("no device cookie")
	}
	looked := 0
	for range 120 { // an hour, a try each half minute
		d.wall.forward(30 * time.Second)
		_, err := d.password(identity.Credentials{Password: goodPassword})
		wanted, is := errors.AsType[*identity.SecondFactorError](err)
		if !is {
			continue
		}
		in, err := d.factor(identity.SecondFactor{Challenge: wanted.Challenge, Code: "000000"})
		d.refused("a guess", in, err)
	}
	for _, kind := range d.events(d.ana) {
		if kind == identity.EventRefused {
			looked++
		}
	}
	if looked > 25 {
		t.Errorf("%d guesses at the second factor were looked at in an hour", looked)
	}
	d.must(d.factor(identity.SecondFactor{Challenge: d.challenge(identity.Credentials{Device: home.Device}), Code: d.codeAt(setup, d.wall.now()), Device: home.Device}))
}

func TestTOTP_countsOnlyOnceConfirmed(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	var first, second identity.TOTPSetup
	d.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		first, err = d.BeginTOTP(ctx, tx, d.ana.ID)
		return err
	})
	d.must(d.password(identity.Credentials{Password: goodPassword}))
	confirm := func(code string) (err error) {
		return d.db.DB.Write(t.Context(), d.db.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := d.ConfirmTOTP(ctx, tx, d.ana.ID, code)
			return err
		})
	}
	d.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		second, err = d.BeginTOTP(ctx, tx, d.ana.ID)
		return err
	})
	if err := confirm(d.codeAt(first, d.wall.now())); !errors.Is(err, identity.ErrFactorCode) {
		t.Errorf("a code of what was replaced: %v", err)
	}
	for _, off := range []time.Duration{-61 * time.Second, 61 * time.Second} {
		if err := confirm(d.codeAt(second, d.wall.now().Add(off))); !errors.Is(err, identity.ErrFactorCode) {
			t.Errorf("a code %s off: %v", off, err)
		}
	}
	if err := confirm(d.codeAt(second, d.wall.now().Add(-30*time.Second))); err != nil {
		t.Errorf("a clock one step behind: %v", err)
	}
	if err := confirm(d.codeAt(second, d.wall.now())); !errors.Is(err, identity.ErrHasFactor) {
		t.Errorf("confirmed twice: %v", err)
	}
	err := d.db.DB.Write(t.Context(), d.db.Ref, func(ctx context.Context, tx tenant.Tx) error {
		_, err := d.BeginTOTP(ctx, tx, d.ana.ID)
		return err
	})
	if !errors.Is(err, identity.ErrHasFactor) {
		t.Errorf("a second factor replaced another in silence: %v", err)
	}
	open := d.challenge(identity.Credentials{})
	d.write(func(ctx context.Context, tx tenant.Tx) error { return d.RemoveTOTP(ctx, tx, d.ana.ID) })
	in, err := d.factor(identity.SecondFactor{Challenge: open, Code: d.codeAt(second, d.wall.now())})
	d.refused("removed meanwhile", in, err)
	d.must(d.password(identity.Credentials{Password: goodPassword}))
}

func TestTOTP_secretIsSealedAndReadByApps(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	setup, recovery := d.withFactor(d.ana)
	key, err := otp.NewKeyFromURL(setup.URL)
	if err != nil || key.Secret() != setup.Secret || key.Issuer() != "Test Operator" || key.AccountName() != d.ana.Email || key.Period() != 30 {
		t.Errorf("%s, %v", setup.URL, err)
	}
	if picture, err := setup.PNG(200); err != nil || !bytes.HasPrefix(picture, []byte("\x89PNG")) {
		t.Errorf("no picture: %v", err)
	}
	d.db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		var stored, hashes []byte
		err := tx.QueryRow(ctx, `select secret, (select string_agg(hash, ''::bytea) from recovery_code) from user_totp`).Scan(&stored, &hashes)
		if bytes.Contains(stored, []byte(setup.Secret)) || bytes.Contains(hashes, []byte(recovery[0])) {
			t.Error("a secret is stored in clear")
		}
		return err
	})
	seen := map[string]bool{}
	for _, code := range recovery {
		seen[code] = true
	}
	if len(seen) != 10 {
		t.Errorf("%d different recovery codes", len(seen))
	}
}

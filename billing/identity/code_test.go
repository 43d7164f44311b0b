package identity_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollhouse/billing/identity"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

// wrong is a code that is none of the last one.
func wrong(code string) string {
	return string('0'+(code[0]-'0'+1)%10) + code[1:]
}

func TestCode_signsInOnceByMailOrSMS(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	for contact, want := range map[string]notice.Channel{"ANA@example.com": notice.Mail, "+49 30 901820": notice.SMS} {
		d.sendCode(contact, "")
		sent := d.messages()[0]
		if sent.Channel != want || sent.Kind != notice.SignInCode || want == notice.SMS && (sent.To != anaPhone || len(sent.Body) > 160) {
			t.Errorf("%s: %+v", contact, sent)
		}
		code := d.lastCode()
		in := d.must(d.code(identity.CodeCredentials{Contact: contact, Code: code[:3] + " " + code[3:]}))
		if in.User.ID != d.ana.ID {
			t.Errorf("%s signed in", in.User.Email)
		}
		again, err := d.code(identity.CodeCredentials{Contact: contact, Code: code})
		d.refused("used before", again, err)
	}
}

func TestCode_sameCodeAtTheSameTimeLetsOneIn(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.sendCode(anaEmail, "")
	code := d.lastCode()
	var in atomic.Int64
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if _, err := d.code(identity.CodeCredentials{Code: code}); err == nil {
				in.Add(1)
			}
		})
	}
	all.Wait()
	if in.Load() != 1 {
		t.Errorf("%d got in by one code", in.Load())
	}
}

// Guessing: five tries at a code, also when they come at the same time, and not
// five more for each code that a stranger has sent.
func TestCode_fiveGuesses(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.sendCode(anaEmail, "")
	code := d.lastCode()
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			in, err := d.code(identity.CodeCredentials{Code: wrong(code)})
			d.refused("a guess", in, err)
		})
	}
	all.Wait()
	in, err := d.code(identity.CodeCredentials{Code: code})
	d.refused("the right code at the sixth try", in, err)

	d.wall.forward(time.Minute)
	d.sendCode(anaEmail, "")
	fresh := d.lastCode()
	d.wall.forward(10*time.Minute + time.Second)
	in, err = d.code(identity.CodeCredentials{Code: fresh})
	d.refused("after ten minutes", in, err)
}

func TestCode_isItsUsersOnly(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.add("bob@example.com", identity.Owner)
	d.sendCode("bob@example.com", "")
	d.sendCode(anaEmail, "")
	in, err := d.code(identity.CodeCredentials{Contact: "bob@example.com", Code: d.lastCode()})
	d.refused("ana's code at bob's door", in, err)
	for _, contact := range []string{"", "nobody", "nobody@example.com", "+490000000", "ana@example.com\x00", "\xff@example.com", "' or 1=1 --"} {
		in, err := d.code(identity.CodeCredentials{Contact: contact + " ", Code: d.lastCode()})
		d.refused(fmt.Sprintf("%q", contact), in, err)
	}
}

func TestSendCode_threeInAQuarterOfAnHour(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { d.sendCode(anaEmail, "") })
	}
	all.Wait()
	if n := len(d.messages()); n != 3 {
		t.Errorf("%d were sent at once", n)
	}
	d.wall.forward(15*time.Minute + time.Second)
	d.sendCode(anaEmail, "")
	if n := len(d.messages()); n != 4 {
		t.Errorf("%d were sent after a quarter of an hour", n)
	}
	for range 60 {
		d.wall.forward(20 * time.Minute)
		d.sendCode(anaEmail, "")
	}
	if n := len(d.messages()); n > 25 {
		t.Errorf("%d were sent in less than a day", n)
	}
}

// Strangers who use up both what may be sent and the tries at it leave the
// user's own browser what it needs.
func TestCode_strangersDoNotShutOutAKnownBrowser(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	home := d.must(d.password(identity.Credentials{Password: goodPassword}))
	for range 10 {
		d.sendCode(anaEmail, "")
		for range 6 {
			_, _ = d.code(identity.CodeCredentials{Code: "000000"})
		}
	}
	before := len(d.messages())
	d.sendCode(anaEmail, home.Device)
	if len(d.messages()) != before+1 {
		t.Fatal("the user's own browser gets no code")
	}
	code := d.lastCode()
	for range 10 {
		in, err := d.code(identity.CodeCredentials{Code: wrong(code)})
		d.refused("a stranger", in, err)
	}
	in := d.must(d.code(identity.CodeCredentials{Code: code, Device: home.Device}))
	if in.Device != "" {
		t.Error("a known browser was given another cookie")
	}
}

// SendCode and SendReset answer the same for everybody, and no sooner than the
// floor that hides the work.
func TestSend_tellsNothing(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	disabled := d.add("gone@example.com", identity.Clerk)
	d.write(func(ctx context.Context, tx tenant.Tx) error { return d.Disable(ctx, tx, owner, disabled.ID) })
	for _, contact := range []string{anaEmail, "nobody@example.com", "gone@example.com", "", "\x00", "+4930901820", "+4930901821"} {
		for name, send := range map[string]func() error{
			"code": func() error {
				return d.SendCode(t.Context(), d.db.DB, d.db.Ref, identity.CodeRequest{Contact: contact})
			},
			"reset": func() error {
				return d.SendReset(t.Context(), d.db.DB, d.db.Ref, identity.ResetRequest{Email: contact, Link: resetPage})
			},
		} {
			began := time.Now()
			if err := send(); err != nil {
				t.Errorf("%s to %q: %v", name, contact, err)
			}
			if took := time.Since(began); took < identity.SendFloor {
				t.Errorf("%s to %q took %s", name, contact, took)
			}
		}
	}
	if n := len(d.messages()); n != 3 {
		t.Errorf("%d messages", n)
	}
}

func TestSend_oneAddressIsSlowedDown(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	var limited int
	for n := range 40 {
		_, err := d.code(identity.CodeCredentials{Contact: fmt.Sprintf("user%d@example.com", n), Code: "123456", Address: fmt.Sprintf("2001:db8::%x", n+1)})
		many, is := errors.AsType[*identity.TooManyError](err)
		if is && many.Seconds() > 0 && errors.Is(err, identity.ErrTooMany) {
			limited++
		} else if !errors.Is(err, identity.ErrSignIn) {
			t.Error(err)
		}
	}
	if limited != 10 {
		t.Errorf("%d of 40 from one network were refused", limited)
	}
	if _, err := d.code(identity.CodeCredentials{Code: "123456", Address: "192.0.2.1"}); !errors.Is(err, identity.ErrSignIn) {
		t.Errorf("another address: %v", err)
	}
}

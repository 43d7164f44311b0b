package portal_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"tollhouse/billing/identity"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
	"tollhouse/portal/door"
)

// lastNotice is the newest message that was recorded for somebody.
func (w *world) lastNotice(to string) notice.Stored {
	w.t.Helper()
	var found []notice.Stored
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		found, err = notice.List(ctx, tx, notice.Query{Limit: 50})
		return err
	})
	for _, n := range found {
		if n.To == to {
			return n
		}
	}
	return notice.Stored{}
}

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

func TestDoor_codeByMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	b := w.browser()
	ask := b.get("/t/test-1/sign-in/code")
	nobody := b.post("/t/test-1/sign-in/code", ask, "contact", "nobody@example.net")
	sent := b.post("/t/test-1/sign-in/code", ask, "contact", c.email)
	if sent.status != http.StatusOK || nobody.status != sent.status ||
		strings.ReplaceAll(nobody.words(), "nobody@example.net", c.email) != sent.words() {
		t.Errorf("somebody is told %q, nobody %q", sent.words(), nobody.words())
	}
	code := sixDigits.FindString(w.lastNotice(c.email).Body)
	if code == "" || w.lastNotice("nobody@example.net").Body != "" {
		t.Fatalf("the code is %q", code)
	}
	wrong := b.post("/t/test-1/sign-in/code/enter", sent, "contact", c.email, "code", "0"+code[:5])
	if wrong.status != http.StatusUnprocessableEntity || wrong.value("contact") != c.email || wrong.in(".errsum") == "" {
		t.Errorf("a wrong code answers %d: %s", wrong.status, wrong.words())
	}
	in := b.post("/t/test-1/sign-in/code/enter", sent, "contact", c.email, "code", code, "next", "/t/test-1/bills")
	if in.header.Get("Location") != "/t/test-1/bills" {
		t.Fatalf("the code answers %d %s", in.status, in.words())
	}
	again := w.browser()
	if p := again.post("/t/test-1/sign-in/code/enter", again.get("/t/test-1/sign-in/code"), "contact", c.email, "code", code); p.status != http.StatusUnprocessableEntity {
		t.Errorf("a used code answers %d", p.status)
	}
}

func TestDoor_resetTellsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	elsewhere := w.browser()
	elsewhere.signIn(w, c)
	b := w.browser()
	ask := b.get("/t/test-1/reset")
	nobody := b.post("/t/test-1/reset", ask, "email", "nobody@example.net")
	known := b.post("/t/test-1/reset", ask, "email", c.email)
	if known.status != http.StatusOK || nobody.status != known.status || strings.ReplaceAll(nobody.words(), "nobody@example.net", c.email) != known.words() {
		t.Errorf("somebody is told %q, nobody %q", known.words(), nobody.words())
	}
	_, after, found := strings.Cut(w.lastNotice(c.email).Body, w.server.URL+"/t/test-1/set-password?token=")
	if !found {
		t.Fatalf("the mail says %q", w.lastNotice(c.email).Body)
	}
	token := strings.Fields(after)[0]
	form := b.get("/t/test-1/set-password?token=" + token)
	short := b.post("/t/test-1/set-password", form, "token", token, "password", "short")
	if short.status != http.StatusUnprocessableEntity || short.find("#password-e") == nil || short.value("token") != token {
		t.Errorf("a short password answers %d", short.status)
	}
	if p := b.post("/t/test-1/set-password", form, "token", token+"x", "password", "another good password"); p.status != http.StatusUnprocessableEntity {
		t.Errorf("a guess answers %d", p.status)
	}
	set := b.post("/t/test-1/set-password", form, "token", token, "password", "another good password")
	if page := b.get(set.header.Get("Location")); !strings.Contains(page.words(), "Your password is set") {
		t.Errorf("then it says %s", page.words())
	}
	if p := b.post("/t/test-1/set-password", form, "token", token, "password", "a third good password"); p.status != http.StatusUnprocessableEntity {
		t.Errorf("a used link answers %d", p.status)
	}
	if p := elsewhere.get("/t/test-1/bills"); p.status != http.StatusSeeOther {
		t.Errorf("the other session goes on: %d", p.status)
	}
	in := b.post("/t/test-1/sign-in", b.get("/t/test-1/"), "email", c.email, "password", "another good password")
	if in.status != http.StatusSeeOther {
		t.Errorf("the new password answers %d", in.status)
	}
}

func TestDoor_invitationSetsTheFirstPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		u, err := w.authority.AddUser(ctx, tx, identity.NewUser{Email: "new@example.net", Role: identity.Subscriber, AccountID: &c.ID})
		if err != nil {
			return err
		}
		return w.authority.Invite(ctx, tx, u.ID, w.server.URL+"/t/test-1/"+door.SubscriberPath+"set-password?token=")
	})
	_, after, _ := strings.Cut(w.lastNotice("new@example.net").Body, "token=")
	b := w.browser()
	form := b.get("/t/test-1/set-password?token=" + strings.Fields(after)[0])
	b.post("/t/test-1/set-password", form, "token", strings.Fields(after)[0], "password", "my very first password")
	in := b.post("/t/test-1/sign-in", b.get("/t/test-1/"), "email", "new@example.net", "password", "my very first password")
	if in.status != http.StatusSeeOther {
		t.Errorf("sign-in answers %d: %s", in.status, in.words())
	}
}

func TestDoor_secondFactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	b := w.browser()
	b.signIn(w, c)
	const security = "/t/test-1/account/security"
	setup := b.post(security+"/factor", b.get(security))
	secret := strings.ReplaceAll(words(setup.find("p[translate=no]")), " ", "")
	if setup.find("path[d]") == nil || len(secret) != 32 {
		t.Fatalf("no QR code, or no key %q", secret)
	}
	code := func(at time.Time) string {
		text, err := totp.GenerateCode(secret, at)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	wrong := b.post(security+"/factor/confirm", setup, "url", setup.value("url"), "code", "000000")
	if wrong.status != http.StatusUnprocessableEntity || wrong.find("path[d]") == nil || wrong.find("#code-e") == nil {
		t.Fatalf("a wrong code answers %d: %s", wrong.status, wrong.words())
	}
	codes := b.post(security+"/factor/confirm", setup, "url", setup.value("url"), "code", code(time.Now()))
	recovery := words(codes.find("ul").FirstChild)
	contains(t, "codes", codes.words(), "Two-step sign-in is on", "Keep these codes")
	if len(recovery) != 13 {
		t.Fatalf("a recovery code is %q", recovery)
	}

	// the password alone is not enough any more, whatever is tried with it
	s := w.browser()
	first := s.post("/t/test-1/sign-in", s.get("/t/test-1/"), "email", c.email, "password", password)
	if first.status != http.StatusOK || first.find("input[name=challenge]") == nil || first.find("#left") != nil {
		t.Fatalf("the password answers %d: %s", first.status, first.words())
	}
	if p := s.get("/t/test-1/bills"); p.status != http.StatusSeeOther {
		t.Errorf("half a sign-in opens a page: %d", p.status)
	}
	for name, pairs := range map[string][]string{
		"wrong code": {"challenge", first.value("challenge"), "code", "123456"}, "no challenge": {"challenge", "", "code", code(time.Now())},
		"a code that was used to set up": {"challenge", first.value("challenge"), "code", code(time.Now())},
	} {
		if p := s.post("/t/test-1/sign-in/factor", first, pairs...); p.status != http.StatusUnprocessableEntity {
			t.Errorf("%s answers %d", name, p.status)
		}
	}
	in := s.post("/t/test-1/sign-in/factor", first, "challenge", first.value("challenge"), "code", recovery)
	if in.status != http.StatusSeeOther {
		t.Fatalf("a recovery code answers %d: %s", in.status, in.words())
	}

	// an open browser alone cannot take it away
	if p := b.post(security+"/factor/remove", b.get(security), "password", "not the password"); p.status != http.StatusUnprocessableEntity || p.find("#password-e") == nil {
		t.Errorf("removal without the password answers %d", p.status)
	}
	removed := b.post(security+"/factor/remove", b.get(security), "password", password)
	contains(t, "removed", b.get(removed.header.Get("Location")).words(), "Two-step sign-in is off", "Two-step sign-in Off")
	contains(t, "history", b.get(security+"/history").words(), "Two-step sign-in switched off", "Two-step sign-in switched on")
}

func TestDoor_sessionsAreListedAndEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c, other := w.customer(1, "hanse-postpaid-flex", "en"), w.customer(2, "hanse-postpaid-flex", "en")
	b, s, foreign := w.browser(), w.browser(), w.browser()
	b.head = http.Header{"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}}
	b.signIn(w, c)
	s.signIn(w, c)
	foreign.signIn(w, other)
	const security = "/t/test-1/account/security"
	page := b.get(security)
	contains(t, "sessions", page.words(), "Firefox on Linux", "this one")
	var endings []string
	for _, form := range page.all("form[action]") {
		if to := attribute(form, "action"); strings.HasSuffix(to, "/end") {
			endings = append(endings, to)
		}
	}
	if len(endings) != 2 {
		t.Fatalf("%d sessions are listed", len(endings))
	}
	// another's session cannot be ended
	for _, to := range endings {
		foreign.post(to, foreign.get(security))
	}
	if b.get(security).status != http.StatusOK || s.get(security).status != http.StatusOK {
		t.Fatal("somebody else ended a session")
	}
	done := b.post(security+"/sessions/end-others", page)
	contains(t, "done", b.get(done.header.Get("Location")).words(), "All other sessions are ended")
	if p := s.get(security); p.status != http.StatusSeeOther {
		t.Errorf("the other session goes on: %d", p.status)
	}
	for _, path := range []string{"/password", "/factor", "/factor/remove", "/recovery", "/sessions/end-others"} {
		if p := b.post(security+path, page, "csrf", "made-up"); p.status != http.StatusForbidden {
			t.Errorf("%s without the page's token answers %d", path, p.status)
		}
		if p := s.post(security+path, page); p.status != http.StatusForbidden && p.status != http.StatusSeeOther {
			t.Errorf("%s of a stranger answers %d", path, p.status)
		}
	}
}

func TestDoor_passwordIsChangedWithTheOldOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	b, s := w.browser(), w.browser()
	b.signIn(w, c)
	s.signIn(w, c)
	const security = "/t/test-1/account/security"
	page := b.get(security)
	if p := b.post(security+"/password", page, "old", "not it at all", "new", "a brand new password"); p.status != http.StatusUnprocessableEntity || p.find("#old-e") == nil {
		t.Errorf("a wrong old one answers %d", p.status)
	}
	if p := b.post(security+"/password", page, "old", password, "new", "short"); p.status != http.StatusUnprocessableEntity || p.find("#new-e") == nil {
		t.Errorf("a short new one answers %d", p.status)
	}
	done := b.post(security+"/password", page, "old", password, "new", "a brand new password")
	contains(t, "done", b.get(done.header.Get("Location")).words(), "Your password is changed")
	if p := s.get(security); p.status != http.StatusSeeOther {
		t.Errorf("the other session goes on: %d", p.status)
	}
}

func TestDoor_tooManyIsToldInWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	b := w.browser()
	page := b.get("/t/test-1/reset")
	for range 100 {
		p := b.post("/t/test-1/reset", page, "email", "nobody@example.net")
		if p.status == http.StatusTooManyRequests {
			contains(t, "too many", p.in(".errsum"), "Too many attempts", "Try again in")
			if p.header.Get("Retry-After") == "" {
				t.Error("programs are not told when")
			}
			return
		}
	}
	t.Error("a hundred were taken")
}

func TestAccount_contactChangesByACode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c, other := w.customer(1, "hanse-postpaid-flex", "en"), w.customer(2, "hanse-postpaid-flex", "en")
	b := w.browser()
	b.signIn(w, c)
	page := b.get("/t/test-1/account")
	if p := b.post("/t/test-1/account/contact", page, "kind", "email", "value", "no address"); p.status != http.StatusUnprocessableEntity || p.find("#email-e") == nil {
		t.Errorf("no address answers %d", p.status)
	}
	b.post("/t/test-1/account/contact", page, "kind", "email", "value", "fresh@example.net")
	waiting := b.get("/t/test-1/account")
	contains(t, "waiting", waiting.words(), "Confirm your new address", "fresh@example.net")
	if p := b.post("/t/test-1/account/contact/confirm", waiting, "code", "000000"); p.status != http.StatusUnprocessableEntity || p.find("#code-e") == nil {
		t.Errorf("a wrong code answers %d", p.status)
	}
	code := sixDigits.FindString(w.lastNotice("fresh@example.net").Body)
	done := b.post("/t/test-1/account/contact/confirm", waiting, "code", code)
	contains(t, "done", b.get(done.header.Get("Location")).words(), "Your new address counts", "fresh@example.net")
	if told := w.lastNotice(c.email); !strings.Contains(told.Subject, "reached elsewhere") {
		t.Errorf("the old address is told %q", told.Subject)
	}
	// an address of somebody else is refused, and only after the code
	b.post("/t/test-1/account/contact", page, "kind", "email", "value", other.email)
	code = sixDigits.FindString(w.lastNotice(other.email).Body)
	if p := b.post("/t/test-1/account/contact/confirm", waiting, "code", code); p.status != http.StatusUnprocessableEntity || !strings.Contains(p.words(), "belongs to somebody else") {
		t.Errorf("another's address answers %d: %s", p.status, p.words())
	}
	// five tries, then the code is dead; three codes a quarter of an hour
	b.post("/t/test-1/account/contact", page, "kind", "phone", "value", "+49 151 1234567")
	code = sixDigits.FindString(w.lastNotice("+491511234567").Body)
	for range 5 {
		b.post("/t/test-1/account/contact/confirm", waiting, "code", "00000a")
	}
	if p := b.post("/t/test-1/account/contact/confirm", waiting, "code", code); p.status != http.StatusUnprocessableEntity {
		t.Errorf("the sixth try answers %d", p.status)
	}
	if p := b.post("/t/test-1/account/contact", page, "kind", "phone", "value", "+49 151 1234568"); p.status != http.StatusTooManyRequests {
		t.Errorf("the fourth code answers %d", p.status)
	}
}

// An operator that is not on this host gets a page that says so.
func TestConsole_ofAnOperatorThatIsNotHere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	if p := w.browser().get("/t/not-here/console/sign-in"); p.status != http.StatusNotFound {
		t.Errorf("status %d, want 404: %s", p.status, p.words())
	}
}

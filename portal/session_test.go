package portal_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"tollhouse/billing/identity"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestSignIn_neverTellsWhatWasWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	b := w.browser()
	door := b.get("/t/test-1/")
	if door.status != http.StatusOK || door.find("#password") == nil {
		t.Fatalf("no door: %d %s", door.status, door.words())
	}
	wrongPassword := b.post("/t/test-1/sign-in", door, "email", c.email, "password", "wrong password")
	nobody := b.post("/t/test-1/sign-in", door, "email", "nobody@example.net", "password", "wrong password")
	if wrongPassword.status != http.StatusUnprocessableEntity || nobody.status != wrongPassword.status {
		t.Errorf("wrong answers %d, nobody %d", wrongPassword.status, nobody.status)
	}
	if wrongPassword.in(".errsum") == "" || wrongPassword.in(".errsum") != nobody.in(".errsum") {
		t.Errorf("%q and %q", wrongPassword.in(".errsum"), nobody.in(".errsum"))
	}
	if wrongPassword.value("email") != c.email || wrongPassword.value("password") != "" {
		t.Error("the email is kept and the password is not")
	}
	empty := b.post("/t/test-1/sign-in", door)
	contains(t, "empty form", empty.in(".errsum"), "2 things", "email", "password")
	if n := empty.find("#email"); attribute(n, "aria-invalid") != "true" || attribute(n, "aria-describedby") != "email-e" || empty.find("#email-e") == nil {
		t.Error("the error does not stand beside its field")
	}
	home := b.signIn(w, c)
	contains(t, "home", home.words(), "Hello, Jonas", "What I owe")
	for _, cookie := range []string{"HttpOnly", "SameSite=Lax", "Path=/t/test-1"} {
		in := b.post("/t/test-1/sign-in", door, "email", c.email, "password", password, "csrf", home.value("csrf"))
		if !strings.Contains(strings.Join(in.header.Values("Set-Cookie"), "\n"), cookie) {
			t.Errorf("cookies lack %s: %v", cookie, in.header.Values("Set-Cookie"))
		}
		home = b.get("/t/test-1/")
	}
	out := b.post("/t/test-1/sign-out", home)
	if again := b.get(out.header.Get("Location")); again.find("#password") == nil {
		t.Error("still signed in after signing out")
	}
}

func TestSignIn_refusesStaffOfTheOperator(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	hash, err := w.passwords.Hash(context.Background(), password)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := w.authority.AddUser(ctx, tx, identity.NewUser{Email: "boss@example.net", Role: identity.Owner, Password: hash})
		return err
	})
	b := w.browser()
	in := b.post("/t/test-1/sign-in", b.get("/t/test-1/"), "email", "boss@example.net", "password", password)
	if in.status != http.StatusUnprocessableEntity {
		t.Errorf("status %d", in.status)
	}
	contains(t, "refusal", in.in(".errsum"), "for subscribers")
	if strings.Contains(strings.Join(in.header.Values("Set-Cookie"), ""), "session") {
		t.Error("a session was given")
	}
}

func TestSession_isGoodForItsTenantOnly(t *testing.T) {
	t.Parallel()
	h := pgtest.NewHost(t)
	w := worldIn(t, h, 0, hanse)
	other := worldIn(t, h, 1, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	other.customer(1, "hanse-postpaid-flex", "en")
	b := w.browser()
	b.signIn(w, c)
	var session *http.Cookie
	r, err := http.NewRequest(http.MethodGet, w.server.URL+"/t/test-1/", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range b.http.Jar.Cookies(r.URL) {
		if cookie.Name == "tollhouse_session" {
			session = cookie
		}
	}
	for _, base := range []string{w.server.URL, other.server.URL} {
		r, err := http.NewRequest(http.MethodGet, base+"/t/test-2/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(session)
		if p := w.browser().do(r); p.find("#password") == nil || p.find("#left") != nil {
			t.Errorf("another tenant's session opened the page: %s", p.words())
		}
	}
	if p := w.browser().get("/t/nobody/"); p.status != http.StatusNotFound {
		t.Errorf("an unknown operator answers %d", p.status)
	}
}

func TestForms_areRefusedFromElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	may(w, c)
	b := w.browser()
	home := b.signIn(w, c)
	if p := b.post("/t/test-1/pay", home, "csrf", "made-up"); p.status != http.StatusForbidden {
		t.Errorf("a wrong token answers %d", p.status)
	}
	if p := b.post("/t/test-1/pay", home, "csrf", ""); p.status != http.StatusForbidden {
		t.Errorf("no token answers %d", p.status)
	}
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"} {
		b.head = http.Header{name: {value}}
		if p := b.post("/t/test-1/pay", home); p.status != http.StatusForbidden {
			t.Errorf("%s %s answers %d", name, value, p.status)
		}
	}
	b.head = http.Header{}
	if n := intents(w, c); n != 0 {
		t.Errorf("%d payments were begun", n)
	}
}

func intents(w *world, c customer) int {
	var found []payment.Intent
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		found, err = payment.Intents(ctx, tx, c.ID, 10)
		return err
	})
	return len(found)
}

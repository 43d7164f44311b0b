package api

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pquerna/otp/totp"

	"tollhouse/billing/identity"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

// messages are the texts of what was sent, newest first.
func (w *world) messages() []notice.Message {
	w.t.Helper()
	var sent []notice.Message
	w.db.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		list, err := notice.List(ctx, tx, notice.Query{Limit: 10})
		for _, m := range list {
			sent = append(sent, m.Message)
		}
		return err
	})
	return sent
}

func TestSecurity_secondFactorAnswersAChallenge(t *testing.T) {
	w := newWorld(t)
	email, token := w.person(identity.Clerk)
	setup := w.send(request{method: "POST", path: w.path("/me/second-factor"), token: token}).want(t, 200)
	if fields, err := w.send(request{method: "POST", path: w.path("/me/second-factor/confirm"), token: token, body: map[string]string{"code": "000000"}}).want(t, 400).faults(); err != nil || fields[0] != "code" {
		t.Errorf("a wrong code names %v (%v)", fields, err)
	}
	code, err := totp.GenerateCode(setup.text("secret"), w.now())
	if err != nil {
		t.Fatal(err)
	}
	codes := w.send(request{method: "POST", path: w.path("/me/second-factor/confirm"), token: token, body: map[string]string{"code": code}}).want(t, 200)
	if state := w.get(token, w.path("/me/second-factor")); state.at("enabled") != true || state.at("recovery_codes") == 0.0 {
		t.Errorf("the factor stands as %s", state.raw)
	}

	w.pass(time.Minute) // a code is good once
	asked := w.send(request{method: "POST", path: w.path("/sign-in"), body: map[string]string{"email": email, "password": password}}).want(t, 401)
	if asked.text("type") != "/problems/second-factor-wanted" || asked.text("challenge") == "<nil>" {
		t.Fatalf("no challenge: %s", asked.raw)
	}
	answer := map[string]string{"challenge": asked.text("challenge"), "code": "123"}
	w.send(request{method: "POST", path: w.path("/sign-in/second-factor"), body: answer}).want(t, 401)
	answer["code"] = codes.text("codes", 0)
	in := w.send(request{method: "POST", path: w.path("/sign-in/second-factor"), body: answer}).want(t, 200)
	w.get(in.text("access_token"), w.path("/me")).want(t, 200)

	if fields, err := w.send(request{method: "POST", path: w.path("/me/second-factor/remove"), token: token, body: map[string]string{"password": "not mine at all"}}).want(t, 422).faults(); err != nil || fields[0] != "password" {
		t.Errorf("a wrong password names %v (%v)", fields, err)
	}
	w.send(request{method: "POST", path: w.path("/me/second-factor/remove"), token: token, body: map[string]string{"password": password}}).want(t, 204)
	w.send(request{method: "POST", path: w.path("/me/second-factor/recovery-codes"), token: token}).want(t, 409)
}

// person adds a user, signs it in and tells its address.
func (w *world) person(role identity.Role) (email, token string) {
	w.t.Helper()
	token = w.user(w.db, role, nil)
	id := uuid.MustParse(w.get(token, w.path("/me")).text("id"))
	w.db.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		user, err := w.authority.GetUser(ctx, tx, id)
		email = user.Email
		return err
	})
	return email, token
}

func TestSecurity_codesAndLinks(t *testing.T) {
	w := newWorld(t)
	email, token := w.person(identity.Clerk)
	w.send(request{method: "POST", path: w.path("/sign-in/codes"), body: map[string]string{"contact": email}}).want(t, 204)
	w.send(request{method: "POST", path: w.path("/sign-in/codes"), body: map[string]string{"contact": "nobody@example.net"}}).want(t, 204)
	code := regexp.MustCompile(`\b\d{6}\b`).FindString(w.messages()[0].Body + w.messages()[0].Subject)
	in := w.send(request{method: "POST", path: w.path("/sign-in/with-code"), body: map[string]string{"contact": email, "code": code}}).want(t, 200)
	w.send(request{method: "POST", path: w.path("/sign-in/with-code"), body: map[string]string{"contact": email, "code": code}}).want(t, 401)

	if got := w.get(in.text("access_token"), w.path("/me/sessions")).want(t, 200); got.at("items", 1) == nil {
		t.Errorf("sessions: %s", got.raw)
	}
	w.send(request{method: "POST", path: w.path("/me/sessions/end-others"), token: in.text("access_token")}).want(t, 204)
	w.get(token, w.path("/me")).want(t, 401)
	token = in.text("access_token")
	if fields, err := w.send(request{method: "POST", path: w.path("/me/password"), token: token, body: map[string]string{"old": "not mine at all", "new": "another long phrase"}}).want(t, 422).faults(); err != nil || fields[0] != "old" {
		t.Errorf("a wrong password names %v (%v)", fields, err)
	}
	w.send(request{method: "POST", path: w.path("/me/password"), token: token, body: map[string]string{"old": password, "new": "another long phrase"}}).want(t, 204)
	page := w.get(token, w.path("/me/sign-ins?limit=2")).want(t, 200)
	if page.at("items", 1) == nil || page.text("next") == "<nil>" {
		t.Errorf("history: %s", page.raw)
	}
	w.get(token, w.path("/me/sign-ins?limit=2&cursor="+page.text("next"))).want(t, 200)

	w.send(request{method: "POST", path: w.path("/password-resets"), body: map[string]string{"email": email, "page": "console"}}).want(t, 204)
	var link string
	for _, m := range w.messages() {
		if at := strings.Index(m.Body, "/console/set-password?token="); at >= 0 && link == "" {
			link = regexp.MustCompile(`token=(\S+)`).FindStringSubmatch(m.Body[at:])[1]
		}
	}
	reset := map[string]string{"token": link, "password": "a third long phrase"}
	w.send(request{method: "POST", path: w.path("/password-resets/complete"), body: reset}).want(t, 204)
	w.send(request{method: "POST", path: w.path("/password-resets/complete"), body: reset}).want(t, 409)
	w.get(token, w.path("/me")).want(t, 401)
	w.send(request{method: "POST", path: w.path("/sign-in"), body: map[string]string{"email": email, "password": "a third long phrase"}}).want(t, 200)
}

func TestSecurity_usersAndRoles(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	role := request{method: "PUT", path: w.path("/roles/night-desk"), token: owner, key: uuid.NewString(), body: map[string]any{"title": "Night desk", "permissions": []string{"account.read", "payment.write"}}}
	if got := w.send(role).want(t, 200); got.text("permissions", 1) != "payment.write" {
		t.Errorf("the role: %s", got.raw)
	}
	if again := w.send(role).want(t, 200); again.header.Get(replayedHeader) != "true" {
		t.Error("a repeat was carried out again")
	}
	bad := w.send(request{method: "PUT", path: w.path("/roles/night-desk"), token: owner, key: uuid.NewString(), body: map[string]any{"title": "Night desk", "permissions": []string{"self.pay"}}}).want(t, 400)
	if fields, err := bad.faults(); err != nil || fields[0] != "permissions" {
		t.Errorf("a wrong permission names %v (%v)", fields, err)
	}
	made := w.post(owner, w.path("/users"), map[string]any{"email": "night@example.net", "name": "Nina", "role": "night-desk"}).want(t, 201)
	user := w.path("/users/" + made.text("id"))
	if !strings.Contains(w.messages()[0].Body, "/console/set-password?token=") {
		t.Errorf("no invitation: %+v", w.messages())
	}
	key := w.post(owner, w.path("/api-keys"), map[string]any{"name": "night", "role": "night-desk"}).want(t, 201)
	w.get(key.text("secret"), w.path("/accounts")).want(t, 200)
	w.get(key.text("secret"), w.path("/users")).want(t, 403)
	w.get(key.text("secret"), w.path("/me/sessions")).want(t, 404)
	w.send(request{method: "DELETE", path: w.path("/roles/night-desk"), token: owner, key: uuid.NewString()}).want(t, 409)

	w.post(owner, user+"/invite", nil).want(t, 204)
	changed := w.send(request{method: "PATCH", path: user, token: owner, key: uuid.NewString(), body: map[string]any{"role": "clerk", "phone": "+4930901820"}}).want(t, 200)
	if changed.text("role") != "clerk" || changed.text("phone") != "+4930901820" {
		t.Errorf("the user: %s", changed.raw)
	}
	if fields, err := w.send(request{method: "PATCH", path: user, token: owner, key: uuid.NewString(), body: map[string]any{"phone": "12"}}).want(t, 400).faults(); err != nil || fields[0] != "phone" {
		t.Errorf("a wrong number names %v (%v)", fields, err)
	}
	w.post(owner, user+"/disable", nil).want(t, 204)
	w.post(owner, user+"/enable", nil).want(t, 204)
	w.get(owner, user+"/sessions").want(t, 200)
	w.get(owner, user+"/sign-ins").want(t, 200)
	w.post(owner, user+"/remove-second-factor", nil).want(t, 409)
	w.get(owner, w.path("/users/"+uuid.NewString()+"/sessions")).want(t, 404)
	clerk := w.user(w.db, identity.Clerk, nil)
	w.post(clerk, w.path("/signing-keys/rotate"), nil).want(t, 403)
	w.post(owner, w.path("/signing-keys/rotate"), nil).want(t, 204)
	w.get(owner, w.path("/me")).want(t, 200)
	if keys := w.get("", w.path("/jwks")); keys.at("keys", 1) == nil {
		t.Errorf("keys: %s", keys.raw)
	}
}

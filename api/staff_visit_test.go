package api

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pquerna/otp/totp"

	"tollhouse/billing/audit"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/billing/visit"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// doors lead into the one stack of a world, wherever its operator stands.
type doors struct {
	provisioning.Doors
	t  *testing.T
	db *pgtest.TenantDB
}

func (d doors) Enter(_ context.Context, _ provisioning.Placed, by tenants.Actor) (begun visit.Begun, err error) {
	d.db.Write(d.t, func(ctx context.Context, tx tenant.Tx) error {
		begun, err = visit.BeginConsented(ctx, tx, audit.Caller{Actor: by.String(), WallAt: time.Now()}, visit.Person{ID: by.ID, Email: by.Email})
		return nil
	})
	return begun, err
}

func (d doors) BreakIn(_ context.Context, _ provisioning.Placed, by tenants.Actor, e visit.Emergency) (begun visit.Begun, err error) {
	d.db.Write(d.t, func(ctx context.Context, tx tenant.Tx) error {
		begun, err = visit.BeginEmergency(ctx, tx, audit.Caller{Actor: by.String(), WallAt: time.Now()}, e)
		return nil
	})
	return begun, err
}

func (d doors) Leave(_ context.Context, _ provisioning.Placed, by tenants.Actor, id uuid.UUID) (err error) {
	d.db.Write(d.t, func(ctx context.Context, tx tenant.Tx) error {
		err = visit.End(ctx, tx, audit.Caller{Actor: by.String(), WallAt: time.Now()}, id)
		return nil
	})
	return err
}

func (d doors) Visit(_ context.Context, _ provisioning.Placed, id uuid.UUID) (found visit.Visit, err error) {
	d.db.Read(d.t, func(ctx context.Context, tx tenant.Tx) error {
		found, err = visit.Get(ctx, tx, id)
		return nil
	})
	return found, err
}

func (d doors) Inspect(context.Context, provisioning.Placed) (provisioning.Figures, error) {
	return provisioning.Figures{Standing: "active", Subscribers: 7}, nil
}

// newHouse is a process with a control plane, one operator and its stack.
func newHouse(t *testing.T) (w *world, signIn func(role tenants.Role) string, operator string) {
	t.Helper()
	control, staffSignIn := newControl(t)
	w = newWorldBeside(t, control)
	in := doors{t: t, db: w.db}
	control.Visits = provisioning.NewVisits(control.DB, in, slog.New(slog.DiscardHandler))
	control.Watch = provisioning.NewWatch(in, time.Now)
	signIn = func(role tenants.Role) string { return staffSignIn(w, role) }
	made := w.post(signIn(tenants.Admin), "/staff/v1/operators", application("nordnetz")).want(t, 202)
	operator = made.text("operator", "id")
	err := control.DB.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		_, err := tx.Exec(ctx, `update stack set state = 'ready', host = 'here', slot = $2, ready_at = $3 where operator_id = $1`, operator, w.db.Ref.Slot.String(), tx.At)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return w, signIn, "/staff/v1/operators/" + operator
}

func TestStaff_enterWithConsentAndByBreakGlass(t *testing.T) {
	w, signIn, operator := newHouse(t)
	owner := w.user(w.db, identity.Owner, nil)
	engineer, other := signIn(tenants.Engineer), signIn(tenants.Admin)
	enter := request{method: "POST", path: operator + "/visits", token: engineer}
	w.send(enter).want(t, 409)
	w.post(owner, w.path("/staff-consents"), map[string]any{"reason": "file 7 stands still", "hours": 1}).want(t, 201)
	entry := w.send(enter).want(t, 200)
	ticket := map[string]string{"ticket": entry.text("ticket")}
	inside := w.send(request{method: "POST", path: w.path("/staff-visits/open"), body: ticket}).want(t, 200)
	w.send(request{method: "POST", path: w.path("/staff-visits/open"), body: ticket}).want(t, 401)
	visitor := inside.text("access_token")
	if me := w.get(visitor, w.path("/me")).want(t, 200); me.text("kind") != "staff" {
		t.Errorf("the visitor is %s", me.raw)
	}
	w.get(visitor, w.path("/accounts")).want(t, 200)
	w.patch(visitor, w.path("/settings"), map[string]any{"name": "Mine"}).want(t, 403)
	w.get(visitor, w.path("/me/sessions")).want(t, 404)
	if visits := w.get(owner, w.path("/staff-visits")).want(t, 200); visits.at("items", 0, "open") != true {
		t.Errorf("visits: %s", visits.raw)
	}
	w.send(request{method: "POST", path: w.path("/sign-out"), token: visitor}).want(t, 204)
	w.get(visitor, w.path("/me")).want(t, 401)

	asked := w.post(engineer, operator+"/break-glass", map[string]any{"reason": "nobody can be reached"}).want(t, 201)
	at := "/staff/v1/break-glass/" + asked.text("id")
	if queue := w.get(other, "/staff/v1/break-glass").want(t, 200); queue.text("items", 0, "id") != asked.text("id") {
		t.Errorf("waiting: %s", queue.raw)
	}
	w.send(request{method: "POST", path: at + "/approve", token: engineer}).want(t, 403)
	w.send(request{method: "POST", path: at + "/enter", token: engineer}).want(t, 403)
	w.send(request{method: "POST", path: at + "/approve", token: other}).want(t, 200)
	w.send(request{method: "POST", path: at + "/approve", token: other}).want(t, 409)
	w.send(request{method: "POST", path: at + "/enter", token: other}).want(t, 403)
	broken := w.send(request{method: "POST", path: at + "/enter", token: engineer}).want(t, 200)
	w.send(request{method: "POST", path: operator + "/visits/" + broken.text("visit") + "/end", token: engineer}).want(t, 204)
	if visits := w.get(engineer, operator+"/visits").want(t, 200); visits.at("items", 1) == nil {
		t.Errorf("visits: %s", visits.raw)
	}
	again := w.post(engineer, operator+"/break-glass", map[string]any{"reason": "still not"}).want(t, 201)
	w.post(engineer, "/staff/v1/break-glass/"+again.text("id")+"/withdraw", nil).want(t, 200)
	if own := w.get(engineer, operator+"/break-glass").want(t, 200); own.text("items", 0, "state") != "withdrawn" {
		t.Errorf("requests: %s", own.raw)
	}
}

func TestStaff_suspendMeasureAndLookAfterStaff(t *testing.T) {
	w, signIn, operator := newHouse(t)
	admin := signIn(tenants.Admin)
	suspend := request{method: "POST", path: operator + "/suspend", token: admin, key: uuid.NewString(), body: map[string]string{"reason": "unpaid"}}
	if got := w.send(suspend).want(t, 200); got.text("standing") != "suspended" || got.text("service_until") == "<nil>" {
		t.Errorf("suspended: %s", got.raw)
	}
	if again := w.send(suspend).want(t, 200); again.header.Get(replayedHeader) != "true" {
		t.Errorf("a repeat: %s", again.raw)
	}
	suspend.key = uuid.NewString()
	w.send(suspend).want(t, 409)
	if got := w.post(admin, operator+"/resume", nil).want(t, 200); got.text("standing") != "active" {
		t.Errorf("resumed: %s", got.raw)
	}
	if got := w.get(admin, operator+"/figures").want(t, 200); got.at("answers") != true || got.at("subscribers") != 7.0 {
		t.Errorf("figures: %s", got.raw)
	}
	if got := w.get(admin, "/staff/v1/operators?q=nord").want(t, 200); got.at("items", 0) == nil {
		t.Errorf("found: %s", got.raw)
	}
	if got := w.get(admin, "/staff/v1/operators?q=nothing").want(t, 200); got.at("items", 0) != nil {
		t.Errorf("found: %s", got.raw)
	}

	made := w.post(admin, "/staff/v1/users", map[string]any{"email": "eva@tollhouse.example", "role": "engineer"}).want(t, 201)
	if fields, err := w.post(admin, "/staff/v1/users", map[string]any{"email": "eva", "role": "engineer"}).want(t, 400).faults(); err != nil || fields[0] != "email" {
		t.Errorf("an address: %v (%v)", fields, err)
	}
	one := "/staff/v1/users/" + made.text("user", "id")
	if got := w.patch(admin, one, map[string]any{"active": false}).want(t, 200); got.at("active") != false || got.text("role") != "engineer" {
		t.Errorf("changed: %s", got.raw)
	}
	w.patch(admin, one, map[string]any{"active": true}).want(t, 200)
	w.post(admin, one+"/reset-password", nil).want(t, 200)
	w.get(admin, "/staff/v1/users?limit=1").want(t, 200)
	if got := w.get(admin, "/staff/v1/audit?action=operator.&limit=1").want(t, 200); got.text("items", 0, "action") != "operator.resume" || got.text("next") == "<nil>" {
		t.Errorf("audit: %s", got.raw)
	}
	w.post(admin, "/staff/v1/signing-keys/rotate", nil).want(t, 204)
	w.get(admin, "/staff/v1/me").want(t, 200)
	w.get(signIn(tenants.Viewer), "/staff/v1/users").want(t, 403)
}

func TestStaff_secondFactorAnswersAChallenge(t *testing.T) {
	w, signIn := newControlWorld(t)
	admin := signIn(tenants.Admin)
	made := w.post(admin, "/staff/v1/users", map[string]any{"email": "eva@tollhouse.example", "role": "engineer"}).want(t, 201)
	credentials := map[string]string{"email": "eva@tollhouse.example", "password": made.text("password")}
	eva := w.send(request{method: "POST", path: "/staff/v1/sign-in", body: credentials}).want(t, 200).text("access_token")
	if fields, err := w.send(request{method: "POST", path: "/staff/v1/me/password", token: eva, body: map[string]string{"old": "wrong", "new": "a new long pass phrase"}}).want(t, 422).faults(); err != nil || fields[0] != "old" {
		t.Errorf("a wrong password: %v (%v)", fields, err)
	}
	w.send(request{method: "POST", path: "/staff/v1/me/password", token: eva, body: map[string]string{"old": credentials["password"], "new": "a new long pass phrase"}}).want(t, 204)
	credentials["password"] = "a new long pass phrase"
	setup := w.send(request{method: "POST", path: "/staff/v1/me/second-factor", token: eva}).want(t, 200)
	w.send(request{method: "POST", path: "/staff/v1/me/second-factor/confirm", token: eva, body: map[string]string{"code": "000000"}}).want(t, 422)
	code, err := totp.GenerateCode(setup.text("secret"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	codes := w.send(request{method: "POST", path: "/staff/v1/me/second-factor/confirm", token: eva, body: map[string]string{"code": code}}).want(t, 200)
	asked := w.send(request{method: "POST", path: "/staff/v1/sign-in", body: credentials}).want(t, 401)
	if asked.text("type") != "/problems/second-factor-wanted" {
		t.Fatalf("no challenge: %s", asked.raw)
	}
	answer := map[string]string{"challenge": asked.text("challenge"), "code": "000000"}
	w.send(request{method: "POST", path: "/staff/v1/sign-in/second-factor", body: answer}).want(t, 401)
	answer["code"] = codes.text("codes", 0)
	w.send(request{method: "POST", path: "/staff/v1/sign-in/second-factor", body: answer}).want(t, 200)
	if sessions := w.get(eva, "/staff/v1/me/sessions").want(t, 200); sessions.at("items", 1) == nil {
		t.Errorf("sessions: %s", sessions.raw)
	}
	w.send(request{method: "POST", path: "/staff/v1/me/sessions/end-others", token: eva}).want(t, 204)
	w.send(request{method: "POST", path: "/staff/v1/me/second-factor/remove", token: eva, body: map[string]string{"password": "wrong"}}).want(t, 422)
	w.send(request{method: "POST", path: "/staff/v1/me/second-factor/remove", token: eva, body: map[string]string{"password": credentials["password"]}}).want(t, 204)
	if state := w.get(eva, "/staff/v1/me/second-factor").want(t, 200); state.at("enabled") != false {
		t.Errorf("the factor: %s", state.raw)
	}
}

package api

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

// machine makes a key of the role and tells its secret and its id.
func (w *world) machine(owner string, role identity.Role) (secret, id string) {
	w.t.Helper()
	made := w.post(owner, w.path("/api-keys"), map[string]any{"name": "switch", "role": role}).want(w.t, 201)
	return made.text("secret"), made.text("key", "id")
}

// admitted tells whether a key gets as far as the body, which is none.
func (w *world) admitted(secret string) int {
	w.t.Helper()
	return w.send(request{method: "POST", path: w.path("/charging/events"), token: secret}).status
}

func (w *world) wantAdmitted(secret string, want int, when string) {
	w.t.Helper()
	if got := w.admitted(secret); got != want {
		w.t.Errorf("%s: %d, want %d", when, got, want)
	}
}

// What another process revokes is refused within five seconds, and what this
// one revokes at once; a key that is not remembered is looked up.
func TestAdmission_aRevokedKeyIsRefusedWithinFiveSeconds(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	here, hereID := w.machine(owner, identity.Machine)
	there, thereID := w.machine(owner, identity.Machine)
	w.wantAdmitted(here, 400, "a good key")
	w.wantAdmitted(there, 400, "a good key")

	elsewhere := identity.New(w.passwords, sealer{}, w.now) // another process
	w.db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return elsewhere.RevokeAPIKey(ctx, tx, uuid.MustParse(thereID))
	})
	w.pass(3 * time.Second)
	w.wantAdmitted(there, 400, "three seconds after another process revoked it")
	w.get(there, w.path("/accounts")).want(t, 401) // whatever is no charging asks each time
	w.pass(2 * time.Second)
	w.wantAdmitted(there, 401, "five seconds after another process revoked it")
	w.wantAdmitted(there, 401, "ever after")

	w.wantAdmitted(here, 400, "the other key")
	w.send(request{method: "POST", path: w.path("/api-keys/" + hereID + "/revoke"), token: owner, key: uuid.NewString()}).want(t, 204)
	w.wantAdmitted(here, 401, "revoked here")
}

// One request in the last second looks again: a revoked key is found out by it,
// and by all from then on.
func TestAdmission_looksAgainBeforeItsTimeIsOver(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	secret, id := w.machine(owner, identity.Machine)
	w.wantAdmitted(secret, 400, "a good key")
	elsewhere := identity.New(w.passwords, sealer{}, w.now)
	w.db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return elsewhere.RevokeAPIKey(ctx, tx, uuid.MustParse(id))
	})
	w.pass(renewAfter)
	w.wantAdmitted(secret, 401, "four seconds after another process revoked it")
	w.wantAdmitted(secret, 401, "right behind it")
}

func TestAdmission_aSuspendedOperatorIsRefusedWithinFiveSeconds(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	secret, _ := w.machine(owner, identity.Machine)
	w.wantAdmitted(secret, 400, "in good standing")
	until := w.now().Add(2 * time.Second)
	w.stand(1, account.Standing{State: account.OperatorSuspended, Since: w.now(), ServiceUntil: until})
	w.pass(identity.KeyLife)
	w.wantAdmitted(secret, 403, "suspended, its days of service over")
	w.stand(2, account.Standing{State: account.OperatorSuspended, Since: w.now(), ServiceUntil: w.now().Add(7 * time.Second)})
	w.pass(identity.KeyLife)
	w.wantAdmitted(secret, 400, "suspended, and served still")
	w.pass(2 * time.Second)
	w.wantAdmitted(secret, 403, "service is over to the second, by memory too")
	w.stand(3, account.Standing{State: account.OperatorActive})
	w.pass(identity.KeyLife)
	w.wantAdmitted(secret, 400, "in good standing again")
}

// A role that loses a right loses it at once in this process.
func TestAdmission_aRoleCountsAsItIsNow(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	role := func(permissions ...string) {
		w.send(request{method: "PUT", path: w.path("/roles/switch"), token: owner, key: uuid.NewString(),
			body: map[string]any{"title": "Switch", "permissions": permissions}}).want(t, 200)
	}
	role("charging.write", "usage.write")
	secret, _ := w.machine(owner, "switch")
	w.pass(2 * identity.KeyLife) // what has changed is settled
	w.wantAdmitted(secret, 400, "its role may charge")
	role("usage.write")
	w.wantAdmitted(secret, 403, "its role may not charge any more")
	w.wantAdmitted(secret, 403, "nor by memory")
}

// A key of one tenant opens no other, remembered or not.
func TestAdmission_isOfOneTenant(t *testing.T) {
	w := newWorld(t)
	other := w.db.Place(t, 1)
	w.setUp(other)
	secret, _ := w.machine(w.user(w.db, identity.Owner, nil), identity.Machine)
	w.wantAdmitted(secret, 400, "its own tenant")
	w.send(request{method: "POST", path: "/t/" + other.Ref.Name + "/v1/charging/events", token: secret}).want(t, 401)
	w.send(request{method: "POST", path: "/t/nobody/v1/charging/events", token: secret}).want(t, 404)
	w.wantAdmitted(secret, 400, "its own tenant")
}

func TestAdmissions_areBounded(t *testing.T) {
	t.Parallel()
	var m admissions
	for n := range 3 * maxAdmissions {
		m.remember(admissionKey{"hanse", sha256.Sum256(fmt.Append(nil, n))}, &admission{})
	}
	if len(m.known) > maxAdmissions {
		t.Errorf("%d are remembered", len(m.known))
	}
}

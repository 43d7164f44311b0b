package api

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/identity"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
)

func (w *world) stand(no int64, s account.Standing) {
	w.t.Helper()
	w.db.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := account.SetStanding(ctx, tx, no, s)
		return err
	})
}

const suspendedType = "/problems/operator-suspended"

// A suspended operator changes nothing and sells nothing. Usage, charging and
// its subscribers' payments go on for the days of its contract, then end;
// resuming brings everything back.
func TestStanding_suspended(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	id := w.publishAndConnect(owner)
	subscriberAccount := w.accountOf(id)
	subscriber := w.user(w.db, identity.Subscriber, &subscriberAccount)
	w.db.SetClock(t, time.Date(2026, 5, 2, 0, 0, 0, 0, w.db.Zone))
	w.post(owner, w.path("/usage-sources"), map[string]any{"name": "api", "preset": "json-events"}).want(t, 201)
	order := w.post(owner, w.path("/orders"), map[string]any{"offering": "start", "facts": facts(7)}).want(t, 201).text("id")
	w.post(owner, w.path("/clock/advance"), map[string]any{"to": "2026-06-02T00:00:00Z"}).want(t, 200)

	usage := func(event string) response {
		return w.send(request{method: "POST", path: w.path("/usage-events"), token: owner, body: map[string]any{"source": "api", "events": []any{
			map[string]any{"id": event, "kind": "data", "identity": map[string]string{"kind": "msisdn", "value": "+4915510000001"},
				"start": "2026-06-01T10:00:00Z", "end": "2026-06-01T10:10:00Z", "quantity": 1000000000, "unit": "byte"}}}})
	}
	pay := func() response {
		return w.post(subscriber, w.path("/payment-intents"), map[string]any{"account": id, "purpose": "bill"})
	}

	w.stand(1, account.Standing{State: account.OperatorSuspended, Since: w.now(), ServiceUntil: w.now().AddDate(0, 0, 14)})
	for name, op := range w.stackOperations() {
		method, _, _ := strings.Cut(name, " ")
		if method == "GET" || op.access == authenticated || op.access == "usage.write" || op.access == "charging.write" || strings.HasSuffix(string(op.access), ".read") {
			continue
		}
		got := w.send(request{method: method, path: filled(op, w.db.Ref.Name), token: owner, key: uuid.NewString()})
		if got.status != 403 || got.text("type") != suspendedType {
			t.Errorf("%s of a suspended operator: %d %s", name, got.status, got.raw)
		}
	}
	err := w.db.DB.Write(context.Background(), w.db.Ref, func(ctx context.Context, tx tenant.Tx) error {
		_, err := onboarding.New(sealer{}, onboarding.Hooks{}).Activate(ctx, tx, uuid.MustParse(order))
		return err
	})
	if !errors.Is(err, account.ErrSuspended) {
		t.Errorf("activation past the API: %v", err)
	}
	w.get(owner, w.path("/accounts/"+id)).want(t, 200)
	if got := usage("s1").want(t, 200).text("items", 0, "outcome"); got != "accepted" {
		t.Errorf("usage is %s", got)
	}
	pay().want(t, 201)

	w.stand(2, account.Standing{State: account.OperatorSuspended, Since: w.now().AddDate(0, 0, -14), ServiceUntil: w.now()})
	for name, got := range map[string]response{"usage": usage("s2"), "payment": pay()} {
		if got.status != 403 || got.text("type") != suspendedType {
			t.Errorf("%s after the days of grace: %d %s", name, got.status, got.raw)
		}
	}
	other := w.user(w.db, identity.Clerk, nil) // signs in
	w.send(request{method: "POST", path: w.path("/sign-out"), token: other}).want(t, 204)

	w.stand(3, account.Standing{State: account.OperatorActive})
	w.send(request{method: "POST", path: w.path("/orders/" + order + "/activate"), token: owner, key: uuid.NewString()}).want(t, 200)
	if got := usage("s2").want(t, 200).text("items", 0, "outcome"); got != "accepted" {
		t.Errorf("usage after resuming is %s", got)
	}
	pay().want(t, 201)
}

package portal_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/agenda"
	"tollhouse/billing/balance"
	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// withoutAllowances puts a plan on sale that includes nothing, and gives its version.
func (w *world) withoutAllowances(like, code string) (id uuid.UUID) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		old, err := catalog.Current(ctx, tx, like, tx.At)
		if err != nil {
			return err
		}
		o := old.Offering
		o.Code, o.Names, o.RequiredFacts, o.Allowances = code, catalog.Names{"en": "Max"}, nil, nil
		draft, err := catalog.SaveDraft(ctx, tx, o)
		if err == nil {
			_, err = catalog.Publish(ctx, tx, draft.ID, tx.At)
		}
		id = draft.ID
		return err
	})
	return id
}

// Before a change of a past day is confirmed its form says how much usage it
// prices anew; what came of it stands among the corrections, with why it came,
// and waits there where it is above what the clerk may adjust.
func TestPlan_ofAPastDayPricesUsageAnew(t *testing.T) {
	t.Parallel()
	for _, waits := range []bool{false, true} {
		w := newWorld(t, hanse)
		c := w.connected(1)
		c.identity = usage.Identity{Kind: usage.MSISDN, Value: "+4915100000001"}
		dear := w.withoutAllowances("hanse-postpaid-flex", "hanse-max")
		w.clock("2026-05-20 12:00")
		w.use(w.call(c, "one", "2026-05-12 10:00", "+4930123456", 600), w.call(c, "two", "2026-05-13 10:00", "+4930123456", 600))
		if waits {
			cent := money.MustDecimal("0.01")
			w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
				return balance.PutAdjustPolicy(ctx, tx, balance.AdjustPolicy{Limits: []balance.AdjustLimit{{Role: string(identity.Owner), Unit: "EUR", PerAct: cent, PerDay: cent}}}, "test")
			})
		}
		owner := w.works(identity.Owner)
		at := w.console("subscribers/" + c.ID.String() + "/subscriptions/" + w.subscriptionOf(c) + "/plan")
		sure := owner.post(at, owner.get(at), "plan", dear.String(), "when", "date", "day", "2026-05-11")
		if said := sure.words(); !strings.Contains(said, "2 charges of usage since 11 May 2026 are priced again by the new plan.") {
			t.Fatalf("the question: %d %s", sure.status, said)
		}
		owner.follow(at, sure, "confirmed", "1", "key", sure.value("key"), "plan", dear.String(), "when", "date", "day", "2026-05-11")
		for range 3 {
			for _, lane := range agenda.Lanes {
				if _, err := w.host.Work(context.Background(), w.Ref.ID, lane); err != nil {
					t.Fatal(err)
				}
			}
		}
		if list := owner.get(w.console("corrections")).words(); !strings.Contains(list, "Change of plan from") {
			t.Errorf("corrections: %s", list)
		}
		var id string
		w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
			return tx.QueryRow(ctx, `select id::text from rerating`).Scan(&id)
		})
		one := owner.get(w.console("corrections/" + id)).words()
		if is := strings.Contains(one, "Look at it and apply it"); !strings.Contains(one, "Came by itself") || is != waits || is == strings.Contains(one, "Undo the correction") {
			t.Errorf("waits %v: %s", waits, one)
		}
		if line := owner.get(w.console("subscribers/" + c.ID.String() + "/timeline")).words(); strings.Contains(line, "Usage priced anew") == waits {
			t.Errorf("waits %v, timeline: %s", waits, line)
		}
		w.controlSums()
	}
}

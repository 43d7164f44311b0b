package portal_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

// runOf is the latest run as it stands.
func (w *world) runOf() (run bill.Run) {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		runs, err := bill.Runs(ctx, tx, 1)
		if len(runs) > 0 {
			run = runs[0]
		}
		return err
	})
	return run
}

func (w *world) closeChunk(run uuid.UUID) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		_, _, err := bill.Closer{}.CloseChunk(ctx, tx, run, 100)
		return err
	})
}

// recategorise goes behind the stack's back, which may not change a charge.
func (w *world) recategorise(c customer, category string) {
	w.t.Helper()
	if _, err := w.Admin.Exec(context.Background(), `update `+w.Ref.Slot.Schema()+`.charge set tax_category = $2 where account_id = $1`, c.ID, category); err != nil {
		w.t.Fatal(err)
	}
}

// Where runs wait for a second person, who prepared one can't let it go; it is
// paused, goes on, and its failures are tried again once their cause is gone.
func TestRunRoom_takesARunFurther(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	good, bad := w.customer(1, "hanse-postpaid-flex", "en"), w.customer(2, "hanse-postpaid-flex", "en")
	w.use(w.call(bad, "a", "2026-05-01 17:50", "+49900123456", 90))
	w.recategorise(bad, "unheard")
	owner, other := w.works(identity.Owner), w.works(identity.Accountant)
	rules := w.console("settings/billing")
	form := owner.get(rules)
	if wrong := owner.post(rules, form, "key", form.value("key"), "proration", "hour", "run_approval", "on"); wrong.status != http.StatusUnprocessableEntity ||
		!strings.Contains(wrong.words(), "Choose day or second.") || !ticked(wrong, "run_approval") {
		t.Errorf("an unknown proration: %d %s", wrong.status, wrong.words())
	}
	if saved := owner.follow(rules, form, "key", form.value("key"), "proration", "second", "run_approval", "on"); !ticked(saved, "run_approval") {
		t.Errorf("the rules: %s", saved.words())
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		p, err := account.GetProfile(ctx, tx)
		if err == nil && (p.Proration != calendar.BySecond || !p.RunApproval) {
			t.Errorf("rules %s %t", p.Proration, p.RunApproval)
		}
		return err
	})

	w.clock("2026-06-01 08:00")
	room := w.console("bill-runs")
	if early := owner.post(room, owner.get(room), "day", "2026-07-01"); early.status != http.StatusUnprocessableEntity || early.in("#day-e") == "" {
		t.Errorf("a day to come: %d %s", early.status, early.words())
	}
	prepared := owner.follow(room, owner.get(room), "day", "2026-06-01")
	contains(t, "prepared", prepared.words(), "Waits for approval", "waits for the word of somebody else")
	if strings.Contains(prepared.words(), "under way") {
		t.Errorf("a prepared run is said to be under way: %s", prepared.words())
	}
	run := w.runOf()
	at := room + "/" + run.ID.String()
	contains(t, "one's own", owner.follow(at+"/approve", prepared).words(), "ask somebody else")
	for _, move := range []string{"/pause", "/resume", "/retry"} { // none of them is a way round the second person
		owner.follow(at+move, prepared)
		if now := w.runOf(); now.State != bill.Prepared {
			t.Fatalf("%s made a prepared run %s", move, now.State)
		}
	}
	w.closeChunk(run.ID)
	if now := w.runOf(); now.Done != 0 {
		t.Fatalf("%d were billed without a second person", now.Done)
	}

	running := other.follow(at+"/approve", other.get(at))
	contains(t, "approved", running.words(), "Pause")
	contains(t, "paused", other.follow(at+"/pause", running).words(), "Paused", "Go on")
	w.closeChunk(run.ID)
	if now := w.runOf(); now.Done != 0 || now.State != bill.Paused {
		t.Fatalf("%d were billed while it is %s", now.Done, now.State)
	}
	other.follow(at+"/resume", other.get(at))
	w.closeChunk(run.ID)
	w.closeChunk(run.ID)
	if now := w.runOf(); now.Done != 1 || now.Failed != 1 || now.State != bill.Done || now.ApprovedBy == now.PreparedBy {
		t.Fatalf("after the run: %+v", now)
	}
	failed := other.get(at)
	contains(t, "the failure", failed.words(), bad.Number, "unheard")
	w.recategorise(bad, "standard")
	other.follow(at+"/retry", failed)
	w.closeChunk(run.ID)
	w.closeChunk(run.ID)
	if now := w.runOf(); now.Done != 2 || now.Failed != 0 || now.State != bill.Done {
		t.Errorf("after the retry: %+v", now)
	}
	contains(t, "all billed", other.get(at).words(), good.Number, bad.Number)
	w.sums()
}

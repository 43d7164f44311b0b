package billing

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/migration"
	"tollhouse/billing/tenant"
)

// Sold versions become the new one where the first cycle from the day on
// begins; who opted out stays; subscribers are told before.
func TestMigration_toldThenMovedAndOptedOutStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(largerPlans)
	moves, stays := w.connect("flex"), w.connect("flex")
	stayer := uuid.MustParse(w.text(`select id::text from subscription where account_id = $1`, stays.ID))
	n := migration.New{ID: uuid.Must(uuid.NewV7()), To: w.plans["flex-xl"], From: []uuid.UUID{w.plans["flex"]},
		StartsOn: calendar.Date{Year: 2026, Month: 5, Day: 20}, NoticeDays: 30, By: "user:1"}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if _, err := migration.Plan(ctx, tx, n); !errors.Is(err, migration.ErrPlan) {
			t.Errorf("a notice that is too late: %v", err)
		}
		n.NoticeDays = 10
		for range 2 {
			if _, err := migration.Plan(ctx, tx, n); err != nil {
				return err
			}
		}
		effects, err := migration.Preview(ctx, tx, n)
		if err != nil || len(effects) != 1 || effects[0].Subscriptions != 2 {
			t.Errorf("the effect is %+v, %v", effects, err)
		}
		return nil
	})
	w.advance(w.day("2026-05-11"))
	if told := w.text(`select count(*)::text from notice where kind = 'service' and body like '%flex%' or subject like '%plan%'`); told == "0" {
		t.Error("nobody was told")
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		coming, err := migration.ComingFor(ctx, tx, stays.ID)
		if err != nil || len(coming) != 1 {
			t.Errorf("coming %+v, %v", coming, err)
		}
		return migration.OptOut(ctx, tx, n.ID, stayer, "likes it")
	})
	w.advance(w.day("2026-05-20"))
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if _, err := migration.Cancel(ctx, tx, n.ID); !errors.Is(err, migration.ErrRuns) {
			t.Errorf("cancelled after it ran: %v", err)
		}
		return nil
	})
	w.advance(w.day("2026-06-02"))
	const plan = `select v.code from subscription s join offering_version v on v.id = s.offering_id where s.account_id = $1 and s.state = 'active'`
	if got := w.text(plan, moves.ID) + " " + w.text(plan, stays.ID); got != "flex-xl flex" {
		t.Errorf("plans %s", got)
	}
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		m, err := migration.Get(ctx, tx, n.ID)
		if err != nil {
			return err
		}
		p, err := migration.ProgressOf(ctx, tx, m)
		if m.State != migration.Done || p.Scheduled != 1 || p.OptedOut != 1 || p.Changed != 1 {
			t.Errorf("%s, %+v", m.State, p)
		}
		return err
	})
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

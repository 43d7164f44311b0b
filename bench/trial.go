package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing"
	"tollhouse/billing/agenda"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
)

// trialGoal is the most seconds in which a million records are tried.
const trialGoal = 60.0

// errTrial means that a trial came to something that it cannot be.
var errTrial = errors.New("the trial's result is wrong")

// trial measures how long it takes to price a month's usage under a draft,
// beside what was billed, portion by portion as the agenda's handler does it:
// from being asked for to the result. The same usage under the offering that it
// was charged by must come to the same money, to the last digit. The baseline
// reads the same rows in one statement and does nothing with them.
func trial(ctx context.Context, s scale, say reporter) (Result, error) {
	h, err := openHouse(ctx)
	if err != nil {
		return Result{}, err
	}
	defer h.close()
	say("connecting %d accounts", s.trialAccounts)
	h.clock.set(h.month.from)
	stack, err := h.operator(ctx)
	if err != nil {
		return Result{}, err
	}
	offering, err := publish(ctx, stack, postpaidOffer)
	if err != nil {
		return Result{}, err
	}
	if _, err := connect(ctx, stack, offering, 0, s.trialAccounts); err != nil {
		return Result{}, err
	}
	h.clock.set(h.month.to.Add(-time.Hour))
	say("charging %d records", s.trialRecords)
	if _, err := h.receive(ctx, stack, 1, s.trialRecords, s.trialAccounts); err != nil {
		return Result{}, err
	}
	conn, err := h.admin(ctx)
	if err != nil {
		return Result{}, err
	}
	if err := settle(ctx, conn); err != nil {
		return Result{}, err
	}
	say("trying a draft")
	took, tried, err := h.try(ctx, stack, offering, dearer)
	if err != nil {
		return Result{}, err
	}
	if tried.Records != int64(s.trialRecords) || tried.Sums.Total.Difference().Sign() <= 0 {
		return Result{}, fmt.Errorf("%w: %d of %d records, %s more", errTrial, tried.Records, s.trialRecords, tried.Sums.Total.Difference())
	}
	say("trying what they have")
	_, same, err := h.try(ctx, stack, offering, func(*catalog.Offering) {})
	if err != nil {
		return Result{}, err
	}
	if !same.Sums.Total.Difference().IsZero() || same.Sums.Total.Old.Sign() <= 0 {
		return Result{}, fmt.Errorf("%w: what they have differs by %s", errTrial, same.Sums.Total.Difference())
	}
	reading, err := readUsage(ctx, stack)
	if err != nil {
		return Result{}, err
	}
	r := Result{Value: took.Seconds(), Unit: "s", Goal: fmt.Sprintf("value <= %g at %d records", trialGoal, full.trialRecords), OK: took.Seconds() <= trialGoal}
	r.beside(reading.Seconds())
	r.Note = fmt.Sprintf("%d records of %d accounts in %s, %.0f records/s; the same rows only read by one statement: %s; "+
		"under the offering in force the difference is 0 to the last digit", s.trialRecords, s.trialAccounts, seconds(took), perSecond(s.trialRecords, took), seconds(reading))
	return r, nil
}

// dearer makes every price of a draft a little higher.
func dearer(o *catalog.Offering) {
	for u := range o.Usage {
		for r := range o.Usage[u].Rules {
			if price := o.Usage[u].Rules[r].Price; price != nil {
				higher := price.Add(money.DecimalOf(1, 2))
				o.Usage[u].Rules[r].Price = &higher
			}
		}
	}
}

// try drafts an offering, changed, and has it tried on the month.
func (h *house) try(ctx context.Context, stack *billing.Stack, version uuid.UUID, change func(*catalog.Offering)) (took time.Duration, t replay.Trial, err error) {
	days := calendar.Period{From: calendar.DateOf(h.month.from, h.month.zone), To: calendar.DateOf(h.month.to, h.month.zone)}
	began := time.Now()
	err = stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		offering, err := catalog.LoadVersion(ctx, tx, version)
		if err != nil {
			return err
		}
		change(&offering)
		draft, err := catalog.SaveDraft(ctx, tx, offering)
		if err != nil {
			return err
		}
		t, err = replay.AskTrial(ctx, tx, replay.NewTrial{Offering: draft.ID, Days: days, By: "bench"})
		return err
	})
	if err != nil {
		return 0, t, err
	}
	if err := h.work(ctx, stack, agenda.Replays); err != nil {
		return 0, t, err
	}
	took = time.Since(began)
	err = stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		t, err = replay.GetTrial(ctx, tx, t.ID)
		return err
	})
	if err == nil && t.State != replay.Done {
		err = fmt.Errorf("%w: it is %s: %s", errTrial, t.State, t.Error)
	}
	return took, t, err
}

// readUsage is what merely reading the same rows costs.
func readUsage(ctx context.Context, stack *billing.Stack) (time.Duration, error) {
	began := time.Now()
	err := stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		rows, err := tx.Query(ctx, `
			select u.kind, u.started_at, u.ended_at, u.destination, u.quantity, c.subscription_id, c.net
			from usage_record u join charge c on c.period = u.period and c.id = u.id
			order by u.account_id, u.ended_at, u.id`)
		if err != nil {
			return err
		}
		for rows.Next() {
		}
		return rows.Err()
	})
	return time.Since(began), err
}

package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// Every is how often an account is billed, and by which day.
type Every struct {
	Anchor calendar.Date `json:"anchor"`
	Months int           `json:"months,omitempty"`
	Days   int           `json:"days,omitempty"`
}

// Cycle is the series under the operator's policy.
func (e Every) Cycle(policy calendar.AnchorPolicy) calendar.Cycle {
	return calendar.Cycle{Anchor: e.Anchor, Months: e.Months, Days: e.Days, Policy: policy}
}

const maxCycleDays = 366

func (e Every) check() error {
	switch {
	case e.Anchor.IsZero():
		return &FieldError{"cycle.anchor", "the day that cycles begin by"}
	case e.Days < 0 || e.Days > maxCycleDays || e.Months < 0 || e.Months > 12 || (e.Days > 0) == (e.Months > 0):
		return &FieldError{"cycle.months", "1 to 12 months, or 1 to 366 days"}
	}
	return nil
}

// CycleChanges are the series that an account's cycles had, each up to a bound,
// and the one that begins where the open cycle ends.
type CycleChanges struct {
	Before []CycleBefore `json:"before,omitempty"`
	Next   *Every        `json:"next,omitempty"`
	By     string        `json:"by,omitempty"` // of Next
}

// CycleBefore is a series that an account's cycles had before a day.
type CycleBefore struct {
	Every
	Until calendar.Date `json:"until"`
}

// keptSeries bounds what is remembered: a price of a year reaches over a few.
const keptSeries = 6

// Begin is what follows when the next series begins on a day.
func (c CycleChanges) Begin(now Every, day calendar.Date) (Every, CycleChanges) {
	next := *c.Next
	before := append(append([]CycleBefore(nil), c.Before...), CycleBefore{now, day})
	if len(before) > keptSeries {
		before = before[len(before)-keptSeries:]
	}
	return next, CycleChanges{Before: before}
}

// ErrSameCycle means that the account is billed so already.
var ErrSameCycle = errors.New("the account is billed so already")

// ChangeCycle lets an account be billed by another series from the end of its
// open cycle on: a shorter cycle bridges to the series' first bound. A nil
// series takes back what was to come.
func ChangeCycle(ctx context.Context, tx tenant.Tx, id uuid.UUID, next *Every, by string) (Account, error) {
	a, err := Lock(ctx, tx, id)
	if err != nil {
		return Account{}, err
	}
	if a.State == Closed {
		return Account{}, fmt.Errorf("account %s: %w", a.Number, ErrClosed)
	}
	if a.ToParent {
		return Account{}, fmt.Errorf("account %s is billed with its parent: %w", a.Number, ErrParentCycle)
	}
	changes := CycleChanges{}
	if a.Changes != nil {
		changes = *a.Changes
	}
	if next != nil {
		if err := next.check(); err != nil {
			return Account{}, err
		}
		if *next == (Every{a.Anchor, a.CycleMonths, a.CycleDays}) {
			return Account{}, fmt.Errorf("account %s: %w", a.Number, ErrSameCycle)
		}
	}
	changes.Next, changes.By = next, by
	if next == nil {
		changes.By = ""
	}
	text, err := json.Marshal(changes)
	if err != nil {
		return Account{}, fmt.Errorf("cycle of account %s: %w", a.Number, err)
	}
	done, err := tx.Exec(ctx, `update billing_account set cycle_changes = nullif($2::jsonb, '{}') where id = $1 or parent_id = $1 and billed_to_parent`, id, text)
	if err != nil {
		return Account{}, fmt.Errorf("cycle of account %s: %w", a.Number, err)
	}
	if done.RowsAffected() == 0 {
		return Account{}, fmt.Errorf("account %s: %w", id, ErrNotFound)
	}
	if err := bumpEpoch(ctx, tx); err != nil {
		return Account{}, err
	}
	return Get(ctx, tx, id)
}

// Following is the cycle after the open one, in the series that then holds.
func (a Account) Following(policy calendar.AnchorPolicy) calendar.Period {
	cycles := a.Cycles(policy)
	if a.Changes != nil && a.Changes.Next != nil {
		cycles = a.Changes.Next.Cycle(policy)
	}
	return calendar.Period{From: a.Cycle.To, To: cycles.Containing(a.Cycle.To).To}
}

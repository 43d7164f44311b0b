package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tollhouse/bench/baseline"
	"tollhouse/billing"
	"tollhouse/billing/agenda"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/tenant"
)

const (
	// billGoal is the least number of bills closed in a second.
	billGoal = 500
	// flatGoal is by how much of itself the time per bill may differ between
	// the small and the large run.
	flatGoal = 0.20
)

// billRun measures the closing of a month, chunk by chunk as the agenda's
// handler does it, for few and for many accounts. The baseline closes a copy of
// the many by set-based SQL and must come to the same bills.
func billRun(ctx context.Context, s scale, say reporter) (Result, error) {
	h, err := openHouse(ctx)
	if err != nil {
		return Result{}, err
	}
	defer h.close()
	// The small runs stand around the large one, so that a machine that gets
	// busier or idler meanwhile doesn't look like growth.
	var few rounds // seconds a bill
	var many billTurn
	for n := range s.fewRuns {
		if n == s.fewRuns/2 {
			if many, err = h.billTurn(ctx, s, s.accounts, say); err != nil {
				return Result{}, err
			}
		}
		turn, err := h.billTurn(ctx, s, s.fewAccounts, say)
		if err != nil {
			return Result{}, err
		}
		few = append(few, turn.ours.Seconds()/float64(s.fewAccounts))
	}
	growth := many.ours.Seconds()/float64(s.accounts)/few.median() - 1
	r := Result{Value: perSecond(s.accounts, many.ours), Unit: "bills/s", Goal: fmt.Sprintf("value >= %d, time per bill within %.0f %% from %d to %d accounts",
		billGoal, flatGoal*100, s.fewAccounts, s.accounts)}
	r.beside(perSecond(s.accounts, many.theirs))
	r.OK = r.Value >= billGoal && growth <= flatGoal
	r.Note = fmt.Sprintf("%d accounts with %d charges each closed in %s, set-based SQL %s to the same bills; time per bill %+.0f %% from %d accounts on "+
		"(median of %d runs)", s.accounts, s.eventsPerBill, seconds(many.ours), seconds(many.theirs), growth*100, s.fewAccounts, s.fewRuns)
	return r, nil
}

// billTurn is how long one run took, ours and the baseline's.
type billTurn struct{ ours, theirs time.Duration }

func (h *house) billTurn(ctx context.Context, s scale, accounts int, say reporter) (billTurn, error) {
	say("connecting %d accounts and charging their month", accounts)
	stack, err := h.charged(ctx, s, accounts)
	if err != nil {
		return billTurn{}, err
	}
	copied, err := baseline.CopyOperator(ctx, h.server.AdminURL(hostDatabase), stack.Ref.Slot.Schema(), "copy_of_"+stack.Ref.Slot.Schema())
	if err != nil {
		return billTurn{}, err
	}
	conn, err := h.admin(ctx)
	if err != nil {
		return billTurn{}, err
	}
	h.clock.set(h.month.to.Add(time.Hour))
	var turn billTurn
	if err := settle(ctx, conn); err != nil {
		return billTurn{}, err
	}
	say("closing %d accounts", accounts)
	if turn.ours, err = h.closeMonth(ctx, stack, accounts); err != nil {
		return billTurn{}, err
	}
	if err := settle(ctx, conn); err != nil {
		return billTurn{}, err
	}
	say("closing a copy by SQL")
	if turn.theirs, err = copied.Close(ctx, calendar.DateOf(h.month.to, h.month.zone), h.clock.now()); err != nil {
		return billTurn{}, err
	}
	say("%d accounts: %s ours, %s by SQL", accounts, seconds(turn.ours), seconds(turn.theirs))
	return turn, copied.Compare(ctx)
}

// charged makes an operator whose postpaid accounts have used something.
func (h *house) charged(ctx context.Context, s scale, accounts int) (*billing.Stack, error) {
	h.clock.set(h.month.from)
	stack, err := h.operator(ctx)
	if err != nil {
		return nil, err
	}
	offering, err := publish(ctx, stack, postpaidOffer)
	if err != nil {
		return nil, err
	}
	if _, err := connect(ctx, stack, offering, 0, accounts); err != nil {
		return nil, err
	}
	h.clock.set(h.month.to.Add(-time.Hour))
	_, err = h.receive(ctx, stack, uint64(accounts), accounts*s.eventsPerBill, accounts)
	return stack, err
}

// closeMonth works the agenda until the run that it holds is done, and says how
// long that took. The next cycle's allowances, which come after, are no part.
func (h *house) closeMonth(ctx context.Context, stack *billing.Stack, accounts int) (took time.Duration, err error) {
	for again := true; again; {
		began := time.Now()
		if again, err = h.host.Work(ctx, stack.Ref.ID, agenda.Cycles); err != nil {
			return 0, err
		}
		took += time.Since(began)
		done, err := closed(ctx, stack)
		if err != nil {
			return 0, err
		}
		if done == accounts {
			return took, sums(ctx, stack)
		}
	}
	return 0, errEndedEarly
}

// errEndedEarly means that accounts were left over.
var errEndedEarly = errors.New("the bill run ended before all accounts were closed")

// closed says how many accounts the latest run has closed.
func closed(ctx context.Context, stack *billing.Stack) (done int, err error) {
	err = stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		runs, err := bill.Runs(ctx, tx, 1)
		if err != nil || len(runs) == 0 {
			return err
		}
		done = runs[0].Done
		return nil
	})
	return done, err
}

// sums makes sure that the books balance: speed that breaks them is none.
func sums(ctx context.Context, stack *billing.Stack) error {
	return stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		report, err := ledger.ControlSums(ctx, tx)
		if err != nil {
			return err
		}
		return report.Check()
	})
}

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
	// flatGoal is by how much of itself the time per bill may grow from the
	// small to the large run.
	flatGoal = 0.20
)

// billRun measures the closing of a month, chunk by chunk as the agenda's
// handler does it. Runs of few accounts stand between the parts of one of many,
// so that growth is told from a machine that gets busier meanwhile. The
// baseline closes a copy of the many by set-based SQL and must come to the same
// bills.
func billRun(ctx context.Context, s scale, say reporter) (Result, error) {
	h, err := openHouse(ctx)
	if err != nil {
		return Result{}, err
	}
	defer h.close()
	say("connecting %d accounts and charging their month", s.accounts)
	many, err := h.charged(ctx, s, s.accounts)
	if err != nil {
		return Result{}, err
	}
	say("connecting %d times %d accounts and charging their month", s.fewRuns, s.fewAccounts)
	few := make([]*run, s.fewRuns)
	for i := range few {
		if few[i], err = h.charged(ctx, s, s.fewAccounts); err != nil {
			return Result{}, err
		}
	}
	copied, err := baseline.CopyOperator(ctx, h.server.AdminURL(hostDatabase), many.stack.Ref.Slot.Schema(), "baseline")
	if err != nil {
		return Result{}, err
	}
	h.clock.set(h.month.to.Add(time.Hour))
	say("closing")
	growth, err := h.closeInTurns(ctx, many, few)
	if err != nil {
		return Result{}, err
	}
	say("closing a copy by SQL")
	theirs, err := h.closeCopy(ctx, copied)
	if err != nil {
		return Result{}, err
	}
	r := Result{Value: perSecond(s.accounts, many.took), Unit: "bills/s", Goal: fmt.Sprintf("value >= %d, time per bill within %.0f %% from %d to %d accounts",
		billGoal, flatGoal*100, s.fewAccounts, s.accounts)}
	r.beside(perSecond(s.accounts, theirs))
	r.OK = r.Value >= billGoal && growth.median() <= 1+flatGoal
	r.Note = fmt.Sprintf("%d accounts with %d charges each closed in %s, set-based SQL %s to the same bills; time per bill %.2f times that of %d accounts "+
		"(median of %d turns, %s)", s.accounts, s.eventsPerBill, seconds(many.took), seconds(theirs), growth.median(), s.fewAccounts, s.fewRuns, growth.spread())
	return r, nil
}

// closeInTurns closes a part of the many, then a whole run of few, and so on,
// and tells each turn's time per bill of the many by that of the few.
func (h *house) closeInTurns(ctx context.Context, many *run, few []*run) (growth rounds, err error) {
	conn, err := h.admin(ctx)
	if err != nil {
		return nil, err
	}
	if err := settle(ctx, conn); err != nil {
		return nil, err
	}
	for i, small := range few {
		large, err := h.closeUntil(ctx, many, many.accounts*(i+1)/len(few))
		if err != nil {
			return nil, err
		}
		own, err := h.closeUntil(ctx, small, small.accounts)
		if err != nil {
			return nil, err
		}
		growth = append(growth, large/own)
	}
	return growth, sums(ctx, many.stack)
}

func (h *house) closeCopy(ctx context.Context, copied *baseline.BillRun) (time.Duration, error) {
	conn, err := h.admin(ctx)
	if err != nil {
		return 0, err
	}
	if err := settle(ctx, conn); err != nil {
		return 0, err
	}
	took, err := copied.Close(ctx, calendar.DateOf(h.month.to, h.month.zone), h.clock.now())
	if err != nil {
		return 0, err
	}
	return took, copied.Compare(ctx)
}

// run is an operator whose month is to be closed, and how far that is.
type run struct {
	stack    *billing.Stack
	accounts int
	closed   int
	took     time.Duration
}

// charged makes an operator whose postpaid accounts have used something.
func (h *house) charged(ctx context.Context, s scale, accounts int) (*run, error) {
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
	_, err = h.receive(ctx, stack, uint64(h.made), accounts*s.eventsPerBill, accounts)
	return &run{stack: stack, accounts: accounts}, err
}

// errEndedEarly means that accounts were left over.
var errEndedEarly = errors.New("the bill run ended before all accounts were closed")

// closeUntil works the agenda until so many accounts of a run are closed, and says
// how many seconds a bill took. The next cycle's allowances, which come after
// the run, are no part of it.
func (h *house) closeUntil(ctx context.Context, r *run, until int) (perBill float64, err error) {
	closedBefore, tookBefore := r.closed, r.took
	for again := true; r.closed < until; {
		if !again {
			return 0, errEndedEarly
		}
		began := time.Now()
		if again, err = h.host.Work(ctx, r.stack.Ref.ID, agenda.Cycles); err != nil {
			return 0, err
		}
		r.took += time.Since(began)
		if r.closed, err = closed(ctx, r.stack); err != nil {
			return 0, err
		}
	}
	return (r.took - tookBefore).Seconds() / float64(r.closed-closedBefore), nil
}

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

package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime/metrics"
	"slices"
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
	// billGoal is the least number of bills closed in a second, billRatio the
	// least share of what set-based SQL does.
	billGoal  = 2_500
	billRatio = 0.8
	// flatGoal is by how much of itself the time per bill may grow from the
	// small to the large run.
	flatGoal = 0.20
	// memoryGoal is by how much the process may grow from the small to the large run.
	memoryGoal = 64 << 20
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
	say("connecting %d accounts with %d subscriptions and charging their month", s.billSeed, s.lines)
	many, err := h.charged(ctx, s, s.billSeed)
	if err != nil {
		return Result{}, err
	}
	say("copying them %d times", s.billCopies)
	if err := h.multiply(ctx, many.stack, s.billCopies); err != nil {
		return Result{}, err
	}
	many.accounts *= s.billCopies
	few := make([]*run, s.fewRuns)
	say("connecting %d times %d accounts and charging their month", s.fewRuns, s.fewAccounts)
	for i := range few {
		if few[i], err = h.charged(ctx, s, s.fewAccounts); err != nil {
			return Result{}, err
		}
	}
	say("copying the operator for the baseline")
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
	smallest, largest := slices.Min(few[0].memory), slices.Max(many.memory)
	r := Result{Value: perSecond(many.accounts, many.took), Unit: "bills/s", Goal: fmt.Sprintf("value >= %d, ratio >= %g, time per bill within %.0f %% and memory within %d MB from %d to %d accounts",
		billGoal, billRatio, flatGoal*100, memoryGoal>>20, s.fewAccounts, many.accounts)}
	r.beside(perSecond(many.accounts, theirs))
	r.OK = r.Value >= billGoal && *r.Ratio >= billRatio && growth.median() <= 1+flatGoal && largest <= smallest+memoryGoal
	r.Note = fmt.Sprintf("%d accounts with %d subscriptions and %d charges each closed in %s, set-based SQL %s to the same bills; time per bill %.2f times that of %d accounts "+
		"(median of %d turns, %s); memory in use after a garbage collection from %d to %d MB; "+
		"processor time of a bill %.0f us here and %.0f us in the database", many.accounts, s.lines, s.eventsPerBill, seconds(many.took), seconds(theirs),
		growth.median(), s.fewAccounts, s.fewRuns, growth.spread(), smallest>>20, largest>>20,
		micros(many.own)/float64(many.accounts), micros(many.database)/float64(many.accounts))
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
		if large > 0 {
			growth = append(growth, large/own)
		}
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
	memory   []uint64 // live bytes after each portion

	own, database time.Duration // on a processor
}

// charged makes an operator whose postpaid accounts have several subscriptions
// each and have used something.
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
	if err := connectLines(ctx, stack, offering, accounts, s.lines); err != nil {
		return nil, err
	}
	h.clock.set(h.month.to.Add(-time.Hour))
	_, err = h.receive(ctx, stack, uint64(h.made), accounts*s.eventsPerBill, accounts*s.lines)
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
		ownBefore, databaseBefore := cpu()
		began := time.Now()
		if again, err = h.host.Work(ctx, r.stack.Ref.ID, agenda.Cycles); err != nil {
			return 0, err
		}
		r.took += time.Since(began)
		own, database := cpu()
		r.own, r.database = r.own+own-ownBefore, r.database+database-databaseBefore
		r.memory = append(r.memory, live())
		if r.closed, err = closed(ctx, r.stack); err != nil {
			return 0, err
		}
	}
	if r.closed == closedBefore {
		return 0, nil // a portion before had gone so far
	}
	return (r.took - tookBefore).Seconds() / float64(r.closed-closedBefore), nil
}

// live is how many bytes of the heap the last garbage collection left.
func live() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
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

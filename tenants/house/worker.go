package house

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
	"tollhouse/tenants/contract"
)

// Worker closes contracts' months and carries charges into the house's books.
type Worker struct {
	DB *tenants.DB
	// Find finds the house's stack; tenant.ErrUnknown while it is nowhere.
	Find func(ctx context.Context, id tenant.ID) (Books, error)
	// Missing is told of months that were charged at the minimum, Whole of
	// contracts of whose base no day is missing any more. They may be nil.
	Missing contract.Missing
	Whole   func(ctx context.Context, tx tenants.Tx, c contract.Contract) error
	// Pass makes the operator's own what a lease that is paid was for, in the
	// transaction that writes it down. It may be nil.
	Pass func(ctx context.Context, tx tenants.Tx, c contract.Contract) error
	Log  *slog.Logger
}

const (
	workEvery = time.Minute      // wall time
	tellEvery = 10 * time.Minute // wall time
	// atOnce bounds what one transaction or turn takes on.
	atOnce = 100
	// monthsBack is how far back a month that nobody closed is looked for.
	monthsBack = 24
)

// Keep works until ctx ends.
func (w *Worker) Keep(ctx context.Context) {
	tick := time.NewTicker(workEvery)
	defer tick.Stop()
	var told time.Time
	for {
		if err := w.Work(ctx); err != nil && ctx.Err() == nil {
			w.Log.Error("house billing failed", "error", err)
		}
		if w.DB.Now().Sub(told) >= tellEvery {
			if err := w.Tell(ctx); err != nil && ctx.Err() == nil {
				w.Log.Error("operators not told of their contracts", "error", err)
			}
			told = w.DB.Now()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Work closes what is to be closed, carries what waits, and passes what is paid. Without a house
// nothing is to be done.
func (w *Worker) Work(ctx context.Context) error {
	house, books, err := w.house(ctx)
	if errors.Is(err, tenants.ErrNotFound) || errors.Is(err, tenant.ErrUnknown) {
		return nil // there is none, or its stack is being made
	}
	if err != nil {
		return err
	}
	at, zone, err := books.Now(ctx)
	if err != nil {
		return fmt.Errorf("ask the house for its day: %w", err)
	}
	today := calendar.DateOf(at, zone)
	return errors.Join(w.makeUp(ctx, today), w.close(ctx, house, today), w.carry(ctx, house, books), w.pass(ctx, house, books, today))
}

// house finds the house and its books; tenants.ErrNotFound if there is none,
// tenant.ErrUnknown while its stack stands nowhere.
func (w *Worker) house(ctx context.Context) (house tenants.Operator, books Books, err error) {
	err = w.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		house, err = contract.House(ctx, tx)
		return err
	})
	if err != nil {
		return house, books, err
	}
	if books, err = w.Find(ctx, house.ID); err != nil {
		return house, books, fmt.Errorf("find the house's stack: %w", err)
	}
	return house, books, nil
}

// close closes every month that is over on the house's day. A contract that
// can't be closed keeps no other from it.
func (w *Worker) close(ctx context.Context, house tenants.Operator, today calendar.Date) error {
	var faults []error
	over := contract.Month(today.AddDays(-graceDays)).From // months before it are over
	for month := contract.Month(over.AddMonths(-monthsBack)); month.From.Before(over); month = contract.Month(month.To) {
		for {
			var open []contract.Contract
			err := w.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
				open, err = contract.ToClose(ctx, tx, month, house.Sandbox, atOnce)
				return err
			})
			if err != nil {
				return errors.Join(append(faults, err)...)
			}
			failed := false
			for _, c := range open {
				if err := w.closeOne(ctx, c, month); err != nil {
					faults, failed = append(faults, fmt.Errorf("close %s of contract %s: %w", month.From, c.ID, err)), true
				}
			}
			if len(open) < atOnce || failed {
				break
			}
		}
	}
	return errors.Join(faults...)
}

func (w *Worker) closeOne(ctx context.Context, c contract.Contract, month calendar.Period) error {
	return w.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		// as it is now: it may have ended since it was listed
		c, err := contract.Get(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		if err := contract.CloseMonth(ctx, tx, c, month, w.Missing); err != nil {
			return err
		}
		return w.whole(ctx, tx, c) // closing makes up for months before
	})
}

// whole says of a contract that no day of its months is missing any more.
func (w *Worker) whole(ctx context.Context, tx tenants.Tx, c contract.Contract) error {
	if w.Whole == nil {
		return nil
	}
	if left, err := contract.OpenMonths(ctx, tx, c); err != nil || left > 0 {
		return err
	}
	return w.Whole(ctx, tx, c)
}

// makeUp charges what is still owed of months of whose base days were missing,
// and says so of contracts that have none left.
func (w *Worker) makeUp(ctx context.Context, today calendar.Date) error {
	var open []contract.Contract
	err := w.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		open, err = contract.ToMakeUp(ctx, tx, atOnce)
		return err
	})
	if err != nil {
		return err
	}
	var faults []error
	for _, c := range open {
		err := w.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
			if err := contract.MakeUp(ctx, tx, c, today); err != nil {
				return err
			}
			return w.whole(ctx, tx, c)
		})
		if err != nil {
			faults = append(faults, fmt.Errorf("make up months of contract %s: %w", c.ID, err))
		}
	}
	return errors.Join(faults...)
}

// carry enters what waits, the oldest first.
func (w *Worker) carry(ctx context.Context, house tenants.Operator, books Books) error {
	var waiting []contract.HouseCharge
	operators := map[tenant.ID]tenants.Operator{}
	err := w.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		if waiting, err = contract.Waiting(ctx, tx, atOnce); err != nil {
			return err
		}
		for _, h := range waiting {
			if operators[h.Operator], err = tenants.GetOperator(ctx, tx, h.Operator); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	var faults []error
	for _, h := range waiting {
		operator := operators[h.Operator]
		if !contract.Counts(house, operator) {
			continue
		}
		err := books.Enter(ctx, operator, h)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		noted := w.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
			if err != nil {
				return contract.NotCarried(ctx, tx, h, err.Error())
			}
			return contract.Carried(ctx, tx, h)
		})
		if err != nil {
			err = fmt.Errorf("enter charge %s of %s: %w", h.Key, operator.Name, err)
		}
		faults = append(faults, err, noted)
	}
	return errors.Join(faults...)
}

package contract

import (
	"context"
	"errors"
	"fmt"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// Takings reads what stacks have signed.
type Takings interface {
	// Stacks lists the stacks that can be asked now.
	Stacks(ctx context.Context) ([]tenant.ID, error)
	// Told is what a stack signed of the days after one (zero: all), at most
	// MaxStatements of them, with its public keys.
	Told(ctx context.Context, id tenant.ID, after calendar.Date) (Told, error)
}

// Refused is told of a stack whose statement was refused.
type Refused func(ctx context.Context, tx tenants.Tx, operator tenant.ID, why error) error

// IsRefusal says whether an error of KeepTold is about what was told, and not
// about us.
func IsRefusal(err error) bool {
	return errors.Is(err, ErrForged) || errors.Is(err, ErrBroken) || errors.Is(err, ErrTotalDiffers)
}

// Gather keeps what the stacks have signed since it was last asked. Sandboxes
// are left out by a live house, and while there is none; one stack that does
// not answer, or tells what is not true, keeps nobody from the others.
func Gather(ctx context.Context, db *tenants.DB, stacks Takings, refused Refused) error {
	ids, err := stacks.Stacks(ctx)
	if err != nil {
		return fmt.Errorf("list stacks to gather totals from: %w", err)
	}
	var faults []error
	for _, id := range ids {
		if err := gather(ctx, db, stacks, id, refused); err != nil {
			faults = append(faults, fmt.Errorf("gather totals of %s: %w", id, err))
		}
	}
	return errors.Join(faults...)
}

func gather(ctx context.Context, db *tenants.DB, stacks Takings, id tenant.ID, refused Refused) error {
	for {
		var after calendar.Date
		counts := false
		err := db.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
			if counts, err = countsNow(ctx, tx, id); err != nil || !counts {
				return err
			}
			after, err = LastTotal(ctx, tx, id)
			return err
		})
		if err != nil || !counts {
			return err
		}
		// No transaction is open while the stack is asked: it may be far away.
		told, err := stacks.Told(ctx, id, after)
		if err != nil {
			return err
		}
		if len(told.Statements) == 0 {
			return nil
		}
		err = db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error { return KeepTold(ctx, tx, id, told) })
		if IsRefusal(err) && refused != nil {
			why := err
			return errors.Join(why, db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error { return refused(ctx, tx, id, why) }))
		}
		if err != nil || len(told.Statements) < MaxStatements {
			return err
		}
	}
}

// countsNow says whether a stack's totals are wanted. A stack of no operator of
// ours is nobody's.
func countsNow(ctx context.Context, tx tenants.Tx, id tenant.ID) (bool, error) {
	operator, err := tenants.GetOperator(ctx, tx, id)
	if errors.Is(err, tenants.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	house, err := House(ctx, tx)
	if err != nil && !errors.Is(err, tenants.ErrNotFound) {
		return false, err
	}
	return Counts(house, operator), nil
}

// Wanted says after which day an operator's totals are wanted, for a stack that
// we can't ask and that tells them itself; false where they aren't.
func Wanted(ctx context.Context, tx tenants.Tx, operator tenant.ID) (after calendar.Date, wanted bool, err error) {
	if wanted, err = countsNow(ctx, tx, operator); err != nil || !wanted {
		return after, wanted, err
	}
	after, err = LastTotal(ctx, tx, operator)
	return after, true, err
}

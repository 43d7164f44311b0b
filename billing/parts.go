package billing

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/desk"
	"tollhouse/billing/migration"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
)

// partsAtOnce is how many options one transaction begins or ends.
const partsAtOnce = 200

// workParts ends the options whose last day is over, then begins those that
// waited for a day.
func (s *Stack) workParts(ctx context.Context, item agenda.Item) (again bool, err error) {
	var due onboarding.Due
	if err := item.Read(&due); err != nil {
		return false, err
	}
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		ended, err := account.EndDue(ctx, tx, due.Day, partsAtOnce)
		if err != nil {
			return err
		}
		if again = len(ended) > 0; again {
			return s.giveBack(ctx, tx, due.Day, ended)
		}
		n, err := desk.CarryOut(ctx, tx, s.host.charging, due.Day, partsAtOnce)
		if again = n > 0; err != nil || again {
			return err
		}
		n, err = s.host.desk.ActivateDue(ctx, tx, due.Day, partsAtOnce)
		again = n == partsAtOnce
		return err
	})
	return again, err
}

// giveBack puts on the next bills what was asked in advance of subscriptions
// that ended where a day began, for the days from there on.
func (s *Stack) giveBack(ctx context.Context, tx tenant.Tx, day calendar.Date, ended []uuid.UUID) error {
	_, err := bill.Adjust(ctx, tx, bill.ItemCredit, day, "", ended...)
	return err
}

// migrateAtOnce is how many subscribers one transaction tells or moves.
const migrateAtOnce = 200

// migrate carries a planned migration, which the item refers to, a portion on.
func (s *Stack) migrate(ctx context.Context, item agenda.Item) (again bool, err error) {
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		again, err = migration.Work(ctx, tx, s.host.desk, item.Ref, migrateAtOnce)
		return err
	})
	return again, err
}

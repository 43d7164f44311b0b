package billing

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/billing/agenda"
	"tollhouse/billing/charging"
	"tollhouse/billing/collection"
	"tollhouse/billing/desk"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// reviewAtOnce is how many accounts one transaction reviews.
const reviewAtOnce = 200

// Collection follows accounts that owe.
func (s *Stack) Collection() *collection.Collector {
	return collection.New(collection.Hooks{
		Stop: func(ctx context.Context, tx tenant.Tx, subscriptions ...uuid.UUID) error {
			for _, id := range subscriptions {
				if err := charging.AbortSessions(ctx, tx, id); err != nil {
					return err
				}
			}
			return nil
		},
		Terminate: func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
			return desk.Terminate(ctx, tx, s.host.charging, id)
		},
		PayPage: func(token string) string { return s.host.config.PublicURL + "/t/" + s.Ref.Name + "/link/" + token },
	})
}

// reviewDebt looks at an account whose open items have changed: what follows if
// they are late, and what a stored card pays by itself.
func (s *Stack) reviewDebt(ctx context.Context, accountID uuid.UUID) error {
	return s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		if err := s.Collection().Review(ctx, tx, accountID); err != nil {
			return err
		}
		return payment.ScheduleAutoPay(ctx, tx, accountID)
	})
}

func (s *Stack) dunningDay(ctx context.Context, item agenda.Item) (again bool, err error) {
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		again, err = s.Collection().Day(ctx, tx, item, reviewAtOnce)
		return err
	})
	return again, err
}

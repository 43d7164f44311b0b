package account

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Term is how long a subscription is bound to last. It ends nothing by itself.
type Term struct {
	From, Until *calendar.Date // half-open; nil: not bound
	// TerminationFee is what leaving before Until costs by contract, in the
	// account's currency, for people to see: nothing charges it by itself.
	TerminationFee *money.Decimal
}

func (t Term) check() error {
	switch {
	case t.From != nil && t.Until != nil && !t.From.Before(*t.Until):
		return &FieldError{"term_until", "a day after the term begins"}
	case t.TerminationFee != nil && t.TerminationFee.Sign() < 0:
		return &FieldError{"termination_fee", "an amount of zero or more"}
	}
	return nil
}

// PutTerm replaces a subscription's term.
func PutTerm(ctx context.Context, tx tenant.Tx, subscription uuid.UUID, t Term) error {
	if err := t.check(); err != nil {
		return err
	}
	done, err := tx.Exec(ctx, `update subscription set term_from = $2, term_until = $3, termination_fee = $4 where id = $1`,
		subscription, t.From, t.Until, t.TerminationFee)
	if err != nil {
		return fmt.Errorf("put term of subscription %s: %w", subscription, err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("subscription %s: %w", subscription, ErrNotFound)
	}
	return nil
}

package account

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Limits bound what an account may owe by online charges.
type Limits struct {
	// Credit is for postpaid accounts; nil: no limit.
	Credit *money.Decimal
	// Debt is how far a prepaid account's own money may go below zero; nil: as
	// its offering says.
	Debt *money.Decimal
}

// check refuses limits that a kind of account does not have.
func (l Limits) check(kind Kind) error {
	switch {
	case l.Credit != nil && kind == Prepaid:
		return &FieldError{"credit_limit", "no limit for a prepaid account"}
	case l.Debt != nil && kind == Postpaid:
		return &FieldError{"debt_limit", "no limit for a postpaid account"}
	}
	for field, limit := range map[string]*money.Decimal{"credit_limit": l.Credit, "debt_limit": l.Debt} {
		if limit != nil && (limit.Sign() < 0 || limit.Digits() > money.Scale || limit.Cmp(money.NewDecimal(1_000_000_000_000_000)) > 0) {
			return &FieldError{field, "an amount of zero or more"}
		}
	}
	return nil
}

// PutLimits sets both limits of an account. What is owed already stays so.
func PutLimits(ctx context.Context, tx tenant.Tx, id uuid.UUID, l Limits) error {
	a, err := Lock(ctx, tx, id)
	if err != nil {
		return err
	}
	if err := l.check(a.Kind); err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, `update billing_account set credit_limit = $2, debt_limit = $3 where id = $1`, id, l.Credit, l.Debt)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows written, want 1", tag.RowsAffected())
	}
	if err != nil {
		return fmt.Errorf("set limits of account %s: %w", a.Number, err)
	}
	return RecordChanged(ctx, tx, id)
}

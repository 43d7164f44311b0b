package tax

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// Standing is how one customer is taxed today, and why.
type Standing struct {
	Buyer       *Buyer // nil: an ordinary customer
	Categories  []Applied
	Exemptions  []Exemption // also those that have ended
	Withholding *Withholding
}

// StandingOf says what tax an account pays in each category on a day. A
// category without a rate on that day is left out.
func StandingOf(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, day calendar.Date) (Standing, error) {
	var s Standing
	err := tx.QueryRow(ctx, `select tax_status, withholding from billing_account where id = $1`, accountID).Scan(&s.Buyer, &s.Withholding)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, fmt.Errorf("account %s: %w", accountID, account.ErrNotFound)
	}
	if err != nil {
		return s, fmt.Errorf("tax of account %s: %w", accountID, err)
	}
	table, err := Load(ctx, tx)
	if err != nil {
		return s, err
	}
	if s.Buyer != nil {
		s.Exemptions = s.Buyer.Exempt
	}
	regime := table.For(s.Buyer)
	for _, category := range table.Categories() {
		applied, err := regime.Explain(category, day)
		if errors.Is(err, ErrNoRate) {
			continue
		}
		if err != nil {
			return s, err
		}
		applied.Code = applied.code()
		s.Categories = append(s.Categories, applied)
	}
	return s, nil
}

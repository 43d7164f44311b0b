package charging

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Kind says what a charge is for.
type Kind string

// Kinds of charge.
const (
	UsageCharge     Kind = "usage"
	RecurringCharge Kind = "recurring"
	OneTimeCharge   Kind = "one_time"
	DiscountCharge  Kind = "discount"   // off a fee: below zero
	CorrectedCharge Kind = "correction" // what a charge should have been less what it was
	RefundedCharge  Kind = "refund"     // given back of a charge: below zero
)

// Charge is what one use or fee cost, and why. A usage's charge has the id of
// its usage record.
type Charge struct {
	Period         calendar.Date // first of the month of At
	ID             uuid.UUID
	Kind           Kind
	UsageID        uuid.UUID // uuid.Nil for fees
	AccountID      uuid.UUID
	SubscriptionID uuid.UUID
	ServiceID      uuid.UUID // uuid.Nil for fees
	OfferingID     uuid.UUID
	CycleStart     calendar.Date // the cycle in which it is billed
	OwnCycle       calendar.Date // whose tiers and allowances it goes by, if an earlier one; else zero
	At             time.Time     // when the use ended, or the day of the fee began
	RatedAt        time.Time
	LineCode       string
	Quantity       money.Decimal // in whole steps, as priced
	Unit           money.Unit
	Allowance      money.Decimal // what unit buckets covered of Quantity
	Price          money.Decimal // as the offering writes it
	Net            money.Decimal
	Tax            money.Decimal
	Currency       money.Currency
	TaxCategory    string
	PaidFromMoney  money.Decimal // what money buckets paid
	Why            []byte        // JSON

	Corrects       uuid.UUID // of a correction or refund: the charge, and its period
	CorrectsPeriod calendar.Date
	Reason         string
}

var chargeColumns = []string{
	"period", "id", "kind", "usage_id", "account_id", "subscription_id", "service_id", "offering_id", "cycle_start",
	"at", "rated_at", "line_code", "quantity", "unit", "allowance", "price", "net", "tax", "currency", "tax_category",
	"paid_from_balance", "why", "own_cycle", "corrects_id", "corrects_period", "reason",
}

// chargeRows feeds COPY.
type chargeRows struct {
	charges []Charge
	next    int
	row     [26]any
}

func (r *chargeRows) Next() bool {
	r.next++
	return r.next <= len(r.charges)
}

func (r *chargeRows) Values() ([]any, error) {
	c := &r.charges[r.next-1]
	r.row = [26]any{
		c.Period, [16]byte(c.ID), string(c.Kind), optionalID(c.UsageID), [16]byte(c.AccountID), [16]byte(c.SubscriptionID),
		optionalID(c.ServiceID), [16]byte(c.OfferingID), c.CycleStart, c.At, c.RatedAt, c.LineCode, c.Quantity, string(c.Unit),
		c.Allowance, c.Price, c.Net, c.Tax, c.Currency.Code(), c.TaxCategory, c.PaidFromMoney, c.Why,
		optionalDate(c.OwnCycle), optionalID(c.Corrects), optionalDate(c.CorrectsPeriod), c.Reason,
	}
	return r.row[:], nil
}

// Err is always nil: the rows are in memory.
func (r *chargeRows) Err() error { return nil }

func optionalID(id uuid.UUID) any {
	if id == uuid.Nil {
		return nil
	}
	return [16]byte(id)
}

func optionalDate(day calendar.Date) any {
	if day.IsZero() {
		return nil
	}
	return day
}

func writeCharges(ctx context.Context, tx tenant.Tx, charges []Charge) error {
	if len(charges) == 0 {
		return nil
	}
	written, err := tx.CopyFrom(ctx, pgx.Identifier{"charge"}, chargeColumns, &chargeRows{charges: charges})
	if err != nil {
		return fmt.Errorf("copy charges: %w", err)
	}
	if written != int64(len(charges)) {
		return fmt.Errorf("copy charges: %d of %d rows written", written, len(charges))
	}
	return nil
}

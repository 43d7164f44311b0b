package charging

import (
	"context"
	"time"

	"github.com/google/uuid"

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

// chargeBytes is about what a charge takes in a COPY.
const chargeBytes = 640

// chargeRows are charges as rows.
func chargeRows(charges []Charge) *tenant.Copy {
	rows := tenant.NewCopy("charge", chargeColumns, len(charges)*chargeBytes)
	for i := range charges {
		c := &charges[i]
		rows.Row()
		rows.Date(c.Period)
		rows.UUID(c.ID)
		rows.Text(string(c.Kind))
		rows.OptionalUUID(c.UsageID)
		rows.UUID(c.AccountID)
		rows.UUID(c.SubscriptionID)
		rows.OptionalUUID(c.ServiceID)
		rows.UUID(c.OfferingID)
		rows.Date(c.CycleStart)
		rows.Time(c.At)
		rows.Time(c.RatedAt)
		rows.Text(c.LineCode)
		rows.Decimal(c.Quantity)
		rows.Text(string(c.Unit))
		rows.Decimal(c.Allowance)
		rows.Decimal(c.Price)
		rows.Decimal(c.Net)
		rows.Decimal(c.Tax)
		rows.Text(c.Currency.Code())
		rows.Text(c.TaxCategory)
		rows.Decimal(c.PaidFromMoney)
		rows.JSONB(c.Why)
		rows.OptionalDate(c.OwnCycle)
		rows.OptionalUUID(c.Corrects)
		rows.OptionalDate(c.CorrectsPeriod)
		rows.Text(c.Reason)
	}
	return rows
}

func writeCharges(ctx context.Context, tx tenant.Tx, charges []Charge) error {
	return chargeRows(charges).Write(ctx, tx)
}

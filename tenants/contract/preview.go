package contract

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/tenants"
)

// Preview is what a contract comes to before it has begun.
type Preview struct {
	Months []MonthPreview
	Plan   []Instalment // of a lease
}

// MonthPreview is what one calendar month comes to.
type MonthPreview struct {
	Month   calendar.Period
	Charges []Charge
	Total   money.Amount // without tax
}

// Preview reckons the first months of a contract as if it were in force. A share
// of revenue is reckoned of an assumed base a month, or at its minimum where
// that is nil.
func (c Contract) Preview(months int, assumed *money.Amount) Preview {
	if c.State == Draft || c.State == Withdrawn || c.State == "" {
		c.State = Active
	}
	var p Preview
	if c.Terms.Lease != nil {
		p.Plan = c.Terms.Lease.Plan(c.From)
	}
	month := Month(c.From)
	for range months {
		base := Base{Collected: money.Zero(c.Currency)}
		if assumed != nil {
			base.Collected = *assumed
		}
		m := MonthPreview{Month: month, Charges: c.Reckon(month, base), Total: money.Zero(c.Currency)}
		for _, charge := range m.Charges {
			m.Total = sum(m.Total, charge.Amount)
		}
		p.Months = append(p.Months, m)
		month = Month(month.To)
	}
	return p
}

// BuyOutOn is what it costs to buy out what a contract in force leases; ErrState
// for one that is no lease, or not in force.
func (c Contract) BuyOutOn(on calendar.Date) (BuyOut, error) {
	if c.Terms.Lease == nil || c.State != Active {
		return BuyOut{}, fmt.Errorf("contract %s is no lease in force: %w", c.ID, ErrState)
	}
	return c.Terms.Lease.BuyOutOn(c.From, on)
}

// PaidOff says whether a contract is a lease whose last instalment is due by a day.
func (c Contract) PaidOff(by calendar.Date) bool {
	return c.Terms.Lease != nil && !by.Before(c.From.AddMonths(c.Terms.Lease.Months))
}

// Check says what Put would refuse, and changes nothing.
func Check(ctx context.Context, tx tenants.Tx, c Contract) error {
	if err := c.check(); err != nil {
		return err
	}
	_, err := c.owner(ctx, tx)
	return err
}

// owner reads the contract's operator, and refuses one that can't have it.
func (c Contract) owner(ctx context.Context, tx tenants.Tx) (tenants.Operator, error) {
	operator, err := tenants.GetOperator(ctx, tx, c.Operator)
	if err != nil {
		return operator, err
	}
	refuse := func(field, want string) (tenants.Operator, error) {
		return operator, &tenants.InvalidError{Fields: []tenants.FieldError{{Field: field, Want: want}}}
	}
	if own := operator.Settings.Currency; c.Terms.Share != nil && !own.IsZero() && own != c.Currency {
		return refuse("currency", own.Code()+", in which the operator collects what is shared")
	}
	if operator.Name == tenants.HouseName {
		return refuse("operator", "another operator than the house itself")
	}
	return operator, nil
}

// List lists contracts in the order of their ids, those after an id, with the
// state that is asked for; an empty one asks for all.
func List(ctx context.Context, tx tenants.Tx, state State, after uuid.UUID, limit int) ([]Contract, error) {
	return list(ctx, tx, `where id > $1 and ($2 = '' or state = $2) order by id limit $3`, after, string(state), limit)
}

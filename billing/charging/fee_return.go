package charging

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// endingFees is a prepaid subscription that ends.
type endingFees struct {
	Subscription, Account, Offering uuid.UUID
	Activated                       time.Time
	Currency                        money.Currency
	cycle                           calendar.Cycle
}

// paidFee is a fee that money paid, or what was off it.
type paidFee struct {
	ID     uuid.UUID
	Period calendar.Date
	Kind   Kind
	Code   string
	Price  money.Decimal
	At     time.Time
}

// ReturnFees gives prepaid subscriptions that end or rest from a day on back
// what they paid for it and later, of prices that are prorated and asked for longer than a day,
// with what was off them: to the money that paid. The accounts are locked.
func (e *Engine) ReturnFees(ctx context.Context, tx tenant.Tx, profile account.Profile, day calendar.Date, subscriptions ...uuid.UUID) error {
	back, err := unusedFees(ctx, tx, profile, day, subscriptions)
	if err != nil {
		return err
	}
	_, err = e.Correct(ctx, tx, back...)
	return err
}

// QuoteReturn says what ReturnFees would give back.
func QuoteReturn(ctx context.Context, tx tenant.Tx, profile account.Profile, day calendar.Date, subscriptions ...uuid.UUID) (sum money.Decimal, err error) {
	back, err := unusedFees(ctx, tx, profile, day, subscriptions)
	for _, one := range back {
		sum = sum.Add(*one.Off)
	}
	return sum, err
}

func unusedFees(ctx context.Context, tx tenant.Tx, profile account.Profile, day calendar.Date, subscriptions []uuid.UUID) ([]Correction, error) {
	rows, err := tx.Query(ctx, `
		select s.id, s.account_id, s.offering_id, s.activated_at, a.currency, a.anchor, a.cycle_months, a.cycle_days
		from subscription s
		join billing_account a on a.id = s.account_id and a.kind = 'prepaid'
		where s.id = any ($1) and s.activated_at is not null
		order by s.id`, subscriptions)
	if err != nil {
		return nil, fmt.Errorf("read subscriptions that end: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f endingFees, err error) {
		f.cycle.Policy = profile.AnchorPolicy
		err = row.Scan(&f.Subscription, &f.Account, &f.Offering, &f.Activated, &f.Currency, &f.cycle.Anchor, &f.cycle.Months, &f.cycle.Days)
		return f, err
	})
	if err != nil {
		return nil, fmt.Errorf("read subscriptions that end: %w", err)
	}
	var back []Correction
	for i := range list {
		offering, err := catalog.LoadVersion(ctx, tx, list[i].Offering)
		if err != nil {
			return nil, err
		}
		for _, price := range offering.Prices.Recurring {
			if price.Prorate != catalog.ProrateDay || price.Period().Daily() {
				continue
			}
			one, err := list[i].unused(ctx, tx, profile, price, day)
			if err != nil {
				return nil, fmt.Errorf("fee %s of subscription %s: %w", price.Code, list[i].Subscription, err)
			}
			if one != nil {
				back = append(back, *one)
			}
		}
	}
	return back, nil
}

// unused is what is to be given back of a price's period under way; nil: nothing.
func (f *endingFees) unused(ctx context.Context, tx tenant.Tx, profile account.Profile, price catalog.RecurringPrice, day calendar.Date) (*Correction, error) {
	period := price.Cycle(f.cycle).Containing(day)
	whole := period
	paid, err := f.paid(ctx, tx, profile, period)
	if err != nil {
		return nil, err
	}
	var fee *paidFee
	for i := range paid {
		if paid[i].Kind == RecurringCharge && paid[i].Code == price.Code {
			fee = &paid[i] // the latest
		}
	}
	if fee == nil || fee.Price.Sign() <= 0 {
		return nil, nil
	}
	var all, off money.Decimal
	for i := range paid {
		switch one := &paid[i]; {
		case !one.At.Equal(fee.At):
		case one.Kind == RecurringCharge:
			all = all.Add(one.Price)
		default:
			off = off.Add(one.Price)
		}
	}
	digits := f.Currency.DocumentDigits()
	share, err := off.MulDiv(fee.Price, all, digits, money.HalfAwayFromZero)
	if err != nil {
		return nil, err
	}
	if begun := calendar.DateOf(f.Activated, profile.Zone); begun.After(period.From) {
		period.From = begun
	}
	asked := fee.Price.Add(share)
	// What was used is a share of the whole period's price, also where the fee was for a part of it.
	days := money.NewDecimal(int64(period.From.DaysUntil(day)))
	if fee.Price.IsZero() {
		return nil, nil
	}
	worth, err := price.Amount.MulDiv(days, money.NewDecimal(int64(whole.Days())), money.Scale, money.HalfAwayFromZero)
	if err != nil {
		return nil, err
	}
	used, err := worth.MulDiv(asked, fee.Price, digits, money.HalfAwayFromZero)
	if err != nil {
		return nil, err
	}
	left := asked.Sub(used)
	if left.Sign() <= 0 {
		return nil, nil
	}
	return &Correction{ID: uuid.Must(uuid.NewV7()), Account: f.Account, Period: fee.Period, Charge: fee.ID, Off: &left}, nil
}

// paid are the fees of a subscription that were taken since a period began, the
// latest last. charge_cycle finds them.
func (f *endingFees) paid(ctx context.Context, tx tenant.Tx, profile account.Profile, period calendar.Period) ([]paidFee, error) {
	rows, err := tx.Query(ctx, `
		select id, period, kind, line_code, price, at
		from charge
		where account_id = $1 and cycle_start >= $2 and subscription_id = $3 and kind in ('recurring', 'discount') and at >= $4
		order by at, id`, f.Account, f.cycle.Containing(period.From).From, f.Subscription, period.From.Start(profile.Zone))
	if err != nil {
		return nil, fmt.Errorf("read fees paid: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[paidFee])
	if err != nil {
		return nil, fmt.Errorf("read fees paid: %w", err)
	}
	return list, nil
}

// PaidUpTo notes that prepaid subscriptions whose fees were given back from a
// day on are paid up to it.
func PaidUpTo(ctx context.Context, tx tenant.Tx, day calendar.Date, subscriptions ...uuid.UUID) error {
	_, err := tx.Exec(ctx, `
		update subscription s set charged_through = $2
		  from billing_account a
		 where s.id = any ($1) and a.id = s.account_id and a.kind = 'prepaid' and s.charged_through > $2`, subscriptions, day)
	if err != nil {
		return fmt.Errorf("note what is paid: %w", err)
	}
	return nil
}

package charging

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/rating"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// advance is what bills asked of a subscription in advance for one period, by
// tax category: a line of a fee, or of what was off it.
type advance struct {
	Subscription, Offering, Account, LegalEntity, Branch, Bill uuid.UUID
	Currency                                                   money.Currency
	CycleStart                                                 calendar.Date // open
	Kind, Code, Category                                       string
	Period                                                     calendar.Period
	Price                                                      money.Decimal
}

// advanceKey is what is credited together.
type advanceKey struct {
	subscription uuid.UUID
	from         calendar.Date
	category     string
}

// The lines of an account's bills are found by its documents (bill_account).
const selectAdvances = `
	select s.id, s.offering_id, a.id, a.legal_entity, a.branch, b.id, a.currency, a.cycle_start, l.kind, l.code, l.tax_category, l.period_from, l.period_to, l.price
	from subscription s
	join billing_account a on a.id = s.account_id and a.kind = 'postpaid'
	join bill b on b.account_id = a.id and b.state = 'final'
	join bill_line l on l.bill_id = b.id and l.subscription_id = s.id and l.kind in ('recurring', 'discount') and l.period_to > $2
	where s.id = any ($1)
	order by s.id, l.period_from, l.tax_category, b.id, l.no`

// CreditFees gives postpaid subscriptions that end today back what bills asked
// in advance for today and later, of prices that are prorated, with
// what was off them: a refund of its own on the next bill. What was used is
// rounded, and the rest of the fee is given back. The accounts are locked.
func CreditFees(ctx context.Context, tx tenant.Tx, profile account.Profile, subscriptions ...uuid.UUID) error {
	day := profile.LocalDate(tx.At)
	rows, err := tx.Query(ctx, selectAdvances, subscriptions, day)
	if err != nil {
		return fmt.Errorf("read fees charged in advance: %w", err)
	}
	lines, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l advance, err error) {
		err = row.Scan(&l.Subscription, &l.Offering, &l.Account, &l.LegalEntity, &l.Branch, &l.Bill, &l.Currency, &l.CycleStart, &l.Kind, &l.Code, &l.Category, &l.Period.From, &l.Period.To, &l.Price)
		return l, err
	})
	if err != nil {
		return fmt.Errorf("read fees charged in advance: %w", err)
	}
	if len(lines) == 0 {
		return nil
	}
	offerings := map[uuid.UUID]catalog.Offering{}
	groups := map[advanceKey][]advance{}
	var keys []advanceKey
	for _, l := range lines {
		if _, known := offerings[l.Offering]; !known {
			if offerings[l.Offering], err = catalog.LoadVersion(ctx, tx, l.Offering); err != nil {
				return err
			}
		}
		key := advanceKey{l.Subscription, l.Period.From, l.Category}
		if groups[key] == nil {
			keys = append(keys, key)
		}
		groups[key] = append(groups[key], l)
	}
	c := feeCredits{day: day, offerings: offerings}
	if c.rates, err = tax.Load(ctx, tx); err != nil {
		return err
	}
	if c.buyers, err = tax.Buyers(ctx, tx, accountsOf(lines)...); err != nil {
		return err
	}
	for _, key := range keys {
		if err := c.credit(tx, groups[key], ledger.Period(tx.At, profile.Zone)); err != nil {
			return fmt.Errorf("credit fees of subscription %s: %w", key.subscription, err)
		}
	}
	if len(c.charges) == 0 {
		return nil
	}
	if err := writeCharges(ctx, tx, c.charges); err != nil {
		return err
	}
	return ledger.PostMany(ctx, tx, c.postings)
}

// feeCredits gathers what is given back.
type feeCredits struct {
	day       calendar.Date
	offerings map[uuid.UUID]catalog.Offering
	rates     tax.Table
	buyers    map[uuid.UUID]*tax.Buyer
	charges   []Charge
	postings  []ledger.Posting
}

// credit gives back the unused part of one period's fees.
func (c *feeCredits) credit(tx tenant.Tx, lines []advance, month calendar.Date) error {
	offering := c.offerings[lines[0].Offering]
	var fees, prorated, off money.Decimal
	var of *advance
	for i := range lines {
		l := &lines[i]
		switch {
		case l.Kind == "discount":
			off = off.Add(l.Price)
		case prorates(&offering, l.Code):
			prorated = prorated.Add(l.Price)
			if of == nil {
				of = l
			}
			fallthrough
		default:
			fees = fees.Add(l.Price)
		}
	}
	if of == nil || prorated.Sign() <= 0 {
		return nil
	}
	digits := of.Currency.DocumentDigits()
	share, err := off.MulDiv(prorated, fees, digits, money.HalfAwayFromZero)
	if err != nil {
		return err
	}
	paid := prorated.Add(share)
	days := max(0, of.Period.From.DaysUntil(c.day))
	used, err := paid.MulDiv(money.NewDecimal(int64(days)), money.NewDecimal(int64(of.Period.Days())), digits, money.HalfAwayFromZero)
	if err != nil {
		return err
	}
	back := paid.Sub(used)
	if back.Sign() <= 0 {
		return nil
	}
	return c.book(tx, of, back.Neg(), &offering, month)
}

// prorates says whether a price of an offering is charged in advance by days.
func prorates(o *catalog.Offering, code string) bool {
	for _, p := range o.Prices.Recurring {
		if p.Code == code {
			return p.Timing == catalog.Advance && p.Prorate == catalog.ProrateDay
		}
	}
	return false
}

func (c *feeCredits) book(tx tenant.Tx, of *advance, price money.Decimal, offering *catalog.Offering, month calendar.Date) error {
	rate, err := c.rates.For(c.buyers[of.Account]).At(of.Category, of.Period.To.AddDays(-1))
	if err != nil {
		return err
	}
	basis := basisOf(offering)
	back, err := split(price, of.Currency, rate, basis)
	if err != nil {
		return err
	}
	p := &payer{id: of.Account, currency: of.Currency, legalEntity: of.LegalEntity, branch: of.Branch}
	id := uuid.Must(uuid.NewV7())
	why := rating.Explanation{{Op: rating.OpFee, Rule: of.Code, Amount: price}}
	transfers := back.bookPostpaid(p, basis, nil)
	c.charges = append(c.charges, Charge{
		Period: month, ID: id, Kind: RefundedCharge, AccountID: of.Account, SubscriptionID: of.Subscription, OfferingID: of.Offering, CycleStart: of.CycleStart,
		At: tx.At, RatedAt: tx.At, LineCode: of.Code, Unit: money.Event, Price: back.price, Net: back.net, Tax: back.tax, Currency: of.Currency,
		TaxCategory: of.Category, Why: why.AppendJSON(nil), Corrects: of.Bill, CorrectsPeriod: month,
	})
	c.postings = append(c.postings, ledger.Posting{
		Event: ledger.Event{Kind: ledger.Correction, ID: id, At: tx.At, LegalEntity: of.LegalEntity, Branch: of.Branch}, Transfers: transfers,
	})
	return nil
}

func accountsOf(lines []advance) []uuid.UUID {
	var ids []uuid.UUID
	for i := range lines {
		if !slices.Contains(ids, lines[i].Account) {
			ids = append(ids, lines[i].Account)
		}
	}
	return ids
}

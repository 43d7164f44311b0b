package bill

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

// Adjust compares what bills asked for subscriptions' recurring fees with what
// they come to as things stand, after an end, a pause or its end, for lines
// that reach past a day, and puts each difference on the account's next bill:
// given back or asked again. A repeat finds no difference. What was used is
// rounded, the rest of what was asked is given back, and never more than what
// is left of a line, its discounts with it. The accounts are locked.
func Adjust(ctx context.Context, tx tenant.Tx, kind ItemKind, since calendar.Date, by string, subscriptions ...uuid.UUID) ([]Item, error) {
	items, err := differences(ctx, tx, since, subscriptions, nil)
	if err != nil {
		return nil, err
	}
	for n := range items {
		items[n].Kind, items[n].By = kind, by
	}
	return AddItems(ctx, tx, items)
}

// asked is a line of a bill for a recurring fee, or for what was off it.
type asked struct {
	Subscription, Offering uuid.UUID
	Activated              time.Time
	Terminated             *time.Time
	Pauses                 []account.Pause
	Resumed                bool
	Account                uuid.UUID
	Currency               money.Currency
	Every                  account.Every
	Changes                *account.CycleChanges
	Bill                   uuid.UUID
	No                     int
	Kind                   LineKind
	Code, Category         string
	Period                 calendar.Period
	Price                  money.Decimal
	Adjusted               money.Decimal // by items before
	Noted                  money.Decimal // taken off by credit notes
	Adjustments            int
}

// bill_account leads to an account's documents, bill_item_of to what was
// adjusted of a line before.
const selectAsked = `
	select s.id, s.offering_id, s.activated_at, s.terminated_at, s.pauses,
	       s.setup_charged and exists (select from subscription o where o.account_id = s.account_id and o.offering_id = s.offering_id and o.id <> s.id
	                                                            and o.terminated_at = s.activated_at),
	       a.id, a.currency, a.anchor, a.cycle_months, a.cycle_days, a.cycle_changes,
	       b.id, l.no, l.kind, l.code, l.tax_category, l.period_from, l.period_to, l.price,
	       coalesce((select sum(i.price) from bill_item i where i.of_bill = b.id and i.of_line = l.no), 0),
	       coalesce((select sum(x.price) from bill n join bill_line x on x.bill_id = n.id
	                  where n.corrects = b.id and n.kind = 'credit_note' and n.state = 'final' and x.corrects_no = l.no), 0),
	       (select count(*) from bill_item i where i.of_bill = b.id and i.of_line = l.no)
	from subscription s
	join billing_account a on a.id = s.account_id and a.kind = 'postpaid'
	join bill b on b.account_id in (a.id, a.parent_id) and b.state = 'final'
	join bill_line l on l.bill_id = b.id and l.subscription_id = s.id and l.kind in ('recurring', 'discount') and l.period_to > $2
	where s.id = any ($1)
	order by s.id, b.id, l.period_from, l.tax_category, l.no`

func loadAsked(ctx context.Context, tx tenant.Tx, since calendar.Date, subscriptions []uuid.UUID) ([]asked, error) {
	rows, err := tx.Query(ctx, selectAsked, subscriptions, since)
	if err != nil {
		return nil, fmt.Errorf("read fees asked: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l asked, err error) {
		err = row.Scan(&l.Subscription, &l.Offering, &l.Activated, &l.Terminated, &l.Pauses, &l.Resumed,
			&l.Account, &l.Currency, &l.Every.Anchor, &l.Every.Months, &l.Every.Days, &l.Changes,
			&l.Bill, &l.No, &l.Kind, &l.Code, &l.Category, &l.Period.From, &l.Period.To, &l.Price, &l.Adjusted, &l.Noted, &l.Adjustments)
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("read fees asked: %w", err)
	}
	return list, nil
}

// askedTogether are lines of one bill for one period: discounts are off all of them.
type askedTogether struct {
	subscription, bill uuid.UUID
	from               calendar.Date
	category           string
}

// differences are the items that Adjust puts on bills; change says how a
// subscription would stand, for a quote.
func differences(ctx context.Context, tx tenant.Tx, since calendar.Date, subscriptions []uuid.UUID, change func(*asked)) ([]Item, error) {
	lines, err := loadAsked(ctx, tx, since, subscriptions)
	if err != nil || len(lines) == 0 {
		return nil, err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return nil, err
	}
	a := adjuster{counted: profile.Counted(), policy: profile.AnchorPolicy, since: since, offerings: map[uuid.UUID]catalog.Offering{}}
	groups := map[askedTogether][]asked{}
	var order []askedTogether
	for _, l := range lines {
		if change != nil {
			change(&l)
		}
		if _, known := a.offerings[l.Offering]; !known {
			if a.offerings[l.Offering], err = catalog.LoadVersion(ctx, tx, l.Offering); err != nil {
				return nil, err
			}
		}
		key := askedTogether{l.Subscription, l.Bill, l.Period.From, l.Category}
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], l)
	}
	var items []Item
	for _, key := range order {
		if items, err = a.group(items, groups[key]); err != nil {
			return nil, fmt.Errorf("fees of subscription %s: %w", key.subscription, err)
		}
	}
	return items, nil
}

// adjuster reckons what lines come to.
type adjuster struct {
	counted   calendar.Counted
	policy    calendar.AnchorPolicy
	since     calendar.Date
	offerings map[uuid.UUID]catalog.Offering
}

func (a *adjuster) group(items []Item, lines []asked) ([]Item, error) {
	var fees, off money.Decimal
	for _, l := range lines {
		if l.Kind == Discount {
			off = off.Add(l.Price)
		} else {
			fees = fees.Add(l.Price)
		}
	}
	for i := range lines {
		l := &lines[i]
		price, known := recurringPrice(a.offerings[l.Offering], l.Code)
		if l.Kind == Discount || !known || l.Price.Sign() < 0 {
			continue
		}
		digits := l.Currency.DocumentDigits()
		share := money.Decimal{}
		if !fees.IsZero() {
			var err error
			if share, err = off.MulDiv(l.Price, fees, digits, money.HalfAwayFromZero); err != nil {
				return nil, err
			}
		}
		paid := l.Price.Add(share)
		comes, err := a.comesTo(l, price, paid, digits)
		if err != nil {
			return nil, err
		}
		difference := comes.Sub(paid).Sub(l.Adjusted)
		if left := paid.Add(l.Adjusted).Sub(l.Noted); difference.Sign() < 0 && left.Cmp(difference.Neg()) < 0 {
			difference = atMost(left)
		}
		if !difference.IsZero() {
			items = append(items, a.item(l, price, difference))
		}
	}
	return items, nil
}

// atMost gives all back that is left of a line, and nothing where a credit note
// took it already.
func atMost(left money.Decimal) money.Decimal {
	if left.Sign() < 0 {
		return money.Decimal{}
	}
	return left.Neg()
}

func recurringPrice(o catalog.Offering, code string) (catalog.RecurringPrice, bool) {
	for _, p := range o.Prices.Recurring {
		if p.Code == code {
			return p, true
		}
	}
	return catalog.RecurringPrice{}, false
}

// comesTo is what a line's fee comes to now, with what is off it. The whole of
// each of the price's periods is what it is divided by, also where the line is
// for a part of one.
func (a *adjuster) comesTo(l *asked, price catalog.RecurringPrice, paid money.Decimal, digits int32) (money.Decimal, error) {
	there := lifeOf(a.counted, l.Activated, l.Terminated, l.Pauses)
	there.resumed = l.Resumed
	if len(l.Pauses) == 0 && l.Adjustments == 0 && !there.touches(a.counted, price, l.Period) {
		return paid, nil
	}
	scale := digits
	if !paid.Equal(l.Price) {
		scale = money.Scale
	}
	own := price.Cycle(a.series(l))
	var sum money.Decimal
	for p := own.Containing(l.Period.From); p.From.Before(l.Period.To); p = own.Containing(p.To) {
		part := calendar.Period{From: later(p.From, l.Period.From), To: earlier(p.To, l.Period.To)}
		if !there.to.IsZero() {
			part.To = earlier(part.To, there.to)
		}
		if !part.From.Before(part.To) {
			continue
		}
		cost, err := there.cost(a.counted, price, part, p, scale)
		if err != nil {
			return sum, err
		}
		sum = sum.Add(cost)
	}
	if scale == digits {
		return sum, nil
	}
	return sum.MulDiv(paid, l.Price, digits, money.HalfAwayFromZero)
}

// touches says whether an end or a pause has to do with the days of a line.
// What is not prorated stays as it was asked at an end.
func (s span) touches(by calendar.Counted, price catalog.RecurringPrice, period calendar.Period) bool {
	from, to := period.Instants(by.Zone)
	if price.Prorate == catalog.ProrateDay && !s.until.IsZero() && s.until.Before(to) {
		return true
	}
	for _, p := range s.pauses {
		if p.from.Before(to) && (p.to.IsZero() || p.to.After(from)) {
			return true
		}
	}
	return false
}

// series is the one in which a line's period lay.
func (a *adjuster) series(l *asked) calendar.Cycle {
	if l.Changes != nil {
		for _, before := range l.Changes.Before {
			if l.Period.From.Before(before.Until) {
				return before.Cycle(a.policy)
			}
		}
	}
	return l.Every.Cycle(a.policy)
}

// itemSpace makes an adjustment's cause of a line and how often it was adjusted.
var itemSpace = uuid.MustParse("0f5a7f0e-2f6f-4c0a-9a53-3a9a1f4d9c11")

func (a *adjuster) item(l *asked, price catalog.RecurringPrice, difference money.Decimal) Item {
	period := calendar.Period{From: later(l.Period.From, a.since), To: l.Period.To}
	return Item{
		Account: l.Account, Subscription: l.Subscription, Code: l.Code, Words: adjustmentWords(price.Names, difference.Sign()), Period: period,
		Price: money.New(difference, l.Currency), Category: l.Category, From: Source{Deferred: price.Timing == catalog.Advance},
		Of:    &LineRef{l.Bill, l.No},
		Cause: Cause{"fee", uuid.NewSHA1(itemSpace, fmt.Appendf(nil, "%s/%d/%d", l.Bill, l.No, l.Adjustments+1))},
	}
}

// creditWords and againWords are what an adjustment is called before its fee.
var (
	creditWords = map[string]string{"en": "Credit: ", "id": "Kredit: ", "ru": "Возврат: "}
	againWords  = map[string]string{"en": "Charged again: ", "id": "Ditagih lagi: ", "ru": "Начислено снова: "}
)

func adjustmentWords(names catalog.Names, sign int) map[string]string {
	start := creditWords
	if sign > 0 {
		start = againWords
	}
	words := map[string]string{}
	for language, before := range start {
		words[language] = before + names.In(language)
	}
	return words
}

package bill

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// lateItem is an open item that late payment is charged on.
type lateItem struct {
	id, account uuid.UUID
	number      string
	open        money.Decimal
	due         calendar.Date
	through     *calendar.Date // interest was asked for up to it
	segment     account.PartyKind
	currency    money.Currency
}

// LateDay works a portion of the agenda item of a local day: first what became
// late by exactly as many days as a rule waits for, then interest on what is
// late for another month, or was paid. again says that more of it is left.
func LateDay(ctx context.Context, tx tenant.Tx, work agenda.Item, limit int) (again bool, err error) {
	var detail lateDetail
	if err := work.Read(&detail); err != nil {
		return false, err
	}
	rules, err := GetLateRules(ctx, tx)
	if err != nil || len(rules.Rules) == 0 {
		return false, err // the next rules begin anew
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return false, err
	}
	d := lateDay{rules: rules, day: detail.Day, profile: profile, digits: profile.Currency.DocumentDigits()}
	fresh, err := d.fresh(ctx, tx, detail.After, limit)
	if err != nil {
		return false, err
	}
	for _, i := range fresh {
		detail.After = i.id
		if err := d.begin(ctx, tx, i); err != nil {
			return false, fmt.Errorf("late %s: %w", i.number, err)
		}
	}
	if len(fresh) == limit {
		return true, agenda.Keep(ctx, tx, work.ID, detail)
	}
	late, err := d.late(ctx, tx, detail.Until, limit)
	if err != nil {
		return false, err
	}
	for _, i := range late {
		detail.Until = i.id
		if err := d.ask(ctx, tx, i); err != nil {
			return false, fmt.Errorf("interest on %s: %w", i.number, err)
		}
	}
	if len(late) == limit {
		return true, agenda.Keep(ctx, tx, work.ID, detail)
	}
	return false, scheduleLate(ctx, tx, profile, detail.Day.AddDays(1))
}

type lateDay struct {
	rules   LateRules
	day     calendar.Date
	profile account.Profile
	digits  int32
}

const lateColumns = `
	select o.id, o.account_id, coalesce(b.number, o.number), o.open, o.due_date, o.interest_through, p.kind, o.currency
	  from open_item o
	  join billing_account a on a.id = o.account_id
	  join party p on p.id = a.party_id
	  left join bill b on b.id = o.bill_id`

// fresh are the items that are late by as many days as some rule waits for
// (open_item_due finds them). A deposit that is not paid costs nothing.
func (d lateDay) fresh(ctx context.Context, tx tenant.Tx, after uuid.UUID, limit int) ([]lateItem, error) {
	var days []calendar.Date
	for _, r := range d.rules.Rules {
		days = append(days, d.day.AddDays(-1-r.GraceDays))
	}
	return readLate(ctx, tx, lateColumns+`
		 where o.open > 0 and o.due_date = any ($1) and o.deposit_id is null and o.id > $2 and a.kind = 'postpaid'
		 order by o.id limit $3`, days, after, limit)
}

// late are the items whose interest is due: a month is over, or nothing is
// open any more (open_item_late finds them).
func (d lateDay) late(ctx context.Context, tx tenant.Tx, after uuid.UUID, limit int) ([]lateItem, error) {
	return readLate(ctx, tx, lateColumns+`
		 where o.interest_through is not null and (o.open = 0 or o.interest_through <= $1) and o.id > $2
		 order by o.id limit $3`, d.day.AddMonths(-1), after, limit)
}

func readLate(ctx context.Context, tx tenant.Tx, query string, args ...any) ([]lateItem, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read what is late: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (i lateItem, err error) {
		err = row.Scan(&i.id, &i.account, &i.number, &i.open, &i.due, &i.through, &i.segment, &i.currency)
		return i, err
	})
	if err != nil {
		return nil, fmt.Errorf("read what is late: %w", err)
	}
	return list, nil
}

func (r LateRule) of(i lateItem) bool { return r.Segment == "" || r.Segment == i.segment }

// begin charges the steps that an item has come to, and begins to count
// interest from its due date.
func (d lateDay) begin(ctx context.Context, tx tenant.Tx, i lateItem) error {
	for _, r := range d.rules.Rules {
		if !r.of(i) || i.due != d.day.AddDays(-1-r.GraceDays) {
			continue
		}
		if r.Kind == LateInterest {
			_, err := tx.Exec(ctx, `update open_item set interest_through = due_date where id = $1 and interest_through is null`, i.id)
			if err != nil {
				return err
			}
			continue
		}
		amount := r.Amount
		if r.Kind == LatePercent {
			var err error
			if amount, err = i.open.MulDiv(r.Percent, money.NewDecimal(100), d.digits, money.HalfAwayFromZero); err != nil {
				return err
			}
		}
		if err := d.charge(ctx, tx, i, r, r.bounded(amount), calendar.Period{}); err != nil {
			return err
		}
	}
	return nil
}

// ask puts interest on the account's next bill: for the time up to the day, or
// up to when the last of it was paid.
func (d lateDay) ask(ctx context.Context, tx tenant.Tx, i lateItem) error {
	owed, err := d.owed(ctx, tx, i)
	if err != nil {
		return err
	}
	period := calendar.Period{From: *i.through, To: d.day}
	if i.open.IsZero() {
		period.To = owed[len(owed)-1].day
	}
	asked := false
	for _, r := range d.rules.Rules {
		if r.Kind != LateInterest || !r.of(i) || !period.From.Before(period.To) {
			continue
		}
		amount := r.interest(owed, period.From, period.To, d.rules.BaseRates, d.digits)
		if r.Minimum != nil && amount.Cmp(*r.Minimum) < 0 {
			if i.open.Sign() > 0 {
				return nil // too little yet: it is asked for with the next month's
			}
			continue
		}
		asked = true
		if err := d.charge(ctx, tx, i, r, r.bounded(amount), period); err != nil {
			return err
		}
	}
	var through *calendar.Date
	if i.open.Sign() > 0 && (asked || period.From.Before(period.To)) {
		through = &period.To
	}
	_, err = tx.Exec(ctx, `update open_item set interest_through = $2 where id = $1`, i.id, through)
	return err
}

// charge puts a fee or interest on the account's next bill, once.
func (d lateDay) charge(ctx context.Context, tx tenant.Tx, i lateItem, r LateRule, amount money.Decimal, period calendar.Period) error {
	if amount.Sign() <= 0 {
		return nil
	}
	item := Item{
		Account: i.account, Kind: ItemLateFee, Code: r.Code, Words: map[string]string{}, Price: money.New(amount, i.currency), Category: r.Category,
		Period: period, Cause: Cause{"late", uuid.NewSHA1(i.id, []byte(r.Code+"/"+period.From.String()))}, By: "system",
	}
	if r.Kind == LateInterest {
		item.Kind, item.From = ItemInterest, Source{Ledger: ledger.General(ledger.Interest)}
	}
	for language, name := range r.Names {
		if name != "" {
			item.Words[language] = shortened(name+" · "+i.number, 200)
		}
	}
	_, err := AddItem(ctx, tx, item)
	return err
}

// owed is what was open of an item from its due date on: what is open now and
// what has been applied or written off since each day.
func (d lateDay) owed(ctx context.Context, tx tenant.Tx, i lateItem) ([]owedFrom, error) {
	rows, err := tx.Query(ctx, `
		select at, amount from (
		    select at, amount - reversed + written_off as amount from payment_allocation where open_item_id = $1
		    union all
		    select at, amount - reversed from write_off where open_item_id = $1) as m
		 where amount > 0
		 order by at`, i.id)
	if err != nil {
		return nil, fmt.Errorf("read what was paid: %w", err)
	}
	type move struct {
		day    calendar.Date
		amount money.Decimal
	}
	var moves []move
	var at time.Time
	var amount money.Decimal
	open := i.open
	_, err = pgx.ForEachRow(rows, []any{&at, &amount}, func() error {
		day := d.profile.LocalDate(at)
		if day.Before(i.due) {
			return nil
		}
		moves, open = append(moves, move{day, amount}), open.Add(amount)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what was paid: %w", err)
	}
	owed := []owedFrom{{i.due, open}}
	for _, m := range moves {
		open = open.Sub(m.amount)
		owed = append(owed, owedFrom{m.day, open})
	}
	return owed, nil
}

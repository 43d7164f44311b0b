package readiness

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// look is one call of Check.
type look struct {
	tx      tenant.Tx
	profile account.Profile
	today   calendar.Date
	rates   tax.Table
	closer  bill.Closer
	report  Report
}

// Check looks at the run of cycles that end on a day, or at the next run for a
// zero one.
func Check(ctx context.Context, tx tenant.Tx, closer bill.Closer, day calendar.Date) (Report, error) {
	l := look{tx: tx, closer: closer}
	var err error
	if l.profile, err = account.GetProfile(ctx, tx); err != nil {
		return Report{}, err
	}
	if l.rates, err = tax.Load(ctx, tx); err != nil {
		return Report{}, err
	}
	l.today = l.profile.LocalDate(tx.At)
	if day.IsZero() {
		if day, err = l.next(ctx); err != nil {
			return Report{}, err
		}
	}
	l.report = Report{Day: day, At: tx.At}
	for _, question := range []struct {
		name string
		ask  func(context.Context) error
	}{
		{"accounts", l.accounts}, {"overdue cycles", l.overdue}, {"parties", l.parties}, {"offerings", l.offerings}, {"sellers", l.sellers},
		{"negative usage", l.negative}, {"suspense", l.suspense}, {"sources", l.sources}, {"agenda", l.agenda}, {"series", l.series},
		{"previews", l.previews},
	} {
		if err := question.ask(ctx); err != nil {
			return Report{}, fmt.Errorf("readiness of %s: %w", question.name, err)
		}
	}
	l.report.sort()
	return l.report, nil
}

// next is the day of the next run; zero where no account is active.
// billing_account_due begins there.
func (l *look) next(ctx context.Context) (day calendar.Date, err error) {
	err = l.tx.QueryRow(ctx, `
		select cycle_end from billing_account
		 where state = 'active' and cycle_end >= $1
		 order by cycle_end limit 1`, l.today).Scan(&day)
	if errors.Is(err, pgx.ErrNoRows) {
		return calendar.Date{}, nil
	}
	return day, err
}

// due are the accounts of the run; every question about them begins with it.
const due = `billing_account a where a.state = 'active' and a.cycle_end = $1`

func (l *look) accounts(ctx context.Context) error {
	if err := l.tx.QueryRow(ctx, `select count(*) from `+due, l.report.Day).Scan(&l.report.Accounts); err != nil {
		return err
	}
	if l.report.Accounts == 0 {
		l.report.add(Finding{Code: NoRun, Severity: Look, Count: 1})
	}
	return nil
}

// examples runs a query of (id, label, total) rows in this package.
func (l *look) examples(ctx context.Context, kind, query string, args ...any) (list []Example, total int64, err error) {
	rows, err := l.tx.Query(ctx, query, args...)
	if err != nil {
		return nil, 0, err
	}
	var id uuid.UUID
	var label string
	_, err = pgx.ForEachRow(rows, []any{&id, &label, &total}, func() error {
		list = append(list, Example{kind, id, label})
		return nil
	})
	return list, total, err
}

// find is a finding of accounts, by a query as examples takes.
func (l *look) find(ctx context.Context, f Finding, query string, args ...any) error {
	var err error
	if f.Examples, f.Count, err = l.examples(ctx, "account", query, args...); err != nil {
		return err
	}
	l.report.add(f)
	return nil
}

func (l *look) overdue(ctx context.Context) error {
	const ended = `
		from billing_account a
		where a.state = 'active' and a.cycle_end < $1`
	var since *calendar.Date
	if err := l.tx.QueryRow(ctx, `select min(a.cycle_end) `+ended, l.today).Scan(&since); err != nil || since == nil {
		return err
	}
	return l.find(ctx, Finding{Code: CyclesOverdue, Severity: Stops, Values: map[string]string{"since": since.String()}},
		`select a.id, a.number, count(*) over () `+ended+` order by a.cycle_end, a.number limit 20`, l.today)
}

// parties asks for what a bill has to name of its recipient (UStG § 14 (4) 1),
// and for a way to reach them.
func (l *look) parties(ctx context.Context) error {
	err := l.find(ctx, Finding{Code: NoAddress, Severity: Wrong}, `
		select a.id, a.number, count(*) over ()
		  from (select a.id, a.number, a.party_id from `+due+`) a
		  join party p on p.id = a.party_id
		 where btrim(coalesce(p.address ->> 'street', '')) = '' or btrim(coalesce(p.address ->> 'city', '')) = ''
		    or btrim(coalesce(p.address ->> 'postcode', '')) = '' or btrim(p.name) = ''
		 order by a.number
		 limit 20`, l.report.Day)
	if err != nil {
		return err
	}
	return l.find(ctx, Finding{Code: NobodyToSendTo, Severity: Look}, `
		select a.id, a.number, count(*) over ()
		  from (select a.id, a.number, a.party_id from `+due+`) a
		  join party p on p.id = a.party_id and p.email = '' and p.phone = ''
		  left join app_user u on u.account_id = a.id and u.state = 'active'
		 where u.id is null
		 order by a.number
		 limit 20`, l.report.Day)
}

// negative finds postpaid accounts whose usage, net, is below zero: whether the
// bill is too depends on their fees, so the previews look at some of them.
func (l *look) negative(ctx context.Context) error {
	return l.find(ctx, Finding{Code: NegativeUsage, Severity: Look}, `
		select a.id, a.number, count(*) over ()
		  from `+due+` and a.kind = 'postpaid' and a.unbilled < 0
		 order by a.unbilled
		 limit 20`, l.report.Day)
}

package report

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// isMoney keeps commodities out.
const isMoney = ` ~ '^[A-Z]{3}$'`

var trialColumns = []Column{{"account_no", Text, false}, {"account", Text, false}, {"legal_entity", Text, false}, {"branch", Text, false}, {"currency", Text, false},
	{"opening", Amount, true}, {"debit", Amount, true}, {"credit", Amount, true}, {"closing", Amount, true}}

// trial reads the days' snapshots and what came since, not the whole ledger.
func trial(ctx context.Context, tx tenant.Tx, q query, emit Emit) error {
	rows, err := tx.Query(ctx, ledger.Days+`
		select e.name, b.name, d.unit, d.kind,
		       coalesce(sum(d.debit - d.credit) filter (where d.day < $2), 0)::numeric, coalesce(sum(d.debit) filter (where d.day >= $2), 0)::numeric,
		       coalesce(sum(d.credit) filter (where d.day >= $2), 0)::numeric
		  from days d
		  join legal_entity e on e.id = d.legal_entity
		  join branch b on b.id = d.branch
		 where d.day <= $3 and d.unit`+isMoney+` and`+narrowed("d", "unit")+`
		 group by e.name, b.name, d.legal_entity, d.branch, d.unit, d.kind
		having sum(d.debit) <> 0 or sum(d.credit) <> 0
		 order by d.unit, e.name, d.legal_entity, b.name, d.branch, d.kind`, q.common()...)
	if err != nil {
		return err
	}
	var entity, branch, unit string
	var kind ledger.Kind
	var opening, debit, credit money.Decimal
	_, err = pgx.ForEachRow(rows, []any{&entity, &branch, &unit, &kind, &opening, &debit, &credit}, func() error {
		number, name := q.line(kind)
		return emit(number, name, entity, branch, unit, opening, debit, credit, opening.Add(debit).Sub(credit))
	})
	return err
}

var journalColumns = []Column{{"day", Day, false}, {"entry", Text, false}, {"event", Text, false}, {"document", Text, false}, {"account_no", Text, false}, {"account", Text, false},
	{"customer", Text, false}, {"customer_name", Text, false}, {"currency", Text, false}, {"debit", Amount, true}, {"credit", Amount, true}, {"legal_entity", Text, false},
	{"branch", Text, false}, {"line", Text, false}}

// journal reads the months of the span by the ledger's key. What an event's id
// names is looked up by primary keys.
func journal(ctx context.Context, tx tenant.Tx, q query, emit Emit) error {
	rows, err := tx.Query(ctx, `
		select t.id, (t.at at time zone $1)::date, t.event, t.event_id, t.debit, t.credit, t.amount, t.unit, coalesce(a.number, ''), coalesce(p.name, ''), e.name, b.name,
		       coalesce(d.number, nullif(y.reference, ''), '')
		  from ledger_transfer t
		  join legal_entity e on e.id = t.legal_entity
		  join branch b on b.id = t.branch
		  left join billing_account a on a.id = t.account_id
		  left join party p on p.id = a.party_id
		  left join bill d on d.id = t.event_id
		  left join payment y on y.id = t.event_id
		 where t.period >= date_trunc('month', $2::date)::date and t.period <= $3
		   and t.at >= ($2::date::timestamp at time zone $1) and t.at < (($3::date + 1)::timestamp at time zone $1)
		   and t.unit`+isMoney+` and`+narrowed("t", "unit")+`
		 order by t.period, t.id`, q.common()...)
	if err != nil {
		return err
	}
	var id, eventID uuid.UUID
	var day calendar.Date
	var event, unit, number, name, entity, branch, document string
	var debit, credit ledger.Kind
	var amount money.Decimal
	_, err = pgx.ForEachRow(rows, []any{&id, &day, &event, &eventID, &debit, &credit, &amount, &unit, &number, &name, &entity, &branch, &document}, func() error {
		what := Word(q.language(), "event."+event)
		no, line := q.line(debit)
		if err := emit(day, eventID.String(), what, document, no, line, number, name, unit, amount, nil, entity, branch, id.String()); err != nil {
			return err
		}
		no, line = q.line(credit)
		return emit(day, eventID.String(), what, document, no, line, number, name, unit, nil, amount, entity, branch, id.String())
	})
	return err
}

var summaryColumns = []Column{{"day", Day, false}, {"event", Text, false}, {"account_no", Text, false}, {"account", Text, false}, {"currency", Text, false}, {"debit", Amount, true},
	{"credit", Amount, true}, {"legal_entity", Text, false}, {"branch", Text, false}}

// summary is the journal with one line a day, event and account: debits equal
// credits in each of a day's events.
func summary(ctx context.Context, tx tenant.Tx, q query, emit Emit) error {
	rows, err := tx.Query(ctx, ledger.Days+`
		select d.day, d.event, d.kind, d.unit, sum(d.debit)::numeric, sum(d.credit)::numeric, e.name, b.name
		  from days d
		  join legal_entity e on e.id = d.legal_entity
		  join branch b on b.id = d.branch
		 where d.day between $2 and $3 and d.unit`+isMoney+` and`+narrowed("d", "unit")+`
		 group by d.day, d.event, d.kind, d.unit, d.legal_entity, d.branch, e.name, b.name
		 order by d.day, d.unit, e.name, b.name, d.event, d.kind`, q.common()...)
	if err != nil {
		return err
	}
	var day calendar.Date
	var event, unit, entity, branch string
	var kind ledger.Kind
	var debit, credit money.Decimal
	_, err = pgx.ForEachRow(rows, []any{&day, &event, &kind, &unit, &debit, &credit, &entity, &branch}, func() error {
		number, name := q.line(kind)
		return emit(day, Word(q.language(), "event."+event), number, name, unit, debit, credit, entity, branch)
	})
	return err
}

var deferredColumns = []Column{{"month", Day, false}, {"legal_entity", Text, false}, {"currency", Text, false}, {"opening", Amount, false}, {"added", Amount, true},
	{"earned", Amount, true}, {"returned", Amount, true}, {"closing", Amount, false}}

type deferredKey struct{ entity, unit string }

// deferredMonth is what one month did to a legal entity's deferred revenue.
type deferredMonth struct{ added, earned, returned money.Decimal }

// deferred rolls fees in advance forward, month by month: from what was
// deferred before the first month on.
func deferred(ctx context.Context, tx tenant.Tx, q query, emit Emit) error {
	first, last := monthOf(q.From), monthOf(q.To)
	q.From, q.To = first, last.AddMonths(1).AddDays(-1)
	rows, err := tx.Query(ctx, ledger.Days+`
		select case when d.day < $2 then null else date_trunc('month', d.day)::date end, e.name, d.unit,
		       sum(d.credit)::numeric, coalesce(sum(d.debit) filter (where d.event = 'recognition'), 0)::numeric,
		       coalesce(sum(d.debit) filter (where d.event <> 'recognition'), 0)::numeric
		  from days d
		  join legal_entity e on e.id = d.legal_entity
		 where d.kind = 'deferred' and d.day <= $3 and d.unit`+isMoney+` and`+narrowed("d", "unit")+`
		 group by 1, 2, 3
		 order by 2, 3, 1 nulls first`, q.common()...)
	if err != nil {
		return err
	}
	opening, moves, order := map[deferredKey]money.Decimal{}, map[deferredKey]map[calendar.Date]deferredMonth{}, []deferredKey(nil)
	var month *calendar.Date
	var k deferredKey
	var m deferredMonth
	_, err = pgx.ForEachRow(rows, []any{&month, &k.entity, &k.unit, &m.added, &m.earned, &m.returned}, func() error {
		if moves[k] == nil {
			moves[k], order = map[calendar.Date]deferredMonth{}, append(order, k)
		}
		if month == nil {
			opening[k] = m.added.Sub(m.earned).Sub(m.returned)
		} else {
			moves[k][*month] = m
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, k := range order {
		value := opening[k]
		for at := first; !at.After(last); at = at.AddMonths(1) {
			m := moves[k][at]
			closing := value.Add(m.added).Sub(m.earned).Sub(m.returned)
			if err := emit(at, k.entity, k.unit, value, m.added, m.earned, m.returned, closing); err != nil {
				return err
			}
			value = closing
		}
	}
	return nil
}

func monthOf(d calendar.Date) calendar.Date { d.Day = 1; return d }

// endOf is the instant at which a local day ends.
func (q query) endOf(day calendar.Date) time.Time { return day.AddDays(1).Start(q.profile.Zone).UTC() }

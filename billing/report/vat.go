package report

import (
	"context"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

var vatColumns = []Column{{"source", Text, false}, {"category", Text, false}, {"tax_name", Text, false}, {"percent", Number, false}, {"currency", Text, false},
	{"documents", Number, false}, {"base", Amount, true}, {"tax", Amount, true}}

// Documents are taxed on their day; credit notes count below zero. A statement
// documents what was taxed at use, so it is none of them.
const vatDocuments = `
	select b.kind, t.category, t.name, t.percent, b.currency, count(distinct b.id),
	       sum(case when b.kind = 'credit_note' then -t.base else t.base end)::numeric, sum(case when b.kind = 'credit_note' then -t.tax else t.tax end)::numeric
	  from bill b
	  join bill_tax t on t.bill_id = b.id
	 where b.state = 'final' and b.kind <> 'statement' and b.issue_date between $2 and $3 and $1 <> '' and` + `($4::uuid is null or b.legal_entity = $4) and ($5::uuid is null or b.branch = $5) and ($6 = '' or b.currency = $6)
	 group by b.kind, t.category, t.name, t.percent, b.currency
	 order by b.currency, b.kind, t.category, t.percent`

// Prepaid use is taxed when it happens, in nine decimals: $7 are the instants at
// which some rate changes, so that what is summed up has one.
const vatUse = `
	select c.tax_category, min((c.at at time zone $1)::date) as day, c.currency, count(*), sum(c.net)::numeric, sum(c.tax)::numeric
	  from charge c
	  join billing_account a on a.id = c.account_id and a.kind = 'prepaid'
	 where c.period >= date_trunc('month', $2::date)::date and c.period <= $3
	   and c.at >= ($2::date::timestamp at time zone $1) and c.at < (($3::date + 1)::timestamp at time zone $1)
	   and ($4::uuid is null or a.legal_entity = $4) and ($5::uuid is null or a.branch = $5) and ($6 = '' or c.currency = $6)
	 group by c.tax_category, c.currency, width_bucket(c.at, $7::timestamptz[])
	having sum(c.net) <> 0 or sum(c.tax) <> 0
	 order by c.currency, c.tax_category, day`

// What use took of tax that was due when its money was sold is no tax of the
// use's day.
const vatSold = ledger.Days + `
	select d.unit, sum(d.debit - d.credit)::numeric
	  from days d
	 where d.kind = 'tax_ahead' and d.event in ('usage', 'fee', 'correction')
	   and d.day between $2 and $3 and ($4::uuid is null or d.legal_entity = $4) and ($5::uuid is null or d.branch = $5) and ($6 = '' or d.unit = $6) and $1 <> ''
	 group by d.unit
	having sum(d.debit - d.credit) <> 0
	 order by d.unit`

// The tax account moves by the same, and by little else.
const vatLedger = ledger.Days + `
	select d.unit, d.event, sum(d.credit - d.debit)::numeric
	  from days d
	 where d.kind = 'tax' and d.day between $2 and $3 and ($4::uuid is null or d.legal_entity = $4) and ($5::uuid is null or d.branch = $5) and ($6 = '' or d.unit = $6)
	 group by d.unit, d.event
	having sum(d.credit - d.debit) <> 0
	 order by d.unit, d.event`

// covered are events whose tax stands in documents and prepaid use.
var covered = map[string]bool{"bill": true, "credit_note": true, "debit_note": true, "usage": true, "fee": true, "correction": true}

// vat lists what is owed to the tax office for a span: documents by rate, notes,
// prepaid use with each of its taxes (less what was taxed when the money was sold),
// and what else has moved the
// tax account, so that the total is the ledger's.
func vat(ctx context.Context, tx tenant.Tx, q query, emit Emit) error {
	listed, moved := map[string]money.Decimal{}, map[string]money.Decimal{}
	var order []string
	note := func(currency string) {
		if _, known := listed[currency]; !known {
			listed[currency], order = money.Decimal{}, append(order, currency)
		}
	}
	language := q.language()
	rows, err := tx.Query(ctx, vatDocuments, q.common()...)
	if err != nil {
		return err
	}
	var source, category, name, currency string
	var percent, base, tax money.Decimal
	var count int64
	_, err = pgx.ForEachRow(rows, []any{&source, &category, &name, &percent, &currency, &count, &base, &tax}, func() error {
		note(currency)
		listed[currency] = listed[currency].Add(tax)
		return emit(Word(language, "source."+source), category, name, percent, currency, count, base, tax)
	})
	if err != nil {
		return err
	}
	uses, err := prepaidUse(ctx, tx, q)
	if err != nil {
		return err
	}
	for _, u := range uses {
		note(u.currency.Code())
		listed[u.currency.Code()] = listed[u.currency.Code()].Add(u.tax)
		for _, l := range u.levies {
			if err := emit(Word(language, "source.use"), u.category, l.Rate.Name, l.Rate.Percent, u.currency.Code(), u.count, l.Base.Decimal(), l.Tax.Decimal()); err != nil {
				return err
			}
		}
	}
	if rows, err = tx.Query(ctx, vatSold, q.common()...); err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, []any{&currency, &tax}, func() error {
		note(currency)
		listed[currency] = listed[currency].Add(tax)
		return emit(Word(language, "source.sold"), "", "", nil, currency, nil, nil, tax)
	})
	if err != nil {
		return err
	}
	if rows, err = tx.Query(ctx, vatLedger, q.common()...); err != nil {
		return err
	}
	var event string
	_, err = pgx.ForEachRow(rows, []any{&currency, &event, &tax}, func() error {
		note(currency)
		moved[currency] = moved[currency].Add(tax)
		if covered[event] {
			return nil
		}
		listed[currency] = listed[currency].Add(tax)
		return emit(Word(language, "event."+event), "", "", nil, currency, nil, nil, tax)
	})
	if err != nil {
		return err
	}
	for _, currency := range order {
		if rest := moved[currency].Sub(listed[currency]); !rest.IsZero() {
			if err := emit(Word(language, "source.rest"), "", "", nil, currency, nil, nil, rest); err != nil {
				return err
			}
		}
	}
	return nil
}

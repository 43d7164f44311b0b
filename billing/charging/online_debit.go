package charging

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/ledger"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// Debit charges one event now, once by its key, and is answered after the
// commit. It refuses, and changes nothing, what a prepaid balance does not
// cover (ErrInsufficient), what has no subscriber or price (*DebitError) and
// another body under a used key (ErrConflict). A repeat gets the stored answer.
// ErrBusy means that the queue is full.
func (o *Online) Debit(ctx context.Context, ref tenant.Ref, source uuid.UUID, record usage.Record) (Debited, error) {
	r := &request{kind: debits{}, source: source, records: []usage.Record{record}, once: true}
	if err := o.ask(ctx, ref, r); err != nil {
		return Debited{}, err
	}
	return r.answer.(Debited), nil
}

// debits is the kind of one-shot events.
type debits struct{}

func (debits) read(*batch, []*request) error { return nil }

func (debits) settle(b *batch, r *request) error {
	u := r.uses[0]
	if fault := b.fault(u); fault != nil {
		return &DebitError{fault}
	}
	u.id = b.ids.Next()
	b.till.online = true
	charges := len(b.till.charges)
	if err := b.till.charge(u); err != nil {
		return err
	}
	if u.fault != nil {
		return &DebitError{u.fault}
	}
	if len(b.till.charges) == charges {
		return &DebitError{notCharged()}
	}
	b.keep(r, u)
	c := &b.till.charges[charges]
	r.answer = Debited{ChargeID: c.ID, Price: c.Price, Net: c.Net, Tax: c.Tax, Paid: c.PaidFromMoney, Currency: c.Currency, Covered: c.Allowance, At: c.At}
	return nil
}

// fault says why a use cannot be priced; nil: its tariff will tell.
func (b *batch) fault(u *use) *usage.Problem {
	if fault := u.missing(); fault != nil {
		return fault
	}
	if fault := u.unpriced(); fault != nil {
		return fault
	}
	return b.scene.tooLate(u.payer, u.record.End)
}

func (debits) write(*batch, []*request) error { return nil }

func (debits) again(answer any) any {
	d, is := answer.(Debited)
	d.Repeat = is
	return d
}

// The same as selectDebited, for many.
const selectManyDebited = `
	select w.n, c.id, c.price, c.net, c.tax, c.paid_from_balance, c.currency, c.allowance, c.at
	from unnest($1::int[], $2::uuid[], $3::timestamptz[], $4::date[], $5::uuid[], $6::text[]) as w (n, account_id, ended_at, period, source_id, producer_id)
	join usage_record as r on r.account_id = w.account_id and r.ended_at = w.ended_at and r.period = w.period
		and r.source_id = w.source_id and r.producer_id = w.producer_id
	join charge as c on c.period = r.period and c.id = r.id`

func (debits) repeat(f *tenant.Flow, k *known, of []*request) error {
	var (
		numbers           []int32
		accounts, sources []pgtype.UUID
		ends, periods     []any
		producers         []string
	)
	for n, r := range of {
		record := &r.records[0]
		u := use{record: record}
		holder := k.holdings[record.Identity].at(u.at())
		if holder == nil {
			r.err = &DebitError{u.missing()}
			continue
		}
		r.err = &DebitError{notCharged()} // unless its charge is found
		numbers, producers = append(numbers, int32(n)), append(producers, record.Key)
		accounts, sources = append(accounts, pgtype.UUID{Bytes: holder.account, Valid: true}), append(sources, pgtype.UUID{Bytes: r.source, Valid: true})
		ends, periods = append(ends, record.End), append(periods, ledger.Period(record.End, k.scene.zone))
	}
	f.Query(selectManyDebited, []any{numbers, accounts, ends, periods, sources, producers}, func(row pgx.CollectableRow) error {
		d, n := Debited{Repeat: true}, 0
		err := row.Scan(&n, &d.ChargeID, &d.Price, &d.Net, &d.Tax, &d.Paid, &d.Currency, &d.Covered, &d.At)
		if err != nil {
			return fmt.Errorf("read charges of repeats: %w", err)
		}
		of[n].answer, of[n].err = d, nil
		return nil
	})
	return nil
}

// notCharged is said of an event whose key was taken without a charge: it came
// by another way, and waits or costs nothing.
func notCharged() *usage.Problem {
	return &usage.Problem{Field: "key", Code: usage.KeyConflict, Reason: "the event was accepted without a charge", Want: "an id of its own"}
}

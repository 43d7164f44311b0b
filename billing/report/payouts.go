package report

import (
	"context"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

var payoutColumns = []Column{{"day", Day, false}, {"provider", Text, false}, {"reference", Text, false}, {"currency", Text, false}, {"gross", Amount, true}, {"fees", Amount, true},
	{"amount", Amount, true}, {"arrived", Day, false}, {"differences", Number, false}}

// payouts shows what providers paid out, whether it has arrived at the bank,
// and how many of its movements do not fit ours.
func payouts(ctx context.Context, tx tenant.Tx, q query, emit Emit) error {
	rows, err := tx.Query(ctx, `
		select p.arrives_on, p.provider, p.reference, p.currency, p.gross, p.fees, p.amount, b.booked_on, p.differences
		  from payout p
		  left join bank_entry b on b.id = p.entry_id
		 where p.arrives_on between $1 and $2 and ($3 = '' or p.currency = $3)
		 order by p.arrives_on, p.id`, q.From, q.To, q.Currency)
	if err != nil {
		return err
	}
	var day calendar.Date
	var provider, reference, currency string
	var gross, fees, amount money.Decimal
	var arrived *calendar.Date
	var differences int64
	_, err = pgx.ForEachRow(rows, []any{&day, &provider, &reference, &currency, &gross, &fees, &amount, &arrived, &differences}, func() error {
		var at calendar.Date
		if arrived != nil {
			at = *arrived
		}
		return emit(day, provider, reference, currency, gross, fees, amount, at, differences)
	})
	return err
}

package replay_test

import (
	"context"
	"fmt"
	"testing"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
)

// documented is what bills say of May's usage less what credit notes take off.
func (w *world) documented(a account.Account) (bills, notes string) {
	w.t.Helper()
	var billed, noted money.Decimal
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `
			select coalesce(sum(l.price) filter (where b.kind = 'bill'), 0), coalesce(sum(l.price) filter (where b.kind = 'credit_note'), 0)
			  from bill b join bill_line l on l.bill_id = b.id
			 where b.account_id = $1 and l.kind in ('usage', 'correction') and b.state = 'final'`, a.ID).Scan(&billed, &noted)
	})
	return billed.Fixed(2), noted.Fixed(2)
}

// Semantics C, late usage: voiding 100 of the 900 gives a credit note of 10.00;
// after the late 200, one of 5.00; and any order of arrival the same total.
func TestLateUsage_belowZeroIsACreditNote(t *testing.T) {
	t.Parallel()
	july := calendar.Period{From: june.To, To: june.To.AddMonths(1)}
	for _, c := range []struct {
		name         string
		late         int64
		apart        bool // the late usage is billed before the voiding
		bills, notes string
	}{
		{"voided alone", 0, false, "90.00", "10.00"},
		{"after the late 200", 200, true, "105.00", "5.00"},
		{"both before one bill", 200, false, "100.00", "0.00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a := w.customer(w.publish(fmt.Sprintf(tiered, "postpaid", "0.10")), account.Postpaid, 1)
			ids := w.ingest(w.messages(1, w.may(3), 900))
			w.closeCycle(may)
			w.SetClock(t, w.may(31).AddDate(0, 0, 5))
			if c.late > 0 {
				w.ingest(w.messages(1, w.may(30), c.late))
			}
			if c.apart {
				w.closeCycle(june)
			}
			r := w.apply(w.propose(replay.Proposal{Action: replay.TakeBack, Choice: replay.Choice{Uses: []replay.Piece{{ID: ids[0], Period: may.From, Quantity: 100}}}}))
			if r.State != replay.Applied {
				t.Fatalf("it is %s: %s", r.State, r.Error)
			}
			if c.apart {
				w.closeCycle(july)
			} else {
				w.closeCycle(june)
			}
			if bills, notes := w.documented(a); bills != c.bills || notes != c.notes {
				t.Errorf("bills say %s, credit notes %s; want %s and %s", bills, notes, c.bills, c.notes)
			}
			w.sums()
		})
	}
}

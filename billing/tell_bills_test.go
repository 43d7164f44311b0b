package billing

import (
	"context"
	"strings"
	"testing"

	"tollhouse/billing/agenda"
	"tollhouse/billing/bill"
	"tollhouse/billing/notice"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// Each bill that is to be paid is mailed once, however often its run is told,
// with a link that pays just this bill.
func TestTellBills_eachOnceWithALinkThatPaysIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owing, paid := w.connect("flex"), w.connect("flex")
	prepaid := w.connect("prepaid")
	w.pay(prepaid, payment.PurposeTopUp, "20.00")
	w.pay(paid, payment.PurposeBill, "500.00")
	w.advance(w.day("2026-06-02"))
	letters := w.letters()
	if len(letters) != 1 || letters[0].AccountID != owing.ID {
		t.Fatalf("%d mails: %+v; one to who owes is wanted", len(letters), letters)
	}
	var runs []bill.Run
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		if runs, err = bill.Runs(ctx, tx, 1); err != nil {
			return err
		}
		return agenda.Again(ctx, tx, agenda.TellBills, runs[0].ID, nil)
	})
	w.advance(w.day("2026-06-03"))
	if again := w.letters(); len(again) != 1 {
		t.Errorf("%d mails after the run was told again", len(again))
	}
	m := letters[0]
	if !strings.Contains(m.Body, m.Link) || !strings.Contains(m.Subject, "Bill ") || m.To != "jonas@post.example" {
		t.Errorf("the mail: %+v", m)
	}
	_, token, _ := strings.Cut(m.Link, "/link/")
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		due, err := payment.OpenLink(ctx, tx, token)
		if err != nil {
			return err
		}
		items, err := payment.OpenItems(ctx, tx, owing.ID)
		if err != nil || len(items) != 1 || !due.Total.Decimal().Equal(items[0].Open.Decimal()) {
			t.Errorf("the link pays %+v, %+v is open, %v", due, items, err)
		}
		return nil
	})
}

func (w *world) letters() (found []notice.Stored) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		all, err := notice.List(ctx, tx, notice.Query{Limit: notice.MaxPage})
		for _, m := range all {
			if m.Kind == notice.BillReady {
				found = append(found, m)
			}
		}
		return err
	})
	return found
}

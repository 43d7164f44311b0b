package bill_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/tenant"
)

// A preview says, by kind of line, how each bill differs from the last period's;
// of a first bill it is all of it. May is 70.50 of 83.89: the cent that 26.05, 26.05,
// 8.39 and 10.00 leave is with the largest fraction, 8.39.
func TestPreviewMany_differencesByKindOfLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	w.clock("2026-05-01 00:00")
	c := w.connect(1, account.Postpaid)[0]
	differences := func() string {
		var list []string
		w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
			previews, err := bill.Closer{}.PreviewMany(ctx, tx, []uuid.UUID{c.ID})
			if err != nil || previews[0].Err != nil {
				t.Fatal(err, previews[0].Err)
			}
			for _, d := range previews[0].Differences() {
				list = append(list, fmt.Sprintf("%s %s %s %s", d.Kind, d.Last.Text(), d.Now.Text(), d.Change().Text()))
			}
			return nil
		})
		return strings.Join(list, "; ")
	}
	w.use(c, "2026-05-03 10:00", "11.90", 60)
	if got, want := differences(), "recurring 0.00 52.10 52.10; one_time 0.00 8.40 8.40; usage 0.00 10.00 10.00"; got != want {
		t.Errorf("May %s, want %s", got, want)
	}
	w.clock("2026-06-01 00:00")
	w.run("2026-06-01", 10)
	w.use(c, "2026-06-03 10:00", "2.38", 60)
	w.addItem(itemOf(c, "11.90"))
	if got, want := differences(), "recurring 52.10 26.05 -26.05; one_time 8.40 0.00 -8.40; usage 10.00 2.00 -8.00; item 0.00 10.00 10.00"; got != want {
		t.Errorf("June %s, want %s", got, want)
	}
}

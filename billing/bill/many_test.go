package bill_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/tenant"
)

// Semantics C, numbers: 1,000 closings by 64 workers in one series: 42 to 1041,
// no gap, no repeat, no time-out.
func TestClose_numbersWithoutGapBy64Workers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	w.clock("2026-05-01 00:00")
	w.connect(1000, account.Postpaid)
	w.clock("2026-06-01 08:00")
	var run bill.Run
	w.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		if err := bill.ContinueAt(ctx, tx, bill.Series{LegalEntity: w.LegalEntity, Kind: bill.KindBill, Year: 2026}, 42, day("2026-05-31")); err != nil {
			return err
		}
		run, err = bill.Start(ctx, tx, day("2026-06-01"))
		return err
	})
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			for more := true; more; {
				err := w.DB.Write(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
					_, more, err = bill.Closer{}.CloseChunk(ctx, tx, run.ID, 3)
					return err
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		rows, err := tx.Query(ctx, `select series_no, number from bill where run_id = $1 and kind = 'bill' order by series_no`, run.ID)
		if err != nil {
			return err
		}
		want, no, number := int64(42), int64(0), ""
		_, err = pgx.ForEachRow(rows, []any{&no, &number}, func() error {
			if no != want || number != fmt.Sprintf("TO-2026/%06d", want) {
				return fmt.Errorf("number %d is %d, %s", want, no, number)
			}
			want++
			return nil
		})
		if want != 1042 {
			t.Errorf("numbers end before %d", want)
		}
		return err
	})
	w.controlSums()
}

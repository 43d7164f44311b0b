package bill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func series(d *pgtest.TenantDB) Series { return Series{d.LegalEntity, KindBill, 2026} }

var someday = calendar.Date{Year: 2026, Month: time.June, Day: 1}

func continueAt42(t *testing.T) *pgtest.TenantDB {
	t.Helper()
	d := pgtest.Tenant(t)
	d.Write(t, func(ctx context.Context, tx tenant.Tx) error { return ContinueAt(ctx, tx, series(d), 42, someday) })
	return d
}

func TestTake_aRolledBackNumberIsTakenAgain(t *testing.T) {
	t.Parallel()
	d := continueAt42(t)
	undo := errors.New("undo")
	var first, second block
	err := d.DB.Write(context.Background(), d.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		if first, err = take(ctx, tx, series(d), 1, someday); err != nil {
			return err
		}
		return undo
	})
	if !errors.Is(err, undo) {
		t.Fatal(err)
	}
	d.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		second, err = take(ctx, tx, series(d), 1, someday)
		return err
	})
	if first.first != 42 || second.first != 42 {
		t.Errorf("T1 took %d, T2 got %d", first.first, second.first)
	}
}

// 1,000 closings by 64 workers: 42 to 1041, no gap, no repeat, no time-out.
func TestTake_numbersWithoutGapUnderLoad(t *testing.T) {
	t.Parallel()
	d := continueAt42(t)
	const closings, workers = 1000, 64
	work, numbers := make(chan struct{}, closings), make(chan int64, closings)
	for range closings {
		work <- struct{}{}
	}
	close(work)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for range work {
				var b block
				err := d.DB.Write(context.Background(), d.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
					b, err = take(ctx, tx, series(d), 1, someday)
					return err
				})
				if err != nil {
					t.Error(err)
					return
				}
				numbers <- b.first
			}
		})
	}
	group.Wait()
	close(numbers)
	var taken []int64
	for n := range numbers {
		taken = append(taken, n)
	}
	slices.Sort(taken)
	if len(taken) != closings {
		t.Fatalf("%d numbers", len(taken))
	}
	for i, n := range taken {
		if n != int64(42+i) {
			t.Fatalf("number %d is %d", 42+i, n)
		}
	}
}

func TestTake_theIssueDateNeverGoesBack(t *testing.T) {
	t.Parallel()
	d := continueAt42(t)
	d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		for _, row := range []struct{ closed, issued int }{{3, 3}, {2, 3}, {3, 3}, {9, 9}, {1, 9}} {
			got, err := take(ctx, tx, series(d), 2, someday.AddDays(row.closed))
			if err != nil {
				return err
			}
			if want := someday.AddDays(row.issued); got.issued != want {
				t.Errorf("closed on day %d: issued %s, want %s", row.closed, got.issued, want)
			}
		}
		return nil
	})
}

func TestContinueAt_neverGoesBack(t *testing.T) {
	t.Parallel()
	d := continueAt42(t)
	err := d.DB.Write(context.Background(), d.Ref, func(ctx context.Context, tx tenant.Tx) error {
		return ContinueAt(ctx, tx, series(d), 41, someday)
	})
	if !errors.Is(err, ErrNumberTaken) {
		t.Errorf("got %v", err)
	}
}

// A seller in Berlin closes at 2026-12-31T23:30Z: it is 2027 there.
func TestSeries_yearInTheOperatorsZone(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	b := batch{frame: &frame{profile: account.Profile{Zone: berlin}, at: time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC)}}
	s := Series{uuid.Nil, KindBill, b.closedOn().Year}
	if got := (numbering{operator: "Hanse Mobil"}).text(Seller{isDefault: true}, s, 1); got != "HM-2027/000001" {
		t.Error(got)
	}
}

func TestInitials(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"Hanse Mobil": "HM", "kabel nusantara": "KN", "3 ": "B", "Ёлка": "Ё", "A B C D E": "ABCD"} {
		if got := initials(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestState_onlyTheMovesOfTheTable(t *testing.T) {
	t.Parallel()
	allowed := map[string]bool{"draft final": true, "final void": true}
	for _, from := range []State{Draft, Final, Void} {
		for _, to := range []State{Draft, Final, Void} {
			next, err := from.To(to)
			if ok := err == nil; ok != allowed[fmt.Sprintf("%s %s", from, to)] || (ok && next != to) {
				t.Errorf("%s to %s: %s, %v", from, to, next, err)
			}
		}
	}
}

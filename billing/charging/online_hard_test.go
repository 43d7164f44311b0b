package charging_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// pieces sell at 0.6501 each, VAT inside.
const piecesPlan = `
code: pieces
names: {en: Pieces}
billing: prepaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
usage:
  - {code: pieces, names: {en: Pieces}, kind: content, rules: [{code: piece, destinations: ["*"], price: 0.6501, per: "1"}]}
`

func (w *world) piece(key string, customer int) usage.Record {
	return usage.Record{Key: key, Kind: usage.Content, Identity: usage.Identity{Kind: usage.MSISDN, Value: msisdn(customer)},
		Start: w.noon(2), End: w.noon(2), Quantity: 1, Unit: money.Event, Destination: "game"}
}

// all asks for n debits, so many at a time, and gives the refusals.
func (w *world) all(n, atOnce int, debit func(i int) error) []error {
	results := make([]error, n)
	var next atomic.Int64
	var asking sync.WaitGroup
	for range atOnce {
		asking.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				results[i] = debit(int(i))
			}
		})
	}
	asking.Wait()
	return results
}

func TestOnline_batchOfEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t, piecesPlan)
	o := w.online()
	for _, a := range w.customers("pieces", account.Prepaid, 1, 4) {
		w.topUp(a, "65.01")
	}
	repeated := w.piece("again", 1)
	if _, err := o.Debit(t.Context(), w.Ref, w.feed.ID, repeated); err != nil {
		t.Fatal(err)
	}
	other := repeated
	other.Quantity = 2
	debit := func(r usage.Record) error {
		_, err := o.Debit(t.Context(), w.Ref, w.feed.ID, r)
		return err
	}
	// of 300 at once: every tenth a repeat of before, a conflict, a stranger, and
	// a key that comes ten times; 240 keys for customers who can pay 99, 100, 100
	// and 100
	results := w.all(300, 100, func(i int) error {
		switch i % 10 {
		case 0:
			return debit(repeated)
		case 1:
			return debit(other)
		case 2:
			return debit(w.piece(fmt.Sprint("stranger", i), 9))
		case 3:
			return debit(w.piece(fmt.Sprint("ten", i/100), 2))
		default:
			return debit(w.piece(fmt.Sprint("one", i), 1+i%4))
		}
	})
	for i, err := range results {
		want := map[int]error{1: charging.ErrConflict, 2: charging.ErrNotChargeable}[i%10]
		if !errors.Is(err, want) || err != nil && want == nil {
			t.Errorf("debit %d: %v, want %v", i, err, want)
		}
	}
	// 1 before, 180 single ones, 3 that came ten times
	w.wantSums(map[string]string{"prepaid EUR": money.MustDecimal("0.6501").Mul(money.NewDecimal(184)).Sub(money.MustDecimal("260.04")).String()})
	if worked := o.Worked(); worked.Transactions >= worked.Requests {
		t.Errorf("%d requests in %d transactions", worked.Requests, worked.Transactions)
	}
}

func TestOnline_culpritIsFoundByHalving(t *testing.T) {
	t.Parallel()
	w := newWorld(t, piecesPlan)
	o := w.online()
	for _, a := range w.customers("pieces", account.Prepaid, 1, 2) {
		w.topUp(a, "100.00")
	}
	results := w.all(64, 64, func(i int) error {
		record := w.piece(fmt.Sprint("h", i), 1+i%2)
		if i == 17 {
			record.Origin = "not \x00 to be stored"
		}
		_, err := o.Debit(t.Context(), w.Ref, w.feed.ID, record)
		return err
	})
	for i, err := range results {
		if (err != nil) != (i == 17) {
			t.Errorf("debit %d: %v", i, err)
		}
	}
	w.wantSums(map[string]string{"prepaid EUR": money.MustDecimal("0.6501").Mul(money.NewDecimal(63)).Sub(money.NewDecimal(200)).String()})
}

func TestOnline_fullQueueIsBusyAndStopDrains(t *testing.T) {
	t.Parallel()
	w := newWorld(t, piecesPlan)
	o := w.online(charging.OnlineConfig{Queue: 8, Batch: 4, Committers: 1, CommittersPerTenant: 1})
	a := w.customers("pieces", account.Prepaid, 1, 1)[0]
	w.topUp(a, "100.00")
	// the account is held, so whoever comes waits
	held, release := make(chan struct{}), make(chan struct{})
	holding := make(chan error, 1)
	go func() {
		holding <- w.DB.Write(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := tx.Exec(ctx, `select id from billing_account where id = $1 for update`, a.ID)
			close(held)
			<-release
			return err
		})
	}()
	<-held
	var busy, charged, late atomic.Int64
	var asking sync.WaitGroup
	for i := range 30 {
		asking.Go(func() {
			_, err := o.Debit(t.Context(), w.Ref, w.feed.ID, w.piece(fmt.Sprint("q", i), 1))
			switch {
			case errors.Is(err, charging.ErrBusy):
				busy.Add(1)
			case err == nil:
				charged.Add(1)
			case errors.Is(err, charging.ErrStopped): // it asked after all others, and after the stop
				late.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	for deadline := time.Now().Add(time.Minute); busy.Load() < 30-8-4 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- o.Stop(context.Background()) }()
	close(release)
	asking.Wait()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if err := <-holding; err != nil {
		t.Error(err)
	}
	if busy.Load() == 0 || charged.Load() == 0 || busy.Load()+charged.Load()+late.Load() != 30 {
		t.Errorf("%d busy, %d charged, %d too late", busy.Load(), charged.Load(), late.Load())
	}
	if _, err := o.Debit(t.Context(), w.Ref, w.feed.ID, w.piece("late", 1)); !errors.Is(err, charging.ErrStopped) {
		t.Errorf("after the stop: %v", err)
	}
	w.wantSums(map[string]string{"prepaid EUR": money.MustDecimal("0.6501").Mul(money.NewDecimal(charged.Load())).Sub(money.NewDecimal(100)).String()})
}

// Case "B: 6,000 debits of 0.6501 on one account from two processes", here by
// two batchers that know nothing of each other; tollhouse's own test does it
// with two hosts.
func TestOnline_sixThousandDebitsOfOneAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, piecesPlan)
	one, two := w.online(), w.online()
	w.topUp(w.customers("pieces", account.Prepaid, 1, 1)[0], "4000.00")
	for i, err := range w.all(6_000, 128, func(i int) error {
		_, err := [2]*charging.Online{one, two}[i%2].Debit(t.Context(), w.Ref, w.feed.ID, w.piece(fmt.Sprint("c", i), 1))
		return err
	}) {
		if err != nil {
			t.Fatalf("debit %d: %v", i, err)
		}
	}
	w.wantSums(map[string]string{"prepaid EUR": "-99.4"}) // exactly 3,900.60 taken
}

func TestOnline_authorizeChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, prepaidPlan)
	o := w.online()
	w.topUp(w.customers("prepaid", account.Prepaid, 1, 1)[0], "5.95")
	before := w.sums()
	// the fee of 5.95 is due and would be taken first: 10 GB are free, nothing is left
	for gb, granted := range map[int64]int64{9: 9e9, 12: 10e9} {
		got, err := o.Authorize(t.Context(), w.Ref, w.feed.ID, w.data("look", 1, w.noon(2), gb*1e9))
		if err != nil || got.Granted != granted || got.Enough != (granted == gb*1e9) {
			t.Errorf("%d GB: %+v, %v", gb, got, err)
		}
	}
	if _, err := o.Authorize(t.Context(), w.Ref, w.feed.ID, w.data("look", 9, w.noon(2), 1)); !errors.Is(err, charging.ErrNotChargeable) {
		t.Errorf("a stranger: %v", err)
	}
	after := w.sums()
	if fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("%v became %v", before, after)
	}
}

func TestRefundDebit_notBeyondTheRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, piecesPlan)
	o := w.online()
	w.topUp(w.customers("pieces", account.Prepaid, 1, 1)[0], "10.00")
	d, err := o.Debit(t.Context(), w.Ref, w.feed.ID, w.piece("back", 1))
	if err != nil {
		t.Fatal(err)
	}
	refund := func(amount string) (back charging.Corrected, err error) {
		off := money.MustDecimal(amount)
		err = w.DB.Write(t.Context(), w.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
			back, err = w.engine.RefundDebit(ctx, tx, uuid.Must(uuid.NewV7()), d.ChargeID, &off, "broken off")
			return err
		})
		return back, err
	}
	back, err := refund("0.25")
	if err != nil || back.LeftPrice.String() != "0.4001" || back.Price.String() != "-0.25" {
		t.Errorf("%+v, %v", back, err)
	}
	if _, err := refund("0.4002"); !errors.Is(err, charging.ErrBeyondCharge) {
		t.Errorf("beyond the rest: %v", err)
	}
	w.wantSums(map[string]string{"prepaid EUR": "-9.5999"})
	if _, err := refund("0.4001"); err != nil {
		t.Error(err)
	}
	w.wantSums(map[string]string{"prepaid EUR": "-10"})
}

// One account that somebody else has locked holds up nobody but itself.
func TestOnline_heldUpBatchLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, piecesPlan)
	o := w.online()
	accounts := w.customers("pieces", account.Prepaid, 1, 2)
	for i, a := range accounts {
		w.topUp(a, "100.00")
		if _, err := o.Debit(t.Context(), w.Ref, w.feed.ID, w.piece(fmt.Sprint("first", i), 1+i)); err != nil {
			t.Fatal(err)
		}
	}
	held, release, holding := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		holding <- w.DB.Write(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := tx.Exec(ctx, `select id from billing_account where id = $1 for update`, accounts[0].ID)
			close(held)
			<-release
			return err
		})
	}()
	<-held
	stuck := make(chan error, 1)
	go func() {
		_, err := o.Debit(context.Background(), w.Ref, w.feed.ID, w.piece("stuck", 1))
		stuck <- err
	}()
	w.awaitLock() // or they would share its batch
	for i := range 3 {
		if _, err := o.Debit(t.Context(), w.Ref, w.feed.ID, w.piece(fmt.Sprint("free", i), 2)); err != nil {
			t.Error(err)
		}
	}
	select {
	case err := <-stuck:
		t.Errorf("the stuck one was answered: %v", err)
	default:
	}
	close(release)
	if err := errors.Join(<-stuck, <-holding); err != nil {
		t.Error(err)
	}
	w.wantSums(map[string]string{"prepaid EUR": money.MustDecimal("0.6501").Mul(money.NewDecimal(6)).Sub(money.NewDecimal(200)).String()})
}

// awaitLock waits until somebody in the database waits for a lock.
func (w *world) awaitLock() {
	w.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		waiting := 0
		err := w.Host.Admin.QueryRow(w.t.Context(), `select count(*) from pg_locks as l join pg_stat_activity as a using (pid)
			where not l.granted and a.datname = current_database()`).Scan(&waiting)
		if err != nil {
			w.t.Fatal(err)
		}
		if waiting > 0 {
			return
		}
	}
	w.t.Fatal("nobody waits for a lock")
}

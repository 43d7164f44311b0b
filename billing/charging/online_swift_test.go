package charging_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/charging"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// fromMemory charges one piece and says whether that went by memory.
func (w *world) fromMemory(o *charging.Online, key string, customer int) (charging.Debited, bool, error) {
	w.t.Helper()
	before := o.Worked().FromMemory
	d, err := o.Debit(w.t.Context(), w.Ref, w.feed.ID, w.piece(key, customer))
	return d, o.Worked().FromMemory > before, err
}

// gift grants money that is spent first and gives its bucket.
func (w *world) gift(a account.Account, amount string) uuid.UUID {
	w.t.Helper()
	id := uuid.Must(uuid.NewV7())
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := balance.Grant(ctx, tx, []balance.NewBucket{{ID: id, AccountID: a.ID, Code: "gift", Unit: a.Currency.Unit(), Origin: balance.Promotion,
			Amount: money.MustDecimal(amount), Priority: 1, ValidFrom: w.noon(1), LegalEntity: a.LegalEntity, Branch: a.Branch}})
		return err
	})
	return id
}

func (w *world) adjust(bucket uuid.UUID, amount string) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := balance.Adjust(ctx, tx, balance.Adjustment{ID: uuid.Must(uuid.NewV7()), BucketID: bucket, Amount: money.MustDecimal(amount), Reason: "test"})
		return err
	})
}

func (w *world) holds(bucket uuid.UUID, want string) {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		b, err := balance.Get(ctx, tx, bucket)
		if err == nil && !b.Value.Equal(money.MustDecimal(want)) {
			w.t.Errorf("balance %s holds %s, want %s", b.Code, b.Value, want)
		}
		return err
	})
}

func (w *world) main(a account.Account) (id uuid.UUID) {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select id from bucket where account_id = $1 and origin = 'main'`, a.ID).Scan(&id)
	})
	return id
}

// What is done beside a batcher that remembers the account counts for its next
// debit, whatever it remembers.
func TestOnline_memoryIsNeverTrusted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, piecesPlan)
	o, other := w.online(), w.online()
	a := w.customers("pieces", account.Prepaid, 1, 1)[0]
	w.topUp(a, "6.501") // ten pieces
	main, n := w.main(a), 0
	debit := func(by *charging.Online, want error) (swift bool) {
		t.Helper()
		n++
		_, swift, err := w.fromMemory(by, fmt.Sprint("m", n), 1)
		if !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("debit %d: %v, want %v", n, err, want)
		}
		return swift
	}
	debit(o, nil) // prices and subscribers are read under locks
	if debit(o, nil); !debit(o, nil) {
		t.Error("the account is not remembered")
	}
	debit(other, nil)
	debit(other, nil)
	debit(o, nil)
	w.holds(main, "2.6004")

	w.adjust(main, "-2.6004")
	debit(o, charging.ErrInsufficient)
	debit(o, charging.ErrInsufficient)
	w.topUp(a, "1.3002")
	debit(o, nil)
	debit(other, nil)
	debit(o, charging.ErrInsufficient)

	w.topUp(a, "6.501")
	debit(o, nil)
	gift := w.gift(a, "0.6501") // a new balance, to be spent first
	debit(o, nil)
	w.holds(gift, "0")
	w.holds(main, "5.8509")
	debit(o, nil)
	w.adjust(gift, "0.6501") // one that was empty has something again
	debit(o, nil)
	w.holds(gift, "0")
	w.holds(main, "5.2008")
	w.wantSums(map[string]string{"prepaid EUR": "-5.2008"})
}

func TestOnline_memoryHoldsNothingBackFromSessions(t *testing.T) {
	t.Parallel()
	w := phones(t)
	o := w.online()
	a := w.customers("payg", account.Prepaid, 1, 1)[0]
	w.topUp(a, "10.00")
	call := func(key string) error {
		_, err := o.Debit(t.Context(), w.Ref, w.feed.ID, w.call(key, 1, w.noon(2), 600)) // 1.00
		return err
	}
	for i := range 3 {
		if err := call(fmt.Sprint("before", i)); err != nil {
			t.Fatal(err)
		}
	}
	if o.Worked().FromMemory == 0 {
		t.Fatal("the account is not remembered")
	}
	for i := range 3 { // 2.00 each, of 7.00 that are left
		w.one(time.Now(), start(fmt.Sprint("s", i), 1))
	}
	if err := call("last"); err != nil {
		t.Error(err)
	}
	if err := call("held"); !errors.Is(err, charging.ErrInsufficient) {
		t.Errorf("what sessions hold back was spent: %v", err)
	}
	w.wantSums(map[string]string{"prepaid EUR": "-6"})
}

func TestOnline_repeatsGetTheStoredAnswerFromWhomever(t *testing.T) {
	t.Parallel()
	w := newWorld(t, piecesPlan)
	one, two := w.online(), w.online()
	w.topUp(w.customers("pieces", account.Prepaid, 1, 1)[0], "100.00")
	for i := range 4 {
		first, _, err := w.fromMemory(one, fmt.Sprint("r", i), 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, by := range []*charging.Online{one, two, one} { // remembered, unknown, remembered
			got, _, err := w.fromMemory(by, fmt.Sprint("r", i), 1)
			if err != nil || !got.Repeat || got.ChargeID != first.ChargeID || !got.Price.Equal(first.Price) || !got.At.Equal(first.At) {
				t.Errorf("a repeat: %+v, %v; want %+v", got, err, first)
			}
		}
		other := w.piece(fmt.Sprint("r", i), 1)
		other.Quantity = 2
		for _, by := range []*charging.Online{one, two} {
			if _, err := by.Debit(t.Context(), w.Ref, w.feed.ID, other); !errors.Is(err, charging.ErrConflict) {
				t.Errorf("another body: %v", err)
			}
		}
	}
	w.wantSums(map[string]string{"prepaid EUR": "-97.3996"})
}

// Two batchers, top-ups, gifts, adjustments and files at once on a few accounts:
// not a cent is lost or made up.
func TestOnline_everythingBesideMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, piecesPlan)
	batchers := [2]*charging.Online{w.online(), w.online()}
	accounts := w.customers("pieces", account.Prepaid, 1, 6)
	for _, a := range accounts {
		w.topUp(a, "400.00")
	}
	mains := make([]uuid.UUID, len(accounts))
	for i, a := range accounts {
		mains[i] = w.main(a)
	}
	beside := func(i int) error {
		a, main := accounts[i%6], mains[i%6]
		return w.DB.Write(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
			switch i / 10 % 4 {
			case 0:
				_, err = balance.Add(ctx, tx, balance.TopUp{ID: uuid.Must(uuid.NewV7()), AccountID: a.ID,
					Amount: money.New(money.MustDecimal("1.00"), a.Currency), From: ledger.Cash})
			case 1:
				_, err = balance.Grant(ctx, tx, []balance.NewBucket{{ID: uuid.Must(uuid.NewV7()), AccountID: a.ID, Code: "gift", Unit: a.Currency.Unit(),
					Origin: balance.Promotion, Amount: money.MustDecimal("1.00"), Priority: 1, ValidFrom: w.noon(1), LegalEntity: a.LegalEntity, Branch: a.Branch}})
			case 2:
				_, err = balance.Adjust(ctx, tx, balance.Adjustment{ID: uuid.Must(uuid.NewV7()), BucketID: main, Amount: money.MustDecimal("1.00"), Reason: "test"})
			default:
				record := w.piece(fmt.Sprint("file", i), 1+i%6)
				_, err = w.engine.Ingest(ctx, tx, charging.Batch{Source: w.feed.ID, Items: []usage.Item{{Record: &record}}})
			}
			return err
		})
	}
	for i, err := range w.all(3_000, 64, func(i int) error {
		if i%10 == 9 {
			return beside(i)
		}
		_, err := batchers[i%2].Debit(t.Context(), w.Ref, w.feed.ID, w.piece(fmt.Sprint("e", i), 1+i%6))
		return err
	}) {
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	if batchers[0].Worked().FromMemory == 0 {
		t.Error("nothing was charged from memory")
	}
	// 2,400 at first and 225 beside; 2,700 debits and 75 of files
	taken := money.MustDecimal("0.6501").Mul(money.NewDecimal(2_775))
	w.wantSums(map[string]string{"prepaid EUR": taken.Sub(money.NewDecimal(2_625)).String()})
}

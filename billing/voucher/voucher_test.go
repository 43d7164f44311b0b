package voucher_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/billing/voucher"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// marked seals by a mark, so that what is sealed does not read as it was.
type marked struct{}

func (marked) Seal(name string, clear []byte) ([]byte, error) {
	return append([]byte("sealed:"+name+":"), clear...), nil
}

func (marked) Unseal(name string, sealed []byte) ([]byte, error) {
	clear, ours := strings.CutPrefix(string(sealed), "sealed:"+name+":")
	if !ours {
		return nil, errors.New("sealed elsewhere")
	}
	return []byte(clear), nil
}

var (
	eur  = money.MustCurrency("EUR")
	desk = voucher.Desk{Seal: marked{}}
)

func euro(text string) money.Amount { return money.New(money.MustDecimal(text), eur) }

func newAccount(t *testing.T, db *pgtest.TenantDB, kind account.Kind) account.Account {
	t.Helper()
	var a account.Account
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		parties, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: "Ada", Language: account.English}})
		if err != nil {
			return err
		}
		accounts, err := account.Open(ctx, tx, []account.NewAccount{{PartyID: parties[0].ID, Kind: kind}})
		if err != nil {
			return err
		}
		a = accounts[0]
		if kind == account.Prepaid {
			err = balance.CreateMain(ctx, tx, a.ID)
		}
		return err
	})
	return a
}

// made is a batch and its PINs.
type made struct {
	voucher.Batch
	pins []string
}

// make makes a batch of five vouchers of 10 euros, for which a dealer pays 9.50,
// and fetches its PINs.
func makeBatch(t *testing.T, db *pgtest.TenantDB, code string) made {
	t.Helper()
	var m made
	var list []byte
	db.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		m.Batch, err = desk.Make(ctx, tx, voucher.NewBatch{ID: uuid.Must(uuid.NewV7()), Code: code, Value: euro("10"), Price: euro("9.50"), Count: 5,
			Dealer: "Kiosk", ValidThrough: calendar.DateOf(tx.At, db.Zone).AddDays(30), By: "user:test"})
		if err != nil {
			return err
		}
		list, err = desk.Fetch(ctx, tx, m.ID, "user:test")
		return err
	})
	rows, err := csv.NewReader(strings.NewReader(string(list))).ReadAll()
	if err != nil || len(rows) != 6 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows[1:] {
		m.pins = append(m.pins, row[1])
	}
	return m
}

func sell(t *testing.T, db *pgtest.TenantDB, batch uuid.UUID, r voucher.Range) voucher.Sold {
	t.Helper()
	var sold voucher.Sold
	db.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		sold, err = voucher.Sell(ctx, tx, voucher.Sale{ID: uuid.Must(uuid.NewV7()), BatchID: batch, Range: r, PaidTo: ledger.Bank})
		return err
	})
	return sold
}

func redeem(db *pgtest.TenantDB, id, accountID uuid.UUID, pin string) (paid payment.Payment, err error) {
	err = db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		paid, err = desk.Redeem(ctx, tx, voucher.Redemption{ID: id, AccountID: accountID, PIN: pin, By: "user:test"})
		return err
	})
	return paid, err
}

// owed is what the ledger says is owed for vouchers, in euros.
func owed(t *testing.T, db *pgtest.TenantDB) money.Decimal {
	t.Helper()
	var sum money.Decimal
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		report, err := ledger.ControlSums(ctx, tx)
		if err != nil {
			return err
		}
		for _, line := range report.Trial {
			if line.Kind == ledger.Vouchers {
				sum = line.Credit.Sub(line.Debit)
			}
		}
		return report.Check()
	})
	return sum
}

func new7() uuid.UUID { return uuid.Must(uuid.NewV7()) }

func TestRedeem_onceByOneOfManyAtTheSameTime(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	m := makeBatch(t, db, "CARD10")
	sell(t, db, m.ID, voucher.Range{})
	accounts := []account.Account{newAccount(t, db, account.Prepaid), newAccount(t, db, account.Prepaid)}
	var wait sync.WaitGroup
	outcomes := make([]error, 8)
	for i := range outcomes {
		wait.Go(func() { _, outcomes[i] = redeem(db, new7(), accounts[i%2].ID, m.pins[0]) })
	}
	wait.Wait()
	won := 0
	for _, err := range outcomes {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, voucher.ErrUsed):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d redeemed it, want 1", won)
	}
	if got := owed(t, db); !got.Equal(money.NewDecimal(40)) {
		t.Errorf("owed for vouchers: %s, want 40", got)
	}
}

func TestRedeem_aRepeatGetsTheSamePayment(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	m, a := makeBatch(t, db, "CARD10"), newAccount(t, db, account.Prepaid)
	sell(t, db, m.ID, voucher.Range{})
	id := new7()
	for range 3 {
		paid, err := redeem(db, id, a.ID, m.pins[1])
		if err != nil || paid.ID != id || !paid.Amount.Decimal().Equal(money.NewDecimal(10)) || paid.Reference != "CARD10-000002" {
			t.Fatalf("%+v, %v", paid, err)
		}
	}
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		buckets, err := balance.List(ctx, tx, a.ID)
		if err != nil || len(buckets) != 1 || !buckets[0].Value.Equal(money.NewDecimal(10)) {
			t.Errorf("%+v, %v", buckets, err)
		}
		return nil
	})
	if _, err := redeem(db, new7(), a.ID, m.pins[1]); !errors.Is(err, voucher.ErrUsed) {
		t.Errorf("another command: %v", err)
	}
}

func TestRedeem_refusesWhatIsNotGood(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	m, a, postpaid := makeBatch(t, db, "CARD10"), newAccount(t, db, account.Prepaid), newAccount(t, db, account.Postpaid)
	sell(t, db, m.ID, voucher.Range{First: 1, Last: 2})
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := voucher.Block(ctx, tx, m.ID, voucher.Range{First: 2, Last: 3})
		return err
	})
	for _, c := range []struct {
		name, pin string
		to        uuid.UUID
		want      error
	}{
		{"letters", "12ab", a.ID, voucher.ErrPIN},
		{"nobody's", "0000 0000 0000 0000", a.ID, voucher.ErrPIN},
		{"not sold", m.pins[3], a.ID, voucher.ErrPIN},
		{"blocked", m.pins[1], a.ID, voucher.ErrPIN},
		{"a postpaid account", m.pins[0], postpaid.ID, payment.ErrPurpose},
		{"nobody's account", m.pins[0], new7(), payment.ErrNotFound},
		{"good, typed with dashes", strings.ReplaceAll(m.pins[0], " ", "-"), a.ID, nil},
	} {
		if _, err := redeem(db, new7(), c.to, c.pin); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		n, err := voucher.Unblock(ctx, tx, m.ID, voucher.Range{First: 2, Last: 3})
		if n != 2 {
			t.Errorf("%d unblocked", n)
		}
		return err
	})
	if _, err := redeem(db, new7(), a.ID, m.pins[1]); err != nil {
		t.Errorf("unblocked: %v", err)
	}
	if _, err := redeem(db, new7(), a.ID, m.pins[2]); !errors.Is(err, voucher.ErrPIN) {
		t.Errorf("unblocked, but never sold: %v", err)
	}
}

func TestSell_allOrNoneAndTheDealersShareIsPromotion(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	m := makeBatch(t, db, "CARD10")
	if sold := sell(t, db, m.ID, voucher.Range{First: 2, Last: 3}); sold.Count != 2 || sold.Paid.Text() != "19.00" || sold.Discount.Text() != "1.00" {
		t.Errorf("%+v", sold)
	}
	err := db.DB.Write(t.Context(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
		_, err := voucher.Sell(ctx, tx, voucher.Sale{ID: new7(), BatchID: m.ID, PaidTo: ledger.Cash})
		return err
	})
	if e, is := errors.AsType[*voucher.MoveError](err); !is || e.Serial != 2 || e.From != voucher.Active {
		t.Errorf("sold twice: %v", err)
	}
	if got := owed(t, db); !got.Equal(money.NewDecimal(20)) {
		t.Errorf("owed: %s, want 20", got)
	}
}

func TestExpire_soldAndNotRedeemedIsBreakage(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	m, a := makeBatch(t, db, "CARD10"), newAccount(t, db, account.Prepaid)
	sell(t, db, m.ID, voucher.Range{First: 1, Last: 3})
	if _, err := redeem(db, new7(), a.ID, m.pins[0]); err != nil {
		t.Fatal(err)
	}
	db.SetClock(t, m.ExpiresAt)
	for _, want := range []int{3, 1, 0} {
		db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			n, err := voucher.Expire(ctx, tx, m.ID, 3)
			if n != want {
				t.Errorf("%d expired, want %d", n, want)
			}
			return err
		})
	}
	if got := owed(t, db); !got.IsZero() {
		t.Errorf("owed: %s, want nothing", got)
	}
	if _, err := redeem(db, new7(), a.ID, m.pins[1]); !errors.Is(err, voucher.ErrExpired) {
		t.Errorf("after its end: %v", err)
	}
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		b, err := voucher.Get(ctx, tx, m.ID)
		if err != nil || b.In[voucher.Expired] != 4 || b.In[voucher.Redeemed] != 1 {
			t.Errorf("%v, %v", b.In, err)
		}
		return nil
	})
}

func TestFetch_onceAndNothingStaysReadable(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	m := makeBatch(t, db, "CARD10")
	err := db.DB.Write(t.Context(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
		_, err := desk.Fetch(ctx, tx, m.ID, "user:other")
		return err
	})
	if !errors.Is(err, voucher.ErrFetched) {
		t.Errorf("fetched again: %v", err)
	}
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		var kept int
		err := tx.QueryRow(ctx, `select count(*) from voucher_batch where sealed_pins is not null`).Scan(&kept)
		if kept != 0 {
			t.Error("the PINs are still kept")
		}
		return err
	})
}

func TestMake_namesTheFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	for field, spoil := range map[string]func(*voucher.NewBatch){
		"code":          func(n *voucher.NewBatch) { n.Code = "card 10" },
		"value":         func(n *voucher.NewBatch) { n.Value = euro("0.001") },
		"price":         func(n *voucher.NewBatch) { n.Price = euro("10.01") },
		"count":         func(n *voucher.NewBatch) { n.Count = 0 },
		"valid_through": func(n *voucher.NewBatch) { n.ValidThrough = calendar.Date{Year: 2020, Month: 1, Day: 1} },
		"branch":        func(n *voucher.NewBatch) { n.Branch = new7() },
		"dealer":        func(n *voucher.NewBatch) { n.Dealer = strings.Repeat("x", 101) },
	} {
		n := voucher.NewBatch{ID: new7(), Code: "CARD10", Value: euro("10"), Price: euro("10"), Count: 1, ValidThrough: calendar.Date{Year: 2099, Month: 1, Day: 1}, By: "user:test"}
		spoil(&n)
		err := db.DB.Write(t.Context(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := desk.Make(ctx, tx, n)
			return err
		})
		if e, is := errors.AsType[*account.FieldError](err); !is || e.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestCount_triesAtTheSameTimeDoNotOutrunTheLimit(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	a, now := newAccount(t, db, account.Prepaid), time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	try := func(at time.Time) error {
		return db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) error { return voucher.Count(ctx, tx, a.ID, at) })
	}
	var wait sync.WaitGroup
	outcomes := make([]error, 20)
	for i := range outcomes {
		wait.Go(func() { outcomes[i] = try(now) })
	}
	wait.Wait()
	allowed := 0
	for _, err := range outcomes {
		if err == nil {
			allowed++
		} else if !errors.Is(err, voucher.ErrTooMany) {
			t.Error(err)
		}
	}
	if allowed != 5 {
		t.Errorf("%d tries were let through, want 5", allowed)
	}
	for _, c := range []struct {
		after time.Duration
		want  error
	}{{59 * time.Second, voucher.ErrTooMany}, {time.Minute, nil}, {2 * time.Minute, voucher.ErrTooMany}, {3 * time.Minute, nil}} {
		if err := try(now.Add(c.after)); !errors.Is(err, c.want) {
			t.Errorf("after %s: %v, want %v", c.after, err, c.want)
		}
	}
}

func TestParsePIN_asPeopleTypeIt(t *testing.T) {
	t.Parallel()
	for typed, right := range map[string]bool{
		"1234567890123456": true, " 1234 5678 9012 3456 ": true, "1234-5678-9012-3456": true,
		"": false, "123456789012345": false, "12345678901234567": false, "123456789012345x": false, "١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦": false,
	} {
		pin, err := voucher.ParsePIN(typed)
		if (err == nil) != right || right && voucher.FormatPIN(pin) != "1234 5678 9012 3456" {
			t.Errorf("%q: %q, %v", typed, pin, err)
		}
	}
}

func ExampleFormatPIN() {
	fmt.Println(voucher.FormatPIN("0123456789012345"))
	// Output: 0123 4567 8901 2345
}

// What is noted stands or falls with the redemption, and a repeat notes nothing.
func TestRedeem_isNotedInItsTransaction(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	batch := makeBatch(t, db, "N1")
	sell(t, db, batch.ID, voucher.Range{})
	a := newAccount(t, db, account.Prepaid)
	id, noted, broken := new7(), 0, errors.New("no room for the note")
	try := func(note error) error {
		return db.DB.Write(t.Context(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := desk.Redeem(ctx, tx, voucher.Redemption{ID: id, AccountID: a.ID, PIN: batch.pins[0], By: "user:ada",
				Note: func(context.Context, tenant.Tx, payment.Payment) error { noted++; return note }})
			return err
		})
	}
	before := owed(t, db)
	if err := try(broken); !errors.Is(err, broken) || !owed(t, db).Equal(before) {
		t.Errorf("not noted, and yet redeemed: %v, %s are owed", err, owed(t, db))
	}
	for range 2 {
		if err := try(nil); err != nil {
			t.Fatal(err)
		}
	}
	if noted != 2 || !owed(t, db).Equal(before.Sub(money.NewDecimal(10))) {
		t.Errorf("noted %d times, %s are owed", noted, owed(t, db))
	}
}

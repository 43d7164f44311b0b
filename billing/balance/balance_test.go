package balance_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var eur = money.MustCurrency("EUR")

func amount(text string) money.Amount { return money.New(money.MustDecimal(text), eur) }

// newAccount opens a prepaid account with its main bucket.
func newAccount(t *testing.T, db *pgtest.TenantDB) account.Account {
	t.Helper()
	var a account.Account
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		parties, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: "Ada", Language: account.English}})
		if err != nil {
			return err
		}
		accounts, err := account.Open(ctx, tx, []account.NewAccount{{PartyID: parties[0].ID, Kind: account.Prepaid}})
		if err != nil {
			return err
		}
		a = accounts[0]
		return balance.CreateMain(ctx, tx, a.ID)
	})
	return a
}

func checkSums(t *testing.T, db *pgtest.TenantDB) {
	t.Helper()
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		report, err := ledger.ControlSums(ctx, tx)
		if err != nil {
			return err
		}
		return report.Check()
	})
}

func list(t *testing.T, db *pgtest.TenantDB, accountID uuid.UUID) []balance.Bucket {
	t.Helper()
	var buckets []balance.Bucket
	db.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		buckets, err = balance.List(ctx, tx, accountID)
		return err
	})
	return buckets
}

func TestAdd_onceByID(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	a := newAccount(t, db)
	topUp := balance.TopUp{ID: uuid.Must(uuid.NewV7()), AccountID: a.ID, Amount: amount("20.00"), From: ledger.ProviderClearing}
	for range 3 {
		db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			bucket, err := balance.Add(ctx, tx, topUp)
			if err == nil && !bucket.Value.Equal(money.NewDecimal(20)) {
				t.Errorf("main is %s, want 20", bucket.Value)
			}
			return err
		})
	}
	checkSums(t, db)
}

func TestAdd_refusesWhatIsNoTopUp(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	a := newAccount(t, db)
	cases := []struct {
		name   string
		amount money.Amount
		to     uuid.UUID
		want   error
	}{
		{"zero", amount("0"), a.ID, balance.ErrAmount},
		{"negative", amount("-1"), a.ID, balance.ErrAmount},
		{"other currency", money.New(money.NewDecimal(1), money.MustCurrency("USD")), a.ID, balance.ErrAmount},
		{"no such account", amount("1"), uuid.New(), balance.ErrNotFound},
	}
	for _, c := range cases {
		err := db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := balance.Add(ctx, tx, balance.TopUp{ID: uuid.New(), AccountID: c.to, Amount: c.amount, From: ledger.Cash})
			return err
		})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestAdjust_neverTakesWhatIsNotThere(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	a := newAccount(t, db)
	main := list(t, db, a.ID)[0]
	adjust := func(by, reason string) error {
		return db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := balance.Adjust(ctx, tx, balance.Adjustment{ID: uuid.Must(uuid.NewV7()), BucketID: main.ID, Amount: money.MustDecimal(by), Reason: reason})
			return err
		})
	}
	for _, c := range []struct {
		by, reason string
		want       error
	}{
		{"5", "goodwill", nil}, {"-7", "mistake", balance.ErrInsufficient}, {"-5", "mistake", nil},
		{"1", " ", balance.ErrReason}, {"0", "nothing", balance.ErrAmount}, {"0.0000000001", "too fine", balance.ErrAmount},
	} {
		if err := adjust(c.by, c.reason); !errors.Is(err, c.want) {
			t.Errorf("adjust by %s: %v, want %v", c.by, err, c.want)
		}
	}
	if got := list(t, db, a.ID)[0].Value; !got.IsZero() {
		t.Errorf("main is %s, want 0", got)
	}
	checkSums(t, db)
}

func TestExpire_restGoesWhereItCameFrom(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	a := newAccount(t, db)
	start := time.Date(2026, 5, 1, 0, 0, 0, 0, db.Zone)
	end := time.Date(2026, 6, 1, 0, 0, 0, 0, db.Zone)
	grant := func(origin balance.Origin, unit money.Unit, amount int64) balance.NewBucket {
		return balance.NewBucket{
			ID: uuid.Must(uuid.NewV7()), AccountID: a.ID, Code: string(origin), Unit: unit, Origin: origin, Amount: money.NewDecimal(amount),
			Priority: 1, ValidFrom: start, ExpiresAt: end, LegalEntity: a.LegalEntity, Branch: a.Branch,
		}
	}
	wanted := []balance.NewBucket{grant(balance.Allowance, money.Byte, 1000), grant(balance.Promotion, "EUR", 5)}
	for _, fresh := range []int{2, 0} {
		db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			n, err := balance.Grant(ctx, tx, wanted)
			if n != fresh {
				t.Errorf("%d granted, want %d", n, fresh)
			}
			return err
		})
	}
	checkSums(t, db)
	expire := func(due time.Time, want int) {
		t.Helper()
		for _, n := range []int{want, 0} {
			db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
				got, err := balance.Expire(ctx, tx, due, 10)
				if got != n {
					t.Errorf("%d ended, want %d", got, n)
				}
				return err
			})
		}
	}
	expire(end, 1)                               // the promotion, at once
	expire(end.Add(balance.LateUsage), 1)        // the allowance, when its late usage is in
	if got := list(t, db, a.ID); len(got) != 3 { // the clock stands in May: they are still shown, empty
		t.Errorf("%d balances listed, want 3", len(got))
	}
	checkSums(t, db)
}

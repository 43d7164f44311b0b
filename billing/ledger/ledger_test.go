package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func openAccount(t *testing.T, db *pgtest.TenantDB) account.Account {
	t.Helper()
	var a account.Account
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		parties, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: "Ada", Language: account.English}})
		if err != nil {
			return err
		}
		accounts, err := account.Open(ctx, tx, []account.NewAccount{{PartyID: parties[0].ID, Kind: account.Postpaid}})
		a = accounts[0]
		return err
	})
	return a
}

func event(a account.Account, kind ledger.EventKind, at time.Time) ledger.Event {
	return ledger.Event{Kind: kind, ID: uuid.Must(uuid.NewV7()), At: at, LegalEntity: a.LegalEntity, Branch: a.Branch}
}

func unbilled(a account.Account, amount string) ledger.Transfer {
	return ledger.Transfer{Debit: ledger.Of(ledger.Unbilled, a.ID), Credit: ledger.General(ledger.Revenue),
		Amount: money.MustDecimal(amount), Unit: "EUR", AccountID: a.ID}
}

func report(t *testing.T, db *pgtest.TenantDB) ledger.Report {
	t.Helper()
	var r ledger.Report
	db.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		r, err = ledger.ControlSums(ctx, tx)
		return err
	})
	return r
}

func TestPost_movesRunningTotals(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	a := openAccount(t, db)
	for _, count := range []int{1, 200} { // INSERT and COPY
		db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			postings := make([]ledger.Posting, count)
			for i := range postings {
				postings[i] = ledger.Posting{Event: event(a, ledger.Usage, tx.At), Transfers: []ledger.Transfer{unbilled(a, "0.010000001")}}
			}
			return ledger.PostMany(ctx, tx, postings)
		})
	}
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		got, err := account.Get(ctx, tx, a.ID)
		if want := money.MustDecimal("2.010000201"); !got.Unbilled.Equal(want) {
			t.Errorf("unbilled is %s, want %s", got.Unbilled, want)
		}
		return err
	})
	r := report(t, db)
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	if len(r.Trial) != 2 || !r.Trial[0].Credit.Equal(r.Trial[1].Debit) {
		t.Errorf("trial balance %v", r.Trial)
	}
}

func TestPost_undocumentedTaxUntilDocumented(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	a := openAccount(t, db)
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return ledger.Post(ctx, tx, event(a, ledger.Usage, tx.At), []ledger.Transfer{{
			Debit: ledger.General(ledger.Cash), Credit: ledger.General(ledger.Tax), Amount: money.MustDecimal("0.19"), Unit: "EUR", AccountID: a.ID}})
	})
	if err := report(t, db).Check(); err != nil {
		t.Error(err)
	}
	// Documenting tax without a document is what the control sum must see.
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return ledger.DocumentTax(ctx, tx, map[uuid.UUID]money.Decimal{a.ID: money.MustDecimal("0.19")})
	})
	if err := report(t, db).Check(); !errors.Is(err, ledger.ErrControlSums) {
		t.Errorf("%v, want %v", err, ledger.ErrControlSums)
	}
}

func TestPost_refusesWhatIsNoTransfer(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	a := openAccount(t, db)
	good := unbilled(a, "1")
	cases := map[string]func(*ledger.Transfer){
		"zero":                func(x *ledger.Transfer) { x.Amount = money.Decimal{} },
		"negative":            func(x *ledger.Transfer) { x.Amount = money.NewDecimal(-1) },
		"ten decimals":        func(x *ledger.Transfer) { x.Amount = money.MustDecimal("0.0000000001") },
		"no such unit":        func(x *ledger.Transfer) { x.Unit = "parsec" },
		"bytes as money":      func(x *ledger.Transfer) { x.Unit = money.Byte },
		"no such kind":        func(x *ledger.Transfer) { x.Credit.Kind = "pocket" },
		"customer without id": func(x *ledger.Transfer) { x.Debit.ID = uuid.Nil },
		"general with id":     func(x *ledger.Transfer) { x.Credit.ID = a.ID },
		"same account":        func(x *ledger.Transfer) { x.Credit = x.Debit },
		"money to units":      func(x *ledger.Transfer) { x.Credit = ledger.General(ledger.UnitIssued) },
	}
	for name, spoil := range cases {
		bad := good
		spoil(&bad)
		err := db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
			return ledger.Post(ctx, tx, event(a, ledger.Usage, tx.At), []ledger.Transfer{good, bad})
		})
		if !errors.Is(err, ledger.ErrTransfer) {
			t.Errorf("%s: %v, want %v", name, err, ledger.ErrTransfer)
		}
	}
	unknown := account.Account{ID: uuid.New(), LegalEntity: a.LegalEntity, Branch: a.Branch}
	err := db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
		return ledger.Post(ctx, tx, event(a, ledger.Usage, tx.At), []ledger.Transfer{unbilled(unknown, "1")})
	})
	if !errors.Is(err, ledger.ErrUnknownAccount) {
		t.Errorf("%v, want %v", err, ledger.ErrUnknownAccount)
	}
	err = db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
		return ledger.Post(ctx, tx, event(a, ledger.Refund, tx.At), []ledger.Transfer{{Debit: ledger.Of(ledger.CustomerCredit, a.ID),
			Credit: ledger.General(ledger.Bank), Amount: money.NewDecimal(1), Unit: "EUR", AccountID: a.ID}})
	})
	if !errors.Is(err, ledger.ErrOverdrawn) {
		t.Errorf("%v, want %v", err, ledger.ErrOverdrawn)
	}
	if r := report(t, db); r.Check() != nil || len(r.Trial) != 0 {
		t.Errorf("something was posted: %v", r)
	}
}

func TestSequence_risesAndIsVersion7(t *testing.T) {
	t.Parallel()
	last := uuid.Must(uuid.NewV7())
	ids := ledger.NewSequence()
	for range 100_000 {
		next := ids.Next()
		if bytes.Compare(next[:], last[:]) <= 0 || next.Version() != 7 || next.Variant() != uuid.RFC4122 {
			t.Fatalf("%s after %s", next, last)
		}
		last = next
	}
}

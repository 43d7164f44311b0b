package bill

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

// memory is a frame that no database stands behind.
func memory(t interface{ Fatal(...any) }, inclusive bool, percent string) (*frame, uuid.UUID) {
	rates, err := tax.NewTable([]tax.Rate{{Category: "standard", Name: "VAT", Percent: money.MustDecimal(percent), From: date("2000-01-01")}})
	if err != nil {
		t.Fatal(err)
	}
	offering := uuid.Must(uuid.NewV7())
	return &frame{
		profile:   account.Profile{Zone: time.UTC, AnchorPolicy: calendar.Clamp, PricesIncludeTax: inclusive},
		rates:     rates,
		offerings: map[uuid.UUID]catalog.Offering{offering: {Code: "x", Tax: catalog.Tax{Category: "standard", Included: inclusive}}},
		at:        time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC),
	}, offering
}

func mayOf(kind account.Kind, code string) *openCycle {
	return &openCycle{dueAccount: dueAccount{
		ID: uuid.Must(uuid.NewV7()), Kind: kind, Currency: money.MustCurrency(code), Anchor: date("2026-05-01"), Months: 1,
		Cycle: calendar.Period{From: date("2026-05-01"), To: date("2026-06-01")}, Entity: uuid.Must(uuid.NewV7()), Branch: uuid.Must(uuid.NewV7()),
	}}
}

func charged(offering uuid.UUID, kind LineKind, code, price, net, taken string) chargeSum {
	return chargeSum{
		Offering: offering, Kind: kind, Code: code, Unit: money.Second, Category: "standard", Quantity: money.NewDecimal(60),
		Price: money.MustDecimal(price), Net: money.MustDecimal(net), Tax: money.MustDecimal(taken), Events: 1,
	}
}

func TestReckon_rupiahWithTaxOnTop(t *testing.T) {
	t.Parallel()
	f, offering := memory(t, false, "11")
	o := mayOf(account.Postpaid, "IDR")
	o.charges = []chargeSum{charged(offering, Usage, "calls", "1234.5", "1234.5", "0"), charged(offering, Usage, "data", "999.4", "999.4", "0")}
	c, err := f.reckon(o)
	if err != nil {
		t.Fatal(err)
	}
	// 1235 + 999 = 2234; 11 % is 245.74
	if c.doc.Net.Text() != "2234" || c.doc.Tax.Text() != "246" || c.doc.Total.Text() != "2480" {
		t.Errorf("net %s, tax %s, total %s", c.doc.Net, c.doc.Tax, c.doc.Total)
	}
}

func TestReckon_freeUsageIsToldByItsAllowance(t *testing.T) {
	t.Parallel()
	f, offering := memory(t, true, "19")
	o := mayOf(account.Postpaid, "EUR")
	free := charged(offering, Usage, "data", "0", "0", "0")
	free.Allowance = free.Quantity
	o.charges = []chargeSum{free}
	o.allowances = []allowanceUse{{Code: "data20", Unit: money.Byte, Granted: money.NewDecimal(20), Used: money.NewDecimal(17)}}
	c, err := f.reckon(o)
	if err != nil || !c.empty() || len(c.entries) != 1 {
		t.Errorf("%d lines, empty %v, %v", len(c.entries), c.empty(), err)
	}
}

func TestReckon_refusesABillBelowZero(t *testing.T) {
	t.Parallel()
	f, offering := memory(t, true, "19")
	o := mayOf(account.Postpaid, "EUR")
	o.charges = []chargeSum{charged(offering, Usage, "calls", "-1.19", "-1", "-0.19")}
	if _, err := f.reckon(o); !errors.Is(err, ErrNegativeTotal) {
		t.Errorf("got %v", err)
	}
}

// Whatever was charged, a closing's postings leave the account with exactly
// its document: receivable the total, unbilled nothing, tax the document's.
func TestReckon_postingsAgreeWithTheDocument(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		inclusive := rapid.Bool().Draw(t, "inclusive")
		kind := rapid.SampledFrom([]account.Kind{account.Prepaid, account.Postpaid}).Draw(t, "kind")
		f, offering := memory(t, inclusive, "19")
		o := mayOf(kind, rapid.SampledFrom([]string{"EUR", "IDR", "KWD"}).Draw(t, "currency"))
		rate, err := f.rates.At("standard", o.Cycle.From)
		if err != nil {
			t.Fatal(err)
		}
		for _, nano := range rapid.SliceOfN(rapid.Int64Range(1, 90_000_000_000), 1, 20).Draw(t, "prices") {
			parts, err := tax.Split(money.New(money.DecimalOf(nano, 9), o.Currency), rate, tax.BasisOf(inclusive), money.Scale)
			if err != nil {
				t.Fatal(err)
			}
			s := charged(offering, Usage, "calls", "0", "0", "0")
			s.Price, s.Net, s.Tax = money.DecimalOf(nano, 9), parts.Net.Decimal(), parts.Tax.Decimal()
			o.charges = append(o.charges, s)
		}
		c, err := f.reckon(o)
		if err != nil {
			t.Fatal(err)
		}
		moved := map[ledger.Kind]money.Decimal{}
		for _, p := range c.postings(f) {
			for _, move := range p.Transfers {
				moved[move.Debit.Kind] = moved[move.Debit.Kind].Add(move.Amount)
				moved[move.Credit.Kind] = moved[move.Credit.Kind].Sub(move.Amount)
			}
		}
		want := map[ledger.Kind]money.Decimal{ledger.Tax: c.taxTaken.Sub(c.doc.Tax.Decimal())}
		if kind == account.Postpaid {
			want = map[ledger.Kind]money.Decimal{
				ledger.Receivable: c.doc.Total.Decimal(), ledger.Unbilled: c.charged.Neg(), ledger.Tax: c.doc.Tax.Decimal().Neg(),
			}
		}
		for kind, amount := range want {
			if !moved[kind].Equal(amount) {
				t.Fatalf("%s moved by %s, want %s", kind, moved[kind], amount)
			}
		}
	})
}

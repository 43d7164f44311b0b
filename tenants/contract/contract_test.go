package contract

import (
	"errors"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/tenants"
)

var eur = money.MustCurrency("EUR")

func euro(text string) money.Amount {
	a, err := money.Parse(text, eur)
	if err != nil {
		panic(err)
	}
	return a
}

func day(text string) calendar.Date {
	d, err := calendar.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}

func active(model Model, from string, terms Terms) Contract {
	return Contract{ID: uuid.MustParse("01900000-0000-7000-8000-000000000001"), Model: model, Place: Dedicated, Currency: eur, Terms: terms, State: Active, From: day(from)}
}

// total sums what a contract charges in the months from one day to another.
func total(c Contract, from, to string) money.Amount {
	all := money.Zero(eur)
	for m := Month(day(from)); m.From.Before(day(to)); m = Month(m.To) {
		for _, charge := range c.Reckon(m, Base{Collected: money.Zero(eur)}) {
			all = sum(all, charge.Amount)
		}
	}
	return all
}

// 12,000 at 6 % over 12 months is 1,032.80 a month, as any annuity table has it.
func TestPlan_anAnnuityThatEndsExactly(t *testing.T) {
	t.Parallel()
	lease := LeaseTerms{Price: euro("12000.00"), Upfront: euro("0.00"), Months: 12, Yearly: money.NewDecimal(6)}
	plan := lease.Plan(day("2026-01-31"))
	if first := plan[0]; first.Interest.Text() != euro("60.00").Text() || first.Amount().Text() != euro("1032.80").Text() || first.Due != day("2026-02-28") {
		t.Errorf("first instalment %+v", first)
	}
	last := plan[11]
	if !last.Outstanding.IsZero() || last.Due != day("2027-01-31") || last.Amount().Text() != euro("1032.78").Text() {
		t.Errorf("last instalment %s on %s leaves %s", last.Amount(), last.Due, last.Outstanding)
	}
}

func lease(t *rapid.T) LeaseTerms {
	price := rapid.Int64Range(1, 500_000_00).Draw(t, "price")
	return LeaseTerms{
		Price: money.FromMinor(price, eur), Upfront: money.FromMinor(rapid.Int64Range(0, price-1).Draw(t, "upfront"), eur),
		Months: rapid.IntRange(1, maxLease).Draw(t, "months"), Yearly: money.DecimalOf(rapid.Int64Range(0, 3000).Draw(t, "yearly"), 2),
		EarlyFee: money.DecimalOf(rapid.Int64Range(0, 1000).Draw(t, "fee"), 2),
	}
}

// The principal comes to the price, no instalment is dearer than the one
// before, and each pays its own interest.
func TestPlan_comesToThePrice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		terms := lease(t)
		plan := terms.Plan(day("2026-01-15"))
		owed, equal := less(terms.Price, terms.Upfront), plan[0].Amount()
		for i, p := range plan {
			if p.Interest.Text() != terms.interest(owed).Text() || p.Principal.Sign() < 0 {
				t.Fatalf("instalment %d: interest %s, principal %s of %s", i+1, p.Interest, p.Principal, owed)
			}
			if over := less(p.Amount(), equal); over.Sign() > 0 {
				t.Fatalf("instalment %d is %s dearer than the first", i+1, over)
			}
			owed = less(owed, p.Principal)
		}
		if !owed.IsZero() {
			t.Fatalf("%s is left", owed)
		}
	})
}

// On no day is a buy-out dearer than what is still to be paid by plan.
func TestBuyOutOn_isNeverDearerThanPayingOn(t *testing.T) {
	t.Parallel()
	from := day("2026-01-31")
	rapid.Check(t, func(t *rapid.T) {
		terms := lease(t)
		plan := terms.Plan(from)
		last := plan[len(plan)-1].Due
		on := from.AddDays(rapid.IntRange(0, from.DaysUntil(last)-1).Draw(t, "on"))
		b, err := terms.BuyOutOn(from, on)
		if err != nil {
			t.Fatal(err)
		}
		ahead := money.Zero(eur)
		for _, p := range plan {
			if p.Due.After(on) {
				ahead = sum(ahead, p.Amount())
			}
		}
		if over := less(b.Price(), ahead); over.Sign() > 0 || b.Interest.Sign() < 0 || b.Fee.Sign() < 0 {
			t.Fatalf("on %s %s, by plan %s: %+v", on, b.Price(), ahead, b)
		}
	})
	if _, err := (LeaseTerms{Price: euro("100.00"), Upfront: euro("0.00"), Months: 2}).BuyOutOn(from, day("2026-03-31")); !errors.Is(err, ErrBuyOut) {
		t.Errorf("after the last instalment: %v", err)
	}
}

// Half-way through the third month: two instalments are paid, half a month's
// interest has run, and two percent are the fee.
func TestBuyOutOn_inTheMiddle(t *testing.T) {
	t.Parallel()
	terms := LeaseTerms{Price: euro("12000.00"), Upfront: euro("0.00"), Months: 12, Yearly: money.NewDecimal(6), EarlyFee: money.NewDecimal(2)}
	b, err := terms.BuyOutOn(day("2026-01-01"), day("2026-03-17"))
	if err != nil {
		t.Fatal(err)
	}
	// 12,000.00 - 972.80 - 977.66; 50.25 * 16/31; 2 %
	if b.Outstanding.Text() != euro("10049.54").Text() || b.Interest.Text() != euro("25.94").Text() || b.Fee.Text() != euro("200.99").Text() {
		t.Errorf("%+v", b)
	}
}

func share() ShareTerms {
	up := euro("10000.00")
	return ShareTerms{Tiers: []Tier{{UpTo: &up, Percent: money.NewDecimal(5)}, {Percent: money.NewDecimal(3)}}, Minimum: euro("200.00")}
}

func TestShare_graduatedWithAMinimum(t *testing.T) {
	t.Parallel()
	terms := share()
	c := active(RevenueShare, "2026-01-01", Terms{Share: &terms})
	for _, row := range []struct{ base, want string }{
		{"0.00", "200.00"}, {"3999.99", "200.00"}, {"4000.20", "200.01"}, {"10000.00", "500.00"}, {"25000.00", "950.00"}, {"-120.00", "200.00"},
	} {
		charges := c.Reckon(Month(day("2026-04-10")), Base{Collected: euro(row.base)})
		if len(charges) != 1 || charges[0].Amount.Text() != euro(row.want).Text() {
			t.Errorf("of %s: %+v, want %s", row.base, charges, row.want)
		}
	}
}

// A day without a signed total bills the minimum; once it is there, what is
// missing is made up for, once.
func TestReckon_aMissingDayBillsTheMinimum(t *testing.T) {
	t.Parallel()
	terms := share()
	c := active(RevenueShare, "2026-01-01", Terms{Share: &terms})
	month := Month(day("2026-04-01"))
	missing := Base{Collected: euro("25000.00"), Missing: []calendar.Date{day("2026-04-07")}}
	charges := c.Reckon(month, missing)
	if len(charges) != 1 || charges[0].Amount.Text() != euro("200.00").Text() || len(charges[0].Detail.Missing) != 1 {
		t.Fatalf("%+v", charges)
	}
	if _, owed := c.MakeUp(month, missing, charges[0].Amount, 0); owed {
		t.Error("made up for while a day is missing")
	}
	late, owed := c.MakeUp(month, Base{Collected: euro("26000.00")}, charges[0].Amount, 0)
	if !owed || late.Amount.Text() != euro("780.00").Text() || late.Key == charges[0].Key {
		t.Errorf("%v %+v", owed, late)
	}
	if _, owed := c.MakeUp(month, Base{Collected: euro("26000.00")}, sum(charges[0].Amount, late.Amount), 1); owed {
		t.Error("made up for twice")
	}
}

// A rent that begins on the 16th and ends in mid-February is charged by days.
func TestReckon_rentByDays(t *testing.T) {
	t.Parallel()
	c := active(Rent, "2026-01-16", Terms{Rent: &RentTerms{Setup: euro("50.00"), Monthly: euro("310.00")}})
	c.State, c.Until = Ended, day("2026-02-15")
	january, february := total(c, "2026-01-01", "2026-02-01"), total(c, "2026-02-01", "2026-03-01")
	if january.Text() != euro("210.00").Text() || february.Text() != euro("155.00").Text() {
		t.Errorf("January %s, February %s", january, february)
	}
	if later := total(c, "2026-03-01", "2026-12-01"); !later.IsZero() {
		t.Errorf("after its end: %s", later)
	}
}

// All that a lease charges is its price, its interest and its first payment,
// bought out or not.
func TestReckon_aLeaseComesToItsPlan(t *testing.T) {
	t.Parallel()
	terms := LeaseTerms{Price: euro("6000.00"), Upfront: euro("1000.00"), Months: 24, Yearly: money.NewDecimal(4), EarlyFee: money.NewDecimal(1)}
	c := active(Lease, "2026-01-31", Terms{Lease: &terms})
	want := terms.Upfront
	for _, p := range terms.Plan(c.From) {
		want = sum(want, p.Amount())
	}
	if got := total(c, "2026-01-01", "2028-12-01"); got.Text() != want.Text() {
		t.Errorf("paid off %s, want %s", got, want)
	}
	c.State, c.Until = BoughtOut, day("2026-05-31")
	b, err := terms.BuyOutOn(c.From, c.Until)
	if err != nil {
		t.Fatal(err)
	}
	want = sum(terms.Upfront, b.Price())
	for _, p := range terms.Plan(c.From)[:4] {
		want = sum(want, p.Amount())
	}
	if got := total(c, "2026-01-01", "2028-12-01"); got.Text() != want.Text() {
		t.Errorf("bought out %s, want %s", got, want)
	}
}

// Support is charged each year, on the day the contract began.
func TestReckon_supportEachYear(t *testing.T) {
	t.Parallel()
	c := active(OwnLicence, "2024-02-29", Terms{Licence: &LicenceTerms{Price: euro("9000.00"), Support: euro("1200.00")}})
	if got := total(c, "2024-01-01", "2027-02-01"); got.Text() != euro("12600.00").Text() {
		t.Errorf("three years' support with the licence: %s", got)
	}
	charges := c.Reckon(Month(day("2025-02-01")), Base{})
	if len(charges) != 1 || charges[0].Period.String() != (calendar.Period{From: day("2025-02-28"), To: day("2026-02-28")}).String() {
		t.Errorf("%+v", charges)
	}
}

func TestCheck_namesEveryField(t *testing.T) {
	t.Parallel()
	up := euro("5.00")
	c := Contract{Model: RevenueShare, Place: "cellar", Currency: eur, From: day("2026-01-01"), Until: day("2026-01-01"),
		Terms: Terms{Lease: &LeaseTerms{Price: euro("1.00"), Upfront: euro("1.00"), Months: 61}, Share: &ShareTerms{Tiers: []Tier{{UpTo: &up, Percent: money.NewDecimal(101)}}, Minimum: euro("-1.00")}}}
	var invalid *tenants.InvalidError
	if !errors.As(c.check(), &invalid) {
		t.Fatal("taken")
	}
	got := map[string]bool{}
	for _, f := range invalid.Fields {
		got[f.Field] = true
	}
	for _, field := range []string{"place", "until", "terms.lease", "terms.lease.months", "terms.lease.upfront", "terms.share.minimum", "terms.share.tiers[0].percent"} {
		if !got[field] {
			t.Errorf("%s is not named: %v", field, invalid)
		}
	}
}

func TestState_onlyTheMovesOfTheTable(t *testing.T) {
	t.Parallel()
	allowed := map[string]bool{"draft active": true, "draft withdrawn": true, "active ended": true, "active bought_out": true}
	all := []State{Draft, Active, Ended, BoughtOut, Withdrawn}
	for _, from := range all {
		for _, to := range all {
			if _, err := from.To(to); (err == nil) != allowed[string(from)+" "+string(to)] {
				t.Errorf("%s to %s: %v", from, to, err)
			}
		}
	}
}

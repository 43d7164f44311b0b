package bill

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// The bills of an account's services come to what its one bill would, but for
// the rounding of each document's tax; and all of what charging posted is
// documented once.
func TestApart_sumIsTheOneBillsButForRounding(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		inclusive := rapid.Bool().Draw(t, "inclusive")
		percent := rapid.SampledFrom([]string{"19", "7", "20", "8.25"}).Draw(t, "percent")
		f, offering := memory(t, inclusive, percent)
		f.inEuro(offering)
		services := rapid.IntRange(1, 5).Draw(t, "services")
		whole := mayOf(account.Postpaid, "EUR")
		for range services {
			id := uuid.Must(uuid.NewV7())
			whole.subscriptions = append(whole.subscriptions, subscription{ID: id, Account: whole.ID, Offering: offering, SetupCharged: true,
				ActivatedAt: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), PaysFees: true})
			for range rapid.IntRange(0, 3).Draw(t, "lines") {
				price := money.DecimalOf(rapid.Int64Range(1, 5_000_000).Draw(t, "price"), 4)
				s := charged(offering, Usage, "calls", price.String(), price.String(), "0")
				s.Subscription = id
				whole.charges = append(whole.charges, s)
			}
		}
		if rapid.Bool().Draw(t, "fee of the account") {
			whole.items = append(whole.items, Item{ID: uuid.Must(uuid.NewV7()), Account: whole.ID, Kind: ItemLateFee, Code: "late", Words: map[string]string{"en": "Late"},
				Price: money.New(money.MustDecimal("4.99"), whole.Currency), Category: standardCategory})
		}
		apart := *whole
		apart.Papers.Separate = true
		one, err := f.reckon(whole)
		if err != nil {
			t.Fatal(err)
		}
		split, err := f.reckon(&apart)
		if err != nil {
			t.Fatal(err)
		}
		sum, posted, lines, parts := money.Decimal{}, money.Decimal{}, 0, map[string]bool{}
		for n, c := range split.all() {
			sum, posted, lines = sum.Add(c.doc.Total.Decimal()), posted.Add(c.charged), lines+len(c.entries)
			if parts[c.doc.Part] || (n == 0) != (c.doc.Part == "") {
				t.Errorf("document %d is part %q", n, c.doc.Part)
			}
			parts[c.doc.Part] = true
			for _, e := range c.entries {
				if e.item != nil && n > 0 {
					t.Error("the account's fee is not on the first bill")
				}
			}
		}
		if len(split.all()) != services || lines != len(one.entries) || !posted.Equal(one.charged) {
			t.Errorf("%d documents of %d services, %d lines of %d, %s charged of %s", len(split.all()), services, lines, len(one.entries), posted, one.charged)
		}
		if off := sum.Sub(one.doc.Total.Decimal()).Abs(); off.Cmp(money.DecimalOf(int64(services), 2)) > 0 {
			t.Errorf("together %s, alone %s", sum, one.doc.Total)
		}
	})
}

// What replaces a service by a change of plan stays on its bill, and so does
// what is a part of it.
func TestApart_changeOfPlanAndPartsStayTogether(t *testing.T) {
	t.Parallel()
	f, offering := memory(t, true, "19")
	f.inEuro(offering)
	o := mayOf(account.Postpaid, "EUR")
	turn := time.Date(2026, 5, 11, 0, 0, 0, 0, time.UTC)
	ids := make([]uuid.UUID, 4)
	for i := range ids {
		ids[i] = uuid.Must(uuid.NewV7())
		through := calendar.Date{Year: 2026, Month: 6, Day: 1}
		o.subscriptions = append(o.subscriptions, subscription{ID: ids[i], Account: o.ID, Offering: offering, SetupCharged: true, ChargedThrough: &through,
			ActivatedAt: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), PaysFees: true})
		s := charged(offering, Usage, "calls", "1.19", "1", "0.19")
		s.Subscription = ids[i]
		o.charges = append(o.charges, s)
	}
	o.subscriptions[1].TerminatedAt = &turn // replaced by the third
	o.subscriptions[2].ActivatedAt, o.subscriptions[2].ChargedThrough = turn, nil
	o.subscriptions[3].PartOf = &ids[2]
	o.Papers.Separate = true
	c, err := f.reckon(o)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.apart) != 1 || len(c.entries) != 1 || len(c.apart[0].entries) != 3 || c.apart[0].doc.Total.Text() != "3.57" || c.apart[0].doc.Part != ids[2].String() {
		t.Errorf("%d documents, %d lines on the first", len(c.apart)+1, len(c.entries))
	}
}

// inEuro prices a frame's offering in euro, by the days of its zone.
func (f *frame) inEuro(offering uuid.UUID) {
	o := f.offerings[offering]
	o.Currency = money.MustCurrency("EUR")
	f.offerings[offering], f.counted = o, f.profile.Counted()
}

package bill_test

import (
	"context"
	"errors"
	"testing"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/bill"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// lateThrough works the agenda of late payment day by day up to a day, which
// included.
func (w *world) lateThrough(last string) {
	w.t.Helper()
	end := day(last).Start(w.zone)
	for {
		worked := false
		w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
			item, found, err := agenda.First(ctx, tx, agenda.Cycles)
			if err != nil || !found || item.DueAt.After(end) {
				return err
			}
			worked = true
			again := false
			if item.Kind == agenda.LateDay {
				if again, err = bill.LateDay(ctx, tx, item, 2); err != nil {
					return err
				}
			}
			if again {
				return nil
			}
			return agenda.Done(ctx, tx, item.ID)
		})
		if !worked {
			return
		}
	}
}

// untaxed lets fees for late payment be outside of the tax.
func (w *world) untaxed() {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		return tax.Add(ctx, tx, tax.Rate{Category: "zero", Name: "0 %", From: day("2020-01-01")})
	})
}

func (w *world) lateRules(rules bill.LateRules) error {
	return w.DB.Write(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) error { return bill.PutLateRules(ctx, tx, rules, "owner") })
}

func dec(text string) money.Decimal { return money.MustDecimal(text) }

// waiting is what stands on the account's next bill, as "code price".
func (w *world) waiting(c connected) (list []string) {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		items, err := bill.ItemsOf(ctx, tx, c.ID, true, 50)
		for i := len(items) - 1; i >= 0; i-- {
			list = append(list, items[i].Code+" "+items[i].Price.Text())
		}
		return err
	})
	return list
}

// A fee after five days, once, and interest at nine points above the base rate:
// 119.00 due on June 15, 59.00 paid on July 5, the rest on August 4.
func TestLateDay_feesAndInterest(t *testing.T) {
	t.Parallel()
	w := newMetered(t, tax.Inclusive)
	w.untaxed()
	three := w.connect(3, account.Postpaid)
	c, punctual, generous := three[0], three[1], three[2]
	rules := bill.LateRules{
		BaseRates: []bill.BaseRate{{From: day("2026-01-01"), Percent: dec("1.27")}, {From: day("2026-07-01"), Percent: dec("2.00")}},
		Rules: []bill.LateRule{
			{Code: "reminder-fee", Names: map[string]string{"en": "Late fee"}, GraceDays: 5, Kind: bill.LateFixed, Amount: dec("2.50"), Category: "zero"},
			{Code: "one-percent", Names: map[string]string{"en": "One per cent"}, GraceDays: 10, Kind: bill.LatePercent, Percent: dec("1"), Minimum: ptr(dec("1.00")), Cap: ptr(dec("1.10")), Category: "zero"},
			{Code: "organizations", Names: map[string]string{"en": "Lump sum"}, Segment: account.Organization, Kind: bill.LateFixed, Amount: dec("40.00"), Category: "zero"},
			{Code: "interest", Names: map[string]string{"en": "Interest"}, Kind: bill.LateInterest, Percent: dec("9"), OverBase: true, DayCount: bill.Act365, Category: "zero"},
		},
	}
	if err := w.lateRules(rules); err != nil {
		t.Fatal(err)
	}
	for _, one := range three {
		w.use(one, "2026-05-20 12:00", "119.00", 60)
	}
	w.clock("2026-06-01 08:00")
	w.run("2026-06-01", 10)
	due := w.latest(c)
	if due.DueDate != day("2026-06-15") {
		t.Fatalf("due %s", due.DueDate)
	}
	w.clock("2026-06-15 12:00")
	w.cash(punctual, "119.00", w.latest(punctual).ID)
	w.clock("2026-06-17 12:00")
	w.lateThrough("2026-06-17")
	w.clock("2026-06-18 12:00") // within the first step's grace, but late
	w.cash(generous, "119.00", w.latest(generous).ID)
	w.clock("2026-06-30 12:00")
	w.lateThrough("2026-06-30")
	if got := w.waiting(c); len(got) != 2 || got[0] != "reminder-fee 2.50" || got[1] != "one-percent 1.10" {
		t.Errorf("by the end of June: %v", got)
	}
	if got := w.waiting(punctual); got != nil {
		t.Errorf("who paid in time: %v", got)
	}
	// 119.00 for three days at 10.27 %: 0.10
	if got := w.waiting(generous); len(got) != 1 || got[0] != "interest 0.10" {
		t.Errorf("who paid three days late: %v", got)
	}
	w.clock("2026-07-05 12:00")
	w.cash(c, "59.00", due.ID)
	w.clock("2026-07-16 12:00")
	w.lateThrough("2026-07-16")
	// 119.00 for 16 days at 10.27 % and 4 at 11.00 %, 60.00 for 10 days at
	// 11.00 %: 0.5357… + 0.1434… + 0.1808… = 0.86
	if got := w.waiting(c); len(got) != 3 || got[2] != "interest 0.86" {
		t.Errorf("after a month: %v", got)
	}
	w.clock("2026-08-04 12:00")
	w.cash(c, "60.00", due.ID)
	w.clock("2026-08-05 12:00")
	w.lateThrough("2026-08-05")
	// 60.00 for 20 days at 11.00 %: 0.36
	if got := w.waiting(c); len(got) != 4 || got[3] != "interest 0.36" {
		t.Errorf("when it is paid: %v", got)
	}
	for _, step := range []struct{ end, want string }{{"2026-07-01", "3.60"}, {"2026-08-01", "0.86"}} {
		end, want := step.end, step.want
		w.run(end, 10)
		if b := w.latest(c); b.Period.To != day(end) || (b.Total.Text() != want || b.Tax.Sign() != 0) {
			t.Errorf("bill up to %s: %s, %s", end, b.Total, shown(b))
		}
	}
	w.clock("2026-08-20 12:00")
	w.lateThrough("2026-08-20")
	if got := w.waiting(c); len(got) != 1 || got[0] != "interest 0.36" { // of August's bill
		t.Errorf("once paid, nothing more: %v", got)
	}
	w.controlSums()
}

func ptr[T any](v T) *T { return &v }

func TestPutLateRules_isRefusedByField(t *testing.T) {
	t.Parallel()
	w := newMetered(t, tax.Inclusive)
	w.untaxed()
	good := bill.LateRule{Code: "fee", Names: map[string]string{"en": "Fee"}, Kind: bill.LateFixed, Amount: dec("2.50"), Category: "zero"}
	for field, spoil := range map[string]func(*bill.LateRule){
		"rules[0].code":       func(r *bill.LateRule) { r.Code = "Fee!" },
		"rules[0].names":      func(r *bill.LateRule) { r.Names = nil },
		"rules[0].segment":    func(r *bill.LateRule) { r.Segment = "vip" },
		"rules[0].grace_days": func(r *bill.LateRule) { r.GraceDays = -1 },
		"rules[0].kind":       func(r *bill.LateRule) { r.Kind = "tariff" },
		"rules[0].amount":     func(r *bill.LateRule) { r.Amount = dec("2.505") },
		"rules[0].percent":    func(r *bill.LateRule) { r.Kind = bill.LatePercent },
		"rules[0].day_count":  func(r *bill.LateRule) { r.Kind, r.Percent = bill.LateInterest, dec("5") },
		"rules[0].over_base":  func(r *bill.LateRule) { r.OverBase = true },
		"rules[0].cap":        func(r *bill.LateRule) { r.Minimum, r.Cap = ptr(dec("5")), ptr(dec("4")) },
		"rules[0].category":   func(r *bill.LateRule) { r.Category = "luxury" },
	} {
		r := good
		spoil(&r)
		var refused *account.FieldError
		if err := w.lateRules(bill.LateRules{Rules: []bill.LateRule{r}}); !errors.As(err, &refused) || refused.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := w.lateRules(bill.LateRules{Rules: []bill.LateRule{good}}); err != nil {
		t.Error(err)
	}
}

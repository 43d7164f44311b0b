package charging_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/charging"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// correct books one correction of an outcome's charge.
func (w *world) correct(a account.Account, o charging.Outcome, at time.Time, edit func(*charging.Correction)) (charging.Corrected, error) {
	w.t.Helper()
	one := charging.Correction{ID: uuid.Must(uuid.NewV7()), Account: a.ID, Period: ledger.Period(at, w.Zone), Charge: o.UsageID, Reason: "test"}
	if edit != nil {
		edit(&one)
	}
	var done charging.Corrected
	err := w.DB.Write(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
		answers, err := w.engine.Correct(ctx, tx, one)
		if err == nil {
			done = answers[0]
		}
		return err
	})
	return done, err
}

func off(amount string) func(*charging.Correction) {
	return func(c *charging.Correction) { d := money.MustDecimal(amount); c.Off = &d }
}

// A refund never gives back more than is left, in however many parts, and each
// part is net and tax of the price; the last takes the rest.
func TestCorrect_neverBeyondTheCharge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, prepaidPlan)
	a := w.customers("prepaid", account.Prepaid, 1, 1)[0]
	w.topUp(a, "100")
	w.ingest(w.data("warm", 1, w.noon(2), 1)) // the cycle begins: 5.95 and 10 GB
	o := w.ingest(w.data("big", 1, w.noon(3), 15e9))[0]
	for _, step := range []struct {
		off  string
		left string
		err  error
	}{{"2", "", nil}, {"100", "", charging.ErrBeyondCharge}, {"0", "", charging.ErrCorrection}, {"-1", "", charging.ErrCorrection}, {"0.5", "", nil}} {
		_, err := w.correct(a, o, w.noon(3), off(step.off))
		if !errors.Is(err, step.err) || (err == nil) != (step.err == nil) {
			t.Errorf("giving back %s: %v, want %v", step.off, err, step.err)
		}
		w.sums()
	}
	last, err := w.correct(a, o, w.noon(3), nil)
	if err != nil || !last.LeftPrice.IsZero() {
		t.Errorf("the rest: %+v, %v", last, err)
	}
	if _, err := w.correct(a, o, w.noon(3), off("0.01")); !errors.Is(err, charging.ErrBeyondCharge) {
		t.Errorf("of nothing: %v", err)
	}
	w.wantSums(map[string]string{"revenue EUR": "-5", "tax EUR": "-0.95"}) // the fee alone
	if got := w.held(a); got != "data 9999999999, main 94.05" {
		t.Errorf("everything is back but the fee and a byte: %s", got)
	}
}

// A repeat under the same id changes nothing, and the id names one charge.
func TestCorrect_onceOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, postpaidPlan)
	a := w.customers("talk", account.Postpaid, 1, 1)[0]
	outcomes := w.ingest(w.call("one", 1, w.noon(2), 600), w.call("two", 1, w.noon(3), 600))
	id := uuid.Must(uuid.NewV7())
	same := func(c *charging.Correction) { c.ID = id; off("0.4")(c) }
	first, err := w.correct(a, outcomes[0], w.noon(2), same)
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.correct(a, outcomes[0], w.noon(2), same)
	if err != nil || !again.Repeat || again.ChargeID != first.ChargeID || !again.Price.Equal(first.Price) {
		t.Errorf("a repeat gives %+v, %v; the first was %+v", again, err, first)
	}
	if _, err := w.correct(a, outcomes[1], w.noon(3), same); !errors.Is(err, charging.ErrConflict) {
		t.Errorf("the id for another charge: %v", err)
	}
	if _, err := w.correct(a, charging.Outcome{UsageID: uuid.Must(uuid.NewV7())}, w.noon(3), nil); !errors.Is(err, charging.ErrNoCharge) {
		t.Errorf("an unknown charge: %v", err)
	}
	if got := w.billed(a)["2026-05-01"]; got != "1.60" {
		t.Errorf("May is to bill %s, want 1.60", got)
	}
	w.sums()
}

// Money goes back where it came from, the last purse first; what had ended by
// then ends again, and only bought money stays the customer's.
func TestCorrect_backToTheBucketsThatPaid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		clock int // of May
		off   string
		want  string
		sums  map[string]string
	}{
		{"a part, main first", 5, "1", "gift 0, main 19", map[string]string{"prepaid EUR": "-19"}},
		{"more than main paid", 5, "3", "gift 1, main 20", map[string]string{"prepaid EUR": "-21"}},
		{"more, when the gift has ended", 20, "3", "main 20", map[string]string{"prepaid EUR": "-20"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, prepaidPlan)
			a := w.customers("prepaid", account.Prepaid, 1, 1)[0]
			w.topUp(a, "25.95")
			w.SetClock(t, w.noon(4))
			w.ingest(w.data("warm", 1, w.noon(2), 10e9)) // the fee, and all of the allowance
			w.write(func(ctx context.Context, tx tenant.Tx) error {
				_, err := balance.Grant(ctx, tx, []balance.NewBucket{{ID: uuid.Must(uuid.NewV7()), AccountID: a.ID, Code: "gift", Unit: "EUR", Origin: balance.Promotion,
					Amount: money.MustDecimal("3"), Priority: 5, ValidFrom: w.noon(1), ExpiresAt: w.noon(10), LegalEntity: a.LegalEntity, Branch: a.Branch}})
				return err
			})
			o := w.ingest(w.data("big", 1, w.noon(3), 5e9))[0] // 5.95: gift 3.00, main 2.95
			if got := w.held(a); got != "data 0, gift 0, main 17.05" {
				t.Fatalf("after the use: %s", got)
			}
			if _, err := w.correct(a, o, w.noon(3), off("0.95")); err != nil {
				t.Fatal(err)
			}
			w.SetClock(t, w.noon(c.clock))
			if _, err := w.correct(a, o, w.noon(3), off(c.off)); err != nil {
				t.Fatal(err)
			}
			if got := w.held(a); got != "data 0, "+c.want {
				t.Errorf("holds %s, want %s", got, c.want)
			}
			w.wantSums(c.sums)
		})
	}
}

// A price set right may be higher or lower, and a charge of a closed cycle is
// corrected in the open one, for the cycle it was of.
func TestCorrect_target(t *testing.T) {
	t.Parallel()
	w := newWorld(t, postpaidPlan)
	a := w.customers("talk", account.Postpaid, 1, 1)[0]
	o := w.ingest(w.call("one", 1, w.noon(2), 600))[0] // 1.00
	w.closeMay()
	w.SetClock(t, w.june(5))
	set := func(price, net, tax string) func(*charging.Correction) {
		return func(c *charging.Correction) {
			c.Target = &charging.Target{Price: money.MustDecimal(price), Net: money.MustDecimal(net), Tax: money.MustDecimal(tax), Quantity: money.NewDecimal(600)}
		}
	}
	for _, step := range []struct{ price, net, tax, june string }{{"2.38", "2", "0.38", "1.38"}, {"1.19", "1", "0.19", "0.19"}, {"0", "0", "0", "-1.00"}, {"1.19", "1", "0.19", "0.19"}} {
		if _, err := w.correct(a, o, w.noon(2), set(step.price, step.net, step.tax)); err != nil {
			t.Fatal(err)
		}
		if got := w.billed(a)["2026-06-01"]; got != step.june {
			t.Errorf("at %s June is to bill %s, want %s", step.price, got, step.june)
		}
		w.sums()
	}
	unchanged, err := w.correct(a, o, w.noon(2), set("1.19", "1", "0.19"))
	if err != nil || unchanged.ChargeID != uuid.Nil {
		t.Errorf("no change: %+v, %v", unchanged, err)
	}
	w.closeCycle(w.june(31), calendar.Date{Year: 2026, Month: 7, Day: 1})
	if d := w.latest(a); d.Total.Text() != "0.19" || len(d.Lines) != 1 || d.Lines[0].Kind != "correction" {
		t.Errorf("June's bill is %s of %+v", d.Total.Text(), d.Lines)
	}
	w.sums()
}

// What an allowance gave comes back to it with a whole refund, and so does the
// tier counter.
func TestCorrect_unitsAndTiersComeBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tieredPlan, bundlePlan)
	a := w.customers("bundle", account.Postpaid, 1, 1)[0]
	w.grantCycle(a)
	o := w.ingest(w.call("free", 1, w.noon(2), 600))[0]
	if _, err := w.correct(a, o, w.noon(2), nil); err != nil {
		t.Fatal(err)
	}
	if got := w.held(a); got != "data 3000000000, minutes 12000" {
		t.Errorf("after the refund: %s", got)
	}
	b := w.customers("tiered", account.Postpaid, 2, 1)[0]
	o = w.ingest(w.messages("many", 2, w.noon(2), 1000))[0]
	if _, err := w.correct(b, o, w.noon(2), nil); err != nil {
		t.Fatal(err)
	}
	if got := w.ingest(w.messages("next", 2, w.noon(3), 100))[0].Price.String(); got != "10" {
		t.Errorf("after the refund 100 cost %s, want 10: the first tier again", got)
	}
	w.sums()
}

package replay_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

func (w *world) try(v catalog.Version, days calendar.Period, segment replay.Segment) replay.Trial {
	w.t.Helper()
	var t replay.Trial
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		t, err = replay.AskTrial(ctx, tx, replay.NewTrial{Offering: v.ID, Days: days, Segment: segment, By: "user:test"})
		return err
	})
	return w.workTrial(t.ID)
}

func (w *world) workTrial(id uuid.UUID) (t replay.Trial) {
	w.t.Helper()
	for again := true; again; {
		var err error
		if again, err = replay.WorkTrial(context.Background(), replay.Transactions{Write: w.runs, Read: w.reads}, w.engine, id); err != nil {
			w.t.Fatal(err)
		}
	}
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		t, err = replay.GetTrial(ctx, tx, id)
		return err
	})
	return t
}

// Trying what they have already changes nothing, to the last digit, allowances,
// tiers and corrections included.
func TestTrial_ofTheSameOfferingChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plans := []catalog.Version{w.publish(fmt.Sprintf(tiered, "postpaid", "0.10")), w.publish(fmt.Sprintf(bundle, "postpaid", "0.0333"))}
	n := 0
	for _, v := range plans {
		for range 7 {
			n++
			a := w.customer(v, account.Postpaid, n)
			w.write(func(ctx context.Context, tx tenant.Tx) error {
				_, err := w.engine.GrantCycle(ctx, tx, a.ID)
				return err
			})
			for day := 1; day < 28; day += 3 {
				if v.ID == plans[0].ID {
					w.ingest(w.messages(n, w.may(day), int64(37*n)))
				} else {
					w.ingest(w.call(n, []string{"+4930", "+1212"}[day%2], w.may(day), int64(day%5+1)))
				}
			}
		}
	}
	for i, v := range plans {
		trial := w.try(v, may, replay.Segment{Offering: v.Code})
		s := trial.Sums
		if trial.State != replay.Done || s.Total.Accounts != 7 || s.Same != 7 || !s.Total.Difference().IsZero() || s.Total.Old.Sign() <= 0 || len(s.Unpriced) > 0 {
			t.Errorf("%s: %s %+v", v.Code, trial.State, s)
		}
		if s.Total.Records != 7*9 || trial.Records != 7*9 || trial.AccountsDone != 7 {
			t.Errorf("%s: %d records of %d accounts", v.Code, trial.Records, trial.AccountsDone)
		}
		if i == 0 && s.Fees.New.Sign() <= 0 {
			t.Errorf("no fees: %+v", s.Fees)
		}
	}
	// half a cycle: the first half still fills the tiers
	half := calendar.Period{From: calendar.Date{Year: 2026, Month: 5, Day: 15}, To: may.To}
	if s := w.try(plans[0], half, replay.Segment{Offering: "tiered"}).Sums; !s.Total.Difference().IsZero() || s.Total.Records != 7*4 {
		t.Errorf("half of May: %+v", s.Total)
	}
}

// What would differ is told in total, by segment, by account and by size, and
// what has no price is listed with what was billed for it.
func TestTrial_tellsWhatWouldDiffer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.publish(fmt.Sprintf(tiered, "postpaid", "0.10"))
	u := w.publish(fmt.Sprintf(bundle, "postpaid", "0.10"))
	for n := 1; n <= 12; n++ {
		w.customer(v, account.Postpaid, n)
		w.ingest(w.messages(n, w.may(3), int64(100*n)))
	}
	w.customer(u, account.Postpaid, 13)
	w.ingest(w.call(13, "+4930", w.may(3), 30))
	dearer := w.draft(fmt.Sprintf(tiered, "postpaid", "0.20"))
	trial := w.try(dearer, may, replay.Segment{})
	s := trial.Sums
	// 100 … 1,200 messages: 0.10 more for each to 1,000
	gross := int64(0)
	for n := int64(1); n <= 12; n++ {
		gross += min(100*n, 1000)
	}
	want, _ := money.NewDecimal(gross*10).MulDiv(money.NewDecimal(1), money.NewDecimal(119), 2, money.HalfAwayFromZero)
	usageMore := s.Total.Difference().Sub(s.Fees.Difference())
	if trial.State != replay.Done || usageMore.Round(2, money.HalfAwayFromZero).String() != want.String() {
		t.Errorf("%s: usage brings %s more, want %s", trial.State, usageMore, want)
	}
	if s.Fees.Difference().Sign() <= 0 { // number 13 has no fee now
		t.Errorf("fees: %+v", s.Fees)
	}
	lost := s.Unpriced[string(usage.NoTariff)]
	if lost.Uses != 1 || lost.Billed.Sign() <= 0 || lost.Example == "" || s.Total.Records != 12 || trial.Records != 13 {
		t.Errorf("unpriced: %+v of %d", s.Unpriced, trial.Records)
	}
	if len(s.Changed) != 10 || s.Changed[0].Difference().Cmp(s.Changed[9].Difference()) < 0 {
		t.Errorf("most changed: %+v", s.Changed)
	}
	plans := s.Segments[replay.ByPlan]
	if plans["tiered"].Accounts != 12 || plans["bundle"].Accounts != 1 || s.Segments[replay.ByPlace]["Berlin"].Accounts != 13 {
		t.Errorf("segments: %+v", s.Segments)
	}
	var accounts int64
	for _, bin := range s.Bins {
		accounts += bin.Accounts
	}
	if accounts != 13 || s.Less+s.Same+s.More != 13 || s.More != 13 {
		t.Errorf("bins hold %d accounts; %d less, %d same, %d more", accounts, s.Less, s.Same, s.More)
	}
	narrow := w.try(dearer, may, replay.Segment{Spent: replay.Band{From: money.NewDecimal(50)}})
	if got := narrow.Sums.Total.Accounts; got != 7 { // 500 messages with the fee come to over 59.50 gross: 6 to 12
		t.Errorf("accounts that brought 50.00 and more: %d, want 7", got)
	}
}

// A trial that is cut off goes on where its last portion ended, and one that is
// cancelled stays so.
func TestTrial_cancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.publish(fmt.Sprintf(tiered, "postpaid", "0.10"))
	w.customer(v, account.Postpaid, 1)
	var trial replay.Trial
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		if trial, err = replay.AskTrial(ctx, tx, replay.NewTrial{Offering: v.ID, Days: may, By: "user:test"}); err != nil {
			return err
		}
		trial, err = replay.CancelTrial(ctx, tx, trial.ID)
		return err
	})
	if after := w.workTrial(trial.ID); after.State != replay.Cancelled || after.AccountsDone != 0 {
		t.Errorf("worked on: %+v", after)
	}
}

func TestBin(t *testing.T) {
	for amount, want := range map[string]int{"0": 0, "0.009": 0, "0.01": 1, "0.019": 1, "0.02": 2, "0.05": 3, "0.1": 4, "0.999": 6, "1": 7, "-1": -7, "-2.5": -8, "10": 10, "1000000": 25} {
		if got := replay.Bin(money.MustDecimal(amount)); got != want {
			t.Errorf("%s is in bin %d, want %d", amount, got, want)
		}
	}
}

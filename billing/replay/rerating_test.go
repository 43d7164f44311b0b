package replay_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// Case "B, C: late usage": voiding 100 of the 900 is −10.00; after the late
// 200 it is −5.00; and any order of arrival gives the same total.
func TestRerating_takingUsageBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		late []int64 // before and after the void
		june string
		all  string // May's charges, wherever they are billed
	}{
		{"voided alone", []int64{0, 0}, "-10.00", "80.00"},
		{"after the late 200", []int64{200, 0}, "10.00", "100.00"},
		{"before the late 200", []int64{0, 200}, "10.00", "100.00"},
	} {
		for _, part := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, part %v", c.name, part), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				a := w.customer(w.publish(fmt.Sprintf(tiered, "postpaid", "0.10")), account.Postpaid, 1)
				var records []usage.Record
				if part {
					records = append(records, w.messages(1, w.may(3), 900))
				} else {
					for day := 3; day < 12; day++ {
						records = append(records, w.messages(1, w.may(day), 100))
					}
				}
				ids := w.ingest(records...)
				w.closeCycle(may)
				w.SetClock(t, w.may(31).AddDate(0, 0, 5))
				if c.late[0] > 0 {
					w.ingest(w.messages(1, w.may(30), c.late[0]))
				}
				piece := replay.Piece{ID: ids[0], Period: may.From}
				if part {
					piece.Quantity = 100
				}
				r := w.propose(replay.Proposal{Action: replay.TakeBack, Choice: replay.Choice{Uses: []replay.Piece{piece}}})
				if r.State != replay.Ready {
					t.Fatalf("proposal is %s: %s", r.State, r.Error)
				}
				before := w.billed(a, june)
				r = w.apply(r)
				if r.State != replay.Applied {
					t.Fatalf("it is %s: %s", r.State, r.Error)
				}
				if c.late[0] > 0 && (before != "15.00" || w.billed(a, june) != "10.00") {
					t.Errorf("June bills %s, then %s; want 15.00, then 5.00 less", before, w.billed(a, june))
				}
				if c.late[1] > 0 {
					w.ingest(w.messages(1, w.may(30), c.late[1]))
				}
				if got := w.billed(a, june); got != c.june {
					t.Errorf("June bills %s, want %s", got, c.june)
				}
				w.sums()
				back := w.undo(r)
				if back.State != replay.Applied && c.late[1] == 0 {
					t.Errorf("undoing is %s: %s", back.State, back.Error)
				}
				if c.late[1] == 0 && w.billed(a, june) != before {
					t.Errorf("undone, June bills %s, want %s", w.billed(a, june), before)
				}
				w.sums()
			})
		}
	}
}

// Under another version, a proposal shows what it would come to, is applied
// once and undone to nothing, and counters and allowances follow.
func TestRerating_underAnotherVersion(t *testing.T) {
	t.Parallel()
	for _, kind := range []account.Kind{account.Postpaid, account.Prepaid} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := w.publish(fmt.Sprintf(tiered, kind, "0.10"))
			a, b := w.customer(v, kind, 1), w.customer(v, kind, 2)
			w.ingest(w.messages(1, w.may(3), 300), w.messages(2, w.may(4), 200))
			was := w.billed(a, may)
			cheaper := w.publish(fmt.Sprintf(tiered, kind, "0.08"))
			r := w.propose(replay.Proposal{Action: replay.PriceAgain, Offering: cheaper.ID, Choice: replay.Choice{Days: may, Account: a.ID}})
			if r.State != replay.Ready || r.Charges != 1 || r.Accounts != 1 {
				t.Fatalf("proposal: %+v", r)
			}
			w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
				sums, err := replay.Totals(ctx, tx, r.ID)
				if err == nil && (len(sums) != 1 || sums[0].Net.Add(sums[0].Tax).String() != "-6") {
					t.Errorf("it would come to %+v, want -6 gross", sums)
				}
				return err
			})
			if got := w.billed(a, may); got != was {
				t.Errorf("a proposal changed %s to %s", was, got)
			}
			r = w.apply(r)
			r = w.work(r.ID) // run again: nothing happens
			if r.State != replay.Applied || minus(w.billed(a, may), was) != "-6.00" || w.billed(b, may) == "0.00" {
				t.Errorf("applied: %s, %s after %s", r.State, w.billed(a, may), was)
			}
			w.sums()
			if err := w.DB.Write(t.Context(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
				_, err := replay.Apply(ctx, tx, r.ID, "again", "user:test")
				return err
			}); !errors.Is(err, replay.ErrState) {
				t.Errorf("applied twice: %v", err)
			}
			w.undo(r)
			if got := w.billed(a, may); got != was {
				t.Errorf("undone, May bills %s, want %s", got, was)
			}
			w.sums()
			if err := w.DB.Write(t.Context(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
				_, err := replay.UndoApplied(ctx, tx, r.ID, "again", "user:test")
				return err
			}); !errors.Is(err, replay.ErrUndone) {
				t.Errorf("undone twice: %v", err)
			}
			// June's price of the next use goes by the counter as it was.
			w.ingest(w.messages(1, w.may(5), 800))
			if got := minus(w.billed(a, may), was); got != "75.00" { // 700 at 0.10, 100 at 0.05
				t.Errorf("the next 800 cost %s, want 75.00", got)
			}
		})
	}
}

func minus(a, b string) string { return money.MustDecimal(a).Sub(money.MustDecimal(b)).Fixed(2) }

// When facts change between looking and applying, the account is left alone.
func TestRerating_refusesWhatHasChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.publish(fmt.Sprintf(tiered, "postpaid", "0.10"))
	a, b := w.customer(v, account.Postpaid, 1), w.customer(v, account.Postpaid, 2)
	w.ingest(w.messages(1, w.may(3), 300), w.messages(2, w.may(4), 200))
	cheaper := w.publish(fmt.Sprintf(tiered, "postpaid", "0.08"))
	r := w.propose(replay.Proposal{Action: replay.PriceAgain, Offering: cheaper.ID, Choice: replay.Choice{Days: may}})
	w.ingest(w.messages(1, w.may(3), 1))
	r = w.apply(r)
	if r.State != replay.Applied || w.billed(a, may) != "30.10" || w.billed(b, may) != "16.00" {
		t.Errorf("it is %s; a %s, b %s; want a unchanged at 30.10, b at 16.00", r.State, w.billed(a, may), w.billed(b, may))
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		parts, err := replay.Accounts(ctx, tx, r.ID, 0, 10)
		refused := 0
		for _, p := range parts {
			if p.State == "refused" && p.Account == a.ID && p.Problem != "" {
				refused++
			}
		}
		if refused != 1 {
			t.Errorf("accounts: %+v", parts)
		}
		return err
	})
	w.sums()
}

// Pricing again without any change finds nothing; what a call to the US took
// from an allowance that an earlier call, come late, should have had, is found.
func TestRerating_allowancesGoByEventTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.customer(w.publish(fmt.Sprintf(bundle, "postpaid", "0.10")), account.Postpaid, 1)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := w.engine.GrantCycle(ctx, tx, a.ID)
		return err
	})
	w.ingest(w.call(1, "+4930", w.may(5), 6), w.call(1, "+1212", w.may(6), 6)) // 4 of 6 free, 2 at 0.50
	same := w.propose(replay.Proposal{Action: replay.PriceAgain, Choice: replay.Choice{Days: may}})
	if same.State != replay.Ready || same.Charges != 0 {
		t.Fatalf("nothing has changed, yet: %+v", same)
	}
	w.ingest(w.call(1, "+4930", w.may(4), 4)) // first in time, last to come: 0.40
	if got := w.billed(a, may); got != "1.40" {
		t.Fatalf("May bills %s, want 1.40", got)
	}
	r := w.apply(w.propose(replay.Proposal{Action: replay.PriceAgain, Choice: replay.Choice{Days: may, Account: a.ID}}))
	if got := w.billed(a, may); r.State != replay.Applied || got != "3.00" {
		t.Errorf("it is %s, May bills %s, want 3.00: the US call has nothing free", r.State, got)
	}
	w.sums()
	w.undo(r)
	if got := w.billed(a, may); got != "1.40" {
		t.Errorf("undone, May bills %s, want 1.40", got)
	}
	w.sums()
}

// A choice that names what is not there is refused with its field.
func TestPropose_namesTheField(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for field, p := range map[string]replay.Proposal{
		"action":           {Action: "void", Choice: replay.Choice{Days: may}},
		"from":             {Action: replay.PriceAgain},
		"to":               {Action: replay.PriceAgain, Choice: replay.Choice{Days: replayPeriod()}},
		"account":          {Action: replay.TakeBack, Choice: replay.Choice{Days: may}},
		"offering":         {Action: replay.PriceAgain, Choice: replay.Choice{Days: may, Offering: "nothing"}},
		"file":             {Action: replay.PriceAgain, Choice: replay.Choice{Days: may, File: uuid.Must(uuid.NewV7())}},
		"prefix":           {Action: replay.PriceAgain, Choice: replay.Choice{Days: may, Prefix: "4%"}},
		"offering_version": {Action: replay.PriceAgain, Offering: uuid.Must(uuid.NewV7()), Choice: replay.Choice{Days: may}},
		"uses":             {Action: replay.TakeBack, Choice: replay.Choice{Uses: []replay.Piece{{ID: uuid.Must(uuid.NewV7()), Period: may.From}}}},
	} {
		err := w.DB.Write(t.Context(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := replay.Propose(ctx, tx, p)
			return err
		})
		var wrong *replay.ChoiceError
		if !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func replayPeriod() calendar.Period { return calendar.Period{From: may.From, To: may.From} }

package replay_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
)

const decked = `
code: decked
names: {en: Decked}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
destinations: [{code: near, deck: world, zones: [near]}, {code: far, deck: world, zones: [far]}]
usage: [{code: voice, names: {en: Calls}, kind: voice, rules: [{code: near, destinations: [near], price: %s, per: 1 min}, {code: far, destinations: [far], price: 1.00, per: 1 min}]}]
`

func (w *world) deckLive(lines string, from time.Time) {
	w.t.Helper()
	file, err := catalog.ReadDeck([]byte(strings.ReplaceAll(strings.ReplaceAll(lines, ", ", "\n"), " ", ",")), catalog.DeckFormat{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		draft, err := catalog.SaveDeck(ctx, tx, catalog.NewDeckVersion{Deck: "world", File: file, By: "test"})
		if err == nil {
			_, err = catalog.CheckDeck(ctx, tx, draft.ID)
		}
		if err == nil {
			_, err = catalog.GoLive(ctx, tx, catalog.SwitchDeck{ID: draft.ID, From: from})
		}
		return err
	})
}

// A deck that was wrong until the 20th is put right then. Re-rating and trial
// go by the decks of then unless the present ones are asked for.
func TestReplay_decksOfThenOrThePresentOnes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.SetClock(t, w.may(1))
	w.deckLive("49 near, 44 far", time.Time{})
	plan := w.publish(fmt.Sprintf(decked, "0.10"))
	a := w.customer(plan, account.Postpaid, 1)
	ids := w.ingest(w.call(1, "+4930", w.may(3), 10), w.call(1, "+4420", w.may(4), 10))
	w.SetClock(t, w.may(20))
	w.deckLive("49 near, 44 near, 4477 far", time.Time{})
	if got := w.billed(a, may); got != "11.00" {
		t.Fatalf("billed %s", got)
	}
	for _, c := range []struct {
		decks replay.Decks
		more  string // gross
	}{{"", "0"}, {replay.DecksThen, "0"}, {replay.DecksPresent, "-9.00"}} {
		var trial replay.Trial
		w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
			trial, err = replay.AskTrial(ctx, tx, replay.NewTrial{Offering: plan.ID, Days: may, Decks: c.decks, By: "user:test"})
			return err
		})
		if s := w.workTrial(trial.ID).Sums; !within(s.Total.Difference(), net(t, c.more)) || len(s.Unpriced) > 0 {
			t.Errorf("a trial by %q: %+v", c.decks, s.Total)
		}
		r := w.propose(replay.Proposal{Action: replay.PriceAgain, Decks: c.decks, Choice: replay.Choice{Days: may}})
		if r.State != replay.Ready || (r.Charges == 0) != (c.more == "0") {
			t.Errorf("a re-rating by %q: %s, %d charges", c.decks, r.State, r.Charges)
		}
		if c.decks == replay.DecksPresent {
			if r = w.apply(r); r.State != replay.Applied {
				t.Fatalf("it is %s: %s", r.State, r.Error)
			}
		}
	}
	if got := w.billed(a, may); got != "2.00" {
		t.Errorf("by the present decks %s are billed, want 2.00", got)
	}
	w.sums()
	// only what is chosen goes by them: a call of before the 20th that comes late has its price of then
	w.ingest(w.call(1, "+4420", w.may(5), 10), w.call(1, "+4420", w.may(6), 10))
	fifth := calendar.Period{From: calendar.DateOf(w.may(5), w.Zone), To: calendar.DateOf(w.may(6), w.Zone)}
	if r := w.propose(replay.Proposal{Action: replay.PriceAgain, Decks: replay.DecksPresent, Choice: replay.Choice{Days: fifth}}); r.Charges != 1 {
		t.Errorf("%d charges of the 5th would change", r.Charges)
	}
	for field, p := range map[string]replay.Proposal{
		"decks": {Action: replay.PriceAgain, Decks: "later", Choice: replay.Choice{Days: may}},
		"uses":  {Action: replay.TakeBack, Decks: replay.DecksPresent, Choice: replay.Choice{Uses: []replay.Piece{{ID: ids[0], Period: may.From}}}},
	} {
		err := w.runs(context.Background(), func(ctx context.Context, tx tenant.Tx) error {
			_, err := replay.Propose(ctx, tx, p)
			return err
		})
		var refused *replay.ChoiceError
		if !errors.As(err, &refused) || refused.Field != "decks" {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// What was priced under another version stays so when the rest of its cycle is
// priced again, until that is undone.
func TestRerating_keepsWhatEarlierOnesDid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.publish(fmt.Sprintf(tiered, "postpaid", "0.10"))
	a := w.customer(v, account.Postpaid, 1)
	w.ingest(w.messages(1, w.may(3), 100), w.messages(1, w.may(4), 100))
	day := func(n int) calendar.Period {
		d := calendar.DateOf(w.may(n), w.Zone)
		return calendar.Period{From: d, To: d.AddDays(1)}
	}
	cheaper := w.publish(fmt.Sprintf(tiered, "postpaid", "0.08"))
	first := w.apply(w.propose(replay.Proposal{Action: replay.PriceAgain, Offering: cheaper.ID, Choice: replay.Choice{Days: day(3)}}))
	if got := w.billed(a, may); got != "18.00" {
		t.Fatalf("billed %s", got)
	}
	if r := w.propose(replay.Proposal{Action: replay.PriceAgain, Choice: replay.Choice{Days: day(4)}}); r.Charges != 0 {
		t.Errorf("%d charges would change", r.Charges)
	}
	if back := w.undo(first); back.State != replay.Applied || w.billed(a, may) != "20.00" {
		t.Errorf("undone: %s, billed %s", back.State, w.billed(a, may))
	}
	if r := w.propose(replay.Proposal{Action: replay.PriceAgain, Choice: replay.Choice{Days: day(4)}}); r.Charges != 0 {
		t.Errorf("undone, %d charges would change", r.Charges)
	}
	w.sums()
}

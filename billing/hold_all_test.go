package billing

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/collection"
	"tollhouse/billing/tenant"
)

func TestDunning_holdsAllThatAFilterFinds(t *testing.T) {
	t.Parallel()
	d := newDebtor(t, fourSteps)
	d.advance(d.day("2026-06-19").Add(6 * time.Hour))
	hold := func(q collection.BoardQuery) (held int) {
		d.write(func(ctx context.Context, tx tenant.Tx) (err error) {
			held, err = d.Collection().HoldPortion(ctx, tx, collection.NewHold{ID: uuid.Must(uuid.NewV7()), Reason: "a flood", By: "user:clerk"}, q)
			return err
		})
		return held
	}
	count := func(q collection.BoardQuery) (n int) {
		d.read(func(ctx context.Context, tx tenant.Tx) (err error) {
			n, err = collection.Count(ctx, tx, q)
			return err
		})
		return n
	}
	for name, q := range map[string]collection.BoardQuery{"risk": {Risk: "high"}, "party": {Party: account.Organization}, "tag": {Tag: "school"}, "ladder": {Ladder: "other"}, "name": {Text: "Nobody"}} {
		if n, held := count(q), hold(q); n != 0 || held != 0 {
			t.Errorf("by another %s %d are found and %d held", name, n, held)
		}
	}
	all := collection.BoardQuery{Risk: "normal", Party: account.Individual, Ladder: "standard", Text: "sit"}
	if n := count(all); n != 1 {
		t.Fatalf("%d cases are found", n)
	}
	if held := hold(all); held != 1 {
		t.Errorf("%d are held", held)
	}
	if again := hold(all); again != 0 {
		t.Errorf("%d are held a second time", again)
	}
	d.advance(d.day("2026-06-30").Add(6 * time.Hour))
	d.read(func(ctx context.Context, tx tenant.Tx) error {
		rows, err := collection.Board(ctx, tx, collection.BoardQuery{Limit: 10})
		if err == nil && (len(rows) != 1 || rows[0].Step != "reminder" || rows[0].Held == "") {
			t.Errorf("a case that is held went on: %+v", rows)
		}
		return err
	})
	if err := d.sums(); err != nil {
		t.Error(err)
	}
}

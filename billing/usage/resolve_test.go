package usage_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/infra/postgres/pgtest"
)

// suspendAll keeps every problem of a file.
func suspendAll(t testing.TB, db *pgtest.TenantDB, feed usage.Feed, file usage.File, items []usage.Item) (held []usage.Suspended) {
	t.Helper()
	for i := range items {
		if p := items[i].Problem; p != nil {
			held = append(held, usage.Hold(feed.ID, file.ID, &items[i], p))
		}
	}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error { return usage.Suspend(ctx, tx, held) })
	return held
}

func take(t testing.TB, db *pgtest.TenantDB, ids ...uuid.UUID) (taken []usage.Taken) {
	t.Helper()
	db.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		taken, err = usage.Take(ctx, tx, ids)
		return err
	})
	return taken
}

func fix(db *pgtest.TenantDB, id uuid.UUID, f usage.Fix) (s usage.Suspended, err error) {
	err = db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		s, err = usage.FixSuspended(ctx, tx, id, f)
		return err
	})
	return s, err
}

func TestSuspense_fixTheLineAndRunItAgain(t *testing.T) {
	t.Parallel()
	db := newTenant(t)
	for i, c := range []struct{ preset, file, good, bad string }{
		{"asterisk-master-csv", "asterisk-Master.csv", `199,192`, `199,-192`},
		{"asterisk-master-csv", "asterisk-Master.csv", `"ANSWERED"`, `"ANSWERED`},
		{"asterisk-master-csv-nouniqueid", "asterisk-Master-nouniqueid.csv", `199,192`, `199,x`},
		{"freeradius-detail", "freeradius-detail", `Acct-Delay-Time = 0`, `Acct-Delay-`},
		{"json-events", "events.json", `"quantity": 1,`, `"quantity": -1,`},
	} {
		t.Run(c.preset, func(t *testing.T) {
			feed := namedSource(t, db, fmt.Sprintf("source-%d", i), c.preset)
			text := sample(t, c.file)
			_, _, whole := readFile(t, db, feed, "whole", text)
			file, items, _ := readFile(t, db, feed, "bad", strings.Replace(text, c.good, c.bad, 1))
			held := suspendAll(t, db, feed, file, items)
			if len(held) != 1 {
				t.Fatalf("%d held", len(held))
			}
			if taken := take(t, db, held[0].ID); len(taken) != 1 || taken[0].Problem == nil || taken[0].Record != nil {
				t.Fatalf("as bad as before: %+v", taken)
			}
			var p *usage.Problem
			bad := held[0].Raw
			if _, err := fix(db, held[0].ID, usage.Fix{Raw: &bad}); !errors.As(err, &p) {
				t.Fatalf("a fix that fixes nothing: %v", err)
			}
			good := strings.Replace(held[0].Raw, c.bad, c.good, 1)
			if _, err := fix(db, held[0].ID, usage.Fix{Raw: &good}); err != nil {
				t.Fatal(err)
			}
			taken := take(t, db, held[0].ID)
			if len(taken) != 1 || taken[0].Problem != nil || taken[0].Record == nil || taken[0].Keyed {
				t.Fatalf("%+v", taken)
			}
			got, want := taken[0].Record, whole[0]
			if want.Keyless { // its name is that of the file it really came in
				want.Key = got.Key
			}
			if got.Key != want.Key || got.Line != want.Line || got.Quantity != want.Quantity || !got.End.Equal(want.End) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestSuspense_wayOfAnUnknownSubscriber(t *testing.T) {
	t.Parallel()
	db, g := newTenant(t), gate(t)
	feed := source(t, db, "json-events")
	r := event("x", 60)
	item := usage.Item{Line: 7, Raw: "{}", Record: &r}
	held := usage.Hold(feed.ID, uuid.Nil, &item, &usage.Problem{Field: "identity", Code: usage.UnknownSubscriber, Reason: "nobody has it", Want: "a service"})
	held.Keyed = true
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		if _, err := g.Accept(ctx, tx, feed.ID, uuid.Nil, []usage.Record{r}); err != nil {
			return err
		}
		items := []usage.Suspended{held}
		err := usage.Suspend(ctx, tx, items)
		held = items[0]
		return err
	})
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		for name, s := range map[string]usage.Search{
			"all": {}, "waiting": {State: usage.Waiting}, "reason": {Reason: usage.UnknownSubscriber}, "source": {Source: feed.ID},
		} {
			if got, _, err := usage.ListSuspended(ctx, tx, s, usage.Cursor{}, 0); err != nil || len(got) != 1 || got[0].Detail != "nobody has it; wanted: a service" {
				t.Errorf("%s: %+v %v", name, got, err)
			}
		}
		for name, s := range map[string]usage.Search{
			"discarded": {State: usage.Discarded}, "reason": {Reason: usage.NoPrice}, "file": {File: uuid.New()},
		} {
			if got, _, err := usage.ListSuspended(ctx, tx, s, usage.Cursor{}, 0); err != nil || len(got) != 0 {
				t.Errorf("not %s: %+v %v", name, got, err)
			}
		}
		counts, err := usage.CountWaiting(ctx, tx)
		if counts[usage.UnknownSubscriber] != 1 {
			t.Errorf("%v", counts)
		}
		return err
	})
	if _, err := fix(db, held.ID, usage.Fix{Patch: []byte(`{"key":"y"}`)}); !errors.Is(err, usage.ErrKeyTaken) {
		t.Errorf("another id: %v", err)
	}
	var p *usage.Problem
	if _, err := fix(db, held.ID, usage.Fix{Patch: []byte(`{"quantity":-1}`)}); !errors.As(err, &p) || p.Code != usage.NegativeQuantity {
		t.Errorf("a bad patch: %v", err)
	}
	if _, err := fix(db, held.ID, usage.Fix{}); !errors.Is(err, usage.ErrFix) {
		t.Errorf("an empty fix: %v", err)
	}
	s, err := fix(db, held.ID, usage.Fix{Patch: []byte(`{"identity":{"kind":"msisdn","value":"+49152"}}`)})
	if err != nil || s.Record.Identity.Value != "+49152" || s.Record.Quantity != 60 {
		t.Fatalf("%+v %v", s, err)
	}
	db.SetClock(t, june.AddDate(2, 0, 0)) // it came in time, however long it waits
	taken := take(t, db, held.ID, uuid.New())
	if len(taken) != 1 || !taken[0].Keyed || taken[0].Problem != nil {
		t.Fatalf("%+v", taken)
	}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		again := taken[0].For(&usage.Problem{Code: usage.NoTariff, Reason: "no offering"})
		if err := usage.KeepWaiting(ctx, tx, []usage.Suspended{again}); err != nil {
			return err
		}
		got, err := usage.GetSuspended(ctx, tx, held.ID)
		if err != nil || got.Reason != usage.NoTariff || got.Attempts != 2 || got.State != usage.Waiting || !got.Keyed {
			t.Errorf("%+v %v", got, err)
		}
		return usage.MarkResolved(ctx, tx, []uuid.UUID{held.ID}, "charged")
	})
	if taken := take(t, db, held.ID); len(taken) != 0 {
		t.Errorf("taken after it was resolved: %+v", taken)
	}
	err = db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
		return usage.Discard(ctx, tx, []uuid.UUID{held.ID}, "no")
	})
	if !errors.Is(err, usage.ErrNotWaiting) {
		t.Errorf("discarded after it was resolved: %v", err)
	}
}

func TestSuspense_discardNeedsAReason(t *testing.T) {
	t.Parallel()
	db := newTenant(t)
	feed := source(t, db, "json-events")
	file, items, _ := readFile(t, db, feed, "f", "junk\nmore junk\nand more\n")
	held := suspendAll(t, db, feed, file, items)
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		if err := usage.Discard(ctx, tx, []uuid.UUID{held[0].ID}, " "); !errors.Is(err, usage.ErrNoReason) {
			t.Errorf("without a reason: %v", err)
		}
		if err := usage.Discard(ctx, tx, []uuid.UUID{held[0].ID}, "not ours"); err != nil {
			return err
		}
		first, next, err := usage.ListSuspended(ctx, tx, usage.Search{File: file.ID}, usage.Cursor{}, 2)
		if err != nil || len(first) != 2 || next.IsZero() {
			t.Fatalf("%+v %v %v", first, next, err)
		}
		if next, err = usage.ParseCursor(next.String()); err != nil {
			return err
		}
		rest, next, err := usage.ListSuspended(ctx, tx, usage.Search{File: file.ID}, next, 2)
		if err != nil || len(rest) != 1 || !next.IsZero() || rest[0].ID != held[0].ID ||
			rest[0].State != usage.Discarded || rest[0].Resolution != "not ours" {
			t.Errorf("%+v %v %v", rest, next, err)
		}
		return nil
	})
}

func TestSuspense_aLongAgeIsAllowedByTheMapping(t *testing.T) {
	t.Parallel()
	db := newTenant(t)
	feed := source(t, db, "json-events")
	old := strings.ReplaceAll(sample(t, "events.json"), "2026-", "2024-")
	file, items, _ := readFile(t, db, feed, "f", old)
	held := suspendAll(t, db, feed, file, items)
	if len(held) != 4 || held[0].Reason != usage.TooOld || held[0].Record == nil {
		t.Fatalf("%+v", held)
	}
	if taken := take(t, db, held[0].ID); taken[0].Problem == nil {
		t.Errorf("still too old: %+v", taken)
	}
	feed.Mapping.MaxAgeDays = 1000
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := usage.ChangeMapping(ctx, tx, feed.ID, feed.Mapping)
		return err
	})
	if taken := take(t, db, held[0].ID); taken[0].Problem != nil || taken[0].Record.Key != "sms-20260601-000001" {
		t.Errorf("allowed now: %+v", taken)
	}
}

func TestSuspense_halfWrittenIsNotRunUnlessConfirmed(t *testing.T) {
	t.Parallel()
	db := newTenant(t)
	feed := source(t, db, "asterisk-master-csv")
	text := strings.TrimSuffix(sample(t, "asterisk-Master.csv"), "\n")
	file, items, _ := readFile(t, db, feed, "f", text)
	held := suspendAll(t, db, feed, file, items)
	if len(held) != 1 || held[0].Reason != usage.UnfinishedLine {
		t.Fatalf("%+v", held)
	}
	if taken := take(t, db, held[0].ID); taken[0].Problem == nil {
		t.Error("run although nobody said that the line is whole")
	}
	if _, err := fix(db, held[0].ID, usage.Fix{Raw: &held[0].Raw}); err != nil {
		t.Fatal(err)
	}
	if taken := take(t, db, held[0].ID); taken[0].Problem != nil || taken[0].Record.Key != "1780380012.40" {
		t.Errorf("confirmed: %+v", taken)
	}
}

package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/catalog"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

// deckOf saves a version of the deck "world" of lines "prefix zone".
func deckOf(t *testing.T, db *pgtest.TenantDB, lines string) (v catalog.DeckVersion) {
	t.Helper()
	file, err := catalog.ReadDeck([]byte(strings.ReplaceAll(strings.ReplaceAll(lines, ", ", "\n"), " ", ",")), catalog.DeckFormat{})
	if err != nil {
		t.Fatal(err)
	}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		v, err = catalog.SaveDeck(ctx, tx, catalog.NewDeckVersion{Deck: "world", Names: catalog.Names{"en": "World"}, FileName: "world.csv", File: file, By: "user:1"})
		return err
	})
	return v
}

// try runs fn in a transaction that may be refused.
func try(db *pgtest.TenantDB, fn func(ctx context.Context, tx tenant.Tx) error) error {
	return db.DB.Write(context.Background(), db.Ref, fn)
}

func switchTo(db *pgtest.TenantDB, id uuid.UUID, from time.Time, without bool) error {
	return try(db, func(ctx context.Context, tx tenant.Tx) error {
		if _, err := catalog.CheckDeck(ctx, tx, id); err != nil {
			return err
		}
		_, err := catalog.GoLive(ctx, tx, catalog.SwitchDeck{ID: id, From: from, WithoutZones: without})
		return err
	})
}

func zoneAt(t *testing.T, db *pgtest.TenantDB, since, at time.Time, destination string) (zone string) {
	t.Helper()
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		timeline, err := new(catalog.DeckCache).Timeline(ctx, tx, []string{"world", "none"}, since)
		if err != nil {
			return err
		}
		zone, _ = timeline.At(at)["world"].Find(destination)
		return nil
	})
	return zone
}

func TestDeck_usageGoesByTheVersionThatWasLiveThen(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	db.SetClock(t, start)
	if err := switchTo(db, deckOf(t, db, "49 first, 44 uk").ID, time.Time{}, false); err != nil {
		t.Fatal(err)
	}
	before := epoch(t, db)
	later := start.Add(48 * time.Hour)
	second := deckOf(t, db, "49 second, 44 uk, 4915 mobile")
	if err := switchTo(db, second.ID, later, false); err != nil {
		t.Fatal(err)
	}
	if epoch(t, db) != before+1 {
		t.Error("the switch left the epoch as it was")
	}
	for _, row := range []struct {
		since, at time.Time
		want      string
	}{
		{start, start, "first"}, {start, later.Add(-time.Microsecond), "first"}, {start, later, "second"}, {start, later.Add(time.Hour), "second"},
		{start.Add(-time.Hour), start.Add(-time.Hour), "first"}, // older than the deck: its first version
		{later, later, "second"},
	} {
		if got := zoneAt(t, db, row.since, row.at, "4930"); got != row.want {
			t.Errorf("at %s it is %s, want %s", row.at, got, row.want)
		}
	}
	db.SetClock(t, later.Add(time.Hour))
	if got := zoneAt(t, db, start, start.Add(time.Hour), "4930"); got != "first" {
		t.Errorf("late usage went by %s", got)
	}
	var now map[string]*catalog.Deck
	db.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		now, err = catalog.LoadDecks(ctx, tx, []string{"world"})
		return err
	})
	if zone, _ := now["world"].Find("4915"); zone != "mobile" {
		t.Errorf("now it is %s", zone)
	}
}

func epoch(t *testing.T, db *pgtest.TenantDB) (n int64) {
	t.Helper()
	db.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		n, err = catalog.Epoch(ctx, tx)
		return err
	})
	return n
}

func TestDeck_checkTellsWhatChanges(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	if err := switchTo(db, deckOf(t, db, "49 de, 44 uk, 33 fr").ID, time.Time{}, false); err != nil {
		t.Fatal(err)
	}
	next := deckOf(t, db, "49 de, 44 gb, 4915 mobile")
	var check catalog.DeckCheck
	db.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		check, err = catalog.CheckDeck(ctx, tx, next.ID)
		return err
	})
	if check.Diff != (catalog.DeckDiff{Added: 1, Removed: 1, Moved: 1, Same: 1}) || check.Version.State != catalog.DeckChecked || check.Against.Number != 1 {
		t.Errorf("%+v", check)
	}
	var changes []string
	for c := range check.Deck.Changes(check.Before) {
		changes = append(changes, fmt.Sprintf("%s %v>%v", c.Prefix, c.Before, c.After))
	}
	if got := strings.Join(changes, ", "); got != "33 fr><nil>, 44 uk>gb, 4915 <nil>>mobile" {
		t.Error(got)
	}
}

func TestDeck_movesOnlyAsAllowed(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	db.SetClock(t, start)
	first, second, third := deckOf(t, db, "49 first"), deckOf(t, db, "49 second"), deckOf(t, db, "49 third")
	live := func(id uuid.UUID, from time.Time) error {
		return try(db, func(ctx context.Context, tx tenant.Tx) error {
			_, err := catalog.GoLive(ctx, tx, catalog.SwitchDeck{ID: id, From: from})
			return err
		})
	}
	if err := live(first.ID, time.Time{}); !errors.Is(err, catalog.ErrDeckState) {
		t.Errorf("a draft went live: %v", err)
	}
	if err := switchTo(db, first.ID, start.Add(-time.Second), false); !errors.Is(err, catalog.ErrDeckPast) {
		t.Errorf("a switch in the past: %v", err)
	}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := catalog.CheckDeck(ctx, tx, third.ID)
		return err
	})
	if err := switchTo(db, first.ID, time.Time{}, false); err != nil {
		t.Fatal(err)
	}
	if err := live(third.ID, time.Time{}); !errors.Is(err, catalog.ErrDeckOvertaken) {
		t.Errorf("checked against nothing, live against the first: %v", err)
	}
	if err := switchTo(db, second.ID, start.Add(time.Hour), false); err != nil {
		t.Fatal(err)
	}
	takeBack := func(id uuid.UUID) error {
		return try(db, func(ctx context.Context, tx tenant.Tx) error {
			_, err := catalog.TakeBackDeck(ctx, tx, id)
			return err
		})
	}
	if err := errors.Join(takeBack(second.ID), live(second.ID, time.Time{})); err != nil {
		t.Fatal(err)
	}
	if err := takeBack(second.ID); !errors.Is(err, catalog.ErrDeckState) {
		t.Errorf("what has begun was taken back: %v", err)
	}
	if got := zoneAt(t, db, start, start, "49"); got != "second" {
		t.Errorf("live is %s", got)
	}
	restore := func(id uuid.UUID) error {
		return try(db, func(ctx context.Context, tx tenant.Tx) error {
			_, err := catalog.RestoreDeck(ctx, tx, catalog.SwitchDeck{ID: id}, "user:1")
			return err
		})
	}
	if err := restore(second.ID); !errors.Is(err, catalog.ErrDeckState) {
		t.Errorf("the live one was restored: %v", err)
	}
	if err := restore(first.ID); err != nil {
		t.Fatal(err)
	}
	if got := zoneAt(t, db, start, start, "49"); got != "first" {
		t.Errorf("after switching back it is %s", got)
	}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := catalog.DiscardDeck(ctx, tx, third.ID)
		return err
	})
	if err := switchTo(db, third.ID, time.Time{}, false); !errors.Is(err, catalog.ErrDeckState) {
		t.Errorf("a discarded one: %v", err)
	}
}

func TestDeck_zonesInUseStay(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	if err := switchTo(db, deckOf(t, db, "49 de, 44 uk").ID, time.Time{}, false); err != nil {
		t.Fatal(err)
	}
	// The document says what the format will hold; the query reads any part that names a deck.
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := tx.Exec(ctx, `insert into offering_version (id, code, version, state, document, currency, available_from, created_at, published_at)
			values ($1, 'plan', 1, 'published', '{"code": "plan", "destinations": [{"code": "near", "deck": "world", "zones": ["de", "uk"]}]}', 'EUR', $2, $2, $2)`,
			uuid.Must(uuid.NewV7()), tx.At)
		return err
	})
	next := deckOf(t, db, "49 de, 44 gb")
	err := switchTo(db, next.ID, time.Time{}, false)
	var missing *catalog.MissingZonesError
	if !errors.As(err, &missing) || !errors.Is(err, catalog.ErrDeckZones) || len(missing.Missing) != 1 || missing.Missing[0] != (catalog.MissingZone{Zone: "uk", Offering: "plan", Version: 1, Set: "near"}) {
		t.Fatalf("%v", err)
	}
	if err := switchTo(db, next.ID, time.Time{}, true); err != nil {
		t.Error(err)
	}
}

func TestDeck_switchInThePastTakesAWord(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	db.SetClock(t, start)
	if err := switchTo(db, deckOf(t, db, "49 wrong").ID, time.Time{}, false); err != nil {
		t.Fatal(err)
	}
	db.SetClock(t, start.AddDate(0, 0, 7))
	right := deckOf(t, db, "49 right")
	if err := switchTo(db, right.ID, start, false); !errors.Is(err, catalog.ErrDeckPast) {
		t.Fatal(err)
	}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		if _, err := catalog.CheckDeck(ctx, tx, right.ID); err != nil {
			return err
		}
		_, err := catalog.GoLive(ctx, tx, catalog.SwitchDeck{ID: right.ID, From: start, Past: true})
		return err
	})
	if got := zoneAt(t, db, start, start.AddDate(0, 0, 1), "49"); got != "right" {
		t.Errorf("rated again it is %s", got)
	}
}

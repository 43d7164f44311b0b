package usage_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var june = time.Date(2026, 6, 3, 0, 0, 0, 0, time.UTC)

func newTenant(t testing.TB) *pgtest.TenantDB {
	t.Helper()
	return pgtest.Tenant(t, pgtest.Options{Clock: june})
}

func gate(t testing.TB) *usage.Gate {
	t.Helper()
	g, err := usage.NewGate([]byte("a usage-hash key of a test"))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func source(t testing.TB, db *pgtest.TenantDB, preset string) usage.Feed {
	t.Helper()
	return namedSource(t, db, preset, preset)
}

func namedSource(t testing.TB, db *pgtest.TenantDB, name, preset string) (feed usage.Feed) {
	t.Helper()
	m, err := usage.FindPreset(preset, "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		feed, err = usage.CreateSource(ctx, tx, name, m)
		return err
	})
	return feed
}

func event(key string, quantity int64) usage.Record {
	at := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	return usage.Record{Key: key, Kind: usage.Voice, Identity: usage.Identity{Kind: usage.MSISDN, Value: "+49151"},
		Start: at, End: at.Add(time.Minute), Quantity: quantity, Unit: money.Second}
}

func accept(t testing.TB, db *pgtest.TenantDB, g *usage.Gate, feed usage.Feed, file uuid.UUID, records ...usage.Record) (text string) {
	t.Helper()
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		admissions, err := g.Accept(ctx, tx, feed.ID, file, records)
		var words []string
		for _, a := range admissions {
			words = append(words, a.Outcome.String())
		}
		text = strings.Join(words, " ")
		return err
	})
	return text
}

func TestAccept_onceOnly(t *testing.T) {
	t.Parallel()
	db, g := newTenant(t), gate(t)
	feed, other := source(t, db, "json-events"), source(t, db, "asterisk-master-csv")
	for _, step := range []struct {
		feed    usage.Feed
		records []usage.Record
		want    string
	}{
		{feed, []usage.Record{event("x1", 10)}, "accepted"},
		{feed, []usage.Record{event("x1", 10)}, "duplicate"},
		{feed, []usage.Record{event("x1", 11)}, "conflict"},
		{feed, []usage.Record{event("x1", 10)}, "duplicate"}, // the conflict changed nothing
		{other, []usage.Record{event("x1", 11)}, "accepted"}, // another source, another key
		{feed, []usage.Record{event("a", 1), event("a", 1), event("a", 2), event("b", 1)}, "accepted duplicate conflict accepted"},
		{feed, nil, ""},
	} {
		if got := accept(t, db, g, step.feed, uuid.Nil, step.records...); got != step.want {
			t.Errorf("%v: %s, want %s", step.records, got, step.want)
		}
	}
	db.SetClock(t, june.AddDate(0, 0, 400))
	if got := accept(t, db, g, feed, uuid.Nil, event("x1", 10)); got != "duplicate" {
		t.Errorf("on day 400: %s", got)
	}
}

func TestAccept_batchOfAHundred(t *testing.T) {
	t.Parallel()
	db, g := newTenant(t), gate(t)
	feed := source(t, db, "json-events")
	var records []usage.Record
	for i := range 99 { // the invalid one never gets here
		records = append(records, event(fmt.Sprint(i%96), 10))
	}
	got := accept(t, db, g, feed, uuid.Nil, records...)
	if a, d := strings.Count(got, "accepted"), strings.Count(got, "duplicate"); a != 96 || d != 3 {
		t.Errorf("%d accepted, %d duplicate", a, d)
	}
}

func TestAccept_raceIsTold(t *testing.T) {
	t.Parallel()
	db, g := newTenant(t), gate(t)
	feed := source(t, db, "json-events")
	first, blocked := make(chan struct{}), make(chan struct{})
	result := make(chan error, 1)
	go func() {
		<-first
		close(blocked)
		result <- db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := g.Accept(ctx, tx, feed.ID, uuid.Nil, []usage.Record{event("x", 1)})
			return err
		})
	}()
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		if _, err := g.Accept(ctx, tx, feed.ID, uuid.Nil, []usage.Record{event("x", 1)}); err != nil {
			return err
		}
		close(first)
		<-blocked
		time.Sleep(100 * time.Millisecond) // the other one now waits for the key
		return nil
	})
	if err := <-result; !errors.Is(err, usage.ErrRace) {
		t.Fatalf("got %v", err)
	}
	if got := accept(t, db, g, feed, uuid.Nil, event("x", 1)); got != "duplicate" {
		t.Errorf("run again: %s", got)
	}
}

// readFile reads a text as a registered file and returns its items.
func readFile(t testing.TB, db *pgtest.TenantDB, feed usage.Feed, name, text string) (file usage.File, items []usage.Item, records []usage.Record) {
	t.Helper()
	digest := usage.Digest(sha256.Sum256([]byte(text)))
	db.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		if file, _, err = usage.RegisterFile(ctx, tx, feed.ID, name, digest, int64(len(text))); err != nil {
			return err
		}
		file, err = usage.StartFile(ctx, tx, file.ID)
		return err
	})
	err := feed.Mapping.Read(strings.NewReader(text), usage.Input{Digest: digest, At: june}, func(i *usage.Item) error {
		item := *i
		if i.Record != nil { // the reader uses its record again
			r := *i.Record
			item.Record = &r
			records = append(records, r)
		}
		items = append(items, item)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return file, items, records
}

func sample(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/samples/usage/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAccept_overlappingFilesWithoutIDsAreHeld(t *testing.T) {
	t.Parallel()
	db, g := newTenant(t), gate(t)
	feed := source(t, db, "asterisk-master-csv-nouniqueid")
	text := sample(t, "asterisk-Master-nouniqueid.csv")
	lines := strings.SplitAfter(text, "\n")
	one, _, first := readFile(t, db, feed, "one", text)
	if got := accept(t, db, g, feed, one.ID, first...); strings.Count(got, "accepted") != len(lines)-1 {
		t.Fatal(got)
	}
	// The same line twice in one file is two calls; a line of the first file is held.
	fresh := strings.Replace(lines[0], "08:14:02", "08:15:02", 1)
	two, _, second := readFile(t, db, feed, "two", fresh+fresh+lines[2])
	var admissions []usage.Admission
	db.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		admissions, err = g.Accept(ctx, tx, feed.ID, two.ID, second)
		if err != nil {
			return err
		}
		return usage.AdvanceFile(ctx, tx, two.ID, usage.Progress{To: usage.Position{Offset: 9, Line: 3},
			Counts: usage.Counts{Accepted: 2, Suspended: 1}, Overlaps: admissions[2].OtherFile, Overlapped: 1})
	})
	if admissions[0].Outcome != usage.Accepted || admissions[1].Outcome != usage.Accepted ||
		admissions[2] != (usage.Admission{Outcome: usage.Overlapping, OtherFile: one.ID}) {
		t.Fatalf("%+v", admissions)
	}
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		two, err := usage.GetFile(ctx, tx, two.ID)
		if two.Overlaps != one.ID || two.Overlapped != 1 || two.Counts.Accepted != 2 || two.Read.Line != 3 {
			t.Errorf("file is not flagged: %+v", two)
		}
		return err
	})
}

func TestFile_sameContentsAreTheSameFile(t *testing.T) {
	t.Parallel()
	db := newTenant(t)
	feed := source(t, db, "json-events")
	digest := usage.Digest{1}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		first, repeat, err := usage.RegisterFile(ctx, tx, feed.ID, "a.json", digest, 10)
		if err != nil || repeat {
			t.Fatal(repeat, err)
		}
		again, repeat, err := usage.RegisterFile(ctx, tx, feed.ID, "b.json", digest, 10)
		if err != nil || !repeat || again.ID != first.ID || again.Name != "a.json" {
			t.Fatalf("%+v %v %v", again, repeat, err)
		}
		_, _, err = usage.RegisterFile(ctx, tx, uuid.New(), "c", digest, 1)
		if !errors.Is(err, usage.ErrNoSource) {
			t.Errorf("unknown source: %v", err)
		}
		return nil
	})
}

func TestFile_aChunkGoesThroughOnce(t *testing.T) {
	t.Parallel()
	db := newTenant(t)
	feed := source(t, db, "json-events")
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		f, _, err := usage.RegisterFile(ctx, tx, feed.ID, "a", usage.Digest{1}, 30)
		if err != nil {
			return err
		}
		chunk := usage.Progress{To: usage.Position{Offset: 10, Line: 1}, Counts: usage.Counts{Accepted: 1}}
		if err := usage.AdvanceFile(ctx, tx, f.ID, chunk); !errors.Is(err, usage.ErrFileMoved) {
			t.Errorf("before it was started: %v", err)
		}
		if _, err := usage.StartFile(ctx, tx, f.ID); err != nil {
			return err
		}
		if err := usage.AdvanceFile(ctx, tx, f.ID, chunk); err != nil {
			return err
		}
		if err := usage.AdvanceFile(ctx, tx, f.ID, chunk); !errors.Is(err, usage.ErrFileMoved) {
			t.Errorf("the same chunk again: %v", err)
		}
		if f, err = usage.StartFile(ctx, tx, f.ID); err != nil || f.Read.Offset != 10 {
			t.Errorf("taken up after a crash: %+v %v", f, err)
		}
		if err := usage.FailFile(ctx, tx, f.ID, "UTF-16"); err != nil {
			return err
		}
		if _, err := usage.StartFile(ctx, tx, f.ID); err != nil {
			return err
		}
		if err := usage.FinishFile(ctx, tx, f.ID); err != nil {
			return err
		}
		if _, err := usage.StartFile(ctx, tx, f.ID); !errors.Is(err, usage.ErrFileDone) {
			t.Errorf("a done file: %v", err)
		}
		files, next, err := usage.ListFiles(ctx, tx, usage.Cursor{}, 10)
		if len(files) != 1 || files[0].State != usage.Done || !next.IsZero() {
			t.Errorf("%+v %v", files, next)
		}
		return err
	})
}

func TestSource_stored(t *testing.T) {
	t.Parallel()
	db := newTenant(t)
	feed := source(t, db, "asterisk-master-csv")
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		got, err := usage.FindSource(ctx, tx, feed.Name)
		if err != nil {
			return err
		}
		want, _ := json.Marshal(feed)
		if have, _ := json.Marshal(got); string(have) != string(want) {
			t.Errorf("%s\n%s", have, want)
		}
		m := feed.Mapping
		m.MaxAgeDays = 800
		if _, err := usage.ChangeMapping(ctx, tx, feed.ID, m); err != nil {
			return err
		}
		fields := *m.Fields
		fields.Key = nil
		m.Fields = &fields
		if _, err := usage.ChangeMapping(ctx, tx, feed.ID, m); !errors.Is(err, usage.ErrKeyChanged) {
			t.Errorf("another key: %v", err)
		}
		all, err := usage.ListSources(ctx, tx)
		if len(all) != 1 || all[0].Mapping.MaxAgeDays != 800 {
			t.Errorf("%+v", all)
		}
		return err
	})
	for name, want := range map[string]error{"asterisk-master-csv": usage.ErrSourceExists, "No Good": usage.ErrSourceName} {
		err := db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := usage.CreateSource(ctx, tx, name, feed.Mapping)
			return err
		})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestApplyCounters_sampleOfTwoNAS(t *testing.T) {
	t.Parallel()
	db, g := newTenant(t), gate(t)
	feed := source(t, db, "freeradius-detail")
	_, _, records := readFile(t, db, feed, "detail", sample(t, "freeradius-detail"))
	count := func(chunk int) (total int64) {
		for from := 0; from < len(records); from += chunk {
			part := records[from:min(from+chunk, len(records))]
			db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
				admissions, err := g.Accept(ctx, tx, feed.ID, uuid.Nil, part)
				if err != nil {
					return err
				}
				var fresh []*usage.Record
				for i := range part {
					if admissions[i].Outcome == usage.Accepted {
						r := part[i]
						fresh = append(fresh, &r)
					}
				}
				if _, err = usage.ApplyCounters(ctx, tx, feed.ID, fresh); err != nil {
					return err
				}
				for _, r := range fresh {
					total += r.Quantity
				}
				_, err = usage.ApplyCounters(ctx, tx, feed.ID, fresh) // counted records are not counted twice
				return err
			})
		}
		return total
	}
	if got := count(2); got != 6_750_000_000 {
		t.Errorf("two subscribers used %d, want 6.0 and 0.75 GB", got)
	}
	if got := count(100); got != 0 {
		t.Errorf("replaying the day adds %d", got)
	}
	var open int
	if err := db.Admin.QueryRow(context.Background(), `select count(*) from `+db.Ref.Slot.Schema()+`.usage_session where state = 'open'`).Scan(&open); err != nil || open != 0 {
		t.Errorf("%d sessions are open, %v", open, err)
	}
}

func TestStore_writesWhatCameIn(t *testing.T) {
	t.Parallel()
	db := newTenant(t)
	feed := source(t, db, "json-events")
	r := event("x", 60)
	r.End = time.Date(2026, 5, 31, 22, 30, 0, 0, time.UTC) // June 1 in Berlin
	r.Start = r.End.Add(-time.Minute)
	stored := usage.Stored{ID: uuid.Must(uuid.NewV7()), Period: usage.PeriodOf(r.End, db.Zone), Source: feed.ID,
		Service: uuid.New(), Account: uuid.New(), Record: &r}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return usage.Store(ctx, tx, []usage.Stored{stored})
	})
	var period, key string
	var quantity int64
	err := db.Admin.QueryRow(context.Background(), `select period::text, producer_id, quantity from `+db.Ref.Slot.Schema()+
		`.usage_record where id = $1 and file_id is null and session_id is null`, stored.ID).Scan(&period, &key, &quantity)
	if err != nil || period != "2026-06-01" || key != "x" || quantity != 60 {
		t.Errorf("%s %s %d %v", period, key, quantity, err)
	}
}

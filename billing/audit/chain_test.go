package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/audit"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

// world is a stack with entries and transfers, sealed by four at most.
type world struct {
	*pgtest.TenantDB
	anchors []audit.Anchor
}

const atOnce = 4

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{TenantDB: pgtest.Tenant(t)}
	for range 3 {
		w.record(t, 5)
		w.post(t, "2026-04-01", 3)
		w.post(t, "2026-05-01", 2)
		w.seal(t)
	}
	return w
}

func (w *world) record(t *testing.T, entries int) {
	t.Helper()
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		for n := range entries {
			e := audit.Entry{Caller: audit.Caller{Actor: "user:1", WallAt: time.Now()}, Action: "thing.put", Object: "thing",
				ObjectID: uuid.New(), Detail: map[string]any{"n": n, "text": "ä, \"quoted\""}}
			if err := audit.Record(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// post adds transfers between general-ledger accounts, which need no customer.
func (w *world) post(t *testing.T, period string, transfers int) {
	t.Helper()
	for range transfers {
		w.exec(t, `insert into ledger_transfer (period, id, at, debit, credit, amount, unit, event, event_id, legal_entity, branch)
			values ($1::text::date, $2, $3, 'bank', 'provider_clearing', 1.5, 'EUR', 'payment', $2, $4, $5)`,
			period, uuid.Must(uuid.NewV7()), time.Now(), w.LegalEntity, w.Branch)
	}
}

// seal seals all that is there, as if it were old enough, and anchors the head.
func (w *world) seal(t *testing.T) {
	t.Helper()
	time.Sleep(2 * time.Millisecond) // the boundary is a millisecond's
	upto := time.Now()
	for again := true; again; {
		w.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
			again, err = audit.SealNext(ctx, tx, upto, time.Now(), atOnce)
			return err
		})
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		head, err := audit.Head(ctx, tx)
		w.anchors = append(w.anchors, audit.Anchor{Seq: head.Seq, Hash: head.Hash})
		return err
	})
}

func (w *world) verify(t *testing.T, anchors []audit.Anchor) (v audit.Verification) {
	t.Helper()
	for !v.Done {
		w.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
			v, err = audit.Verify(ctx, tx, v, anchors, time.Now(), 2)
			return err
		})
	}
	return v
}

// exec changes what no role of the stack may: as superuser.
func (w *world) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	ctx := context.Background()
	config, err := pgx.ParseConfig(w.Server.AdminURL(w.Database))
	if err != nil {
		t.Fatal(err)
	}
	config.RuntimeParams["search_path"] = w.Ref.Slot.Schema()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	done, err := conn.Exec(ctx, sql, args...)
	if err != nil || done.RowsAffected() == 0 {
		t.Fatalf("%s: %d rows, %v", sql, done.RowsAffected(), err)
	}
}

func TestVerify_untouched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(t, 2) // not sealed yet
	v := w.verify(t, w.anchors)
	if v.Break != nil || v.AuditRows != 15 || v.LedgerRows != 15 || v.Anchors != 3 || v.Head.Seq < 6 {
		t.Errorf("verified %+v", v)
	}
}

// Whatever is changed in the tables themselves is found, and where.
func TestVerify_findsTampering(t *testing.T) {
	t.Parallel()
	first, middle, last := `(select min(seq) from audit_seal)`, `(select max(seq) / 2 from audit_seal)`, `(select max(seq) from audit_seal)`
	entry := func(seal string) string {
		return `(select a.id from audit a, audit_seal s where s.seq = ` + seal + ` and a.id > s.from_id and a.id <= s.to_id order by a.id limit 1)`
	}
	transfer := `(select l.id from ledger_transfer l, audit_seal s where s.seq = (select min(seq) from audit_seal where ledger_rows > 0) and l.id > s.from_id and l.id <= s.to_id limit 1)`
	for name, c := range map[string]struct {
		sql  string
		part audit.Part
		seal string // which seal is named
	}{
		"first entry changed":             {`update audit set actor = 'user:2' where id = ` + entry(first), audit.InAudit, first},
		"text moved to the next column":   {`update audit set actor = 'user:1t', action = 'hing.put' where id = ` + entry(middle), audit.InAudit, middle},
		"business time changed":           {`update audit set at = at + interval '1 microsecond' where id = ` + entry(middle), audit.InAudit, middle},
		"empty in place of nothing":       {`update audit set object_id = null where id = ` + entry(middle), audit.InAudit, middle},
		"entry removed in the middle":     {`delete from audit where id = ` + entry(middle), audit.InAudit, middle},
		"last entry removed":              {`delete from audit where id = (select max(a.id::text)::uuid from audit a)`, audit.InAudit, `(select max(seq) from audit_seal where audit_rows > 0)`},
		"transfer changed":                {`update ledger_transfer set amount = amount + 0.000000001 where id = ` + transfer, audit.InLedger, `(select min(seq) from audit_seal where ledger_rows > 0)`},
		"transfer moved to another month": {`update ledger_transfer set period = '2026-03-01' where id = ` + transfer, audit.InLedger, `(select min(seq) from audit_seal where ledger_rows > 0)`},
		"transfer removed":                {`delete from ledger_transfer where id = ` + transfer, audit.InLedger, `(select min(seq) from audit_seal where ledger_rows > 0)`},
		"transfer put in":                 {`insert into ledger_transfer (period, id, at, debit, credit, amount, unit, event, event_id, legal_entity, branch) select '2025-01-01', id, at, debit, credit, 999, unit, event, event_id, legal_entity, branch from ledger_transfer where id = ` + transfer, audit.InLedger, `(select min(seq) from audit_seal where ledger_rows > 0)`},
		"transfer of the future":          {`insert into ledger_transfer (period, id, at, debit, credit, amount, unit, event, event_id, legal_entity, branch) select period, 'ffffffff-ffff-7fff-bfff-ffffffffffff', at, debit, credit, 999, unit, event, event_id, legal_entity, branch from ledger_transfer where id = ` + transfer, audit.InLedger, "0"},
		"seal removed":                    {`delete from audit_seal where seq = ` + middle, audit.InChain, `(select max(seq) / 2 + 1 from audit_seal)`},
		"seal's instant changed":          {`update audit_seal set sealed_at = sealed_at - interval '1 day' where seq = ` + middle, audit.InChain, middle},
		"range shortened":                 {`update audit_seal set from_id = '00000000-0000-0000-0000-000000000001' where seq = 1`, audit.InChain, first},
		"last seal removed":               {`delete from audit_seal where seq = ` + last, audit.InAnchors, last},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var seal int64
			if err := w.Admin.QueryRow(context.Background(), `select `+bySchema(c.seal, w.Ref.Slot.Schema())).Scan(&seal); err != nil {
				t.Fatal(err)
			}
			w.exec(t, c.sql)
			v := w.verify(t, w.anchors)
			if v.Break == nil {
				t.Fatal("not found")
			}
			if v.Break.Part != c.part || v.Break.Seq != seal {
				t.Errorf("found %s, want seal %d in %s", v.Break, seal, c.part)
			}
		})
	}
}

func bySchema(sql, schema string) string {
	return string(bytes.ReplaceAll([]byte(sql), []byte("from audit_seal"), []byte("from "+schema+".audit_seal")))
}

// Whoever can write the seals too can make a chain that fits; the anchors don't.
func TestVerify_findsAChainMadeAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `update audit set actor = 'user:2' where id = (select a.id from audit a order by a.id limit 1)`)
	w.exec(t, `delete from audit_seal`)
	anchors := w.anchors
	w.seal(t)
	if v := w.verify(t, nil); v.Break != nil {
		t.Fatalf("the new chain does not fit in itself: %s", v.Break)
	}
	v := w.verify(t, anchors)
	if v.Break == nil || v.Break.Part != audit.InAnchors {
		t.Errorf("found %v", v.Break)
	}
}

// A chain of another stack begins from another hash.
func TestVerify_chainIsOneStacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Ref.ID = tenant.NewID()
	if v := w.verify(t, nil); v.Break == nil || v.Break.Seq != 1 || v.Break.Part != audit.InChain {
		t.Errorf("found %v", v.Break)
	}
}

// What is put in between sealed rows is found, though nothing was changed.
func TestVerify_findsAnEntryPutIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var id uuid.UUID
	if err := w.Admin.QueryRow(context.Background(), `select id from `+w.Ref.Slot.Schema()+`.audit order by id offset 6 limit 1`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	id[15]++
	w.exec(t, `insert into audit (id, at, wall_at, actor, action) values ($1, $2, $2, 'user:9', 'x')`, id, time.Now())
	if v := w.verify(t, nil); v.Break == nil || v.Break.Part != audit.InAudit {
		t.Errorf("found %v", v.Break)
	}
}

// Seals are bounded, and two who seal at once make one chain.
func TestSealNext_twoAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(t, 40)
	time.Sleep(2 * time.Millisecond)
	upto, done := time.Now(), make(chan error)
	for range 3 {
		go func() {
			var err error
			for range 30 {
				err = w.DB.Write(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
					_, err := audit.SealNext(ctx, tx, upto, time.Now(), atOnce)
					return err
				})
				if err != nil {
					break
				}
			}
			done <- err
		}()
	}
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if v := w.verify(t, w.anchors); v.Break != nil || v.AuditRows != 55 {
		t.Errorf("verified %+v", v)
	}
}

// A transaction that still runs is waited for: its rows are in the seal.
func TestMark_waitsForWhoeverStillWrites(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	written, finish, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		ended <- db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
			err := audit.Record(ctx, tx, audit.Entry{Caller: audit.Caller{Actor: "user:1", WallAt: time.Now()}, Action: "late"})
			close(written)
			<-finish
			return err
		})
	}()
	<-written
	mark, err := db.DB.Mark(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if err := db.DB.Await(short, mark); err == nil {
		t.Error("the mark has passed while a transaction from before it runs")
	}
	close(finish)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := db.DB.Await(context.Background(), mark); err != nil {
		t.Error(err)
	}
}

func TestList_narrows(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	object := uuid.New()
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		for n, e := range []audit.Entry{
			{Caller: audit.Caller{Actor: "user:1"}, Action: "order.create", Object: "order", ObjectID: object},
			{Caller: audit.Caller{Actor: "user:2"}, Action: "order.activate", Object: "order", ObjectID: object},
			{Caller: audit.Caller{Actor: "user:1"}, Action: "orderly"},
		} {
			e.WallAt = time.Now()
			tx.At = tx.At.Add(time.Duration(n) * time.Hour)
			if err := audit.Record(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		for want, q := range map[string]audit.Query{
			"[orderly order.activate order.create]": {},
			"[orderly order.create]":                {Actor: "user:1"},
			"[order.activate order.create]":         {Action: "order."},
			"[order.create]":                        {Action: "order.create", Object: object, Kind: "order", To: tx.At.Add(time.Minute)},
			"[orderly order.activate]":              {From: tx.At.Add(time.Minute)},
			"[orderly]":                             {Limit: 1},
		} {
			q.Limit = max(q.Limit, 1)
			if want != "[orderly]" {
				q.Limit = 10
			}
			found, err := audit.List(ctx, tx, q)
			var actions []string
			for _, r := range found {
				actions = append(actions, r.Action)
			}
			if got := fmt.Sprint(actions); err != nil || got != want {
				t.Errorf("%+v: %s, %v, want %s", q, got, err, want)
			}
		}
		all, err := audit.List(ctx, tx, audit.Query{Limit: 1})
		if err != nil || len(all) != 1 {
			return fmt.Errorf("%d entries: %w", len(all), err)
		}
		rest, err := audit.List(ctx, tx, audit.Query{Before: all[0].ID, Limit: 10})
		if err != nil || len(rest) != 2 {
			t.Errorf("next page has %d, %v", len(rest), err)
		}
		return nil
	})
}

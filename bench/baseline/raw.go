package baseline

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// rawConnections is how many clients the raw transaction has: one a transaction
// in flight.
const rawConnections = 16

// Raw is the transaction that whoever charges without a batch would write:
// BEGIN, INSERT, UPDATE, COMMIT, sent in one round trip. Its one row is as wide
// as all the rows that a debit of ours leaves, its table has as many indexes as
// theirs together, of the same columns, and its bucket is a copy of ours.
type Raw struct {
	conns   []*pgx.Conn
	buckets int
	insert  string
	update  string
}

//go:embed raw.sql
var rawTables string

// NewRaw makes the tables in a schema of their own and connects. width is the
// bytes that a debit's rows have without their heads.
func NewRaw(ctx context.Context, admin *pgx.Conn, url, like, schema string, buckets, width int) (*Raw, error) {
	for _, statement := range strings.Split(strings.NewReplacer("{like}", like, "{raw}", schema).Replace(rawTables), ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := admin.Exec(ctx, statement); err != nil {
			return nil, fmt.Errorf("tables of the raw transaction: %w", err)
		}
	}
	_, err := admin.Exec(ctx, `insert into `+schema+`.bucket (id, account_id, code, unit, origin, initial, value, priority, valid_from, created_at)
		select gen_random_uuid(), gen_random_uuid(), 'main', 'EUR', 'main', 1e9, 1e9, 1000, '2026-05-01', '2026-05-01' from generate_series(1, $1)`, buckets)
	if err != nil {
		return nil, fmt.Errorf("buckets of the raw transaction: %w", err)
	}
	r := &Raw{buckets: buckets,
		insert: fmt.Sprintf(`insert into %s.entry (period, id, source_id, key, account_id, ended_at, cycle_start, at, amount, rest)
			values ('2026-05-01', $1, $2, $3, $4, '2026-05-20 12:00:00+00', '2026-05-01', '2026-05-20 12:00:00+00', 0.6501, repeat('x', %d))`, schema, max(width-fixedWidth, 1)),
		update: `update ` + schema + `.bucket set value = value - 0.6501, version = version + 1 where id = $1`}
	for range rawConnections {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return nil, fmt.Errorf("connect for the raw transaction: %w", err)
		}
		for name, sql := range map[string]string{"raw_begin": "begin", "raw_insert": r.insert, "raw_update": r.update, "raw_commit": "commit"} {
			if _, err := conn.Prepare(ctx, name, sql); err != nil {
				return nil, fmt.Errorf("prepare the raw transaction: %w", err)
			}
		}
		r.conns = append(r.conns, conn)
	}
	return r, nil
}

// fixedWidth is what an entry has beside its rest.
const fixedWidth = 110

// Close ends the connections.
func (r *Raw) Close(ctx context.Context) {
	for _, conn := range r.conns {
		_ = conn.Close(ctx)
	}
}

// Run has all connections work for a while and gives transactions a second.
func (r *Raw) Run(ctx context.Context, schema string, length time.Duration) (float64, error) {
	var ids []uuid.UUID
	rows, err := r.conns[0].Query(ctx, `select id from `+schema+`.bucket order by id`)
	if err == nil {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	if err != nil {
		return 0, err
	}
	counts, faults := make([]int, len(r.conns)), make([]error, len(r.conns))
	var working sync.WaitGroup
	began := time.Now()
	for n, conn := range r.conns {
		working.Go(func() { counts[n], faults[n] = r.work(ctx, conn.PgConn(), ids, uint64(n), began.Add(length)) })
	}
	working.Wait()
	took := time.Since(began)
	total := 0
	for n := range counts {
		if faults[n] != nil {
			return 0, faults[n]
		}
		total += counts[n]
	}
	return float64(total) / took.Seconds(), nil
}

func (r *Raw) work(ctx context.Context, conn *pgconn.PgConn, ids []uuid.UUID, seed uint64, until time.Time) (done int, err error) {
	pipeline := conn.StartPipeline(ctx)
	defer func() { _ = pipeline.Close() }()
	source, random := uuid.New(), seed*0x9e3779b97f4a7c15+1
	binary := []int16{1}
	for time.Now().Before(until) {
		random ^= random << 13
		random ^= random >> 7
		random ^= random << 17
		bucket := ids[random%uint64(len(ids))]
		id, key := uuid.Must(uuid.NewV7()), uuid.New()
		pipeline.SendQueryPrepared("raw_begin", nil, nil, nil)
		pipeline.SendQueryPrepared("raw_insert", [][]byte{id[:], source[:], key[:], bucket[:]}, binary, nil)
		pipeline.SendQueryPrepared("raw_update", [][]byte{bucket[:]}, binary, nil)
		pipeline.SendQueryPrepared("raw_commit", nil, nil, nil)
		if err := pipeline.Sync(); err != nil {
			return done, err
		}
		for range 4 {
			results, err := pipeline.GetResults()
			if err != nil {
				return done, err
			}
			if reader, is := results.(*pgconn.ResultReader); is {
				if _, err := reader.Close(); err != nil {
					return done, err
				}
			}
		}
		if _, err := pipeline.GetResults(); err != nil { // the sync
			return done, err
		}
		done++
	}
	return done, nil
}

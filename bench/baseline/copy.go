package baseline

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// written lists the tables in which usage leaves rows, in the order in which
// charging writes them.
var written = []string{"usage_key", "usage_record", "charge", "ledger_transfer", "usage_counter"}

// Rows are what the transactions of a run left in its tables, by transaction,
// in COPY's binary format.
type Rows struct {
	schema string
	chunks [][][]byte    // by transaction, by table as in written
	taken  time.Duration // by the key table
	sized  int64
}

// Cost is what one event costs.
type Cost struct {
	Micros float64
	Bytes  int64
}

// Mark is an instant before a run: what was there is none of its rows. The zero
// value is before everything.
type Mark struct {
	xid  int64 // transactions of the run have higher ids
	keys int64 // last block of the key table
}

// SetMark marks this instant.
func SetMark(ctx context.Context, conn *pgx.Conn, schema string) (m Mark, err error) {
	const sql = `select pg_current_xact_id()::text::bigint, greatest(pg_relation_size($1::text::regclass) / current_setting('block_size')::bigint - 1, 0)`
	if err := conn.QueryRow(ctx, sql, schema+".usage_key").Scan(&m.xid, &m.keys); err != nil {
		return Mark{}, fmt.Errorf("mark the beginning of a run: %w", err)
	}
	return m, nil
}

// behind is a condition that spares looking through all keys there ever were.
func (m Mark) behind(table string) string {
	if table != "usage_key" {
		return ""
	}
	return fmt.Sprintf(` and t.ctid >= '(%d,0)'::tid`, m.keys)
}

// Read reads, in the order in which they were written, the rows of those
// transactions that have accepted usage records in a schema since a mark.
func Read(ctx context.Context, conn *pgx.Conn, schema string, since Mark) (*Rows, error) {
	rows, err := conn.Query(ctx, `select xmin::text from `+schema+`.usage_record where xmin::text::bigint > $1 group by 1 order by min(ctid)`, since.xid)
	if err != nil {
		return nil, fmt.Errorf("find transactions: %w", err)
	}
	transactions, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("find transactions: %w", err)
	}
	r := &Rows{schema: schema, chunks: make([][][]byte, len(transactions))}
	for i, xid := range transactions {
		for _, table := range written {
			var chunk bytes.Buffer
			sql := `copy (select t.* from ` + schema + `.` + table + ` as t where t.xmin = '` + xid + `'` + since.behind(table) + ` order by t.ctid) to stdout (format binary)`
			if _, err := conn.PgConn().CopyTo(ctx, &chunk, sql); err != nil {
				return nil, fmt.Errorf("read rows of %s: %w", table, err)
			}
			r.chunks[i] = append(r.chunks[i], chunk.Bytes())
		}
	}
	return r, nil
}

// Transactions is how many there were.
func (r *Rows) Transactions() int { return len(r.chunks) }

// Copy copies the rows into empty tables in a new schema, each chunk in one
// transaction across all tables, and says how long that took.
func (r *Rows) Copy(ctx context.Context, conn *pgx.Conn, into string) (time.Duration, error) {
	if _, err := conn.Exec(ctx, `create schema `+into); err != nil {
		return 0, err
	}
	for _, table := range written {
		if _, err := conn.Exec(ctx, `create table `+into+`.`+table+` (like `+r.schema+`.`+table+` including all)`); err != nil {
			return 0, fmt.Errorf("create copy of %s: %w", table, err)
		}
	}
	began := time.Now()
	for _, chunk := range r.chunks {
		if err := r.copyChunk(ctx, conn, into, chunk); err != nil {
			return 0, err
		}
	}
	took := time.Since(began)
	err := conn.QueryRow(ctx, `select pg_total_relation_size($1::text::regclass)`, into+".usage_key").Scan(&r.sized)
	return took, err
}

func (r *Rows) copyChunk(ctx context.Context, conn *pgx.Conn, into string, chunk [][]byte) error {
	if _, err := conn.Exec(ctx, "begin"); err != nil {
		return err
	}
	for i, table := range written {
		began := time.Now()
		if _, err := conn.PgConn().CopyFrom(ctx, bytes.NewReader(chunk[i]), `copy `+into+`.`+table+` from stdin (format binary)`); err != nil {
			return fmt.Errorf("copy %s: %w", table, err)
		}
		if table == "usage_key" {
			r.taken += time.Since(began)
		}
	}
	_, err := conn.Exec(ctx, "commit")
	return err
}

// KeyCost is what the key table, which is kept for ever, took of Copy.
func (r *Rows) KeyCost(events int) Cost {
	return Cost{Micros: float64(r.taken.Microseconds()) / float64(events), Bytes: r.sized / int64(events)}
}

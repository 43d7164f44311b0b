package charging_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
)

// written lists what a file of calls leaves behind, in the order of writing.
var written = []string{"usage_key", "usage_record", "charge", "ledger_transfer"}

// BenchmarkIngestFile measures a file from parsing to its last commit beside a
// COPY, in chunks of the same size, of the rows it left into empty tables with
// the same constraints and indexes.
func BenchmarkIngestFile(b *testing.B) {
	const records, customers, chunk = 100_000, 2_000, 5_000
	for b.Loop() {
		w := newWorld(b, bundlePlan)
		w.grantCycle(w.customers("bundle", account.Postpaid, 0, customers)...)
		job := w.register("calls.csv", calls(w, records, customers))
		began := time.Now()
		if err := w.engine.IngestFile(b.Context(), w.transact, job); err != nil {
			b.Fatal(err)
		}
		ours := float64(records) / time.Since(began).Seconds()
		copied := float64(records) / w.copyAgain(b, records/chunk).Seconds()
		b.ReportMetric(ours, "records/s")
		b.ReportMetric(copied, "copied/s")
		b.ReportMetric(ours/copied, "ratio")
		w.sums()
	}
}

// copyAgain copies what is in the tables into empty ones and times it.
func (w *world) copyAgain(b *testing.B, chunks int) time.Duration {
	b.Helper()
	ctx, schema := context.Background(), w.Ref.Slot.Schema()
	conn, err := pgx.Connect(ctx, w.Server.AdminURL(w.Database))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	exec := func(sql string) {
		if _, err := conn.Exec(ctx, sql); err != nil {
			b.Fatal(err)
		}
	}
	parts := make([][][]byte, chunks)
	for _, table := range written {
		var count int
		if err := conn.QueryRow(ctx, `select count(*) from `+schema+`.`+table).Scan(&count); err != nil {
			b.Fatal(err)
		}
		size := (count + chunks - 1) / chunks
		for i := range parts {
			var part bytes.Buffer
			sql := fmt.Sprintf(`copy (select * from %s.%s order by ctid limit %d offset %d) to stdout (format binary)`, schema, table, size, i*size)
			if _, err := conn.PgConn().CopyTo(ctx, &part, sql); err != nil {
				b.Fatal(err)
			}
			parts[i] = append(parts[i], part.Bytes())
		}
		exec(`create table copy_of_` + table + ` (like ` + schema + `.` + table + ` including all)`)
	}
	exec("checkpoint")
	began := time.Now()
	for _, part := range parts {
		exec("begin")
		for i, table := range written {
			if _, err := conn.PgConn().CopyFrom(ctx, bytes.NewReader(part[i]), `copy copy_of_`+table+` from stdin (format binary)`); err != nil {
				b.Fatal(err)
			}
		}
		exec("commit")
	}
	return time.Since(began)
}

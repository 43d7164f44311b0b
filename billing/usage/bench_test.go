package usage_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

const benchChunk = 5000

// BenchmarkIngest reads, accepts and stores a file in chunks: what this package
// adds to charging one. Its ratio is to COPY of the same rows in the same chunks.
func BenchmarkIngest(b *testing.B) {
	db, g := newTenant(b), gate(b)
	feed := source(b, db, "asterisk-master-csv")
	schema := db.Ref.Slot.Schema()
	service, account := uuid.New(), uuid.New()
	template := strings.SplitAfter(sample(b, "asterisk-Master.csv"), "\n")[0]
	n := max(b.N, benchChunk)
	var text strings.Builder
	for i := range n {
		text.WriteString(strings.Replace(template, "1780294442.26", fmt.Sprintf("1780294442.%d", i+100), 1))
	}
	b.ReportAllocs()
	b.ResetTimer()
	var chunk []usage.Record
	flush := func() {
		db.Write(b, func(ctx context.Context, tx tenant.Tx) error {
			admissions, err := g.Accept(ctx, tx, feed.ID, uuid.Nil, chunk)
			if err != nil {
				return err
			}
			stored := make([]usage.Stored, 0, len(chunk))
			for i := range chunk {
				if admissions[i].Outcome == usage.Accepted {
					stored = append(stored, usage.Stored{ID: uuid.Must(uuid.NewV7()), Period: usage.PeriodOf(chunk[i].End, db.Zone),
						Source: feed.ID, Service: service, Account: account, Record: &chunk[i]})
				}
			}
			return usage.Store(ctx, tx, stored)
		})
		chunk = chunk[:0]
	}
	err := feed.Mapping.Read(strings.NewReader(text.String()), usage.Input{At: june}, func(i *usage.Item) error {
		if chunk = append(chunk, *i.Record); len(chunk) == benchChunk {
			flush()
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	flush()
	b.StopTimer()

	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
	took := copyAgain(b, db.Admin, schema)
	b.ReportMetric(took/b.Elapsed().Seconds(), "of-copy")
}

// copyAgain copies the rows that were left into empty copies of their tables
// and returns the seconds it took.
func copyAgain(b *testing.B, admin *pgxpool.Pool, schema string) float64 {
	b.Helper()
	ctx := context.Background()
	var seconds float64
	for table, columns := range map[string]string{
		"usage_key":    "source_id, key, body",
		"usage_record": "period, id, source_id, file_id, line, producer_id, kind, service_id, account_id, started_at, ended_at, origin, destination, quantity, unit, session_id, accepted_at",
	} {
		seconds += copyTable(ctx, b, admin, schema, table, columns)
	}
	return seconds
}

func copyTable(ctx context.Context, b *testing.B, admin *pgxpool.Pool, schema, table, columns string) float64 {
	b.Helper()
	into := schema + ".copy_of_" + table
	if _, err := admin.Exec(ctx, `create table `+into+` (like `+schema+`.`+table+` including all)`); err != nil {
		b.Fatal(err)
	}
	rows, err := admin.Query(ctx, `select `+columns+` from `+schema+`.`+table)
	if err != nil {
		b.Fatal(err)
	}
	values, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
	if err != nil {
		b.Fatal(err)
	}
	name := pgx.Identifier{schema, "copy_of_" + table}
	began := time.Now()
	for len(values) > 0 {
		n := min(benchChunk, len(values))
		if _, err := admin.CopyFrom(ctx, name, strings.Split(columns, ", "), pgx.CopyFromRows(values[:n])); err != nil {
			b.Fatal(err)
		}
		values = values[n:]
	}
	return time.Since(began).Seconds()
}

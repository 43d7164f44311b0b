package tenant

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Share is what of online charging is a tenant's, on the host database where it
// stands: a weight against the others, and what it is guaranteed.
type Share struct {
	Tenant ID
	Weight int           // against the others'; DefaultWeight where nothing is said
	Rate   int64         // guaranteed charges a second; zero: nothing is
	P99    time.Duration // within which 99 of 100 of them are answered
}

// DefaultWeight is the weight of a tenant whose share nobody has set.
const DefaultWeight = 100

// Shares reads the shares that were set of tenants of this host database.
func (db *DB) Shares(ctx context.Context) (shares []Share, err error) {
	err = db.inHost(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select s.tenant, s.weight, s.rate, s.p99_ms from share s join placement p using (tenant) where p.state in ('ready', 'leaving')`)
		if err != nil {
			return err
		}
		shares, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Share, err error) {
			var millis int64
			err = row.Scan(&s.Tenant, &s.Weight, &s.Rate, &millis)
			s.P99 = time.Duration(millis) * time.Millisecond
			return s, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read shares: %w", err)
	}
	return shares, nil
}

// Attained is what a process made of a tenant's guarantee in the last minutes.
type Attained struct {
	Tenant   ID
	Seconds  int64         // that the counts are of
	Promised int64         // requests within the guarantee
	Late     int64         // of them, those that took longer than its bound
	Refused  int64         // of them, those that were turned away
	Beyond   int64         // requests over the guarantee
	P99      time.Duration // of those within it
}

// Throughput is what a process charges a second, of all tenants together.
type Throughput struct{ Now, Most int64 }

// NoteAttained writes down, for the control plane, what this process made of
// guarantees and how much it charges.
func (db *DB) NoteAttained(ctx context.Context, process string, all Throughput, of []Attained) error {
	at := db.now().UTC()
	err := db.inHost(ctx, func(tx pgx.Tx) error {
		var b pgx.Batch
		b.Queue(`
			insert into throughput (process, at, now, most) values ($1, $2, $3, $4)
			on conflict (process) do update set at = excluded.at, now = excluded.now, most = greatest(throughput.most, excluded.most)`,
			process, at, all.Now, all.Most)
		for _, a := range of {
			b.Queue(`
				insert into attained (tenant, process, at, seconds, promised, late, refused, beyond, p99_ms)
				values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
				on conflict (tenant, process) do update
				   set at = excluded.at, seconds = excluded.seconds, promised = excluded.promised, late = excluded.late,
				       refused = excluded.refused, beyond = excluded.beyond, p99_ms = excluded.p99_ms`,
				a.Tenant, process, at, a.Seconds, a.Promised, a.Late, a.Refused, a.Beyond, a.P99.Milliseconds())
		}
		return tx.SendBatch(ctx, &b).Close()
	})
	if err != nil {
		return fmt.Errorf("note what was attained: %w", err)
	}
	return nil
}

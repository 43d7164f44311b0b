package local

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
)

// counted bounds what is counted: beyond it a figure reads as this many.
const counted = 1_000_000

// loadOver is the time over which the load of a minute is averaged.
const loadOver = 10 * time.Minute

// Inspect implements provisioning.Inspector. Load is counted in wall time, of
// which the ids of rows tell: a sandbox's clock says nothing about our machines.
func (c *Cloud) Inspect(ctx context.Context, at provisioning.Placed) (provisioning.Figures, error) {
	var f provisioning.Figures
	now := c.config.Now()
	err := c.config.DB.Read(ctx, refOf(at), func(ctx context.Context, tx tenant.Tx) error {
		f.Clock = tx.At
		var b pgx.Batch
		b.Queue(`select standing from operator where id = 1`).QueryRow(func(row pgx.Row) error { return row.Scan(&f.Standing) })
		b.Queue(`select count(*) from billing_account where state = 'active'`).QueryRow(count(&f.Subscribers))
		// the last month of usage and the one before hold whatever came in lately
		const recent = `select count(*) from (select from %s where period >= ($1::timestamptz - interval '40 days')::date and id > $2 limit $3) r`
		b.Queue(fmt.Sprintf(recent, "usage_record"), tx.At, since(now.Add(-24*time.Hour)), counted).QueryRow(count(&f.UsageDay))
		b.Queue(fmt.Sprintf(recent, "usage_record"), tx.At, since(now.Add(-loadOver)), counted).QueryRow(count(&f.UsageMinute))
		b.Queue(fmt.Sprintf(recent, "charge"), tx.At, since(now.Add(-loadOver)), counted).QueryRow(count(&f.Charges))
		b.Queue(`select count(*), min(due_at) from agenda where state = 'due' and due_at <= $1`, tx.At).QueryRow(func(row pgx.Row) error {
			return row.Scan(&f.Due, &f.OldestDue)
		})
		b.Queue(`select count(*) from agenda where state = 'failed'`).QueryRow(count(&f.Failed))
		b.Queue(`select count(*) from (select from suspense where state = 'waiting' limit $1) s`, counted).QueryRow(count(&f.Suspense))
		b.Queue(`select max(sealed_at) from audit_seal`).QueryRow(func(row pgx.Row) error { return row.Scan(&f.SealedAt) })
		return tx.SendBatch(ctx, &b).Close()
	})
	if err != nil {
		return f, fmt.Errorf("inspect %s: %w", at.Operator.Name, err)
	}
	const minutes = int64(loadOver / time.Minute)
	f.UsageMinute, f.Charges = f.UsageMinute/minutes, f.Charges/minutes
	err = c.owner.QueryRow(ctx, `
		select coalesce(sum(pg_total_relation_size(oid)), 0)::bigint
		  from pg_class
		 where relnamespace = to_regnamespace($1) and relkind = 'r'`, at.Place.Slot.Schema()).Scan(&f.SizeBytes)
	if err != nil {
		return f, fmt.Errorf("measure %s: %w", at.Operator.Name, err)
	}
	return f, nil
}

func count(into *int64) func(pgx.Row) error {
	return func(row pgx.Row) error { return row.Scan(into) }
}

// since is the smallest id (UUIDv7, RFC 9562, 5.7) of an instant.
func since(at time.Time) uuid.UUID {
	var id uuid.UUID
	var millis [8]byte
	binary.BigEndian.PutUint64(millis[:], uint64(at.UnixMilli()))
	copy(id[:6], millis[2:])
	id[6], id[8] = 0x70, 0x80
	return id
}

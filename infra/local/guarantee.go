package local

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/provisioning/guarantee"
)

var _ guarantee.Hosts = (*Fleet)(nil)

// Share implements guarantee.Hosts.
func (f *Fleet) Share(ctx context.Context, host string, s tenant.Share, no int64) error {
	c, err := f.at(ctx, host)
	if err != nil {
		return err
	}
	_, err = c.owner.Exec(ctx, `
		insert into host.share (tenant, weight, rate, p99_ms, no) values ($1, $2, $3, $4, $5)
		on conflict (tenant) do update set weight = excluded.weight, rate = excluded.rate, p99_ms = excluded.p99_ms, no = excluded.no
		 where share.no < excluded.no`, s.Tenant, s.Weight, s.Rate, s.P99.Milliseconds(), no)
	if err != nil {
		return provisioning.Because("The host database did not take the guarantee.", err)
	}
	return nil
}

// Attained implements guarantee.Hosts. What processes said over a minute ago is
// left out of their throughput.
func (f *Fleet) Attained(ctx context.Context, host string) (of []guarantee.Measured, all tenant.Throughput, err error) {
	c, err := f.at(ctx, host)
	if err != nil {
		return nil, all, err
	}
	rows, err := c.owner.Query(ctx, `select tenant, at, seconds, promised, late, refused, beyond, p99_ms * 1000000 from host.attained`)
	if err == nil {
		of, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (m guarantee.Measured, err error) {
			err = row.Scan(&m.Tenant, &m.At, &m.Seconds, &m.Promised, &m.Late, &m.Refused, &m.Beyond, &m.P99)
			return m, err
		})
	}
	if err == nil {
		err = c.owner.QueryRow(ctx, `
			select coalesce(sum(now) filter (where at > $1::timestamptz - interval '1 minute'), 0)::bigint, coalesce(sum(most), 0)::bigint
			  from host.throughput`, c.config.Now().UTC()).Scan(&all.Now, &all.Most)
	}
	if err != nil {
		return nil, all, fmt.Errorf("read what %s attained: %w", host, err)
	}
	return of, all, nil
}

package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Look is what a move would be.
type Look struct {
	SizeBytes int64
	Tables    int
	Compare   time.Duration // how long the source takes to count all
	Obstacles []string
}

// Look measures the source and sees whether both ends can do it.
func (m Move) Look(ctx context.Context) (Look, error) {
	var look Look
	err := m.From.admin(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `select coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint, count(*)
			  from pg_class c where c.relnamespace = $1::text::regnamespace and c.relkind = 'r'`, m.Slot.Schema()).Scan(&look.SizeBytes, &look.Tables)
	})
	if err != nil {
		return look, fmt.Errorf("measure %s: %w", m.Slot.Schema(), err)
	}
	began := time.Now()
	if _, _, err := m.measure(ctx, m.From); err != nil {
		return look, err
	}
	look.Compare = time.Since(began)
	for _, end := range []struct {
		side Side
		name string
	}{{m.From, "source"}, {m.To, "target"}} {
		if err := end.side.obstacles(ctx, end.name, &look); err != nil {
			return look, err
		}
	}
	return look, nil
}

// obstacles are settings with which no stream can begin.
func (s Side) obstacles(ctx context.Context, name string, look *Look) error {
	return s.admin(ctx, func(conn *pgx.Conn) error {
		var level string
		var slots, used, free int64
		err := conn.QueryRow(ctx, `
			select current_setting('wal_level'), current_setting('max_replication_slots')::bigint, (select count(*) from pg_replication_slots),
			       current_setting('max_logical_replication_workers')::bigint - (select count(*) from pg_stat_subscription where pid is not null)`).
			Scan(&level, &slots, &used, &free)
		if err != nil {
			return fmt.Errorf("look at the %s: %w", name, err)
		}
		if level != "logical" {
			look.Obstacles = append(look.Obstacles, fmt.Sprintf("The %s runs with wal_level %s: logical is needed.", name, level))
		}
		if used+2 > slots {
			look.Obstacles = append(look.Obstacles, fmt.Sprintf("The %s has no replication slot left (max_replication_slots is %d).", name, slots))
		}
		if free < 1 {
			look.Obstacles = append(look.Obstacles, fmt.Sprintf("The %s has no replication worker left (max_logical_replication_workers).", name))
		}
		return nil
	})
}

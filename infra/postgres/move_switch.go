package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// drainPatience is how long a transaction that still writes may go on once
// nobody may begin to.
const drainPatience = 2 * time.Second

// Fence lets nobody write at the source any more: the right is taken from the
// tenant's role, and what had begun before is waited for. From then on all the
// source will ever write has been written. Reading goes on.
func (m Move) Fence(ctx context.Context, to string, at time.Time) error {
	err := m.From.admin(ctx, func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			done, err := tx.Exec(ctx, `
				update host.placement set state = 'leaving', moved_to = $2, changed_at = $3, fence = $4
				 where tenant = $1 and state in ('ready', 'leaving') and fence <= $4`, m.Tenant, to, at, m.Token)
			if err == nil && done.RowsAffected() != 1 {
				err = ErrOvertaken
			}
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `revoke insert, update, delete, truncate on all tables in schema `+m.Slot.Schema()+` from `+m.Slot.Schema())
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("fence: %w", err)
	}
	return m.drain(ctx)
}

// drain waits until no transaction holds a writer's lock on any of the tables,
// and ends those that hold it too long: they roll back and are told so.
func (m Move) drain(ctx context.Context) error {
	patient := time.Now().Add(drainPatience)
	return m.From.admin(ctx, func(conn *pgx.Conn) error {
		for {
			rows, err := conn.Query(ctx, `
				select distinct l.pid
				  from pg_locks l
				  join pg_class c on c.oid = l.relation
				 where l.locktype = 'relation' and l.database = (select oid from pg_database where datname = current_database())
				   and l.mode in ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock') and l.granted
				   and c.relnamespace = $1::text::regnamespace and l.pid <> pg_backend_pid()`, m.Slot.Schema())
			if err != nil {
				return err
			}
			pids, err := pgx.CollectRows(rows, pgx.RowTo[int32])
			if err != nil || len(pids) == 0 {
				return err
			}
			if time.Now().After(patient) {
				if _, err := conn.Exec(ctx, `select pg_terminate_backend(pid) from unnest($1::int[]) pid`, pids); err != nil {
					return err
				}
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%w: %w", ErrNotDrained, ctx.Err())
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
}

// Unfence lets the tenant write at the source again: a switch is called off.
func (m Move) Unfence(ctx context.Context, at time.Time) error {
	return m.From.admin(ctx, func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			var state string
			err := tx.QueryRow(ctx, `select state from host.placement where tenant = $1 and fence <= $2 for update`, m.Tenant, m.Token).Scan(&state)
			if errors.Is(err, pgx.ErrNoRows) {
				return ErrOvertaken
			}
			if err != nil || state != "leaving" {
				return err
			}
			if err := grantSlot(ctx, tx.Conn(), m.Slot.Schema()); err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `update host.placement set state = 'ready', moved_to = '', changed_at = $2, fence = $3 where tenant = $1`, m.Tenant, at, m.Token)
			return err
		})
	})
}

// Arrived is a tenant as the target will know it.
type Arrived struct {
	Name    string
	Epoch   int64
	Sandbox bool
	At      time.Time
}

// Arrive lets the tenant be found at the target, where its work begins at once.
// It brings along what stands beside the schema: the wrapped data keys and the
// wish for something of the control plane.
func (m Move) Arrive(ctx context.Context, a Arrived) error {
	if err := m.bringKeys(ctx); err != nil {
		return err
	}
	return m.To.admin(ctx, func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			done, err := tx.Exec(ctx, `update host.slot set state = 'placed' where name = $1`, m.Slot.String())
			if err == nil && done.RowsAffected() != 1 {
				err = fmt.Errorf("slot %s is not there", m.Slot)
			}
			if err != nil {
				return fmt.Errorf("arrive: %w", err)
			}
			done, err = tx.Exec(ctx, `
				insert into host.placement (tenant, name, slot, epoch, sandbox, state, placed_at, changed_at, fence)
				values ($1, $2, $3, $4, $5, 'ready', $6, $6, $7)
				on conflict (tenant) do update
				   set slot = excluded.slot, epoch = excluded.epoch, state = 'ready', moved_to = '', placed_at = excluded.placed_at,
				       changed_at = excluded.changed_at, fence = excluded.fence
				 where placement.epoch < excluded.epoch and placement.fence <= excluded.fence`,
				m.Tenant, a.Name, m.Slot.String(), a.Epoch, a.Sandbox, a.At, m.Token)
			if err != nil {
				return fmt.Errorf("arrive: %w", err)
			}
			if done.RowsAffected() != 1 {
				return nil // it is here already, or has been
			}
			if err := grantSlot(ctx, tx.Conn(), m.Slot.Schema()); err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `insert into host.wake (tenant, due_at) values ($1, $2) on conflict (tenant) do update set due_at = least(wake.due_at, excluded.due_at)`,
				m.Tenant, time.Unix(0, 0).UTC())
			if err == nil {
				_, err = tx.Exec(ctx, `insert into host.ask (tenant, asked_at) values ($1, $2) on conflict (tenant) do nothing`, m.Tenant, a.At)
			}
			if err != nil {
				return fmt.Errorf("arrive: %w", err)
			}
			return nil
		})
	})
}

// Arrived says whether the tenant can be found at the target at an epoch, and
// since when.
func (m Move) Arrived(ctx context.Context, epoch int64) (at time.Time, there bool, err error) {
	err = m.To.admin(ctx, func(conn *pgx.Conn) error {
		err := conn.QueryRow(ctx, `select placed_at from host.placement where tenant = $1 and epoch >= $2 and state = 'ready'`, m.Tenant, epoch).Scan(&at)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		there = err == nil
		return err
	})
	return at.UTC(), there, err
}

// Depart has the source say that the tenant is gone, and where; what arrived
// at this epoch or later is left alone.
func (m Move) Depart(ctx context.Context, to string, epoch int64, at time.Time) error {
	return m.From.admin(ctx, func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			done, err := tx.Exec(ctx, `update host.placement set state = 'gone', moved_to = $2, changed_at = $3, epoch = $4 where tenant = $1 and epoch < $4`, m.Tenant, to, at, epoch)
			if err != nil || done.RowsAffected() == 0 {
				return err
			}
			for _, table := range []string{"wake", "ask"} {
				if _, err := tx.Exec(ctx, `delete from host.`+table+` where tenant = $1`, m.Tenant); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// keyRow is a wrapped data key.
type keyRow struct {
	Version   int32
	Wrapped   []byte
	State     string
	CreatedAt time.Time
	RetiredAt *time.Time
}

// bringKeys has the target hold exactly the data keys that the source holds.
func (m Move) bringKeys(ctx context.Context) error {
	var keys []keyRow
	err := m.From.admin(ctx, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `select version, wrapped, state, created_at, retired_at from host.data_key where tenant = $1 order by version`, m.Tenant)
		if err == nil {
			keys, err = pgx.CollectRows(rows, pgx.RowToStructByPos[keyRow])
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("read data keys: %w", err)
	}
	return m.To.admin(ctx, func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `delete from host.data_key where tenant = $1`, m.Tenant); err != nil {
				return err
			}
			for _, k := range keys {
				_, err := tx.Exec(ctx, `insert into host.data_key (tenant, version, wrapped, state, created_at, retired_at) values ($1, $2, $3, $4, $5, $6)`,
					m.Tenant, k.Version, k.Wrapped, k.State, k.CreatedAt, k.RetiredAt)
				if err != nil {
					return fmt.Errorf("bring data key %d: %w", k.Version, err)
				}
			}
			return nil
		})
	})
}

// ErrLives refuses to take away a slot in which a tenant lives.
var ErrLives = errors.New("a tenant lives here")

// Clear takes away what is left of the tenant at the source, once nobody will
// go back there.
func (m Move) Clear(ctx context.Context) error {
	return m.From.admin(ctx, func(conn *pgx.Conn) error {
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			// An arrival waits for this row, and then finds no slot.
			if _, err := tx.Exec(ctx, `update host.slot set state = 'retired' where name = $1`, m.Slot.String()); err != nil {
				return err
			}
			var lives bool
			err := tx.QueryRow(ctx, `select exists (select from host.placement where slot = $1 and (state <> 'gone' or fence > $2))`, m.Slot.String(), m.Token).Scan(&lives)
			if err != nil {
				return err
			}
			if lives {
				return ErrLives
			}
			for _, statement := range []string{`delete from host.placement where tenant = $1`, `delete from host.wake where tenant = $1`,
				`delete from host.ask where tenant = $1`, `delete from host.share where tenant = $1`, `delete from host.attained where tenant = $1`, `delete from host.data_key where tenant = $1`} {
				if _, err := tx.Exec(ctx, statement, m.Tenant); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("clear: %w", err)
		}
		return dropSlotHere(ctx, conn, m.Slot)
	})
}

// roleInUse is what a server says of a role that has rights in another of its
// databases: the slot stands there under the same name.
const roleInUse = "2BP01"

func isRoleInUse(err error) bool {
	pg, is := errors.AsType[*pgconn.PgError](err)
	return is && pg.Code == roleInUse
}

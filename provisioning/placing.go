package provisioning

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// ErrNoRoom means that no open host database for many has room for another
// stack: one is to be added, opened or made larger.
var ErrNoRoom = errors.New("no open host database has room for another stack: add one, open one, or raise a capacity")

// ErrOwnMachines refuses what only a stack in a host database of ours can have:
// this one stands on machines of the operator's own, which we do not reach into.
var ErrOwnMachines = errors.New("the stack stands on machines of the operator's own: that is done there")

// Pool is how much room for stacks the open host databases for many have.
type Pool struct {
	Databases int // open ones for many
	Has       int // stacks that they may hold
	Used      int // that stand there, or come by a move
	Waiting   int // stacks that have no place yet
}

// Free is for how many more stacks there is room.
func (p Pool) Free() int { return max(p.Has-p.Used-p.Waiting, 0) }

// poolWarn is how many places are left when somebody should add more.
const poolWarn = 10

// Buy is how many places more there should be; zero: enough.
func (p Pool) Buy() int { return max(poolWarn-p.Free(), 0) }

// PoolOf adds up the open host databases for many.
func PoolOf(ctx context.Context, tx tenants.Tx) (Pool, error) {
	hosts, err := roomiest(ctx, tx.Tx)
	if err != nil {
		return Pool{}, err
	}
	var p Pool
	for _, h := range hosts {
		if h.open && h.kind == Pooled {
			p.Databases, p.Has, p.Used = p.Databases+1, p.Has+h.capacity, p.Used+min(h.taken, h.capacity)
		}
	}
	p.Waiting, err = unplaced(ctx, tx.Tx, uuid.Nil)
	return p, err
}

// host is a host database as one who looks for a place sees it.
type host struct {
	name            string
	kind            HostKind
	open            bool
	capacity, taken int
	wished          int   // stacks that wait for a place in this one
	unpromised      int64 // charges a second that nobody was guaranteed
}

func (h host) free() int { return h.capacity - h.taken - h.wished }

// roomiest reads all host databases, the one with the most room first; of two
// alike the one that has promised less of what it carries.
func roomiest(ctx context.Context, tx pgx.Tx) ([]host, error) {
	rows, err := tx.Query(ctx, `
		select h.name, h.kind, h.open, h.capacity,
		       (select count(*) from stack s where s.host = h.name)
		     + (select count(*) from move m where m.to_host = h.name and m.done_at is null and m.switched_at is null),
		       (select count(*) from stack s where s.wanted_host = h.name and s.slot = ''),
		       h.charges_per_second - (select coalesce(sum(g.rate), 0)::bigint
		                                 from guarantee g
		                                 join stack s on s.operator_id = g.operator_id
		                                where s.host = h.name)
		  from host_database h
		 order by h.name`)
	if err != nil {
		return nil, fmt.Errorf("look for room: %w", err)
	}
	hosts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h host, err error) {
		err = row.Scan(&h.name, &h.kind, &h.open, &h.capacity, &h.taken, &h.wished, &h.unpromised)
		return h, err
	})
	if err != nil {
		return nil, fmt.Errorf("look for room: %w", err)
	}
	slices.SortStableFunc(hosts, func(a, b host) int {
		return cmp.Or(cmp.Compare(b.free(), a.free()), cmp.Compare(b.unpromised, a.unpromised))
	})
	return hosts, nil
}

// unplaced counts stacks that wait for a place in any host database, but for
// one operator's.
func unplaced(ctx context.Context, tx pgx.Tx, except uuid.UUID) (n int, err error) {
	err = tx.QueryRow(ctx, `select count(*) from stack where slot = '' and not own and wanted_host = '' and operator_id <> $1`, except).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count stacks without a place: %w", err)
	}
	return n, nil
}

// inLine has those who look for a place come one after the other: whoever waited
// here sees what those before have written.
func inLine(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, `select from host_database order by name for no key update`); err != nil {
		return fmt.Errorf("wait for who looks for room: %w", err)
	}
	return nil
}

// mayCome refuses a new stack for which there is no room, in the transaction
// that asks for it. A registry that knows no host database leaves it to the
// cloud.
func mayCome(ctx context.Context, tx pgx.Tx, where tenants.Placement) error {
	if where.Own {
		return nil
	}
	if err := inLine(ctx, tx); err != nil {
		return err
	}
	hosts, err := roomiest(ctx, tx)
	if err != nil || len(hosts) == 0 && where.Host == "" {
		return err
	}
	if where.Host != "" {
		i := slices.IndexFunc(hosts, func(h host) bool { return h.name == where.Host })
		switch {
		case i < 0:
			return fmt.Errorf("%s: %w", where.Host, ErrNoHost)
		case !hosts[i].open || hosts[i].free() < 1:
			return fmt.Errorf("%s has %d of %d: %w", where.Host, hosts[i].taken, hosts[i].capacity, ErrHostFull)
		}
		return nil
	}
	waiting, err := unplaced(ctx, tx, uuid.Nil)
	if err != nil {
		return err
	}
	free := 0
	for _, h := range hosts {
		if h.open && h.kind == Pooled {
			free += max(h.free(), 0)
		}
	}
	if free <= waiting {
		return ErrNoRoom
	}
	return nil
}

// chooseHost names the host database that a stack is to stand in: the one that
// staff chose, else the open one with the most room; empty where the registry
// knows none at all.
func (r *Reconciler) chooseHost(ctx context.Context, c claim) (string, error) {
	var name string
	err := r.db.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		hosts, err := roomiest(ctx, tx.Tx)
		if err != nil || len(hosts) == 0 && c.WantedHost == "" {
			return err
		}
		i := slices.IndexFunc(hosts, func(h host) bool { return h.takes(c.WantedHost) })
		if i < 0 {
			return Because(noRoomReason(c.WantedHost), ErrNoRoom)
		}
		name = hosts[i].name
		return nil
	})
	return name, err
}

// takes says whether a stack may come that wants a host database by name, or
// any. What it wished for is counted as wished already.
func (h host) takes(wanted string) bool {
	if wanted != "" {
		return h.name == wanted && h.open && h.taken < h.capacity
	}
	return h.kind == Pooled && h.open && h.free() > 0
}

func noRoomReason(wanted string) string {
	if wanted != "" {
		return fmt.Sprintf("The host database %s is closed or full: open it or raise its capacity. It is tried again by itself.", wanted)
	}
	return "No open host database has room: add one, open one or raise a capacity. It is tried again by itself."
}

// stillTakes is asked in the transaction that writes a place down: what was free
// when it was chosen may be closed or full by now.
func stillTakes(ctx context.Context, tx tenants.Tx, c claim, name string) error {
	if err := inLine(ctx, tx.Tx); err != nil {
		return err
	}
	hosts, err := roomiest(ctx, tx.Tx)
	if err != nil || len(hosts) == 0 {
		return err
	}
	i := slices.IndexFunc(hosts, func(h host) bool { return h.name == name })
	if i < 0 || !hosts[i].takes(c.WantedHost) {
		return errPlaceTaken
	}
	return nil
}

// Elsewhere has a stack that was to stand on machines of the operator's own, and
// never did, made in a host database; errors as of Request. A stack that stands
// is ErrPlaced.
func Elsewhere(ctx context.Context, tx tenants.Tx, operator tenant.ID, host string) error {
	if err := mayCome(ctx, tx.Tx, tenants.Placement{Host: host}); err != nil {
		return err
	}
	done, err := tx.Exec(ctx, `
		update stack set own = false, wanted_host = $2, next_try_at = $3
		 where operator_id = $1 and own and state = 'requested'`, operator, host, tx.At)
	if err != nil {
		return fmt.Errorf("place stack of %s elsewhere: %w", operator, err)
	}
	if done.RowsAffected() != 1 {
		return fmt.Errorf("stack of %s: %w", operator, ErrPlaced)
	}
	return nil
}

// ErrPlaced refuses another place for a stack that has one: it is moved.
var ErrPlaced = errors.New("the stack has its place: move it there")

// OwnGone notes that the machines of the operator's own that carried its stack
// are taken away: it stands nowhere until others come.
func OwnGone(ctx context.Context, tx tenants.Tx, operator tenant.ID) error {
	_, err := tx.Exec(ctx, `update stack set state = 'requested', ready_at = null where operator_id = $1 and own and state = 'ready'`, operator)
	if err != nil {
		return fmt.Errorf("note that the stack of %s is gone: %w", operator, err)
	}
	return nil
}

// OwnStands notes that machines of the operator's own carry its stack now. A
// stack that stands in a host database of ours is left as it is.
func OwnStands(ctx context.Context, tx tenants.Tx, operator tenant.ID) error {
	_, err := tx.Exec(ctx, `
		update stack set state = 'ready', reason = '', ready_at = $2, attempts = greatest(attempts, 1)
		 where operator_id = $1 and own and state <> 'ready'`, operator, tx.At)
	if err != nil {
		return fmt.Errorf("note that the stack of %s stands: %w", operator, err)
	}
	return nil
}

// OwnObeys notes that machines of the operator's own work by the operator's
// present standing.
func OwnObeys(ctx context.Context, tx tenants.Tx, operator tenant.ID) error {
	_, err := tx.Exec(ctx, `
		update stack set standing_carried = standing_wanted, standing_tries = 0, standing_next_at = null
		 where operator_id = $1 and own and standing_carried < standing_wanted`, operator)
	if err != nil {
		return fmt.Errorf("note the standing of %s: %w", operator, err)
	}
	return nil
}

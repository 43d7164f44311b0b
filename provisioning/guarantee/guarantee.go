package guarantee

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// Guarantee is what of online charging is one operator's.
type Guarantee struct {
	Operator  tenant.ID
	Name      string // the operator's
	Host      string // where its stack stands
	Weight    int    // against the neighbours'
	Rate      int64  // charges a second; zero: none are guaranteed
	P99       time.Duration
	No        int64 // of the change
	Carried   bool  // the host obeys it
	Reason    string
	ChangedBy string
	ChangedAt time.Time
	Attained  *Attained // nil: not measured yet
}

// Attained is what became of a guarantee in the last minutes.
type Attained struct {
	At       time.Time
	Seconds  int64         // that the counts are of
	Promised int64         // requests within the guarantee
	Late     int64         // of them, those that took longer than its bound
	Refused  int64         // of them, those that were turned away
	Beyond   int64         // requests over the guarantee
	P99      time.Duration // of those within it
}

// PerSecond is the rate of what was charged within the guarantee.
func (a Attained) PerSecond() int64 { return a.Promised / max(a.Seconds, 1) }

// Held says whether it was: nothing within it was turned away, and at most one
// of a hundred was late.
func (a Attained) Held() bool { return a.Refused == 0 && a.Late*100 <= a.Promised }

// Terms are what is wanted.
type Terms struct {
	Weight int // 0: the usual one
	Rate   int64
	P99    time.Duration
}

// Bounds of terms.
const (
	maxWeight = 1000
	maxRate   = 1_000_000
	leastP99  = 10 * time.Millisecond
	mostP99   = time.Minute
)

var (
	// ErrNone means that an operator has no guarantee.
	ErrNone = errors.New("the operator has no guarantee")
	// ErrRoom refuses a guarantee that a host database can't hold beside those it
	// has given.
	ErrRoom = errors.New("the host database can't hold this beside what it has guaranteed already")
	// ErrWeight, ErrRate and ErrP99 refuse what is not written as it must be.
	ErrWeight = errors.New("a weight of 1 to 1000 is wanted")
	ErrRate   = errors.New("a rate of 0 to 1,000,000 charges a second is wanted")
	ErrP99    = errors.New("a p99 of 10 to 60,000 ms is wanted with a rate, and none without")
)

func (t *Terms) check() error {
	if t.Weight == 0 {
		t.Weight = tenant.DefaultWeight
	}
	switch {
	case t.Weight < 1 || t.Weight > maxWeight:
		return ErrWeight
	case t.Rate < 0 || t.Rate > maxRate:
		return ErrRate
	case t.Rate == 0 && t.P99 != 0, t.Rate > 0 && (t.P99 < leastP99 || t.P99 > mostP99):
		return ErrP99
	}
	return nil
}

// Set gives an operator its share. The same again changes nothing; ErrRoom if
// the host database can't hold it. The host obeys it within seconds.
func Set(ctx context.Context, tx tenants.Tx, by tenants.Actor, operator tenant.ID, want Terms) (Guarantee, error) {
	if err := want.check(); err != nil {
		return Guarantee{}, err
	}
	at, err := provisioning.PlacedIn(ctx, tx, operator)
	if err != nil {
		return Guarantee{}, err
	}
	// One at a time for each host database: what is free is counted once.
	if _, err := tx.Exec(ctx, `select from host_database where name = $1 for update`, at.Place.Host); err != nil {
		return Guarantee{}, fmt.Errorf("lock host database %s: %w", at.Place.Host, err)
	}
	before, err := Of(ctx, tx, operator)
	if err != nil && !errors.Is(err, ErrNone) {
		return Guarantee{}, err
	}
	if before.No > 0 && before.Weight == want.Weight && before.Rate == want.Rate && before.P99 == want.P99 {
		return before, nil
	}
	if want.Rate > before.Rate {
		if err := fits(ctx, tx, at.Place.Host, operator, want.Rate); err != nil {
			return Guarantee{}, err
		}
	}
	_, err = tx.Exec(ctx, `
		insert into guarantee (operator_id, weight, rate, p99_ms, no, next_try_at, changed_by, changed_at)
		values ($1, $2, $3, $4, 1, $6, $5, $6)
		on conflict (operator_id) do update
		   set weight = excluded.weight, rate = excluded.rate, p99_ms = excluded.p99_ms, no = guarantee.no + 1, tries = 0, reason = '',
		       next_try_at = excluded.next_try_at, changed_by = excluded.changed_by, changed_at = excluded.changed_at, measured_at = null`,
		operator, want.Weight, want.Rate, want.P99.Milliseconds(), by.String(), tx.At)
	if err != nil {
		return Guarantee{}, fmt.Errorf("write guarantee: %w", err)
	}
	err = tenants.Record(ctx, tx, by, tenants.Entry{Action: "guarantee.set", Object: uuid.UUID(operator),
		Detail: map[string]any{"weight": want.Weight, "rate": want.Rate, "p99_ms": want.P99.Milliseconds(), "host": at.Place.Host}})
	if err != nil {
		return Guarantee{}, err
	}
	return Of(ctx, tx, operator)
}

// Of reads an operator's; ErrNone if it has none.
func Of(ctx context.Context, tx tenants.Tx, operator tenant.ID) (Guarantee, error) {
	found, err := list(ctx, tx, `where g.operator_id = $1`, operator)
	if err == nil && len(found) == 0 {
		err = ErrNone
	}
	if err != nil {
		return Guarantee{}, err
	}
	return found[0], nil
}

// List reads all that guarantee something, by host database and name.
func List(ctx context.Context, tx tenants.Tx) ([]Guarantee, error) {
	return list(ctx, tx, `where g.rate > 0 order by s.host, o.name`)
}

func list(ctx context.Context, tx tenants.Tx, which string, args ...any) ([]Guarantee, error) {
	rows, err := tx.Query(ctx, `
		select g.operator_id, o.name, s.host, g.weight, g.rate, g.p99_ms, g.no, g.carried_no = g.no and g.carried_to = s.host, g.reason, g.changed_by, g.changed_at,
		       g.measured_at, g.seconds, g.promised, g.late, g.refused, g.beyond, g.seen_p99_ms
		  from guarantee g
		  join operator o on o.id = g.operator_id
		  join stack s on s.operator_id = g.operator_id `+which, args...)
	if err != nil {
		return nil, fmt.Errorf("read guarantees: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (g Guarantee, err error) {
		var a Attained
		var at *time.Time
		var bound, seen int64
		err = row.Scan(&g.Operator, &g.Name, &g.Host, &g.Weight, &g.Rate, &bound, &g.No, &g.Carried, &g.Reason, &g.ChangedBy, &g.ChangedAt,
			&at, &a.Seconds, &a.Promised, &a.Late, &a.Refused, &a.Beyond, &seen)
		g.P99, a.P99, g.ChangedAt = time.Duration(bound)*time.Millisecond, time.Duration(seen)*time.Millisecond, g.ChangedAt.UTC()
		if at != nil {
			a.At = at.UTC()
			g.Attained = &a
		}
		return g, err
	})
	if err != nil {
		return nil, fmt.Errorf("read guarantees: %w", err)
	}
	return found, nil
}

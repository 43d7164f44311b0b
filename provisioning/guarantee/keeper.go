package guarantee

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/provisioning/alarm"
	"tollhouse/tenants"
)

// Hosts are the host databases.
type Hosts interface {
	// Share has a host database obey a share from change number no on. One that
	// has heard of a later change already stays as it is.
	Share(ctx context.Context, host string, s tenant.Share, no int64) error
	// Attained reads what a host database's processes said lately: of each
	// guarantee, and of all charging.
	Attained(ctx context.Context, host string) ([]Measured, tenant.Throughput, error)
}

// Measured is what one process made of a guarantee.
type Measured struct {
	tenant.Attained
	At time.Time
}

// Keeper carries guarantees to their hosts and measures what became of them.
type Keeper struct {
	db    *tenants.DB
	hosts Hosts
	log   *slog.Logger
}

// NewKeeper makes a keeper; Run sets it to work.
func NewKeeper(db *tenants.DB, hosts Hosts, log *slog.Logger) *Keeper {
	return &Keeper{db: db, hosts: hosts, log: log}
}

const (
	carryEvery   = time.Second
	measureEvery = 10 * time.Second
	carryTimeout = 5 * time.Second
	// stale is how old a process's word may be to count.
	stale = time.Minute
	// judged is how many requests it takes to judge a guarantee.
	judged = 100
)

// Run works until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	tick := time.NewTicker(carryEvery)
	defer tick.Stop()
	var measured time.Time
	for {
		if err := k.Carry(ctx); err != nil && ctx.Err() == nil {
			k.log.Error("guarantees not carried", "error", err)
		}
		if now := k.db.Now(); now.Sub(measured) >= measureEvery {
			measured = now
			if err := k.Measure(ctx); err != nil && ctx.Err() == nil {
				k.log.Error("guarantees not measured", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// errand is a change on its way to the host where the stack stands now.
type errand struct {
	share tenant.Share
	no    int64
	host  string
	tries int
}

// Carry takes all changes to their hosts. Two control planes that do so at once
// do no harm: the host goes by the number.
func (k *Keeper) Carry(ctx context.Context) error {
	var due []errand
	err := k.db.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		rows, err := tx.Query(ctx, `
			select g.operator_id, g.weight, g.rate, g.p99_ms, g.no, s.host, g.tries
			  from guarantee g
			  join stack s using (operator_id)
			 where s.state = 'ready' and (g.carried_no < g.no or g.carried_to <> s.host) and g.next_try_at <= $1`, tx.At)
		if err != nil {
			return err
		}
		due, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (e errand, err error) {
			var millis int64
			err = row.Scan(&e.share.Tenant, &e.share.Weight, &e.share.Rate, &millis, &e.no, &e.host, &e.tries)
			e.share.P99 = time.Duration(millis) * time.Millisecond
			return e, err
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("read changes: %w", err)
	}
	var faults []error
	for _, e := range due {
		faults = append(faults, k.carry(ctx, e))
	}
	return errors.Join(faults...)
}

const maxPause = time.Minute

func (k *Keeper) carry(ctx context.Context, e errand) error {
	there, cancel := context.WithTimeout(ctx, carryTimeout)
	cause := k.hosts.Share(there, e.host, e.share, e.no)
	cancel()
	return k.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		if cause == nil {
			_, err = tx.Exec(ctx, `
				update guarantee set carried_no = $2, carried_to = $3, tries = 0, reason = ''
				 where operator_id = $1 and carried_no <= $2`, e.share.Tenant, e.no, e.host)
			return err
		}
		k.log.Warn("guarantee not carried", "operator", e.share.Tenant.String(), "host", e.host, "attempt", e.tries+1, "error", cause)
		_, err = tx.Exec(ctx, `update guarantee set tries = tries + 1, reason = $2, next_try_at = $3 where operator_id = $1 and no = $4`,
			e.share.Tenant, provisioning.ReasonOf(cause), tx.At.Add(min(time.Second<<min(e.tries, 6), maxPause)), e.no)
		return err
	})
}

// Measure asks all host databases what became of guarantees, and raises an
// alarm of those that were not held.
func (k *Keeper) Measure(ctx context.Context) error {
	var given []Guarantee
	var found []Room
	err := k.db.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		if given, err = list(ctx, tx, `where g.carried_no > 0`); err == nil {
			found, err = Rooms(ctx, tx)
		}
		return err
	})
	if err != nil {
		return err
	}
	var faults []error
	for _, host := range found {
		faults = append(faults, k.measure(ctx, host.Host, given))
	}
	return errors.Join(faults...)
}

func (k *Keeper) measure(ctx context.Context, host string, given []Guarantee) error {
	there, cancel := context.WithTimeout(ctx, carryTimeout)
	defer cancel()
	said, all, err := k.hosts.Attained(there, host)
	if err != nil {
		return fmt.Errorf("measure %s: %w", host, err)
	}
	return k.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		_, err := tx.Exec(ctx, `update host_database set charges_now = $2, charges_most = greatest(charges_most, $3), measured_at = $4 where name = $1`,
			host, all.Now, all.Most, tx.At)
		if err != nil {
			return fmt.Errorf("note throughput of %s: %w", host, err)
		}
		for _, g := range given {
			if g.Host != host {
				continue
			}
			if err := note(ctx, tx, g, sum(said, g.Operator, tx.At)); err != nil {
				return err
			}
		}
		return nil
	})
}

// sum puts together what processes said lately of an operator's guarantee: the
// counts add up, the slowest p99 counts. Nil if none did.
func sum(said []Measured, of tenant.ID, now time.Time) *Attained {
	var all *Attained
	for _, m := range said {
		if m.Tenant != of || now.Sub(m.At) > stale {
			continue
		}
		if all == nil {
			all = &Attained{}
		}
		all.Seconds, all.P99 = max(all.Seconds, m.Seconds), max(all.P99, m.P99)
		all.Promised += m.Promised
		all.Late += m.Late
		all.Refused += m.Refused
		all.Beyond += m.Beyond
	}
	return all
}

func note(ctx context.Context, tx tenants.Tx, g Guarantee, a *Attained) error {
	missed := alarm.Fault{Kind: alarm.GuaranteeMissed, Subject: uuid.UUID(g.Operator), Operator: g.Operator}
	if g.Rate == 0 {
		return alarm.Clear(ctx, tx, missed.Kind, missed.Subject)
	}
	if a == nil {
		return nil // nobody has charged, or its process is down: other alarms tell
	}
	_, err := tx.Exec(ctx, `
		update guarantee
		   set measured_at = $2, seconds = $3, promised = $4, late = $5, refused = $6, beyond = $7, seen_p99_ms = $8
		 where operator_id = $1`, g.Operator, tx.At, a.Seconds, a.Promised, a.Late, a.Refused, a.Beyond, a.P99.Milliseconds())
	if err != nil {
		return fmt.Errorf("note what became of a guarantee: %w", err)
	}
	if a.Held() {
		return alarm.Clear(ctx, tx, missed.Kind, missed.Subject)
	}
	if a.Promised+a.Refused < judged {
		return nil
	}
	missed.Detail = map[string]string{"host": g.Host, "rate": strconv.FormatInt(g.Rate, 10), "p99_ms": strconv.FormatInt(g.P99.Milliseconds(), 10),
		"seen_p99_ms": strconv.FormatInt(a.P99.Milliseconds(), 10), "late": strconv.FormatInt(a.Late, 10), "refused": strconv.FormatInt(a.Refused, 10)}
	return alarm.Raise(ctx, tx, missed)
}

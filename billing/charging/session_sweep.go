package charging

import (
	"context"
	"fmt"
	"time"

	"tollhouse/billing/agenda"
	"tollhouse/billing/charging/session"
	"tollhouse/billing/tenant"
)

const (
	sweepSessionsEvery = 30 * time.Minute
	// silentAfter is how long a session that holds nothing may say nothing.
	silentAfter = time.Hour
)

func nextSweep(at time.Time) time.Time {
	return at.Truncate(sweepSessionsEvery).Add(sweepSessionsEvery)
}

// sweepUnexpected says whether this process knows of no sweep to come.
func (e *Engine) sweepUnexpected(id tenant.ID, at time.Time) bool {
	known, found := e.sweeps.Load(id)
	return !found || !known.(time.Time).Equal(nextSweep(at))
}

// expectSweep puts the next sweep on the agenda.
func (e *Engine) expectSweep(ctx context.Context, tx tenant.Tx) error {
	due := nextSweep(tx.At)
	if !e.sweepUnexpected(tx.Tenant, tx.At) {
		return nil
	}
	if err := agenda.Add(ctx, tx, agenda.Item{Kind: agenda.SessionSweep, DueAt: due}); err != nil {
		return err
	}
	e.sweeps.Store(tx.Tenant, due)
	return nil
}

// What is being worked on is no silent session.
const abandonSessions = `
	update charging_session
	   set state = 'abandoned', bucket_ids = '{}', amounts = '{}', lender_ids = '{}', final = false
	 where id in (select s.id from charging_session as s
	               where s.state = 'open' and s.reserved_until <= $1 and s.last_at <= $2
	               order by s.id limit $3 for no key update skip locked)`

const closeAbandoned = `
	update charging_session
	   set state = 'closed', ending = 'silent', closed_at = $1
	 where id in (select s.id from charging_session as s
	               where s.state = 'abandoned' and s.last_at <= $2
	               order by s.id limit $3 for no key update skip locked)`

const forgetSessions = `
	with gone as (
	    delete from charging_session
	     where id in (select s.id from charging_session as s
	                   where s.state = 'closed' and s.closed_at <= $1
	                   order by s.closed_at limit $2 for update skip locked)
	    returning id
	), answers as (
	    delete from charging_answer where session_id in (select id from gone)
	), notices as (
	    delete from charging_notice where session_id in (select id from gone)
	)
	select count(*) from gone`

// SweepSessions marks sessions that fell silent as abandoned, closes those
// whose end nobody waits for any more and forgets what was closed long ago, up
// to limit of each. again says that more of it is left. Nothing depends on it:
// what a silent session held is free since its time was over.
func (e *Engine) SweepSessions(ctx context.Context, tx tenant.Tx, limit int) (again bool, err error) {
	silent, err := tx.Exec(ctx, abandonSessions, tx.At, tx.At.Add(-silentAfter), limit)
	if err != nil {
		return false, fmt.Errorf("abandon silent sessions: %w", err)
	}
	closed, err := tx.Exec(ctx, closeAbandoned, tx.At, tx.At.Add(-session.WaitForLate), limit)
	if err != nil {
		return false, fmt.Errorf("close abandoned sessions: %w", err)
	}
	var gone int
	if err := tx.QueryRow(ctx, forgetSessions, tx.At.Add(-session.KeepAnswers), limit).Scan(&gone); err != nil {
		return false, fmt.Errorf("forget closed sessions: %w", err)
	}
	if silent.RowsAffected() == int64(limit) || closed.RowsAffected() == int64(limit) || gone == limit {
		return true, nil
	}
	var left bool
	if err := tx.QueryRow(ctx, `select exists (select from charging_session)`).Scan(&left); err != nil {
		return false, fmt.Errorf("look for sessions: %w", err)
	}
	if left {
		return false, e.expectSweep(ctx, tx)
	}
	return false, nil
}

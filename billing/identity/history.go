package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// EventKind is what happened to a user's doors.
type EventKind string

// The kinds of event.
const (
	EventSignedIn        EventKind = "signed_in"
	EventRefused         EventKind = "refused"    // the password or code was wrong
	EventDelayed         EventKind = "delayed"    // too soon after others: it was not looked at
	EventChallenged      EventKind = "challenged" // the first factor was right, the second is wanted
	EventCodeSent        EventKind = "code_sent"
	EventResetSent       EventKind = "reset_sent"
	EventInvited         EventKind = "invited"
	EventPasswordChanged EventKind = "password_changed"
	EventFactorAdded     EventKind = "factor_added"
	EventFactorRemoved   EventKind = "factor_removed"
	EventRecoveryCodes   EventKind = "recovery_codes" // new ones were drawn
	EventSessionsEnded   EventKind = "sessions_ended"
)

// SignInEvent is one entry of a user's sign-in history.
type SignInEvent struct {
	ID        uuid.UUID
	Kind      EventKind
	At        time.Time // wall time
	Method    Method    // of an attempt, else ""
	Address   string
	UserAgent string
}

// Bounds of what is kept. Strangers can write refusals, so those have a bound
// of their own and push nothing else out.
const (
	maxRefusals = 100 // per user
	maxEvents   = 500 // per user, of the other kinds
	maxAddress  = 64  // bytes
)

const refusals = `kind in ('refused', 'delayed')`

// note adds to the history of a user; the zero id is for tries at nobody, which
// are kept the same way so that they take the same time.
func (a *Authority) note(ctx context.Context, tx tenant.Tx, user uuid.UUID, kind EventKind, method Method, o origin) (uuid.UUID, error) {
	id := uuid.Must(uuid.NewV7())
	var whose *uuid.UUID
	if user != uuid.Nil {
		whose = &user
	}
	_, err := tx.Exec(ctx, `insert into signin_event (id, user_id, kind, at, method, address, user_agent) values ($1, $2, $3, $4, $5, $6, $7)`,
		id, whose, kind, a.now(), method, kept(o.address, maxAddress), kept(o.userAgent, maxUserAgent))
	if err != nil {
		return uuid.Nil, fmt.Errorf("note %s: %w", kind, err)
	}
	if whose == nil {
		// As much writing as a user's counter takes, and the check of its key.
		if err := becomes(ctx, tx, id, kind); err != nil {
			return uuid.Nil, err
		}
	}
	return id, forgetEvents(ctx, tx, whose, kind)
}

// forgetEvents keeps the newest of a user's events. Planned by index
// signin_event_user, which an "is not distinct from" would not use.
func forgetEvents(ctx context.Context, tx tenant.Tx, user *uuid.UUID, kind EventKind) error {
	whose, which, most := `user_id = $1`, `not `+refusals, maxEvents
	if user == nil {
		whose = `user_id is null and $1::uuid is null`
	}
	if kind == EventRefused || kind == EventDelayed {
		which, most = refusals, maxRefusals
	}
	_, err := tx.Exec(ctx, `
		delete from signin_event
		 where id in (select id from signin_event where `+whose+` and `+which+` order by id desc offset $2)`, user, most)
	if err != nil {
		return fmt.Errorf("forget old events: %w", err)
	}
	return nil
}

// becomes says of an attempt, noted as refused before it was looked at, what it
// turned out to be.
func becomes(ctx context.Context, tx tenant.Tx, event uuid.UUID, kind EventKind) error {
	if _, err := tx.Exec(ctx, `update signin_event set kind = $2 where id = $1`, event, kind); err != nil {
		return fmt.Errorf("note %s: %w", kind, err)
	}
	return nil
}

// SignIns reads a user's sign-in history, newest first: events before an id, or
// the newest for a zero one.
func (a *Authority) SignIns(ctx context.Context, tx tenant.Tx, user, before uuid.UUID, limit int) ([]SignInEvent, error) {
	var last *uuid.UUID
	if before != uuid.Nil {
		last = &before
	}
	rows, err := tx.Query(ctx, `
		select id, kind, at, method, address, user_agent
		  from signin_event
		 where user_id = $1 and ($2::uuid is null or id < $2)
		 order by id desc
		 limit $3`, user, last, min(max(limit, 1), MaxPage))
	if err != nil {
		return nil, fmt.Errorf("read sign-in history: %w", err)
	}
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e SignInEvent, err error) {
		err = row.Scan(&e.ID, &e.Kind, &e.At, &e.Method, &e.Address, &e.UserAgent)
		e.At = e.At.UTC()
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("read sign-in history: %w", err)
	}
	return events, nil
}

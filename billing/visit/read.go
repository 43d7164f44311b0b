package visit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

const visitColumns = `v.id, v.consent_id, v.staff_id, v.staff_email, v.approver_id, v.approver_email, v.reason, v.may_change,
	v.began_at, v.expires_at, v.ended_at, v.ended_by`

// isOpen holds for a visit v that lasts at the wall time $2: its consent, if it
// has one, must still hold as well.
const isOpen = `v.ended_at is null and v.expires_at > $2
	and (v.consent_id is null or exists (
	     select from staff_consent c where c.id = v.consent_id and c.ended_at is null and c.expires_at > $2))`

func scanVisit(row pgx.CollectableRow) (Visit, error) {
	var v Visit
	var consent, approver *uuid.UUID
	err := row.Scan(&v.ID, &consent, &v.Staff.ID, &v.Staff.Email, &approver, &v.Approver.Email, &v.Reason, &v.MayChange,
		&v.BeganAt, &v.ExpiresAt, &v.EndedAt, &v.EndedBy)
	if consent != nil {
		v.ConsentID = *consent
	}
	if approver != nil {
		v.Approver.ID = *approver
	}
	v.BeganAt, v.ExpiresAt, v.EndedAt = v.BeganAt.UTC(), v.ExpiresAt.UTC(), utc(v.EndedAt)
	return v, err
}

// Get reads a visit; ErrNoVisit if there is none.
func Get(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Visit, error) {
	return oneVisit(ctx, tx, `select `+visitColumns+` from staff_visit v where v.id = $1`, id)
}

func oneVisit(ctx context.Context, tx tenant.Tx, query string, args ...any) (Visit, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return Visit{}, fmt.Errorf("read visit: %w", err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, scanVisit)
	if errors.Is(err, pgx.ErrNoRows) {
		return Visit{}, ErrNoVisit
	}
	if err != nil {
		return Visit{}, fmt.Errorf("read visit: %w", err)
	}
	return v, nil
}

// List lists visits, newest first.
func List(ctx context.Context, tx tenant.Tx, limit int) ([]Visit, error) {
	rows, err := tx.Query(ctx, `select `+visitColumns+` from staff_visit v order by v.began_at desc, v.id desc limit $1`, min(max(limit, 1), MaxPage))
	if err != nil {
		return nil, fmt.Errorf("list visits: %w", err)
	}
	return pgx.CollectRows(rows, scanVisit)
}

// Emergencies lists break-glass visits that last at a wall time: the console
// shows them to the operator's people.
func Emergencies(ctx context.Context, tx tenant.Tx, now time.Time) ([]Visit, error) {
	rows, err := tx.Query(ctx, `
		select `+visitColumns+`
		  from staff_visit v
		 where v.consent_id is null and v.ended_at is null and v.expires_at > $1
		 order by v.began_at
		 limit $2`, now, MaxPage)
	if err != nil {
		return nil, fmt.Errorf("list break-glass visits: %w", err)
	}
	return pgx.CollectRows(rows, scanVisit)
}

// Recognise is how an authority finds the visitor behind a session.
func Recognise(now func() time.Time) identity.Visits {
	return func(ctx context.Context, tx tenant.Tx, session uuid.UUID) (identity.Principal, bool, error) {
		v, err := oneVisit(ctx, tx, `select `+visitColumns+` from staff_visit v where v.id = $1 and `+isOpen, session, now().UTC())
		if errors.Is(err, ErrNoVisit) {
			return identity.Principal{}, false, nil
		}
		if err != nil {
			return identity.Principal{}, false, err
		}
		return identity.Visitor(tx.Tenant, v.Staff.ID, v.ID, v.MayChange), true, nil
	}
}

package tenants

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Visit is a stay of a staff user in an operator's stack, as we know of it. The
// stack's own row rules; what ends there is noted here a little later.
type Visit struct {
	ID         uuid.UUID
	Operator   tenant.ID
	Staff      Person
	BreakGlass bool
	Approver   Person // of a break-glass
	MayChange  bool
	BeganAt    time.Time
	ExpiresAt  time.Time
	EndedAt    *time.Time
}

// BeginVisit notes a visit that the stack has begun. Noting it again changes
// nothing.
func BeginVisit(ctx context.Context, tx Tx, by Actor, v Visit) error {
	var glass *uuid.UUID
	detail := map[string]any{"visit": v.ID, "staff": v.Staff.Email, "may_change": v.MayChange, "until": v.ExpiresAt}
	if v.BreakGlass {
		glass, detail["approved_by"] = &v.ID, v.Approver.Email
	}
	done, err := tx.Exec(ctx, `
		insert into visit (id, operator_id, staff_id, break_glass_id, may_change, began_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (id) do nothing`, v.ID, v.Operator, v.Staff.ID, glass, v.MayChange, v.BeganAt, v.ExpiresAt)
	if err != nil {
		return fmt.Errorf("note visit: %w", err)
	}
	if done.RowsAffected() == 0 {
		return nil
	}
	return Record(ctx, tx, by, Entry{Action: "visit.begin", Object: uuid.UUID(v.Operator), Detail: detail})
}

// EndVisit notes that a visit has ended, and when; once noted it stays.
func EndVisit(ctx context.Context, tx Tx, by Actor, v Visit, endedAt time.Time) error {
	done, err := tx.Exec(ctx, `update visit set ended_at = $2 where id = $1 and ended_at is null`, v.ID, endedAt)
	if err != nil {
		return fmt.Errorf("note end of visit: %w", err)
	}
	if done.RowsAffected() == 0 {
		return nil
	}
	return Record(ctx, tx, by, Entry{Action: "visit.end", Object: uuid.UUID(v.Operator),
		Detail: map[string]any{"visit": v.ID, "staff": v.Staff.Email, "ended_at": endedAt}})
}

const selectVisit = `
	select v.id, v.operator_id, v.staff_id, s.email, v.break_glass_id is not null, b.decided_by, coalesce(d.email, ''),
	       v.may_change, v.began_at, v.expires_at, v.ended_at
	  from visit v
	  join staff_user s on s.id = v.staff_id
	  left join break_glass b on b.id = v.break_glass_id
	  left join staff_user d on d.id = b.decided_by `

func listVisits(ctx context.Context, tx Tx, where string, args ...any) ([]Visit, error) {
	rows, err := tx.Query(ctx, selectVisit+where, args...)
	if err != nil {
		return nil, fmt.Errorf("list visits: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Visit, error) {
		var v Visit
		var approver *uuid.UUID
		err := row.Scan(&v.ID, &v.Operator, &v.Staff.ID, &v.Staff.Email, &v.BreakGlass, &approver, &v.Approver.Email,
			&v.MayChange, &v.BeganAt, &v.ExpiresAt, &v.EndedAt)
		if approver != nil {
			v.Approver.ID = *approver
		}
		v.BeganAt, v.ExpiresAt = v.BeganAt.UTC(), v.ExpiresAt.UTC()
		return v, err
	})
	if err != nil {
		return nil, fmt.Errorf("list visits: %w", err)
	}
	return list, nil
}

// OpenVisits lists visits of whose end we have not heard, the oldest first.
func OpenVisits(ctx context.Context, tx Tx, limit int) ([]Visit, error) {
	return listVisits(ctx, tx, `where v.ended_at is null order by v.expires_at limit $1`, limit)
}

// VisitsOf lists an operator's visits, newest first.
func VisitsOf(ctx context.Context, tx Tx, operator tenant.ID, limit int) ([]Visit, error) {
	return listVisits(ctx, tx, `where v.operator_id = $1 order by v.began_at desc limit $2`, operator, limit)
}

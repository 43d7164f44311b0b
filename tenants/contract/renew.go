package contract

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// ActionRenew is in the audit.
const ActionRenew = "contract.renew_totals"

// Renewal has a stack heard anew from a day on: it was taken back to an earlier
// state, so that it signs and seals again what we had heard already, and
// otherwise.
type Renewal struct {
	ID       uuid.UUID // of the caller's choice: renewed once
	Operator tenant.ID
	From     calendar.Date // the first day that is heard anew
	Reason   string
	Days     int64 // set aside, in all currencies
	Anchors  int64 // of the audit chain, set aside
	By       string
	At       time.Time // wall time
}

func (r Renewal) check() error {
	var wrong []tenants.FieldError
	if r.From.IsZero() {
		wrong = append(wrong, tenants.FieldError{Field: "from", Want: "the first day that is to be heard anew"})
	}
	if n := len([]rune(r.Reason)); n == 0 || n > maxReason {
		wrong = append(wrong, tenants.FieldError{Field: "reason", Want: fmt.Sprintf("why, in 1 to %d characters", maxReason)})
	}
	if len(wrong) > 0 {
		return &tenants.InvalidError{Fields: wrong}
	}
	return nil
}

// Renew sets aside what a stack signed of a day and later, and the anchors of
// its audit chain beyond what it had signed before, so that both are heard
// anew. Months that were charged by what was set aside are reckoned again once
// their days are there, and what that comes to more or less is charged or given
// back. What is set aside stays as evidence. The same again changes nothing;
// ErrFixed refuses another one under its id.
//
// It takes away what shows that a stack was tampered with: only a stack that
// was restored, by people who know, is a reason for it.
func Renew(ctx context.Context, tx tenants.Tx, by tenants.Actor, r Renewal) (Renewal, error) {
	r.Reason = strings.TrimSpace(r.Reason)
	if err := r.check(); err != nil {
		return r, err
	}
	if _, err := tenants.GetOperator(ctx, tx, r.Operator); err != nil {
		return r, err
	}
	// whoever closes a contract of the operator, or renews it too, waits here
	if _, err := tx.Exec(ctx, `select id from contract where operator_id = $1 order by id for update`, r.Operator); err != nil {
		return r, fmt.Errorf("lock contracts of %s: %w", r.Operator, err)
	}
	known, err := renewals(ctx, tx, `where id = $1`, r.ID)
	if err != nil {
		return r, err
	}
	if len(known) > 0 {
		if k := known[0]; k.Operator != r.Operator || k.From != r.From || k.Reason != r.Reason {
			return r, fmt.Errorf("renewal %s: %w", r.ID, ErrFixed)
		}
		return known[0], nil
	}
	r.By, r.At = by.String(), tx.At
	if _, err := tx.Exec(ctx, `
		insert into total_renewal (id, operator_id, from_on, reason, days, anchors, renewed_by, renewed_at) values ($1, $2, $3, $4, 0, 0, $5, $6)`,
		r.ID, r.Operator, r.From, r.Reason, r.By, r.At); err != nil {
		return r, fmt.Errorf("renew totals of %s: %w", r.Operator, err)
	}
	if err := r.setAside(ctx, tx); err != nil {
		return r, err
	}
	if _, err := tx.Exec(ctx, `update total_renewal set days = $2, anchors = $3 where id = $1`, r.ID, r.Days, r.Anchors); err != nil {
		return r, fmt.Errorf("renew totals of %s: %w", r.Operator, err)
	}
	if _, err := tx.Exec(ctx, `
		update contract_month m
		   set whole = false
		  from contract c
		 where c.id = m.contract_id and c.operator_id = $1 and m.month >= date_trunc('month', $2::date) and c.terms -> 'share' is not null`,
		r.Operator, r.From); err != nil {
		return r, fmt.Errorf("open months of %s again: %w", r.Operator, err)
	}
	return r, tenants.Record(ctx, tx, by, tenants.Entry{Action: ActionRenew, Object: uuid.UUID(r.Operator),
		Detail: map[string]any{"renewal": r.ID, "from": r.From, "reason": r.Reason, "days": r.Days, "anchors": r.Anchors}})
}

// setAside moves what was heard out of the way. A statement names the seal that
// was the newest when it was signed: what is kept vouches for the chain up to
// the newest seal that it names.
func (r *Renewal) setAside(ctx context.Context, tx tenants.Tx) error {
	done, err := tx.Exec(ctx, `
		with heard as (delete from daily_total where operator_id = $2 and day >= $3 returning *)
		insert into daily_total_aside (renewal, day, currency, collected, cumulative, head_seq, head_hash, statement, received_at)
		select $1, day, currency, collected, cumulative, head_seq, head_hash, statement, received_at from heard`, r.ID, r.Operator, r.From)
	if err != nil {
		return fmt.Errorf("set totals of %s aside: %w", r.Operator, err)
	}
	r.Days = done.RowsAffected()
	if err := tx.QueryRow(ctx, `select set_anchors_aside($1)`, r.ID).Scan(&r.Anchors); err != nil {
		return fmt.Errorf("set anchors of %s aside: %w", r.Operator, err)
	}
	return nil
}

// Renewals lists an operator's renewals, the newest first.
func Renewals(ctx context.Context, tx tenants.Tx, operator tenant.ID) ([]Renewal, error) {
	return renewals(ctx, tx, `where operator_id = $1 order by renewed_at desc, id limit 100`, operator)
}

func renewals(ctx context.Context, tx tenants.Tx, which string, args ...any) ([]Renewal, error) {
	rows, err := tx.Query(ctx, `select id, operator_id, from_on, reason, days, anchors, renewed_by, renewed_at from total_renewal `+which, args...)
	if err != nil {
		return nil, fmt.Errorf("list renewals: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Renewal])
	if err != nil {
		return nil, fmt.Errorf("list renewals: %w", err)
	}
	return list, nil
}

package collection

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/tenant"
)

// Edition is a version of the policy as stored.
type Edition struct {
	Version int
	Policy
	By string
	At time.Time
}

// Current reads the policy that holds; ErrNoPolicy if there is none.
func Current(ctx context.Context, tx tenant.Tx) (Edition, error) {
	return edition(ctx, tx, `order by version desc limit 1`)
}

// Version reads a version of the policy.
func Version(ctx context.Context, tx tenant.Tx, version int) (Edition, error) {
	return edition(ctx, tx, `where version = $1`, version)
}

func edition(ctx context.Context, tx tenant.Tx, where string, args ...any) (e Edition, err error) {
	var text json.RawMessage
	err = tx.QueryRow(ctx, `select version, document, changed_by, changed_at from dunning_policy `+where, args...).Scan(&e.Version, &text, &e.By, &e.At)
	if errors.Is(err, pgx.ErrNoRows) {
		return Edition{}, ErrNoPolicy
	}
	if err == nil {
		err = json.Unmarshal(text, &e.Policy)
	}
	if err != nil {
		return Edition{}, fmt.Errorf("read ladders: %w", err)
	}
	e.At = e.At.UTC()
	return e, nil
}

// Editions lists the versions, newest first, without their ladders.
func Editions(ctx context.Context, tx tenant.Tx) ([]Edition, error) {
	rows, err := tx.Query(ctx, `select version, changed_by, changed_at from dunning_policy order by version desc limit 100`)
	if err != nil {
		return nil, fmt.Errorf("list versions of ladders: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Edition, err error) {
		err = row.Scan(&e.Version, &e.By, &e.At)
		e.At = e.At.UTC()
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("list versions of ladders: %w", err)
	}
	return list, nil
}

// Put lays the ladders down: from the next review on they hold, also for cases
// that are open. What was done stays done.
func Put(ctx context.Context, tx tenant.Tx, p Policy, by string) (Edition, error) {
	if p.Calendar != "" {
		if _, err := catalog.GetCalendar(ctx, tx, p.Calendar); errors.Is(err, catalog.ErrCalendarNotFound) {
			return Edition{}, &account.FieldError{Field: "calendar", Want: "a holiday calendar of the catalogue"}
		} else if err != nil {
			return Edition{}, err
		}
	}
	text, err := json.Marshal(p)
	if err != nil {
		return Edition{}, fmt.Errorf("write ladders: %w", err)
	}
	e := Edition{Policy: p, By: by, At: tx.At}
	err = tx.QueryRow(ctx, `insert into dunning_policy (version, document, changed_by, changed_at)
		select coalesce(max(version), 0) + 1, $1, $2, $3 from dunning_policy returning version`, text, by, tx.At).Scan(&e.Version)
	if err != nil {
		return Edition{}, fmt.Errorf("save ladders: %w", err)
	}
	// what the new ladders ask for is looked at with the next review
	if _, err := tx.Exec(ctx, `update dunning_case set next_on = opened_at::date where state = 'open'`); err != nil {
		return Edition{}, fmt.Errorf("look at cases again: %w", err)
	}
	return e, schedule(ctx, tx, &p)
}

// daily is the reference of the day's review: there is one.
var daily = uuid.NewSHA1(uuid.NameSpaceOID, []byte("dunning"))

// schedule puts the next day's review on the agenda.
func schedule(ctx context.Context, tx tenant.Tx, p *Policy) error {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	today := profile.LocalDate(tx.At)
	at := p.instant(today, profile.Zone)
	if !at.After(tx.At) {
		at = p.instant(today.AddDays(1), profile.Zone)
	}
	return agenda.Add(ctx, tx, agenda.Item{Kind: agenda.DunningDay, Ref: daily, DueAt: at})
}

// holidays are the days of the policy's calendar.
func (p *Policy) holidays(ctx context.Context, tx tenant.Tx) ([]calendar.Date, error) {
	if p.Calendar == "" {
		return nil, nil
	}
	days, err := catalog.LoadCalendars(ctx, tx, []string{p.Calendar})
	return days[p.Calendar], err
}

package migration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/tenant"
)

// State is where a migration stands.
type State string

// The states of a migration.
const (
	Planned   State = "planned"
	Told      State = "told"
	Running   State = "running"
	Done      State = "done"
	Cancelled State = "cancelled"
)

// moves are those that a migration may make.
var moves = map[State][]State{
	Planned: {Told, Cancelled},
	Told:    {Running, Cancelled},
	Running: {Done},
}

// Migration is a plan to move sold versions to a newer one.
type Migration struct {
	ID         uuid.UUID
	To         uuid.UUID
	From       []uuid.UUID
	StartsOn   calendar.Date // the first day on which a subscription may change
	NoticeDays int           // subscribers are told so many days before
	State      State
	Reason     string
	By         string
	CreatedAt  time.Time
	EndedAt    *time.Time
}

// Errors of migrations.
var (
	ErrNotFound = errors.New("no such migration")
	ErrRuns     = errors.New("the migration runs or has ended already")
	// ErrPlan is wrapped by every PlanError.
	ErrPlan = errors.New("the migration cannot be planned so")
	// ErrNotMember means that a subscription takes no part in a migration.
	ErrNotMember = errors.New("the subscription takes no part in the migration")
)

// PlanError names a field of a plan and what would be right.
type PlanError struct{ Field, Want string }

func (e *PlanError) Error() string { return e.Field + ": want " + e.Want }

// Is lets errors.Is find ErrPlan.
func (e *PlanError) Is(target error) bool { return target == ErrPlan }

// New is a migration that somebody wants.
type New struct {
	ID         uuid.UUID // of the command: a repeat changes nothing
	To         uuid.UUID
	From       []uuid.UUID
	StartsOn   calendar.Date
	NoticeDays int
	Reason     string
	By         string
}

const columns = `id, to_offering, from_offerings, starts_on, notice_days, state, reason, created_by, created_at, ended_at`

func scan(row pgx.CollectableRow) (Migration, error) {
	var m Migration
	err := row.Scan(&m.ID, &m.To, &m.From, &m.StartsOn, &m.NoticeDays, &m.State, &m.Reason, &m.By, &m.CreatedAt, &m.EndedAt)
	return m, err
}

// maxNoticeDays bounds how long before a subscriber is told.
const maxNoticeDays = 365

// check says what is wrong with a plan, and gives its versions.
func (n New) check(ctx context.Context, tx tenant.Tx) (to catalog.Stored, from []catalog.Stored, err error) {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return to, nil, err
	}
	if to, err = catalog.Get(ctx, tx, n.To); err != nil {
		return to, nil, err
	}
	if len(n.From) == 0 {
		return to, nil, &PlanError{"from", "at least one version"}
	}
	today := profile.LocalDate(tx.At)
	earliest := today.AddDays(n.NoticeDays + 1)
	refuse := func(field, want string) (catalog.Stored, []catalog.Stored, error) {
		return to, nil, &PlanError{field, want}
	}
	switch {
	case n.NoticeDays < 0 || n.NoticeDays > maxNoticeDays:
		return refuse("notice_days", "a number of days from 0 to 365")
	case to.State != catalog.Published:
		return refuse("to", "a published version")
	case profile.LocalDate(*to.AvailableFrom).After(n.StartsOn.AddDays(-1)):
		return refuse("starts_on", "a day after the version is on sale, "+profile.LocalDate(*to.AvailableFrom).AddDays(1).String()+" or later")
	case n.StartsOn.Before(earliest):
		return refuse("starts_on", "a day that leaves "+fmt.Sprint(n.NoticeDays)+" days for the notice, "+earliest.String()+" or later")
	}
	seen := map[uuid.UUID]bool{}
	for _, id := range n.From {
		old, err := catalog.Get(ctx, tx, id)
		if err != nil {
			return to, nil, err
		}
		switch {
		case seen[id] || id == n.To:
			return refuse("from", "versions other than the new one, each once")
		case old.State.Open():
			return refuse("from", "versions that were sold")
		case old.Billing != to.Billing || old.Currency != to.Currency || old.Offering.Sort() != to.Offering.Sort():
			return refuse("from", "versions of the same kind, billing and currency as the new one")
		}
		seen[id], from = true, append(from, old)
	}
	return to, from, nil
}

// Plan keeps a migration for its day. A repeat under the same id changes
// nothing. *PlanError, catalog.ErrNotFound.
func Plan(ctx context.Context, tx tenant.Tx, n New) (Migration, error) {
	known, err := Get(ctx, tx, n.ID)
	if !errors.Is(err, ErrNotFound) {
		return known, err // a repeat, or a failure
	}
	if _, _, err := n.check(ctx, tx); err != nil {
		return Migration{}, err
	}
	m := Migration{ID: n.ID, To: n.To, From: n.From, StartsOn: n.StartsOn, NoticeDays: n.NoticeDays, State: Planned, Reason: n.Reason, By: n.By, CreatedAt: tx.At}
	_, err = tx.Exec(ctx, `
		insert into offering_migration (id, to_offering, from_offerings, starts_on, notice_days, state, reason, created_by, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, m.ID, m.To, m.From, m.StartsOn, m.NoticeDays, m.State, m.Reason, m.By, m.CreatedAt)
	if err != nil {
		return Migration{}, fmt.Errorf("plan migration: %w", err)
	}
	return m, remind(ctx, tx, m.ID, m.StartsOn.AddDays(-max(1, m.NoticeDays)))
}

// remind puts the migration on the agenda.
func remind(ctx context.Context, tx tenant.Tx, id uuid.UUID, day calendar.Date) error {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	due := day.Start(profile.Zone).UTC()
	if due.Before(tx.At) {
		due = tx.At
	}
	return agenda.Add(ctx, tx, agenda.Item{Kind: agenda.Migration, Ref: id, DueAt: due})
}

// Get reads a migration; ErrNotFound if there is none.
func Get(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Migration, error) {
	rows, err := tx.Query(ctx, `select `+columns+` from offering_migration where id = $1`, id)
	if err != nil {
		return Migration{}, fmt.Errorf("read migration %s: %w", id, err)
	}
	m, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return Migration{}, fmt.Errorf("read migration %s: %w", id, err)
	}
	return m, nil
}

// maxListed bounds a list of migrations.
const maxListed = 200

// List reads the newest migrations.
func List(ctx context.Context, tx tenant.Tx) ([]Migration, error) {
	rows, err := tx.Query(ctx, `select `+columns+` from offering_migration order by id desc limit $1`, maxListed)
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	list, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	return list, nil
}

// enter moves a migration on.
func enter(ctx context.Context, tx tenant.Tx, m *Migration, to State) error {
	if !slices.Contains(moves[m.State], to) {
		return fmt.Errorf("migration %s is %s: %w", m.ID, m.State, ErrRuns)
	}
	var ended *time.Time
	if len(moves[to]) == 0 {
		ended = &tx.At
	}
	done, err := tx.Exec(ctx, `update offering_migration set state = $2, ended_at = $3 where id = $1 and state = $4`, m.ID, to, ended, m.State)
	if err != nil {
		return fmt.Errorf("move migration %s: %w", m.ID, err)
	}
	if done.RowsAffected() != 1 {
		return fmt.Errorf("migration %s: %w", m.ID, ErrRuns)
	}
	m.State, m.EndedAt = to, ended
	return nil
}

// lock reads a migration and holds its row.
func lock(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Migration, error) {
	if _, err := tx.Exec(ctx, `select id from offering_migration where id = $1 for update`, id); err != nil {
		return Migration{}, fmt.Errorf("lock migration %s: %w", id, err)
	}
	return Get(ctx, tx, id)
}

// maxTold bounds whom a cancellation tells at once.
const maxTold = 1_000_000

// Cancel takes a migration back before it runs; ErrRuns after. Those who were
// told of it are told that it does not take place.
func Cancel(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Migration, error) {
	m, err := lock(ctx, tx, id)
	if err != nil {
		return Migration{}, err
	}
	if err := enter(ctx, tx, &m, Cancelled); err != nil {
		return Migration{}, err
	}
	// The rows are few enough for one transaction to read; their messages leave by
	// jobs.
	told, err := members(ctx, tx, m, Telling, maxTold)
	if err != nil || len(told) == 0 {
		return m, err
	}
	return m, tell(ctx, tx, m, told, wordsCancelled)
}

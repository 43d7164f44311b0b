package promotion

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/catalog"
	"tollhouse/billing/catalog/document"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Errors of promotions.
var (
	// ErrNotFound says that there is no such promotion.
	ErrNotFound = errors.New("promotion not found")
	// ErrState says that a version's state does not allow a move.
	ErrState = errors.New("the promotion's state does not allow that")
	// ErrNotClean says that Check finds fault; see NotCleanError.
	ErrNotClean = errors.New("promotion has faults")
)

// NotCleanError is ErrNotClean with the faults.
type NotCleanError struct{ Findings []Finding }

// Error tells all faults.
func (e *NotCleanError) Error() string {
	return fmt.Sprintf("%v: %v", ErrNotClean, &document.InvalidError{Findings: e.Findings})
}

// Is makes it ErrNotClean.
func (e *NotCleanError) Is(target error) bool { return target == ErrNotClean }

// State of a version.
type State string

// States; see the package's doc for the moves between them.
const (
	Draft     State = "draft"
	Published State = "published"
	Ended     State = "ended"
)

var moves = map[State][]State{Draft: {Published}, Published: {Ended}}

func (s State) may(to State) bool {
	for _, m := range moves[s] {
		if m == to {
			return true
		}
	}
	return false
}

// Version is a stored version of a promotion.
type Version struct {
	ID          uuid.UUID
	Number      int
	State       State
	Promotion   Promotion
	Given       int64         // how often it was given
	Promised    money.Decimal // what that comes to at most
	CreatedAt   time.Time
	PublishedAt *time.Time
	EndedAt     *time.Time
}

const versionColumns = `id, version, state, document, given, promised, created_at, published_at, ended_at`

func scanVersion(row pgx.CollectableRow) (Version, error) {
	var v Version
	err := row.Scan(&v.ID, &v.Number, &v.State, &v.Promotion, &v.Given, &v.Promised, &v.CreatedAt, &v.PublishedAt, &v.EndedAt)
	return v, err
}

// collect takes a clause written in this package, never text from outside.
func collect(ctx context.Context, tx tenant.Tx, clause string, args ...any) ([]Version, error) {
	rows, err := tx.Query(ctx, `select `+versionColumns+` from promotion `+clause, args...)
	if err != nil {
		return nil, fmt.Errorf("read promotions: %w", err)
	}
	versions, err := pgx.CollectRows(rows, scanVersion)
	if err != nil {
		return nil, fmt.Errorf("read promotions: %w", err)
	}
	return versions, nil
}

// Get returns a version, or ErrNotFound.
func Get(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Version, error) {
	return one(ctx, tx, id, `where id = $1`)
}

func lock(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Version, error) {
	return one(ctx, tx, id, `where id = $1 for no key update`)
}

func one(ctx context.Context, tx tenant.Tx, id uuid.UUID, clause string) (Version, error) {
	found, err := collect(ctx, tx, clause, id)
	if err != nil {
		return Version{}, err
	}
	if len(found) == 0 {
		return Version{}, fmt.Errorf("promotion %s: %w", id, ErrNotFound)
	}
	return found[0], nil
}

// listLimit bounds List: an operator's promotions are dozens.
const listLimit = 1000

// List returns all versions, the newest of each code first.
func List(ctx context.Context, tx tenant.Tx) ([]Version, error) {
	return collect(ctx, tx, `order by code, version desc limit $1`, listLimit)
}

// SaveDraft stores p as the draft of its code: over the draft there is, or as
// a new version. It doesn't check p; Publish does.
func SaveDraft(ctx context.Context, tx tenant.Tx, p Promotion) (Version, error) {
	const save = `
insert into promotion (id, code, version, state, occasion, document, currency, created_at)
select $1, $2, coalesce(max(version), 0) + 1, 'draft', $3, $4, $5, $6 from promotion where code = $2
on conflict (code) where state = 'draft' do update set document = excluded.document, occasion = excluded.occasion, currency = excluded.currency
returning ` + versionColumns
	id, err := uuid.NewV7()
	if err != nil {
		return Version{}, fmt.Errorf("save promotion %s: %w", p.Code, err)
	}
	rows, err := tx.Query(ctx, save, id, p.Code, p.Occasion, p, p.Currency, tx.At)
	if err != nil {
		return Version{}, fmt.Errorf("save promotion %s: %w", p.Code, err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, scanVersion)
	if err != nil {
		return Version{}, fmt.Errorf("save promotion %s: %w", p.Code, err)
	}
	return v, nil
}

// Findings checks a version against what is on sale now.
func Findings(ctx context.Context, tx tenant.Tx, p Promotion) ([]Finding, error) {
	sold, err := catalog.OnSale(ctx, tx, tx.At)
	if err != nil {
		return nil, err
	}
	codes := map[string]bool{}
	for _, v := range sold {
		codes[v.Code] = true
	}
	return Check(p, codes), nil
}

// Publish checks a draft and lets it be given; the version before ends with it.
// It returns ErrNotFound, ErrState, or a *NotCleanError.
func Publish(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Version, error) {
	v, err := lock(ctx, tx, id)
	if err != nil {
		return Version{}, err
	}
	if !v.State.may(Published) {
		return Version{}, fmt.Errorf("publish promotion %s: it is %s: %w", v.Promotion.Code, v.State, ErrState)
	}
	findings, err := Findings(ctx, tx, v.Promotion)
	if err != nil {
		return Version{}, err
	}
	if len(findings) > 0 {
		return Version{}, &NotCleanError{findings}
	}
	const endLast = `update promotion set state = 'ended', ended_at = $2 where code = $1 and state = 'published'`
	if _, err := tx.Exec(ctx, endLast, v.Promotion.Code, tx.At); err != nil {
		return Version{}, fmt.Errorf("end the version before: %w", err)
	}
	if v, err = move(ctx, tx, id, `state = 'published', published_at = $2`); err != nil {
		return Version{}, err
	}
	return v, scheduleDay(ctx, tx, v.Promotion.Occasion)
}

// End lets a published promotion be given no more; what was given stays.
// ErrNotFound, ErrState.
func End(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Version, error) {
	v, err := lock(ctx, tx, id)
	if err != nil {
		return Version{}, err
	}
	if !v.State.may(Ended) {
		return Version{}, fmt.Errorf("end promotion %s: it is %s: %w", v.Promotion.Code, v.State, ErrState)
	}
	return move(ctx, tx, id, `state = 'ended', ended_at = $2`)
}

func move(ctx context.Context, tx tenant.Tx, id uuid.UUID, set string) (Version, error) {
	rows, err := tx.Query(ctx, `update promotion set `+set+` where id = $1 returning `+versionColumns, id, tx.At)
	if err != nil {
		return Version{}, fmt.Errorf("move promotion %s: %w", id, err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, scanVersion)
	if err != nil {
		return Version{}, fmt.Errorf("move promotion %s: %w", id, err)
	}
	return v, nil
}

package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/agenda"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/tenant"
)

// Segment says whose usage a trial prices. Empty fields do not narrow it.
type Segment struct {
	Offering string    `json:"offering,omitempty"` // code of what they have now
	Branch   uuid.UUID `json:"branch,omitzero"`
	Kind     string    `json:"kind,omitempty"` // prepaid or postpaid
	Place    string    `json:"place,omitempty"`
	Spent    Band      `json:"spent,omitzero"` // what they brought in the period, net
}

// Trial is an offering tried on real past usage.
type Trial struct {
	ID       uuid.UUID
	Offering uuid.UUID // the version
	Document catalog.Offering
	Days     calendar.Period
	Segment  Segment
	Decks    Decks
	State    State

	Accounts, AccountsDone, Records int64
	Sums                            Sums
	Error                           string
	AskedBy                         string
	AskedAt                         time.Time
	BeganAt, EndedAt                *time.Time

	through uuid.UUID
}

// NewTrial is what somebody asks for.
type NewTrial struct {
	Offering uuid.UUID // a version, drafts as well
	Days     calendar.Period
	Segment  Segment
	Decks    Decks // empty: those of then
	By       string
}

// AskTrial puts a trial on the agenda.
func AskTrial(ctx context.Context, tx tenant.Tx, n NewTrial) (Trial, error) {
	if err := n.check(ctx, tx); err != nil {
		return Trial{}, err
	}
	offering, err := catalog.LoadVersion(ctx, tx, n.Offering)
	if err != nil {
		return Trial{}, err
	}
	document, err := json.Marshal(offering)
	if err != nil {
		return Trial{}, fmt.Errorf("offering on trial: %w", err)
	}
	segment, err := json.Marshal(n.Segment)
	if err != nil {
		return Trial{}, fmt.Errorf("segment: %w", err)
	}
	id := uuid.Must(uuid.NewV7())
	_, err = tx.Exec(ctx, `
		insert into tariff_trial (id, offering_id, document, period_from, period_to, segment, decks, state, asked_by, asked_at)
		values ($1, $2, $3, $4, $5, $6, $7, 'asked', $8, $9)`, id, n.Offering, document, n.Days.From, n.Days.To, segment, n.Decks.or(), n.By, tx.At)
	if err != nil {
		return Trial{}, fmt.Errorf("ask for trial: %w", err)
	}
	if err := agenda.Add(ctx, tx, agenda.Item{Kind: agenda.Trial, Ref: id, DueAt: tx.At}); err != nil {
		return Trial{}, err
	}
	return GetTrial(ctx, tx, id)
}

func (n *NewTrial) check(ctx context.Context, tx tenant.Tx) error {
	switch {
	case n.Offering == uuid.Nil:
		return &ChoiceError{"offering_version", "the version to try"}
	case n.Days.From.IsZero():
		return &ChoiceError{"from", "the first day of the usage"}
	case n.Days.To.IsZero() || !n.Days.To.After(n.Days.From):
		return &ChoiceError{"to", "a day after the first"}
	case n.Days.Days() > maxDays:
		return &ChoiceError{"to", "at most 366 days after the first"}
	case n.Segment.Kind != "" && n.Segment.Kind != "prepaid" && n.Segment.Kind != "postpaid":
		return &ChoiceError{"kind", "prepaid or postpaid"}
	case n.Segment.Spent.From.Sign() < 0:
		return &ChoiceError{"spent_from", "an amount of zero or more"}
	case n.Segment.Spent.To != nil && n.Segment.Spent.To.Cmp(n.Segment.Spent.From) <= 0:
		return &ChoiceError{"spent_to", "an amount above the lower one"}
	case len(n.Segment.Place) > 200:
		return &ChoiceError{"place", "the name of a town of up to 200 characters"}
	}
	if err := n.Decks.check(); err != nil {
		return err
	}
	var offering, branch bool
	var waiting int
	err := tx.QueryRow(ctx, `
		select $1 = '' or exists (select from offering_version where code = $1), $2::uuid is null or exists (select from branch where id = $2),
		       (select count(*) from tariff_trial where state in ('asked', 'running'))`,
		n.Segment.Offering, optional(n.Segment.Branch)).Scan(&offering, &branch, &waiting)
	switch {
	case err != nil:
		return fmt.Errorf("check trial: %w", err)
	case !offering:
		return &ChoiceError{"offering", "the code of an offering that exists"}
	case !branch:
		return &ChoiceError{"branch", "a branch that exists"}
	case waiting >= maxWaiting:
		return fmt.Errorf("%d trials are being worked: %w", waiting, ErrBusy)
	}
	return nil
}

const selectTrials = `
	select t.id, t.offering_id, t.document, t.period_from, t.period_to, t.segment, t.decks, t.state, t.accounts_total, t.accounts_done, t.records,
	       t.sums, t.error, t.asked_by, t.asked_at, t.began_at, t.ended_at, t.through
	from tariff_trial t`

func scanTrial(row pgx.CollectableRow) (Trial, error) {
	var t Trial
	var document, segment, sums []byte
	var through *uuid.UUID
	err := row.Scan(&t.ID, &t.Offering, &document, &t.Days.From, &t.Days.To, &segment, &t.Decks, &t.State, &t.Accounts, &t.AccountsDone, &t.Records,
		&sums, &t.Error, &t.AskedBy, &t.AskedAt, &t.BeganAt, &t.EndedAt, &through)
	if err != nil {
		return t, err
	}
	t.through = orNil(through)
	return t, errors.Join(json.Unmarshal(document, &t.Document), json.Unmarshal(segment, &t.Segment), json.Unmarshal(sums, &t.Sums))
}

// GetTrial reads a trial.
func GetTrial(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Trial, error) {
	return getTrial(ctx, tx, selectTrials+` where t.id = $1`, id)
}

func getTrial(ctx context.Context, tx tenant.Tx, query string, id uuid.UUID) (Trial, error) {
	rows, err := tx.Query(ctx, query, id)
	if err != nil {
		return Trial{}, fmt.Errorf("read trial: %w", err)
	}
	t, err := pgx.CollectExactlyOneRow(rows, scanTrial)
	if errors.Is(err, pgx.ErrNoRows) {
		return Trial{}, fmt.Errorf("trial %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Trial{}, fmt.Errorf("read trial: %w", err)
	}
	return t, nil
}

// ListTrials gives trials, the latest first, after one; uuid.Nil begins.
// offering narrows it to a version.
func ListTrials(ctx context.Context, tx tenant.Tx, offering, after uuid.UUID, limit int) ([]Trial, error) {
	rows, err := tx.Query(ctx, selectTrials+`
		where ($1::uuid is null or (t.asked_at, t.id) < (select asked_at, id from tariff_trial where id = $1))
		  and ($2::uuid is null or t.offering_id = $2)
		order by t.asked_at desc, t.id desc limit $3`, optional(after), optional(offering), limit)
	if err != nil {
		return nil, fmt.Errorf("list trials: %w", err)
	}
	return pgx.CollectRows(rows, scanTrial)
}

// CancelTrial ends a trial that is under way; what it has reckoned stays to be seen.
func CancelTrial(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Trial, error) {
	t, err := lockTrial(ctx, tx, id)
	if err != nil {
		return Trial{}, err
	}
	if err := t.move(ctx, tx, Cancelled, ""); err != nil {
		return Trial{}, err
	}
	return GetTrial(ctx, tx, id)
}

func lockTrial(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Trial, error) {
	return getTrial(ctx, tx, selectTrials+` where t.id = $1 for update of t`, id)
}

// move changes the state of a locked trial.
func (t *Trial) move(ctx context.Context, tx tenant.Tx, to State, cause string) error {
	if err := allowed(trialMoves, t.State, to); err != nil {
		return fmt.Errorf("trial %s: %w", t.ID, err)
	}
	tag, err := tx.Exec(ctx, `
		update tariff_trial set state = $2, error = $3, began_at = case when $2 = 'running' then $4 else began_at end,
		       ended_at = case when $2 in ('done', 'failed', 'cancelled') then $4 end
		where id = $1 and state = $5`, t.ID, to, cause, tx.At, t.State)
	if err == nil && tag.RowsAffected() != 1 {
		err = ErrState
	}
	if err != nil {
		return fmt.Errorf("move trial to %s: %w", to, err)
	}
	t.State = to
	return nil
}

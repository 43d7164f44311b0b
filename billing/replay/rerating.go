package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/agenda"
	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// Action is what a re-rating does to the charges that are chosen.
type Action string

// Actions.
const (
	PriceAgain Action = "price_again"
	TakeBack   Action = "take_back" // the usage never was
	Undo       Action = "undo"      // an earlier one never was
)

// Rerating is a proposal to set charges right, and what became of it.
type Rerating struct {
	ID       uuid.UUID
	Action   Action
	State    State
	Choice   Choice
	Offering uuid.UUID // priced under this version; uuid.Nil: each under its own
	Decks    Decks
	Undoes   uuid.UUID // of Undo
	UndoneBy uuid.UUID // uuid.Nil: by none
	Cause    uuid.UUID // the change of plan that brought it about; uuid.Nil: a person asked
	Waits    bool      // of one with a cause: its sum is above a limit, so a person applies it
	Reason   string

	Accounts, AccountsDone, Charges int64
	Error                           string
	AskedBy                         string
	AskedAt                         time.Time
	ReadyAt                         *time.Time
	AppliedBy                       string
	AppliedAt, EndedAt              *time.Time

	through uuid.UUID
	role    string // of who made the change of plan
}

// Proposal is what somebody asks for.
type Proposal struct {
	Action   Action // PriceAgain or TakeBack
	Choice   Choice
	Offering uuid.UUID // of PriceAgain; uuid.Nil: each under its own version
	Decks    Decks     // of PriceAgain; empty: those of then
	By       string
}

// maxWaiting bounds how many are worked at once.
const maxWaiting = 20

// Propose puts a re-rating on the agenda: it is reckoned portion by portion,
// and nothing is charged before Apply.
func Propose(ctx context.Context, tx tenant.Tx, p Proposal) (Rerating, error) {
	if err := p.check(ctx, tx); err != nil {
		return Rerating{}, err
	}
	choice, err := json.Marshal(p.Choice)
	if err != nil {
		return Rerating{}, fmt.Errorf("choice: %w", err)
	}
	id := uuid.Must(uuid.NewV7())
	_, err = tx.Exec(ctx, `
		insert into rerating (id, action, state, choice, offering_id, decks, asked_by, asked_at)
		values ($1, $2, 'asked', $3, $4, $5, $6, $7)`, id, p.Action, choice, optional(p.Offering), p.Decks.or(), p.By, tx.At)
	if err != nil {
		return Rerating{}, fmt.Errorf("propose re-rating: %w", err)
	}
	if err := agenda.Add(ctx, tx, agenda.Item{Kind: agenda.Rerating, Ref: id, DueAt: tx.At}); err != nil {
		return Rerating{}, err
	}
	return Get(ctx, tx, id)
}

func (p *Proposal) check(ctx context.Context, tx tenant.Tx) error {
	if p.Action != PriceAgain && p.Action != TakeBack {
		return &ChoiceError{"action", "price_again or take_back"}
	}
	if p.Action == TakeBack && p.Offering != uuid.Nil {
		return &ChoiceError{"offering_version", "none, as what is taken back has no price"}
	}
	if err := p.Decks.check(); err != nil {
		return err
	}
	if p.Action == TakeBack && p.Decks == DecksPresent {
		return &ChoiceError{"decks", "then, as what is taken back has no price"}
	}
	if len(p.Choice.Uses) > 0 && p.Choice.Days.From.IsZero() {
		if err := p.Choice.daysOfUses(ctx, tx); err != nil {
			return err
		}
	}
	if err := p.Choice.check(); err != nil {
		return err
	}
	c := &p.Choice
	if p.Action == TakeBack && c.Account == uuid.Nil && c.Subscription == uuid.Nil && c.File == uuid.Nil && len(c.Uses) == 0 {
		return &ChoiceError{"account", "an account, a subscription, a file or single uses to take back"}
	}
	var waiting int
	if err := tx.QueryRow(ctx, `select count(*) from rerating where state in ('asked', 'running', 'applying')`).Scan(&waiting); err != nil {
		return fmt.Errorf("count re-ratings: %w", err)
	}
	if waiting >= maxWaiting {
		return fmt.Errorf("%d re-ratings are being worked: %w", waiting, ErrBusy)
	}
	return p.known(ctx, tx)
}

// known refuses what names things that are not there.
func (p *Proposal) known(ctx context.Context, tx tenant.Tx) error {
	if err := p.Choice.accountOfLine(ctx, tx); err != nil {
		return err
	}
	var account, offering, file, version bool
	err := tx.QueryRow(ctx, `
		select $1::uuid is null or exists (select from billing_account where id = $1),
		       $2 = '' or exists (select from offering_version where code = $2),
		       $3::uuid is null or exists (select from usage_file where id = $3),
		       $4::uuid is null or exists (select from offering_version where id = $4 and published_at is not null)`,
		optional(p.Choice.Account), p.Choice.Offering, optional(p.Choice.File), optional(p.Offering)).Scan(&account, &offering, &file, &version)
	switch {
	case err != nil:
		return fmt.Errorf("check re-rating: %w", err)
	case !account:
		return &ChoiceError{"account", "an account that exists"}
	case !offering:
		return &ChoiceError{"offering", "the code of an offering that exists"}
	case !file:
		return &ChoiceError{"file", "a usage file that exists"}
	case !version:
		return &ChoiceError{"offering_version", "a published version"}
	}
	return nil
}

// daysOfUses spans single uses; the primary key finds them.
func (c *Choice) daysOfUses(ctx context.Context, tx tenant.Tx) error {
	var periods []time.Time
	var ids []uuid.UUID
	for _, p := range c.Uses {
		periods, ids = append(periods, p.Period.Start(time.UTC)), append(ids, p.ID)
	}
	var first, last *time.Time
	var zone string
	var found int
	err := tx.QueryRow(ctx, `
		select min(u.ended_at), max(u.ended_at), count(*), (select zone from operator where id = 1)
		from unnest($1::date[], $2::uuid[]) as w (period, id)
		join usage_record u on u.period = w.period and u.id = w.id`, periods, ids).Scan(&first, &last, &found, &zone)
	if err != nil {
		return fmt.Errorf("find uses: %w", err)
	}
	if found != len(ids) {
		return &ChoiceError{"uses", "uses that exist, each once"}
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return err
	}
	c.Days = calendar.Period{From: calendar.DateOf(*first, loc), To: calendar.DateOf(*last, loc).AddDays(1)}
	return nil
}

const selectReratings = `
	select r.id, r.action, r.state, r.choice, r.offering_id, r.decks, r.undoes, (select u.id from rerating u where u.undoes = r.id), r.cause, r.role, r.waits, r.reason,
	       r.accounts_total, r.accounts_done, r.charges, r.error, r.asked_by, r.asked_at, r.ready_at, r.applied_by, r.applied_at, r.ended_at, r.through
	from rerating r`

func scanRerating(row pgx.CollectableRow) (Rerating, error) {
	var r Rerating
	var offering, undoes, undoneBy, cause, through *uuid.UUID
	var choice []byte
	err := row.Scan(&r.ID, &r.Action, &r.State, &choice, &offering, &r.Decks, &undoes, &undoneBy, &cause, &r.role, &r.Waits, &r.Reason, &r.Accounts, &r.AccountsDone, &r.Charges,
		&r.Error, &r.AskedBy, &r.AskedAt, &r.ReadyAt, &r.AppliedBy, &r.AppliedAt, &r.EndedAt, &through)
	if err != nil {
		return r, err
	}
	r.Offering, r.Undoes, r.UndoneBy, r.Cause, r.through = orNil(offering), orNil(undoes), orNil(undoneBy), orNil(cause), orNil(through)
	return r, json.Unmarshal(choice, &r.Choice)
}

// Get reads a re-rating.
func Get(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Rerating, error) {
	return get(ctx, tx, selectReratings+` where r.id = $1`, id)
}

func get(ctx context.Context, tx tenant.Tx, query string, id uuid.UUID) (Rerating, error) {
	rows, err := tx.Query(ctx, query, id)
	if err != nil {
		return Rerating{}, fmt.Errorf("read re-rating: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanRerating)
	if errors.Is(err, pgx.ErrNoRows) {
		return Rerating{}, fmt.Errorf("re-rating %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Rerating{}, fmt.Errorf("read re-rating: %w", err)
	}
	return r, nil
}

// List gives re-ratings, the latest first, after one; uuid.Nil begins.
func List(ctx context.Context, tx tenant.Tx, after uuid.UUID, limit int) ([]Rerating, error) {
	rows, err := tx.Query(ctx, selectReratings+`
		where $1::uuid is null or (r.asked_at, r.id) < (select asked_at, id from rerating where id = $1)
		order by r.asked_at desc, r.id desc limit $2`, optional(after), limit)
	if err != nil {
		return nil, fmt.Errorf("list re-ratings: %w", err)
	}
	return pgx.CollectRows(rows, scanRerating)
}

// Cancel ends one that has not been applied.
func Cancel(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Rerating, error) {
	r, err := lock(ctx, tx, id)
	if err != nil {
		return Rerating{}, err
	}
	if err := r.move(ctx, tx, Cancelled); err != nil {
		return Rerating{}, err
	}
	return Get(ctx, tx, id)
}

func lock(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Rerating, error) {
	return get(ctx, tx, selectReratings+` where r.id = $1 for update of r`, id)
}

// move changes the state of a locked re-rating.
func (r *Rerating) move(ctx context.Context, tx tenant.Tx, to State) error {
	if err := allowed(reratingMoves, r.State, to); err != nil {
		return fmt.Errorf("re-rating %s: %w", r.ID, err)
	}
	tag, err := tx.Exec(ctx, `
		update rerating set state = $2, through = null, accounts_done = case when $2 = 'applying' then 0 else accounts_done end,
		       ready_at = case when $2 = 'ready' then $3 else ready_at end,
		       ended_at = case when $2 in ('applied', 'failed', 'cancelled') then $3 else ended_at end
		where id = $1 and state = $4`, r.ID, to, tx.At, r.State)
	if err == nil && tag.RowsAffected() != 1 {
		err = ErrState
	}
	if err != nil {
		return fmt.Errorf("move re-rating to %s: %w", to, err)
	}
	r.State, r.through = to, uuid.Nil
	return nil
}

// Apply has a proposal carried out, for a reason.
func Apply(ctx context.Context, tx tenant.Tx, id uuid.UUID, reason, by string) (Rerating, error) {
	r, err := lock(ctx, tx, id)
	if err != nil {
		return Rerating{}, err
	}
	if reason, err = checkReason(reason); err != nil {
		return Rerating{}, err
	}
	if err := allowed(reratingMoves, r.State, Applying); err != nil {
		return Rerating{}, fmt.Errorf("re-rating %s: %w", r.ID, err)
	}
	if err := r.beginApplying(ctx, tx, reason, by); err != nil {
		return Rerating{}, err
	}
	if err := agenda.Again(ctx, tx, agenda.Rerating, id, nil); err != nil {
		return Rerating{}, err
	}
	return Get(ctx, tx, id)
}

// beginApplying lets a ready one be carried out, portion by portion.
func (r *Rerating) beginApplying(ctx context.Context, tx tenant.Tx, reason, by string) error {
	_, err := tx.Exec(ctx, `update rerating set state = 'applying', reason = $2, applied_by = $3, applied_at = $4, through = null,
		accounts_done = 0, accounts_total = (select count(*) from rerating_account where rerating_id = $1) where id = $1`, r.ID, reason, by, tx.At)
	if err != nil {
		return fmt.Errorf("apply re-rating: %w", err)
	}
	r.State, r.Reason, r.AppliedBy = Applying, reason, by
	return nil
}

const maxReason = 500

func checkReason(reason string) (string, error) {
	reason = strings.Join(strings.Fields(reason), " ")
	if reason == "" || len(reason) > maxReason {
		return "", &ChoiceError{"reason", "a reason of up to 500 characters, which customers may read"}
	}
	return reason, nil
}

// UndoApplied takes an applied re-rating back, for a reason: corrections of its
// corrections, which together come to zero.
func UndoApplied(ctx context.Context, tx tenant.Tx, id uuid.UUID, reason, by string) (Rerating, error) {
	r, err := lock(ctx, tx, id)
	if err != nil {
		return Rerating{}, err
	}
	switch {
	case r.UndoneBy != uuid.Nil:
		return Rerating{}, fmt.Errorf("re-rating %s: %w", id, ErrUndone)
	case r.State != Applied || r.Action == Undo:
		return Rerating{}, fmt.Errorf("re-rating %s is %s: %w", id, r.State, ErrState)
	}
	if reason, err = checkReason(reason); err != nil {
		return Rerating{}, err
	}
	undo := uuid.Must(uuid.NewV7())
	_, err = tx.Exec(ctx, `
		insert into rerating (id, action, state, choice, offering_id, undoes, reason, accounts_total, asked_by, asked_at, applied_by, applied_at)
		select $1, 'undo', 'applying', r.choice, r.offering_id, r.id, $3,
		       (select count(*) from rerating_account a where a.rerating_id = r.id and a.state = 'applied'), $4, $5, $4, $5
		from rerating r where r.id = $2`, undo, id, reason, by, tx.At)
	if err != nil {
		return Rerating{}, fmt.Errorf("undo re-rating: %w", err)
	}
	if err := agenda.Add(ctx, tx, agenda.Item{Kind: agenda.Rerating, Ref: undo, DueAt: tx.At}); err != nil {
		return Rerating{}, err
	}
	return Get(ctx, tx, undo)
}

func optional(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

func orNil(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}

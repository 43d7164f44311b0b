package cashdesk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/account"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// State is how far a shift has come.
type State string

// States of a shift.
const (
	Open    State = "open"
	Counted State = "counted" // with a difference that somebody else has to see
	Closed  State = "closed"
)

var moves = map[State][]State{Open: {Counted, Closed}, Counted: {Open, Closed}, Closed: {}}

func (s State) may(to State) bool { return slices.Contains(moves[s], to) }

var (
	// ErrNoShift means that there is no such shift, or the cashier has none open.
	ErrNoShift = errors.New("no such shift is open")
	// ErrShiftOpen means that the cashier has another that is not closed.
	ErrShiftOpen = errors.New("the cashier has another shift that is not closed")
	// ErrState is returned for a move the table does not allow.
	ErrState = errors.New("the shift can't move there")
	// ErrSecondPerson means that whoever counted can't approve the difference.
	ErrSecondPerson = errors.New("somebody else has to see a difference that large")
	// ErrNotThere means that the drawer does not hold that much.
	ErrNotThere = errors.New("the drawer does not hold that much")
	// ErrNotCash means a payment that did not come in cash.
	ErrNotCash = errors.New("the payment did not come in cash")
)

// Shift is a cashier's time at a drawer.
type Shift struct {
	ID                  uuid.UUID
	Branch, LegalEntity uuid.UUID
	Cashier             string
	No                  int // in the branch
	Currency            money.Currency
	State               State
	Float               money.Amount
	Expected            money.Amount
	Counted             *money.Amount
	Note                string
	OpenedAt            time.Time
	CountedAt, ClosedAt *time.Time
	ClosedBy            string
}

// Difference is what was counted more, or below zero less, than there should be.
func (s Shift) Difference() money.Amount {
	if s.Counted == nil {
		return money.Zero(s.Currency)
	}
	return money.New(s.Counted.Decimal().Sub(s.Expected.Decimal()), s.Currency)
}

const selectShift = `select id, branch, legal_entity, cashier, no, currency, state, float_amount, expected, counted, note, opened_at, counted_at, closed_at, closed_by from cash_shift `

func shifts(ctx context.Context, tx tenant.Tx, where string, args ...any) ([]Shift, error) {
	rows, err := tx.Query(ctx, selectShift+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read shifts: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Shift, err error) {
		var float, expected money.Decimal
		var counted *money.Decimal
		err = row.Scan(&s.ID, &s.Branch, &s.LegalEntity, &s.Cashier, &s.No, &s.Currency, &s.State, &float, &expected, &counted, &s.Note, &s.OpenedAt, &s.CountedAt, &s.ClosedAt, &s.ClosedBy)
		s.Float, s.Expected, s.OpenedAt = money.New(float, s.Currency), money.New(expected, s.Currency), s.OpenedAt.UTC()
		if counted != nil {
			amount := money.New(*counted, s.Currency)
			s.Counted = &amount
		}
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("read shifts: %w", err)
	}
	return found, nil
}

func one(ctx context.Context, tx tenant.Tx, where string, args ...any) (Shift, error) {
	found, err := shifts(ctx, tx, where, args...)
	if err == nil && len(found) == 0 {
		err = ErrNoShift
	}
	if err != nil {
		return Shift{}, err
	}
	return found[0], nil
}

// Get reads a shift; ErrNoShift.
func Get(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Shift, error) {
	return one(ctx, tx, `where id = $1`, id)
}

// Of is the shift that a cashier has not closed; ErrNoShift.
func Of(ctx context.Context, tx tenant.Tx, cashier string) (Shift, error) {
	return one(ctx, tx, `where cashier = $1 and state <> 'closed'`, cashier)
}

// List lists the newest shifts.
func List(ctx context.Context, tx tenant.Tx, limit int) ([]Shift, error) {
	return shifts(ctx, tx, `order by opened_at desc, id desc limit $1`, min(max(limit, 1), 200))
}

// NewShift opens a drawer with what is in it.
type NewShift struct {
	ID      uuid.UUID // of the command
	Branch  uuid.UUID // Nil: the default one
	Cashier string
	Float   money.Amount
}

// Begin opens a shift. ErrShiftOpen where the cashier has another; the same id
// again gives the same one.
func Begin(ctx context.Context, tx tenant.Tx, n NewShift) (Shift, error) {
	if known, err := Get(ctx, tx, n.ID); err == nil {
		return known, nil
	}
	if n.Float.Sign() < 0 || !n.Float.RoundToDocument().Decimal().Equal(n.Float.Decimal()) {
		return Shift{}, &account.FieldError{Field: "float", Want: "an amount, or zero"}
	}
	branch, entity, err := lockBranch(ctx, tx, n.Branch)
	if err != nil {
		return Shift{}, err
	}
	_, err = tx.Exec(ctx, `
		insert into cash_shift (id, branch, legal_entity, cashier, no, currency, state, float_amount, expected, opened_at)
		select $1, $2, $3, $4, coalesce(max(no), 0) + 1, $5, 'open', $6, $6, $7 from cash_shift where branch = $2`,
		n.ID, branch, entity, n.Cashier, n.Float.Currency(), n.Float.Decimal(), tx.At)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "cash_shift_one_open" {
		return Shift{}, ErrShiftOpen
	}
	if err != nil {
		return Shift{}, fmt.Errorf("open shift: %w", err)
	}
	return Get(ctx, tx, n.ID)
}

// lockBranch holds a branch's numbers until the transaction ends: last in the
// lock order.
func lockBranch(ctx context.Context, tx tenant.Tx, id uuid.UUID) (branch, entity uuid.UUID, err error) {
	err = tx.QueryRow(ctx, `select id, legal_entity from branch
		where id = $1 or $1 = '00000000-0000-0000-0000-000000000000'::uuid and is_default for no key update`, id).Scan(&branch, &entity)
	if errors.Is(err, pgx.ErrNoRows) {
		return branch, entity, &account.FieldError{Field: "branch", Want: "a branch"}
	}
	if err != nil {
		return branch, entity, fmt.Errorf("lock branch: %w", err)
	}
	return branch, entity, nil
}

// Count says what is in the drawer. A difference within the operator's limit
// closes the shift; a larger one waits for somebody else. counted again opens it.
func Count(ctx context.Context, tx tenant.Tx, id uuid.UUID, counted money.Amount, note, by string) (Shift, error) {
	s, err := lock(ctx, tx, id)
	if err != nil {
		return s, err
	}
	if s.State == Closed {
		return s, fmt.Errorf("%w: it is closed", ErrState)
	}
	if s.Cashier != by {
		return s, ErrNoShift
	}
	if counted.Sign() < 0 || counted.Currency() != s.Currency || !counted.RoundToDocument().Decimal().Equal(counted.Decimal()) {
		return s, &account.FieldError{Field: "counted", Want: "an amount in " + s.Currency.Code() + ", or zero"}
	}
	laid, err := payment.GetPolicy(ctx, tx)
	if err != nil {
		return s, err
	}
	s.Counted, s.Note, s.CountedAt = &counted, strings.TrimSpace(note), &tx.At
	difference := s.Difference().Decimal()
	if !difference.IsZero() && s.Note == "" {
		return s, &account.FieldError{Field: "note", Want: "why there is more or less than there should be"}
	}
	if s.State = Counted; difference.Abs().Cmp(laid.CashLimit) <= 0 {
		return s.close(ctx, tx, by)
	}
	return s, s.save(ctx, tx)
}

// Reopen goes back to work before the difference was approved.
func Reopen(ctx context.Context, tx tenant.Tx, id uuid.UUID, by string) (Shift, error) {
	s, err := lock(ctx, tx, id)
	if err != nil {
		return s, err
	}
	if s.Cashier != by || !s.State.may(Open) {
		return s, ErrState
	}
	s.State, s.Counted, s.CountedAt = Open, nil, nil
	return s, s.save(ctx, tx)
}

// Approve closes a shift with a large difference: by somebody else than who
// counted.
func Approve(ctx context.Context, tx tenant.Tx, id uuid.UUID, by string) (Shift, error) {
	s, err := lock(ctx, tx, id)
	if err != nil {
		return s, err
	}
	switch {
	case s.State == Closed:
		return s, nil
	case s.State != Counted:
		return s, fmt.Errorf("%w: it was not counted", ErrState)
	case s.Cashier == by:
		return s, ErrSecondPerson
	}
	return s.close(ctx, tx, by)
}

func (s Shift) close(ctx context.Context, tx tenant.Tx, by string) (Shift, error) {
	s.State, s.ClosedAt, s.ClosedBy = Closed, &tx.At, by
	if err := s.save(ctx, tx); err != nil {
		return s, err
	}
	over := s.Difference()
	debit, credit := ledger.General(ledger.Cash), ledger.General(ledger.CashDifference)
	if over.Sign() < 0 {
		debit, credit = credit, debit
	}
	return s, s.post(ctx, tx, debit, credit, over.Abs())
}

func (s Shift) post(ctx context.Context, tx tenant.Tx, debit, credit ledger.Account, amount money.Amount) error {
	if amount.IsZero() {
		return nil
	}
	return ledger.Post(ctx, tx, ledger.Event{Kind: ledger.CashMove, ID: s.ID, At: tx.At, LegalEntity: s.LegalEntity, Branch: s.Branch},
		[]ledger.Transfer{{Debit: debit, Credit: credit, Amount: amount.Decimal(), Unit: amount.Currency().Unit()}})
}

func lock(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Shift, error) {
	return one(ctx, tx, `where id = $1 for no key update`, id)
}

func (s Shift) save(ctx context.Context, tx tenant.Tx) error {
	var counted *money.Decimal
	if s.Counted != nil {
		d := s.Counted.Decimal()
		counted = &d
	}
	tag, err := tx.Exec(ctx, `update cash_shift set state = $2, expected = $3, counted = $4, note = $5, counted_at = $6, closed_at = $7, closed_by = $8 where id = $1`,
		s.ID, s.State, s.Expected.Decimal(), counted, s.Note, s.CountedAt, s.ClosedAt, s.ClosedBy)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows written, want 1", tag.RowsAffected())
	}
	if err != nil {
		return fmt.Errorf("save shift: %w", err)
	}
	return nil
}

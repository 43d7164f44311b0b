package reconcile

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// EntryState is what has become of an entry.
type EntryState string

// States of an entry.
const (
	Unclear EntryState = "unclear"
	Matched EntryState = "matched"
	NotOurs EntryState = "not_ours" // money of others, kept until it goes back
	Ignored EntryState = "ignored"  // booked otherwise already
)

// Entry is one movement on a bank account.
type Entry struct {
	ID          uuid.UUID
	StatementID uuid.UUID
	Account     string
	No          int
	Ref         string
	Booked      calendar.Date
	Amount      money.Amount // above zero where money came in
	Kind        string
	Party       string
	IBAN        string
	Structured  string
	EndToEnd    string
	Batch       string
	Reason      string
	Text        string
	State       EntryState
	Score       int
	Suggestions []Suggestion
	Parts       []Part
	DecidedBy   string
	DecidedAt   *time.Time
	round       int
}

// Suggestion is what an entry may be for, and how sure that is.
type Suggestion struct {
	AccountID uuid.UUID   `json:"account"`
	Number    string      `json:"number"`
	Name      string      `json:"name"`
	Bills     []uuid.UUID `json:"bills,omitempty"`
	Bill      string      `json:"bill,omitempty"` // its number
	Score     int         `json:"score"`
	Why       []string    `json:"why"` // reference, account, payer, amount, name
}

// Part is what was made of an entry, or of a part of it.
type Part struct {
	Kind      string        `json:"kind"` // payment, return, charge, payout, other
	ID        uuid.UUID     `json:"id"`   // of the payment, dispute or payout
	AccountID uuid.UUID     `json:"account,omitzero"`
	Amount    money.Decimal `json:"amount"`
}

const selectEntry = `select id, statement_id, account, no, ref, booked_on, amount, currency, kind, party, party_iban, structured, end_to_end, batch, reason, text, state, score,
	suggestions, parts, round, decided_by, decided_at from bank_entry `

func entries(ctx context.Context, tx tenant.Tx, where string, args ...any) ([]Entry, error) {
	rows, err := tx.Query(ctx, selectEntry+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Entry, err error) {
		var amount money.Decimal
		var currency money.Currency
		err = row.Scan(&e.ID, &e.StatementID, &e.Account, &e.No, &e.Ref, &e.Booked, &amount, &currency, &e.Kind, &e.Party, &e.IBAN, &e.Structured, &e.EndToEnd, &e.Batch, &e.Reason,
			&e.Text, &e.State, &e.Score, &e.Suggestions, &e.Parts, &e.round, &e.DecidedBy, &e.DecidedAt)
		e.Amount = money.New(amount, currency)
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	return found, nil
}

// Queue lists entries that nobody has decided on, the oldest first.
func Queue(ctx context.Context, tx tenant.Tx, limit int) ([]Entry, error) {
	return entries(ctx, tx, `where state = 'unclear' order by booked_on, id limit $1`, min(max(limit, 1), 500))
}

// EntriesOf lists a statement's entries.
func EntriesOf(ctx context.Context, tx tenant.Tx, id uuid.UUID) ([]Entry, error) {
	return entries(ctx, tx, `where statement_id = $1 order by no`, id)
}

// GetEntry reads one; ErrNotFound.
func GetEntry(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Entry, error) {
	return oneEntry(ctx, tx, `where id = $1`, id)
}

func oneEntry(ctx context.Context, tx tenant.Tx, where string, args ...any) (Entry, error) {
	found, err := entries(ctx, tx, where, args...)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Entry{}, err
	}
	return found[0], nil
}

// decide ends an entry's wait. It is locked.
func (e *Entry) decide(ctx context.Context, tx tenant.Tx, to EntryState, score int, by string, parts []Part) error {
	e.State, e.Score, e.Parts, e.DecidedBy, e.DecidedAt = to, score, parts, by, &tx.At
	if e.Parts == nil {
		e.Parts = []Part{}
	}
	tag, err := tx.Exec(ctx, `update bank_entry set state = $2, score = $3, parts = $4, decided_by = $5, decided_at = $6 where id = $1 and state = 'unclear'`,
		e.ID, e.State, e.Score, e.Parts, e.DecidedBy, e.DecidedAt)
	if err != nil {
		return fmt.Errorf("decide on entry %s: %w", e.Ref, err)
	}
	if tag.RowsAffected() != 1 {
		return ErrEntryState
	}
	return nil
}

// partID names what is made of an entry: the same however often it is tried,
// another after it was undone.
func (e Entry) partID(n int) uuid.UUID {
	return uuid.NewSHA1(e.ID, fmt.Appendf(nil, "%d/%d", e.round, n))
}

// plainNumber is a number without what people put between.
func plainNumber(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z':
			return r
		}
		return -1
	}, text)
}

// words cuts a text where numbers end.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool {
		return r == ' ' || r == ',' || r == ';' || r == ':' || r == '\n' || r == '\t' || r == '(' || r == ')' || r == '+'
	})
}

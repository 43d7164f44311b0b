package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/tenant"
)

// Note is what somebody wrote down about a subscriber. It is never changed,
// only pinned on top or let go.
type Note struct {
	ID        uuid.UUID // of the command: a repeat changes nothing
	AccountID uuid.UUID
	Text      string
	Pinned    bool
	By        string // an actor
	Author    string // the name people know it by
	CreatedAt time.Time
}

// MaxNote bounds a note, in characters.
const MaxNote = 4000

// Errors of notes.
var (
	ErrNote   = fmt.Errorf("a note has 1 to %d characters", MaxNote)
	ErrNoNote = errors.New("no such note")
)

// AddNote writes a note down.
func AddNote(ctx context.Context, tx tenant.Tx, n Note) (Note, error) {
	n.Text, n.CreatedAt = strings.TrimSpace(n.Text), tx.At
	if n.Text == "" || len([]rune(n.Text)) > MaxNote {
		return Note{}, ErrNote
	}
	if _, err := account.Get(ctx, tx, n.AccountID); err != nil {
		return Note{}, err
	}
	_, err := tx.Exec(ctx, `
		insert into note (id, account_id, text, pinned, created_by, author, created_at)
		values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (id) do nothing`, n.ID, n.AccountID, n.Text, n.Pinned, n.By, n.Author, n.CreatedAt)
	if err != nil {
		return Note{}, fmt.Errorf("add note: %w", err)
	}
	return n, nil
}

// PinNote keeps a note of an account on top.
func PinNote(ctx context.Context, tx tenant.Tx, accountID, id uuid.UUID) error {
	return pin(ctx, tx, accountID, id, true)
}

// UnpinNote lets it go again.
func UnpinNote(ctx context.Context, tx tenant.Tx, accountID, id uuid.UUID) error {
	return pin(ctx, tx, accountID, id, false)
}

func pin(ctx context.Context, tx tenant.Tx, accountID, id uuid.UUID, pinned bool) error {
	done, err := tx.Exec(ctx, `update note set pinned = $3 where id = $1 and account_id = $2`, id, accountID, pinned)
	if err != nil {
		return fmt.Errorf("pin note %s: %w", id, err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("note %s: %w", id, ErrNoNote)
	}
	return nil
}

// Notes lists an account's notes, newest first: those before one, or the
// newest for uuid.Nil.
func Notes(ctx context.Context, tx tenant.Tx, accountID, before uuid.UUID, limit int) ([]Note, error) {
	if before == uuid.Nil {
		before = uuid.Max
	}
	return notes(ctx, tx, `account_id = $1 and id < $2 order by id desc limit $3`, accountID, before, min(max(limit, 1), MaxPage))
}

// maxPinned bounds what stands on top.
const maxPinned = 5

// PinnedNotes are those on top, newest first.
func PinnedNotes(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) ([]Note, error) {
	return notes(ctx, tx, `account_id = $1 and pinned order by id desc limit $2`, accountID, maxPinned)
}

// notes takes a condition written in this file.
func notes(ctx context.Context, tx tenant.Tx, condition string, args ...any) ([]Note, error) {
	rows, err := tx.Query(ctx, `select id, account_id, text, pinned, created_by, author, created_at from note where `+condition, args...)
	if err != nil {
		return nil, fmt.Errorf("list notes: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n Note, err error) {
		err = row.Scan(&n.ID, &n.AccountID, &n.Text, &n.Pinned, &n.By, &n.Author, &n.CreatedAt)
		n.CreatedAt = n.CreatedAt.UTC()
		return n, err
	})
	if err != nil {
		return nil, fmt.Errorf("list notes: %w", err)
	}
	return found, nil
}

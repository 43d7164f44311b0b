package payment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// DisputeKind is how a payer's bank takes money back.
type DisputeKind string

// Kinds: a card's dispute is argued about, a returned debit is not.
const (
	Chargeback DisputeKind = "dispute"
	Returned   DisputeKind = "return"
	Undone     DisputeKind = "undo" // booked by mistake, and taken back
)

// DisputeState is how far a dispute has come.
type DisputeState string

// States of a dispute. A return is lost from its beginning.
const (
	DisputeOpen DisputeState = "open"
	DisputeWon  DisputeState = "won"
	DisputeLost DisputeState = "lost"
)

// ErrDisputeState is returned for a move the table does not allow.
var ErrDisputeState = errors.New("dispute can't move there")

var disputeMoves = map[DisputeState][]DisputeState{
	DisputeOpen: {DisputeWon, DisputeLost},
	DisputeWon:  {},
	DisputeLost: {DisputeWon}, // an appeal that was granted
}

func (s DisputeState) may(to DisputeState) bool { return slices.Contains(disputeMoves[s], to) }

// Dispute is money that a payer's bank has taken back.
type Dispute struct {
	ID           uuid.UUID
	PaymentID    uuid.UUID
	Kind         DisputeKind
	Provider     string
	Ref          string // the provider's or bank's: once there
	Amount       money.Amount
	Fee          money.Amount
	Reason       string
	State        DisputeState
	EvidenceDue  *time.Time // until when an answer counts
	EvidenceSent *time.Time // somebody has noted that it was answered
	OpenedAt     time.Time
	ClosedAt     *time.Time
	parts        []takenPart
}

// takenPart is what was taken out of one payment: of the disputed one, or of
// one that its money was moved to.
type takenPart struct {
	Payment   uuid.UUID     `json:"payment"`
	Account   uuid.UUID     `json:"account"`
	Unapplied money.Decimal `json:"unapplied,omitzero"`
	Bucket    *uuid.UUID    `json:"bucket,omitempty"`
	Balance   money.Decimal `json:"balance,omitzero"` // of that bucket
	Tax       money.Decimal `json:"tax,omitzero"`     // of that balance, which was due at its sale
	Applied   []reversal    `json:"applied,omitempty"`
}

func (t takenPart) total() money.Decimal {
	paid, _ := sumReversals(t.Applied)
	return t.Unapplied.Add(t.Balance).Add(paid)
}

const selectDispute = `select id, payment_id, kind, provider, provider_ref, amount, currency, fee, reason, state, evidence_due, evidence_sent, parts, opened_at, closed_at
	from dispute `

func scanDispute(row pgx.CollectableRow) (Dispute, error) {
	var d Dispute
	var amount, fee money.Decimal
	var currency money.Currency
	var parts json.RawMessage
	err := row.Scan(&d.ID, &d.PaymentID, &d.Kind, &d.Provider, &d.Ref, &amount, &currency, &fee, &d.Reason, &d.State, &d.EvidenceDue, &d.EvidenceSent,
		&parts, &d.OpenedAt, &d.ClosedAt)
	if err != nil {
		return d, err
	}
	d.Amount, d.Fee, d.OpenedAt = money.New(amount, currency), money.New(fee, currency), d.OpenedAt.UTC()
	return d, json.Unmarshal(parts, &d.parts)
}

func disputes(ctx context.Context, tx tenant.Tx, where string, args ...any) ([]Dispute, error) {
	rows, err := tx.Query(ctx, selectDispute+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read disputes: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanDispute)
	if err != nil {
		return nil, fmt.Errorf("read disputes: %w", err)
	}
	return found, nil
}

// GetDispute reads a dispute; ErrNotFound if there is none.
func GetDispute(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Dispute, error) {
	return oneDispute(ctx, tx, `where id = $1`, id)
}

func oneDispute(ctx context.Context, tx tenant.Tx, where string, args ...any) (Dispute, error) {
	found, err := disputes(ctx, tx, where, args...)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("dispute: %w", ErrNotFound)
	}
	if err != nil {
		return Dispute{}, err
	}
	return found[0], nil
}

// Disputes lists those of a payment, the newest first.
func Disputes(ctx context.Context, tx tenant.Tx, paymentID uuid.UUID) ([]Dispute, error) {
	return disputes(ctx, tx, `where payment_id = $1 order by opened_at desc, id desc`, paymentID)
}

// ListDisputes lists those of all payments: open ones by when they have to be
// answered, then the others, the newest first.
func ListDisputes(ctx context.Context, tx tenant.Tx, limit int) ([]Dispute, error) {
	return disputes(ctx, tx, `order by state <> 'open', case when state = 'open' then evidence_due end nulls last, opened_at desc, id desc limit $1`, min(max(limit, 1), pageLimit))
}

// NoteEvidence notes that a dispute was answered at the provider.
func NoteEvidence(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
	tag, err := tx.Exec(ctx, `update dispute set evidence_sent = coalesce(evidence_sent, $2) where id = $1 and state = 'open'`, id, tx.At)
	if err != nil {
		return fmt.Errorf("note evidence of dispute %s: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		if _, err := GetDispute(ctx, tx, id); err != nil {
			return err
		}
		return fmt.Errorf("%w: it is not open", ErrDisputeState)
	}
	return nil
}

func (d *Dispute) insert(ctx context.Context, tx tenant.Tx) error {
	_, err := tx.Exec(ctx, `
		insert into dispute (id, payment_id, kind, provider, provider_ref, amount, currency, fee, reason, state, evidence_due, parts, opened_at, closed_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		d.ID, d.PaymentID, d.Kind, d.Provider, d.Ref, d.Amount.Decimal(), d.Amount.Currency(), d.Fee.Decimal(), d.Reason, d.State, d.EvidenceDue,
		mustJSON(d.parts), d.OpenedAt, d.ClosedAt)
	if err != nil {
		return fmt.Errorf("keep dispute %s: %w", d.Ref, err)
	}
	return nil
}

// moveTo is the only way to a new state.
func (d *Dispute) moveTo(ctx context.Context, tx tenant.Tx, to DisputeState) error {
	if !d.State.may(to) {
		return fmt.Errorf("%w: from %s to %s", ErrDisputeState, d.State, to)
	}
	d.State, d.ClosedAt = to, &tx.At
	tag, err := tx.Exec(ctx, `update dispute set state = $2, closed_at = $3, fee = $4 where id = $1`, d.ID, d.State, d.ClosedAt, d.Fee.Decimal())
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows written, want 1", tag.RowsAffected())
	}
	if err != nil {
		return fmt.Errorf("close dispute %s: %w", d.ID, err)
	}
	return nil
}

// mustJSON encodes what always can be.
func mustJSON(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("payment: plain values can't be encoded: %v", err))
	}
	return text
}

package charging

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// Errors of online debits.
var (
	// ErrConflict means that the event's key was charged with other contents.
	ErrConflict = errors.New("this event was charged with other contents")
	// ErrNotChargeable is wrapped by a DebitError.
	ErrNotChargeable = errors.New("event cannot be charged")
)

// DebitError says why an event has no price or no payer. Nothing was changed.
type DebitError struct{ Problem *usage.Problem }

func (e *DebitError) Error() string { return ErrNotChargeable.Error() + ": " + e.Problem.Error() }

// Is lets errors.Is find ErrNotChargeable.
func (e *DebitError) Is(target error) bool { return target == ErrNotChargeable }

// Debited is the answer to an online debit, read from its charge.
type Debited struct {
	ChargeID uuid.UUID
	Repeat   bool // it had been charged before; this is that answer
	Price    money.Decimal
	Net      money.Decimal
	Tax      money.Decimal
	Paid     money.Decimal // from money buckets
	Currency money.Currency
	Covered  money.Decimal // by unit buckets, in the event's unit
	At       time.Time
}

// Debit charges one event now, once by its key. It refuses, and changes
// nothing, what a prepaid balance does not cover (ErrInsufficient), what has
// no subscriber or price (*DebitError) and another body under a used key
// (ErrConflict). A repeat gets the stored answer.
func (e *Engine) Debit(ctx context.Context, tx tenant.Tx, source uuid.UUID, record usage.Record) (Debited, error) {
	batch := Batch{Source: source, Items: []usage.Item{{Record: &record}}}
	outcomes := make([]Outcome, 1)
	r := &run{engine: e, batch: &batch, part: []int{0}, outcomes: outcomes, online: true}
	if err := e.inSavepoint(ctx, tx, r); err != nil {
		return Debited{}, err
	}
	switch o := outcomes[0]; o.Status {
	case Accepted:
		return e.answer(ctx, tx, source, &record, false)
	case Duplicate:
		return e.answer(ctx, tx, source, &record, true)
	case Conflict:
		return Debited{}, fmt.Errorf("%.80q: %w", record.Key, ErrConflict)
	default:
		return Debited{}, &DebitError{o.Problem}
	}
}

// The account and the end of use find the record (usage_record_account), the
// key tells it from others of the same instant. A charge has its usage's id.
const selectDebited = `
	select c.id, c.price, c.net, c.tax, c.paid_from_balance, c.currency, c.allowance, c.at
	from usage_record as r
	join charge as c on c.period = r.period and c.id = r.id
	where r.account_id = $1 and r.ended_at = $2 and r.period = $3 and r.source_id = $4 and r.producer_id = $5`

// answer reads the charge of an event.
func (e *Engine) answer(ctx context.Context, tx tenant.Tx, source uuid.UUID, record *usage.Record, repeat bool) (Debited, error) {
	s, err := e.begin(ctx, tx)
	if err != nil {
		return Debited{}, err
	}
	wanted := map[usage.Identity]holdings{record.Identity: nil}
	if err := s.subscribers(ctx, tx, wanted); err != nil {
		return Debited{}, err
	}
	u := use{record: record}
	holder := wanted[record.Identity].at(u.at())
	if holder == nil {
		return Debited{}, &DebitError{&usage.Problem{Field: "identity", Code: usage.UnknownSubscriber, Reason: "nobody has this identity now", Want: "the identity of a connected service"}}
	}
	d := Debited{Repeat: repeat}
	err = tx.QueryRow(ctx, selectDebited, holder.account, record.End, ledger.Period(record.End, s.zone), source, record.Key).
		Scan(&d.ChargeID, &d.Price, &d.Net, &d.Tax, &d.Paid, &d.Currency, &d.Covered, &d.At)
	if errors.Is(err, pgx.ErrNoRows) {
		// It came by another way, and waits or costs nothing.
		return Debited{}, &DebitError{&usage.Problem{Field: "key", Code: usage.KeyConflict, Reason: "the event was accepted without a charge", Want: "an id of its own"}}
	}
	if err != nil {
		return Debited{}, fmt.Errorf("read charge of %.80q: %w", record.Key, err)
	}
	return d, nil
}

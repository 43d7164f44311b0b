package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// Share is what of an entry is for one account.
type Share struct {
	AccountID uuid.UUID
	Bills     []uuid.UUID // are paid first
	Amount    money.Amount
}

// Pay books an entry for one account or several. ErrParts where the shares do
// not make it up, ErrEntryState where it was decided on.
func (d *Desk) Pay(ctx context.Context, tx tenant.Tx, id uuid.UUID, shares []Share, by string) (Entry, error) {
	e, err := lockEntry(ctx, tx, id)
	if err != nil {
		return e, err
	}
	if e.State != Unclear || e.Amount.Sign() <= 0 {
		return e, ErrEntryState
	}
	return e, d.pay(ctx, tx, &e, shares, 100, by)
}

func lockEntry(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Entry, error) {
	return oneEntry(ctx, tx, `where id = $1 for no key update`, id)
}

func (d *Desk) pay(ctx context.Context, tx tenant.Tx, e *Entry, shares []Share, score int, by string) error {
	if len(shares) == 0 || len(shares) > 100 {
		return ErrParts
	}
	slices.SortFunc(shares, func(a, b Share) int { return slices.Compare(a.AccountID[:], b.AccountID[:]) })
	left := e.Amount.Decimal()
	for _, s := range shares {
		if s.Amount.Currency() != e.Amount.Currency() || s.Amount.Sign() <= 0 {
			return fmt.Errorf("%w: %s", ErrParts, s.Amount)
		}
		left = left.Sub(s.Amount.Decimal())
	}
	if !left.IsZero() {
		return fmt.Errorf("%w: %s is left over", ErrParts, money.New(left, e.Amount.Currency()))
	}
	zone, err := ledger.Zone(ctx, tx)
	if err != nil {
		return err
	}
	received := e.Booked.Start(zone)
	if received.After(tx.At) {
		received = tx.At
	}
	var parts []Part
	for n, s := range shares {
		owner, err := account.Get(ctx, tx, s.AccountID)
		if err != nil {
			return err
		}
		purpose := payment.PurposeBill
		if owner.Kind == account.Prepaid {
			purpose = payment.PurposeTopUp
		}
		paid, err := d.Record(ctx, tx, payment.NewPayment{ID: e.partID(n), AccountID: s.AccountID, Purpose: purpose, Method: payment.Bank, Amount: s.Amount, Bills: s.Bills,
			Reference: cut(strings.TrimSpace(e.Party+" "+e.Text), 140), ReceivedAt: received, By: by})
		if err != nil {
			return err
		}
		parts = append(parts, Part{Kind: "payment", ID: paid.ID, AccountID: s.AccountID, Amount: s.Amount.Decimal()})
	}
	return e.decide(ctx, tx, Matched, score, by, parts)
}

// SetAside says that an entry is nobody's of ours (NotOurs: the money waits in
// transit until it goes back) or is booked otherwise (Ignored).
func (d *Desk) SetAside(ctx context.Context, tx tenant.Tx, id uuid.UUID, as EntryState, by string) (Entry, error) {
	e, err := lockEntry(ctx, tx, id)
	if err != nil {
		return e, err
	}
	if e.State != Unclear || as != NotOurs && as != Ignored {
		return e, ErrEntryState
	}
	var parts []Part
	if as == NotOurs {
		if err := post(ctx, tx, ledger.BankEntry, e.partID(0), ledger.Bank, ledger.Transit, e.Amount); err != nil {
			return e, err
		}
		parts = []Part{{Kind: "other", ID: e.partID(0), Amount: e.Amount.Decimal()}}
	}
	return e, e.decide(ctx, tx, as, 0, by, parts)
}

// Undo takes back what was made of an entry: it is unclear again. What a debit
// collected or returned is not undone here: the bank has done it.
func (d *Desk) Undo(ctx context.Context, tx tenant.Tx, id uuid.UUID, by string) (Entry, error) {
	e, err := lockEntry(ctx, tx, id)
	if err != nil {
		return e, err
	}
	if e.State == Unclear {
		return e, ErrEntryState
	}
	for _, part := range e.Parts {
		amount := money.New(part.Amount, e.Amount.Currency())
		switch part.Kind {
		case "payment":
			_, err = payment.TakeBack(ctx, tx, payment.TakenBack{Kind: payment.Undone, Provider: "bank", Ref: "undo:" + part.ID.String(), PaymentID: part.ID, Amount: amount, Reason: "undone by " + by})
		case "charge":
			err = post(ctx, tx, ledger.BankEntry, e.ID, ledger.Bank, ledger.ProviderFee, amount.Neg())
		case "other", "payout":
			err = post(ctx, tx, ledger.BankEntry, e.ID, ledger.Transit, ledger.Bank, amount)
			if err == nil && part.Kind == "payout" {
				_, err = tx.Exec(ctx, `update payout set entry_id = null where id = $1`, part.ID)
			}
		default:
			return e, fmt.Errorf("%w: the bank has collected or returned it", ErrEntryState)
		}
		if err != nil {
			return e, fmt.Errorf("undo entry %s: %w", e.Ref, err)
		}
	}
	_, err = tx.Exec(ctx, `update bank_entry set state = 'unclear', parts = '[]', round = round + 1, decided_by = '', decided_at = null where id = $1`, e.ID)
	if err != nil {
		return e, fmt.Errorf("undo entry %s: %w", e.Ref, err)
	}
	return GetEntry(ctx, tx, id)
}

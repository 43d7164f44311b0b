package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// payer is the locked account whose money moves.
type payer struct {
	id                  uuid.UUID
	party               uuid.UUID
	prepaid             bool
	currency            money.Currency
	receivable          money.Decimal
	legalEntity, branch uuid.UUID
}

const payerColumns = `id, party_id, kind = 'prepaid', currency, receivable, legal_entity, branch`

// lockPayer holds the account's row until the transaction ends: first in the
// lock order. NO KEY, so that rows which only refer to it may be added meanwhile.
func lockPayer(ctx context.Context, tx tenant.Tx, id uuid.UUID) (payer, error) {
	return scanPayer(tx.QueryRow(ctx, `select `+payerColumns+` from billing_account where id = $1 for no key update`, id), id)
}

// readPayer reads the account for a command that moves no money.
func readPayer(ctx context.Context, tx tenant.Tx, id uuid.UUID) (payer, error) {
	return scanPayer(tx.QueryRow(ctx, `select `+payerColumns+` from billing_account where id = $1`, id), id)
}

func scanPayer(row pgx.Row, id uuid.UUID) (payer, error) {
	var p payer
	err := row.Scan(&p.id, &p.party, &p.prepaid, &p.currency, &p.receivable, &p.legalEntity, &p.branch)
	if errors.Is(err, pgx.ErrNoRows) {
		return payer{}, fmt.Errorf("account %s: %w", id, account.ErrNotFound)
	}
	if err != nil {
		return payer{}, fmt.Errorf("read account %s: %w", id, err)
	}
	return p, nil
}

// accepts refuses what can't be paid into the account.
func (p payer) accepts(a money.Amount, purpose Purpose) error {
	if a.Sign() <= 0 || a.Currency() != p.currency || !a.RoundToDocument().Decimal().Equal(a.Decimal()) {
		return fmt.Errorf("%w: %s, where the account is in %s", ErrAmount, a, p.currency)
	}
	switch purpose {
	case PurposeBill:
		return nil
	case PurposeTopUp:
		if p.prepaid {
			return nil
		}
		return fmt.Errorf("%w: a postpaid account has no balance to top up", ErrPurpose)
	default:
		return fmt.Errorf("%w: purpose %q", ErrPurpose, purpose)
	}
}

func (p payer) amount(d money.Decimal) money.Amount { return money.New(d, p.currency) }

// event is why the account's money moves.
func (p payer) event(tx tenant.Tx, kind ledger.EventKind, id uuid.UUID) ledger.Event {
	return ledger.Event{Kind: kind, ID: id, At: tx.At, LegalEntity: p.legalEntity, Branch: p.branch}
}

// move is one transfer of the account; nothing for zero, which is no transfer.
func (p payer) move(debit, credit ledger.Account, amount money.Decimal) []ledger.Transfer {
	if amount.IsZero() {
		return nil
	}
	return []ledger.Transfer{{Debit: debit, Credit: credit, Amount: amount, Unit: p.currency.Unit(), AccountID: p.id}}
}

func (p payer) receivableAccount() ledger.Account { return ledger.Of(ledger.Receivable, p.id) }
func (p payer) creditAccount() ledger.Account     { return ledger.Of(ledger.CustomerCredit, p.id) }

// bookReceipt posts money that came in: what paid open items lowers the
// receivable, the rest is owed to the customer.
func (p payer) bookReceipt(ctx context.Context, tx tenant.Tx, event ledger.Event, from ledger.Kind, applied, unapplied money.Decimal) error {
	source := ledger.General(from)
	return ledger.Post(ctx, tx, event, append(
		p.move(source, p.receivableAccount(), applied),
		p.move(source, p.creditAccount(), unapplied)...))
}

// bookReturn posts money that goes back: the reverse of bookReceipt, and of what
// was written off with it.
func (p payer) bookReturn(ctx context.Context, tx tenant.Tx, event ledger.Event, to ledger.Kind, unapplied money.Decimal, applied []reversal) error {
	source := ledger.General(to)
	paid, writtenOff := sumReversals(applied)
	return ledger.Post(ctx, tx, event, slices.Concat(
		p.move(p.creditAccount(), source, unapplied),
		p.move(p.receivableAccount(), source, paid),
		p.move(p.receivableAccount(), ledger.General(ledger.WriteOff), writtenOff)))
}

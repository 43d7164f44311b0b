package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/event"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Kind says whether an account pays before or after use.
type Kind string

// The kinds of account.
const (
	Prepaid  Kind = "prepaid"
	Postpaid Kind = "postpaid"
)

// Account is a billing account: who owes.
type Account struct {
	ID          uuid.UUID
	Number      string
	PartyID     uuid.UUID
	ParentID    *uuid.UUID
	Kind        Kind
	Currency    money.Currency
	CreditLimit *money.Decimal // of postpaid accounts: what they may owe by online charges; nil: any
	DebtLimit   *money.Decimal // of prepaid ones: how far their own money may go below zero; nil: as the offering says
	State       State
	Anchor      calendar.Date
	CycleMonths int // 1 to 12; 0: the cycle is of days
	CycleDays   int
	Cycle       calendar.Period // the open cycle
	Changes     *CycleChanges   // of the series of cycles; nil: none
	ToParent    bool            // the parent's bill asks for what it owes

	// The ledger's running totals, in the account's currency.
	Unbilled, Receivable, Credit, UndocumentedTax money.Decimal

	LegalEntity uuid.UUID
	Branch      uuid.UUID
	CreatedAt   time.Time
}

// Cycles is the account's series of cycles under the operator's policy.
func (a Account) Cycles(policy calendar.AnchorPolicy) calendar.Cycle {
	return calendar.Cycle{Anchor: a.Anchor, Months: a.CycleMonths, Days: a.CycleDays, Policy: policy}
}

const accountColumns = `
	a.id, a.number, a.party_id, a.parent_id, a.kind, a.currency, a.credit_limit, a.debt_limit, a.state, a.anchor, a.cycle_months, a.cycle_days,
	a.cycle_start, a.cycle_end, a.cycle_changes, a.billed_to_parent, a.unbilled, a.receivable, a.credit, a.undocumented_tax, a.legal_entity, a.branch, a.created_at`

func (a *Account) scanInto() []any {
	return []any{
		&a.ID, &a.Number, &a.PartyID, &a.ParentID, &a.Kind, &a.Currency, &a.CreditLimit, &a.DebtLimit, &a.State, &a.Anchor, &a.CycleMonths, &a.CycleDays,
		&a.Cycle.From, &a.Cycle.To, &a.Changes, &a.ToParent, &a.Unbilled, &a.Receivable, &a.Credit, &a.UndocumentedTax, &a.LegalEntity, &a.Branch, &a.CreatedAt,
	}
}

// Get reads an account; ErrNotFound if there is none.
func Get(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Account, error) {
	return one(ctx, tx, `select `+accountColumns+` from billing_account a where a.id = $1`, id)
}

// Lock reads an account and holds its row until the transaction ends. It comes
// first in the lock order: account, buckets, open items, number series.
func Lock(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Account, error) {
	return one(ctx, tx, `select `+accountColumns+` from billing_account a where a.id = $1 for update`, id)
}

// ByNumber reads the account of a number; ErrNotFound if there is none.
func ByNumber(ctx context.Context, tx tenant.Tx, number string) (Account, error) {
	return one(ctx, tx, `select `+accountColumns+` from billing_account a where a.number = $1`, number)
}

func one(ctx context.Context, tx tenant.Tx, query string, key any) (Account, error) {
	var a Account
	err := tx.QueryRow(ctx, query, key).Scan(a.scanInto()...)
	if errors.Is(err, pgx.ErrNoRows) {
		return Account{}, fmt.Errorf("account %v: %w", key, ErrNotFound)
	}
	if err != nil {
		return Account{}, fmt.Errorf("read account %v: %w", key, err)
	}
	a.CreatedAt = a.CreatedAt.UTC()
	return a, nil
}

// Close ends an account whose subscriptions have all ended. What it still owes
// stays owed.
func Close(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
	a, err := Lock(ctx, tx, id)
	if err != nil {
		return err
	}
	if !accountMoves.allow(a.State, Closed) {
		return &MoveError{Subject: "account " + a.Number, From: string(a.State), To: string(Closed)}
	}
	// Once the account is locked nothing new can be subscribed to it: Subscribe
	// locks it too.
	done, err := tx.Exec(ctx, `
		update billing_account
		   set state = 'closed'
		 where id = $1
		   and not exists (select from subscription where account_id = $1 and state <> 'terminated')`, id)
	if err != nil {
		return fmt.Errorf("close account %s: %w", a.Number, err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("close account %s: %w", a.Number, ErrSubscribed)
	}
	return recordAccounts(ctx, tx, event.AccountClosed, id)
}

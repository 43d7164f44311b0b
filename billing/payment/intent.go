package payment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/audit"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Intent is a card payment from the wish to pay to its end.
type Intent struct {
	ID          uuid.UUID
	AccountID   uuid.UUID
	Purpose     Purpose
	OpenItemID  *uuid.UUID // is paid first
	Amount      money.Amount
	State       IntentState
	Provider    string
	ProviderRef string // the last known: first of the page, then of the payment
	CheckoutURL string // where the payer goes; empty until the provider has answered
	Failure     string // why the last attempt failed, in words for the payer
	Detail      IntentDetail
	ExpiresAt   *time.Time // until when it can be paid; nil: as long as its page is open
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// IntentDetail is what else is known of an intent.
type IntentDetail struct {
	Decline string `json:"decline,omitempty"` // the provider's code for why the last attempt failed
	Channel string `json:"channel,omitempty"` // of a redirect provider: "qr", "va" …
	QR      string `json:"qr,omitempty"`      // to be drawn for the payer's bank's app
	Number  string `json:"number,omitempty"`  // of a virtual account to pay into
	Bank    string `json:"bank,omitempty"`    // that keeps it
}

// method is how the intent's money comes.
func (i Intent) method() Method {
	if i.Provider == Stripe {
		return Card
	}
	return Online
}

// NewIntent is the wish to pay by card.
type NewIntent struct {
	Key       string // of the command: a repeat gets the same intent; empty: none
	AccountID uuid.UUID
	Purpose   Purpose
	BillID    uuid.UUID // is paid first: a bill, or an OpenItem's Names(); Nil: the oldest due is
	// Amount to pay; zero: all that is open on the bill or, without one, all
	// that the account owes.
	Amount money.Amount
	By     audit.Caller // who wishes it, for the audit trail; zero: whoever calls records it
	// Provider takes the payment, by one of its channels; empty: by card, Stripe.
	Provider, Channel string
}

// record adds a new intent to the audit trail.
func (n NewIntent) record(ctx context.Context, tx tenant.Tx, i Intent) error {
	if n.By.Actor == "" {
		return nil
	}
	return audit.Record(ctx, tx, audit.Entry{Caller: n.By, Action: "payment_intent.create", Object: "payment_intent", ObjectID: i.ID,
		Detail: map[string]any{"account": i.AccountID, "purpose": string(i.Purpose), "amount": i.Amount.Text(), "currency": i.Amount.Currency().Code()}})
}

// CreateIntent stores a wish to pay, before any provider hears of it.
// ErrAmount, ErrPurpose, ErrBill and ErrNothingOwed refuse what can't be paid.
func CreateIntent(ctx context.Context, tx tenant.Tx, n NewIntent) (Intent, error) {
	p, err := readPayer(ctx, tx, n.AccountID)
	if err != nil {
		return Intent{}, fmt.Errorf("create intent: %w", err)
	}
	i := Intent{
		ID: uuid.Must(uuid.NewV7()), AccountID: n.AccountID, Purpose: n.Purpose, Amount: n.Amount,
		State: IntentCreated, Provider: cmp.Or(n.Provider, Stripe), CreatedAt: tx.At, UpdatedAt: tx.At,
		Detail: IntentDetail{Channel: n.Channel},
	}
	if n.Key == "" {
		n.Key = "intent:" + i.ID.String()
	}
	if known, found, err := repeatedIntent(ctx, tx, n); found || err != nil {
		return known, err
	}
	if err := i.settleWhatFor(ctx, tx, p, n); err != nil {
		return Intent{}, fmt.Errorf("create intent: %w", err)
	}
	tag, err := tx.Exec(ctx, `
		insert into payment_intent (id, account_id, purpose, open_item_id, amount, currency, state, provider, idempotency_key, created_at, updated_at, detail)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)
		on conflict (idempotency_key) do nothing`,
		i.ID, i.AccountID, i.Purpose, i.OpenItemID, i.Amount.Decimal(), i.Amount.Currency(), i.State, i.Provider, n.Key, tx.At, i.Detail)
	if err != nil {
		return Intent{}, fmt.Errorf("create intent: %w", err)
	}
	if tag.RowsAffected() == 0 { // the same command was faster elsewhere
		known, _, err := repeatedIntent(ctx, tx, n)
		return known, err
	}
	return i, n.record(ctx, tx, i)
}

// settleWhatFor finds the open item and the amount, and checks both.
func (i *Intent) settleWhatFor(ctx context.Context, tx tenant.Tx, p payer, n NewIntent) error {
	owed := p.amount(p.receivable)
	if n.BillID != uuid.Nil {
		item, err := itemOfBill(ctx, tx, n.AccountID, n.BillID)
		if err != nil {
			return err
		}
		owed, i.OpenItemID = item.Open, &item.ID
	}
	if i.Purpose == PurposeBill && owed.Sign() <= 0 {
		return ErrNothingOwed
	}
	if i.Purpose == PurposeBill && i.Amount.IsZero() {
		i.Amount = owed
	}
	if err := p.accepts(i.Amount, i.Purpose); err != nil {
		return err
	}
	if i.Purpose == PurposeTopUp {
		owed = p.amount(money.Decimal{})
	}
	return belowCeiling(i.Amount, owed)
}

// repeatedIntent finds the intent of a repeated command.
func repeatedIntent(ctx context.Context, tx tenant.Tx, n NewIntent) (known Intent, found bool, err error) {
	known, err = oneIntent(ctx, tx, selectIntent+`where idempotency_key = $1`, n.Key)
	if errors.Is(err, ErrNotFound) {
		return Intent{}, false, nil
	}
	if err != nil {
		return Intent{}, false, err
	}
	sameAmount := n.Amount.IsZero() ||
		known.Amount.Currency() == n.Amount.Currency() && known.Amount.Decimal().Equal(n.Amount.Decimal())
	if known.AccountID != n.AccountID || known.Purpose != n.Purpose || known.Provider != cmp.Or(n.Provider, Stripe) || !sameAmount {
		return Intent{}, false, fmt.Errorf("%w: intent %s", ErrKeyReused, known.ID)
	}
	return known, true, nil
}

const selectIntent = `select id, account_id, purpose, open_item_id, amount, currency, state, provider, provider_ref,
	checkout_url, failure, created_at, updated_at, detail, expires_at from payment_intent `

func scanIntent(row pgx.CollectableRow) (Intent, error) {
	var i Intent
	var amount money.Decimal
	var currency money.Currency
	err := row.Scan(&i.ID, &i.AccountID, &i.Purpose, &i.OpenItemID, &amount, &currency, &i.State, &i.Provider, &i.ProviderRef,
		&i.CheckoutURL, &i.Failure, &i.CreatedAt, &i.UpdatedAt, &i.Detail, &i.ExpiresAt)
	i.Amount = money.New(amount, currency)
	i.CreatedAt, i.UpdatedAt = i.CreatedAt.UTC(), i.UpdatedAt.UTC()
	return i, err
}

func oneIntent(ctx context.Context, tx tenant.Tx, query string, key any) (Intent, error) {
	rows, err := tx.Query(ctx, query, key)
	if err != nil {
		return Intent{}, fmt.Errorf("read intent: %w", err)
	}
	i, err := pgx.CollectExactlyOneRow(rows, scanIntent)
	if errors.Is(err, pgx.ErrNoRows) {
		return Intent{}, fmt.Errorf("intent %v: %w", key, ErrNotFound)
	}
	if err != nil {
		return Intent{}, fmt.Errorf("read intent: %w", err)
	}
	return i, nil
}

// GetIntent reads an intent; ErrNotFound if there is none.
func GetIntent(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Intent, error) {
	return oneIntent(ctx, tx, selectIntent+`where id = $1`, id)
}

// Intents lists the newest intents of an account.
func Intents(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, limit int) ([]Intent, error) {
	rows, err := tx.Query(ctx, selectIntent+`where account_id = $1 order by created_at desc, id desc limit $2`,
		accountID, min(max(limit, 1), pageLimit))
	if err != nil {
		return nil, fmt.Errorf("list intents: %w", err)
	}
	intents, err := pgx.CollectRows(rows, scanIntent)
	if err != nil {
		return nil, fmt.Errorf("list intents: %w", err)
	}
	return intents, nil
}

// lockIntent locks the intent's account, then the intent.
func lockIntent(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Intent, payer, error) {
	found, err := GetIntent(ctx, tx, id)
	if err != nil {
		return Intent{}, payer{}, err
	}
	p, err := lockPayer(ctx, tx, found.AccountID)
	if err != nil {
		return Intent{}, payer{}, err
	}
	i, err := oneIntent(ctx, tx, selectIntent+`where id = $1 for no key update`, id)
	return i, p, err
}

// save keeps what may change of a locked intent.
func (i *Intent) save(ctx context.Context, tx tenant.Tx) error {
	i.UpdatedAt = tx.At
	tag, err := tx.Exec(ctx, `
		update payment_intent set state = $2, provider_ref = $3, checkout_url = $4, failure = $5, updated_at = $6, detail = $7, expires_at = $8
		 where id = $1`, i.ID, i.State, i.ProviderRef, i.CheckoutURL, i.Failure, tx.At, i.Detail, i.ExpiresAt)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows written, want 1", tag.RowsAffected())
	}
	if err != nil {
		return fmt.Errorf("save intent %s: %w", i.ID, err)
	}
	return nil
}

// succeed ends the intent with its payment: in the table of moves there is no
// second way here.
func (i *Intent) succeed(ctx context.Context, tx tenant.Tx, p payer) error {
	if err := i.moveTo(IntentSucceeded); err != nil {
		return err
	}
	i.Failure = ""
	if err := i.save(ctx, tx); err != nil {
		return err
	}
	var named []uuid.UUID
	if i.OpenItemID != nil {
		named = append(named, *i.OpenItemID)
	}
	_, err := p.record(ctx, tx, NewPayment{
		AccountID: i.AccountID, Purpose: i.Purpose, Method: i.method(), Amount: i.Amount,
		Reference: i.ProviderRef, By: i.Provider, intent: &i.ID,
	}, named)
	return err
}

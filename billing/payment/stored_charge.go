package payment

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// StoredCharger takes money from a card that the provider keeps, while its
// owner is away. A CardProvider that can is one.
type StoredCharger interface {
	// ChargeStored charges exactly the amount. A refusal of the card is an event
	// of kind EventFailed and no error.
	ChargeStored(context.Context, StoredCharge) (ProviderEvent, error)
}

// StoredCharge asks for money of a stored method.
type StoredCharge struct {
	Tenant      tenant.ID
	Sandbox     bool
	Intent      uuid.UUID
	Key         string
	Amount      money.Amount
	Description string // what stands on the card's statement
	Customer    string // the payer, as the provider names it
	Method      string // the card; empty: the customer's default
}

// ErrNoMethod means that the account has no stored method that can be charged.
var ErrNoMethod = errors.New("the account has no stored card")

// Chargeable is an account's newest card that can be charged while its owner is
// away; ErrNoMethod if it has none.
func Chargeable(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (StoredMethod, error) {
	return oneMethod(ctx, tx, `account_id = $1 and kind = 'card' and state = 'active' and provider <> '' and customer_id <> ''
		order by auto_pay desc, created_at desc, id desc limit 1`, accountID)
}

// GetMethod reads a stored method; ErrNoMethod if there is none.
func GetMethod(ctx context.Context, tx tenant.Tx, id uuid.UUID) (StoredMethod, error) {
	return oneMethod(ctx, tx, `id = $1`, id)
}

func oneMethod(ctx context.Context, tx tenant.Tx, where string, id uuid.UUID) (StoredMethod, error) {
	rows, err := tx.Query(ctx, selectMethod+`where `+where, id)
	if err != nil {
		return StoredMethod{}, fmt.Errorf("read payment method: %w", err)
	}
	m, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[StoredMethod])
	if errors.Is(err, pgx.ErrNoRows) {
		return StoredMethod{}, ErrNoMethod
	}
	if err != nil {
		return StoredMethod{}, fmt.Errorf("read payment method: %w", err)
	}
	return m, nil
}

// CreateStoredIntent stores the wish to charge a stored method, before the
// provider hears of it.
func CreateStoredIntent(ctx context.Context, tx tenant.Tx, n NewIntent, method uuid.UUID) (Intent, error) {
	i, err := CreateIntent(ctx, tx, n)
	if err != nil {
		return Intent{}, err
	}
	tag, err := tx.Exec(ctx, `update payment_intent set method_id = $2 where id = $1`, i.ID, method)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows written, want 1", tag.RowsAffected())
	}
	if err != nil {
		return Intent{}, fmt.Errorf("create intent of a stored card: %w", err)
	}
	return i, nil
}

// ChargeStored asks the provider to charge an intent's stored method. Cut off,
// it is asked again under the same key and charges once. What it answers is
// applied by the caller's transaction (Receive, Work), as a webhook would be:
// the webhook that follows finds the work done.
func (t *Till) ChargeStored(ctx context.Context, ref tenant.Ref, i Intent, m StoredMethod, description string) (ProviderEvent, error) {
	cards, err := t.provider(ref, i.Provider)
	if err != nil {
		return ProviderEvent{}, err
	}
	charger, can := cards.(StoredCharger)
	if !can {
		return ProviderEvent{}, ErrProviderNotConfigured
	}
	event, err := charger.ChargeStored(ctx, StoredCharge{Tenant: ref.ID, Sandbox: ref.Sandbox, Intent: i.ID, Key: "intent:" + i.ID.String(),
		Amount: i.Amount, Description: description, Customer: m.CustomerID, Method: m.MethodID})
	if err != nil && refusedForGood(err) {
		return ProviderEvent{Provider: i.Provider, ID: "refused:" + i.ID.String(), Type: "refused", Kind: EventFailed, Decline: refusalCode(err), Tenant: ref.ID, Intent: i.ID,
			Amount: i.Amount, Failure: refusalText(err), Created: i.CreatedAt}, nil
	}
	return event, err
}

func refusalCode(err error) string {
	var refused *ProviderError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

func refusalText(err error) string {
	var refused *ProviderError
	if errors.As(err, &refused) {
		return refused.Message
	}
	return err.Error()
}

// keepCard stores a card that its owner let the provider keep when it paid.
func (i *Intent) keepCard(ctx context.Context, tx tenant.Tx, e ProviderEvent) error {
	if e.KeptCustomer == "" || e.KeptMethod == "" {
		return nil
	}
	var known bool
	err := tx.QueryRow(ctx, `select exists (select from payment_method where account_id = $1 and provider = $2 and method_id = $3 and state = 'active')`,
		i.AccountID, i.Provider, e.KeptMethod).Scan(&known)
	if err != nil {
		return fmt.Errorf("look for a stored card: %w", err)
	}
	if known {
		return nil
	}
	added, err := AddMethods(ctx, tx, []StoredMethod{{AccountID: i.AccountID, Kind: StoredCard, Provider: i.Provider, CustomerID: e.KeptCustomer, MethodID: e.KeptMethod}})
	if err != nil {
		return err
	}
	return askForDetails(ctx, tx, added[0].ID)
}

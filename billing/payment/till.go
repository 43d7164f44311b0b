package payment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
)

// Till joins our transactions with the calls to a card provider that stand
// between them. A call that was cut off is made again under the same key.
type Till struct {
	db        *tenant.DB
	providers func(name string) CardProvider
}

// NewTill makes a till. providers gives what is known by a name, nil if nothing
// is.
func NewTill(db *tenant.DB, providers func(name string) CardProvider) *Till {
	return &Till{db: db, providers: providers}
}

func (t *Till) provider(_ tenant.Ref, name string) (CardProvider, error) {
	if provider := t.providers(name); provider != nil {
		return provider, nil
	}
	return nil, ErrProviderNotConfigured
}

// CheckoutOrder is a wish to pay and what its page needs.
type CheckoutOrder struct {
	NewIntent
	Description string // what the payer reads
	Email       string // may be empty
	Language    string
	Keep        bool // the payer lets the provider keep the card
	Stranger    bool // who pays may be anybody: the provider is told of no customer, whose cards it might show
	// Where the payer comes back to. "{intent}" in them becomes the intent's id.
	SuccessURL, CancelURL string
}

// Checkout opens a page to pay on: the intent's CheckoutURL. A repeat under
// the same key gets the same page; where the provider could not be reached
// (ErrProviderUnavailable) a repeat asks it again. An intent that the provider
// refuses has failed.
func (t *Till) Checkout(ctx context.Context, ref tenant.Ref, order CheckoutOrder) (Intent, error) {
	cards, err := t.provider(ref, cmp.Or(order.Provider, Stripe))
	if err != nil {
		return Intent{}, err
	}
	var i Intent
	var customer string
	err = t.db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		if i, err = CreateIntent(ctx, tx, order.NewIntent); err != nil {
			return err
		}
		if !order.Stranger {
			customer, err = customerOf(ctx, tx, i.AccountID, i.Provider)
		}
		return err
	})
	if err != nil || i.opensAt() || i.State != IntentCreated {
		return i, err
	}
	named := strings.NewReplacer("{intent}", i.ID.String())
	opened, callErr := cards.Checkout(ctx, CheckoutRequest{
		Tenant: ref.ID, Sandbox: ref.Sandbox, Intent: i.ID, Key: "intent:" + i.ID.String(), Amount: i.Amount,
		Description: order.Description, Customer: customer, Email: order.Email, Language: order.Language,
		Channel: i.Detail.Channel, Keep: order.Keep && !order.Stranger, SuccessURL: named.Replace(order.SuccessURL), CancelURL: named.Replace(order.CancelURL),
	})
	if callErr != nil && !refusedForGood(callErr) {
		return i, callErr
	}
	err = t.db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		i, _, err = lockIntent(ctx, tx, i.ID)
		if err != nil {
			return err
		}
		return i.opened(ctx, tx, opened, callErr)
	})
	return i, errors.Join(callErr, err)
}

func refusedForGood(err error) bool {
	return errors.Is(err, ErrProviderRefused) || errors.Is(err, ErrProviderAmount)
}

// opened keeps the page, or why there is none. A webhook may have been faster.
func (i *Intent) opened(ctx context.Context, tx tenant.Tx, page Checkout, refusal error) error {
	if refusal != nil {
		if !i.State.may(IntentFailed) {
			return nil
		}
		i.Failure = "The payment page could not be opened."
		if err := i.moveTo(IntentFailed); err != nil {
			return err
		}
		return i.save(ctx, tx)
	}
	i.CheckoutURL, i.ExpiresAt = page.URL, page.ExpiresAt
	i.Detail.QR, i.Detail.Number, i.Detail.Bank = page.QR, page.Number, page.Bank
	if i.Provider != Stripe {
		if err := i.pollLater(ctx, tx); err != nil {
			return err
		}
	}
	if i.ProviderRef == "" {
		i.ProviderRef = page.Ref
	}
	return i.save(ctx, tx)
}

// Refresh asks the provider what has become of an intent whose webhook is
// late, and applies the answer as if it were one.
func (t *Till) Refresh(ctx context.Context, ref tenant.Ref, intentID uuid.UUID) (Intent, error) {
	var i Intent
	read := func(ctx context.Context, tx tenant.Tx) (err error) {
		i, err = GetIntent(ctx, tx, intentID)
		return err
	}
	if err := t.db.Read(ctx, ref, read); err != nil || i.State.Final() || i.ProviderRef == "" {
		return i, err
	}
	cards, err := t.provider(ref, i.Provider)
	if err != nil {
		return i, err
	}
	event, err := cards.Lookup(ctx, LookupRequest{Tenant: ref.ID, Sandbox: ref.Sandbox, Ref: i.ProviderRef})
	if err != nil || event.Kind == EventIgnored {
		return i, err
	}
	err = t.db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) error {
		stored, err := Receive(ctx, tx, event)
		if err != nil {
			return err
		}
		if _, err := Work(ctx, tx, stored); err != nil {
			return err
		}
		return read(ctx, tx)
	})
	return i, err
}

// SendRefund asks the provider for a requested refund: the work of the agenda
// item that RequestRefund made. A refund that is done already is left alone. A
// refusal ends it: the money stays, as credit or balance.
func (t *Till) SendRefund(ctx context.Context, ref tenant.Ref, refundID uuid.UUID) (Refund, error) {
	var r Refund
	var paid Payment
	var provider string
	err := t.db.Read(ctx, ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		if r, err = GetRefund(ctx, tx, refundID); err != nil {
			return err
		}
		if paid, err = Get(ctx, tx, r.PaymentID); err != nil {
			return err
		}
		provider, err = paid.provider(ctx, tx)
		return err
	})
	if err != nil || r.State != RefundRequested {
		return r, err
	}
	cards, err := t.provider(ref, provider)
	if err != nil {
		return r, err
	}
	answer, callErr := cards.Refund(ctx, RefundRequest{
		Tenant: ref.ID, Sandbox: ref.Sandbox, Refund: r.ID, Key: "refund:" + r.ID.String(), Ref: paid.Reference, Amount: r.Amount,
	})
	switch {
	case callErr == nil:
	case refusedForGood(callErr):
		answer = ProviderRefund{State: RefundFailed, Failure: callErr.Error()}
	default:
		return r, callErr
	}
	err = t.db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) error {
		var p payer
		var err error
		if r, paid, p, err = lockRefund(ctx, tx, refundID); err != nil {
			return err
		}
		return r.finish(ctx, tx, paid, p, answer)
	})
	if err != nil {
		return r, fmt.Errorf("send refund: %w", err)
	}
	return r, nil
}

package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Stripe names the provider in intents and webhooks.
const Stripe = "stripe"

// CardProvider takes card payments on a page of its own, so that no card
// number ever reaches us. Every request carries a key derived from an id that
// was stored before the call: sent again, it has the effect of once.
type CardProvider interface {
	// Checkout opens a hosted page on which exactly the amount can be paid.
	Checkout(context.Context, CheckoutRequest) (Checkout, error)
	// Lookup tells what has become of a payment, for when its webhook is late.
	Lookup(context.Context, LookupRequest) (ProviderEvent, error)
	// Refund sends money of a succeeded payment back.
	Refund(context.Context, RefundRequest) (ProviderRefund, error)
}

// EventReader turns a webhook's body into an event, or refuses it with
// ErrWebhookSignature, ErrWebhookStale or ErrWebhookMalformed. Nothing of a
// refused one may be kept.
type EventReader interface {
	ReadEvent(ctx context.Context, id tenant.ID, signature string, body []byte) (ProviderEvent, error)
}

var (
	// ErrProviderUnavailable means that trying again later may help.
	ErrProviderUnavailable = errors.New("the payment provider can't be reached")
	// ErrProviderRefused means that the same request will be refused again.
	ErrProviderRefused = errors.New("the payment provider refused")
	// ErrProviderNotConfigured means that the tenant has no usable keys.
	ErrProviderNotConfigured = errors.New("card payments are not set up")
	// ErrProviderAmount means an amount the provider can't take exactly.
	ErrProviderAmount = errors.New("the payment provider can't take this amount")
	// ErrWebhookSignature means that none of the tenant's secrets signed it.
	ErrWebhookSignature = errors.New("webhook signature is wrong")
	// ErrWebhookStale means that it was signed too long ago, or in the future.
	ErrWebhookStale = errors.New("webhook signature is stale")
	// ErrWebhookMalformed means that the signed body can't be read.
	ErrWebhookMalformed = errors.New("webhook body can't be read")
)

// ProviderError is a refusal in the provider's words. It wraps one of the
// sentinels above.
type ProviderError struct {
	Kind      error
	Code      string // the provider's, e.g. "card_declined"
	Message   string // fit to be shown to an operator
	RequestID string // what the provider's support asks for
}

func (e *ProviderError) Error() string {
	return fmt.Sprintf("%v: %s (code %q, request %q)", e.Kind, e.Message, e.Code, e.RequestID)
}

func (e *ProviderError) Unwrap() error { return e.Kind }

// CheckoutRequest asks for a page on which one intent is paid.
type CheckoutRequest struct {
	Tenant      tenant.ID
	Sandbox     bool // must not reach real money
	Intent      uuid.UUID
	Key         string
	Amount      money.Amount
	Description string // what the payer reads
	Customer    string // the payer as the provider knows it; empty: not known
	Email       string // prefilled where there is no Customer; may be empty
	Language    string // "en", "id", "ru"
	SuccessURL  string
	CancelURL   string
	Channel     string // of a redirect provider
	Keep        bool   // the payer lets the provider keep the card, to be charged while away
}

// Checkout is an open page, or what a payer pays by without one.
type Checkout struct {
	Ref       string // the provider's name for it
	URL       string
	QR        string // what a QR code says
	Number    string // of a virtual account
	Bank      string // that keeps it
	ExpiresAt *time.Time
}

// LookupRequest names a payment by the reference last learned of it.
type LookupRequest struct {
	Tenant  tenant.ID
	Sandbox bool
	Ref     string
}

// RefundRequest sends part or all of a payment back.
type RefundRequest struct {
	Tenant  tenant.ID
	Sandbox bool
	Refund  uuid.UUID
	Key     string
	Ref     string // the paid payment, as the provider names it
	Amount  money.Amount
}

// ProviderRefund is how far a refund has come.
type ProviderRefund struct {
	Ref     string
	State   RefundState
	Failure string // why, when failed
}

// EventKind is what an event means to us.
type EventKind string

// Kinds of events.
const (
	EventIgnored      EventKind = "ignored" // a type we have no use for
	EventProcessing   EventKind = "processing"
	EventSucceeded    EventKind = "succeeded"
	EventFailed       EventKind = "failed" // this attempt; another may follow
	EventCanceled     EventKind = "canceled"
	EventRefunded     EventKind = "refunded"      // Amount is all refunded so far
	EventRefundStatus EventKind = "refund_status" // RefundState says which
	EventDispute      EventKind = "dispute"       // Dispute says what holds now
	EventCardKept     EventKind = "card_kept"     // a card was stored without a payment: Setup, KeptCustomer, KeptMethod
	EventCardFailed   EventKind = "card_failed"   // or could not be
	EventCardDetails  EventKind = "card_details"  // what KeptMethod looks like: Card
)

// ProviderEvent is a verified event, reduced to what we use: it holds no card
// data and is what the inbox stores.
type ProviderEvent struct {
	Provider    string       `json:"provider"`
	ID          string       `json:"id"`
	Type        string       `json:"type"` // the provider's word
	Kind        EventKind    `json:"kind"`
	Created     time.Time    `json:"created"`         // the provider's wall clock
	Live        bool         `json:"live"`            // about real money
	Tenant      tenant.ID    `json:"tenant,omitzero"` // zero: not a payment of ours
	Intent      uuid.UUID    `json:"intent,omitzero"`
	PaymentRef  string       `json:"payment_ref,omitempty"`
	Amount      money.Amount `json:"amount,omitzero"`
	Failure     string       `json:"failure,omitempty"` // in words for the payer
	Refund      uuid.UUID    `json:"refund,omitzero"`
	RefundRef   string       `json:"refund_ref,omitempty"`
	RefundState RefundState  `json:"refund_state,omitempty"`
	Decline     string       `json:"decline,omitempty"` // the provider's code for why it failed
	Dispute     *DisputeFact `json:"dispute,omitempty"`
	Setup       uuid.UUID    `json:"setup,omitzero"` // the stored method that a card is kept for
	Card        *CardFact    `json:"card,omitempty"`
	// A card that the payer let the provider keep: who it is of, and its name there.
	KeptCustomer string `json:"kept_customer,omitempty"`
	KeptMethod   string `json:"kept_method,omitempty"`
}

// DisputeFact is what a provider tells of a dispute.
type DisputeFact struct {
	Ref         string       `json:"ref"`
	State       DisputeState `json:"state"`
	Reason      string       `json:"reason,omitempty"`
	Fee         money.Amount `json:"fee,omitzero"`
	EvidenceDue *time.Time   `json:"evidence_due,omitempty"`
	Inquiry     bool         `json:"inquiry,omitempty"` // a question: no money has moved
}

// CardFact is what may be shown of a stored card.
type CardFact struct {
	Brand    string `json:"brand"`
	Last4    string `json:"last4"`
	ExpMonth int    `json:"exp_month"`
	ExpYear  int    `json:"exp_year"`
}

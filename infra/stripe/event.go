package stripe

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	stripego "github.com/stripe/stripe-go/v76"

	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// What we write into Stripe's metadata, and read back from its events.
const (
	metaTenant = "tollhouse_tenant"
	metaIntent = "tollhouse_intent"
	metaRefund = "tollhouse_refund"
	metaSetup  = "tollhouse_setup"
)

// parseEvent reduces an event to what it means to us. A type of which we make
// no use is EventIgnored, not an error: Stripe sends what the endpoint was
// subscribed to, and would repeat a refused one for days.
func parseEvent(raw stripego.Event) (payment.ProviderEvent, error) {
	if raw.ID == "" || raw.Type == "" || raw.Data == nil {
		return payment.ProviderEvent{}, fmt.Errorf("%w: id, type and data are wanted", payment.ErrWebhookMalformed)
	}
	event, err := parseObject(raw)
	if err != nil {
		return payment.ProviderEvent{}, fmt.Errorf("%w: %s %s: %w", payment.ErrWebhookMalformed, raw.Type, raw.ID, err)
	}
	event.Provider = Provider
	event.ID = raw.ID
	event.Type = string(raw.Type)
	event.Created = time.Unix(raw.Created, 0).UTC()
	event.Live = raw.Livemode
	return event, nil
}

func parseObject(raw stripego.Event) (payment.ProviderEvent, error) {
	switch raw.Type {
	case stripego.EventTypePaymentIntentProcessing, stripego.EventTypePaymentIntentSucceeded,
		stripego.EventTypePaymentIntentPaymentFailed, stripego.EventTypePaymentIntentCanceled:
		return parseAs(raw, func(pi *stripego.PaymentIntent) (payment.ProviderEvent, error) {
			event, err := intentEvent(pi)
			// the type tells what happened then, the status what holds now
			event.Kind = intentKinds[raw.Type]
			return event, err
		})
	case stripego.EventTypeCheckoutSessionCompleted, stripego.EventTypeCheckoutSessionExpired:
		return parseAs(raw, sessionEvent)
	case stripego.EventTypeChargeRefunded:
		return parseAs(raw, chargeEvent)
	case stripego.EventTypeChargeRefundUpdated, stripego.EventTypeRefundUpdated:
		return parseAs(raw, refundEvent)
	case stripego.EventTypeChargeDisputeCreated, stripego.EventTypeChargeDisputeUpdated, stripego.EventTypeChargeDisputeClosed,
		stripego.EventTypeChargeDisputeFundsWithdrawn, stripego.EventTypeChargeDisputeFundsReinstated:
		return parseAs(raw, disputeEvent)
	case stripego.EventTypeSetupIntentSucceeded, stripego.EventTypeSetupIntentSetupFailed, stripego.EventTypeSetupIntentCanceled:
		return parseAs(raw, setupEvent)
	case stripego.EventTypePaymentMethodAttached:
		return parseAs(raw, methodEvent)
	default:
		return payment.ProviderEvent{Kind: payment.EventIgnored}, nil
	}
}

var intentKinds = map[stripego.EventType]payment.EventKind{
	stripego.EventTypePaymentIntentProcessing:    payment.EventProcessing,
	stripego.EventTypePaymentIntentSucceeded:     payment.EventSucceeded,
	stripego.EventTypePaymentIntentPaymentFailed: payment.EventFailed,
	stripego.EventTypePaymentIntentCanceled:      payment.EventCanceled,
}

func parseAs[T any](raw stripego.Event, read func(*T) (payment.ProviderEvent, error)) (payment.ProviderEvent, error) {
	object := new(T)
	if err := json.Unmarshal(raw.Data.Raw, object); err != nil {
		return payment.ProviderEvent{}, err
	}
	return read(object)
}

// intentEvent tells where a payment intent stands. What Stripe received is the
// amount of a success, not what we asked for.
func intentEvent(pi *stripego.PaymentIntent) (payment.ProviderEvent, error) {
	event := payment.ProviderEvent{
		Provider: Provider, ID: "lookup:" + pi.ID + ":" + string(pi.Status), Type: "lookup",
		Created: time.Unix(pi.Created, 0).UTC(), Live: pi.Livemode, PaymentRef: pi.ID,
		Kind: payment.EventIgnored,
	}
	minor := pi.Amount
	switch {
	case pi.Status == stripego.PaymentIntentStatusProcessing:
		event.Kind = payment.EventProcessing
	case pi.Status == stripego.PaymentIntentStatusSucceeded:
		event.Kind, minor = payment.EventSucceeded, pi.AmountReceived
	case pi.Status == stripego.PaymentIntentStatusCanceled:
		event.Kind = payment.EventCanceled
	case pi.LastPaymentError != nil:
		event.Kind, event.Failure, event.Decline = payment.EventFailed, pi.LastPaymentError.Msg, declineOf(pi.LastPaymentError)
	}
	if event.Kind == payment.EventSucceeded && pi.SetupFutureUsage == stripego.PaymentIntentSetupFutureUsageOffSession && pi.Customer != nil && pi.PaymentMethod != nil {
		event.KeptCustomer, event.KeptMethod = pi.Customer.ID, pi.PaymentMethod.ID
	}
	return withMetadata(event, pi.Metadata, minor, pi.Currency)
}

// declineOf is the most that Stripe tells of a refusal: the bank's code, or its
// own.
func declineOf(e *stripego.Error) string {
	if e.DeclineCode != "" {
		return string(e.DeclineCode)
	}
	return string(e.Code)
}

// sessionEvent tells where a page stands: paid, completed with the money still
// under way, expired, or open.
func sessionEvent(s *stripego.CheckoutSession) (payment.ProviderEvent, error) {
	event := payment.ProviderEvent{
		Provider: Provider, ID: "lookup:" + s.ID + ":" + string(s.Status), Type: "lookup",
		Created: time.Unix(s.Created, 0).UTC(), Live: s.Livemode, PaymentRef: s.ID,
	}
	switch {
	case s.Mode == stripego.CheckoutSessionModeSetup: // its setup intent tells
		event.Kind = payment.EventIgnored
		return event, nil
	case s.PaymentStatus == stripego.CheckoutSessionPaymentStatusPaid:
		event.Kind = payment.EventSucceeded
	case s.Status == stripego.CheckoutSessionStatusComplete:
		event.Kind = payment.EventProcessing
	case s.Status == stripego.CheckoutSessionStatusExpired:
		event.Kind = payment.EventCanceled
	default:
		event.Kind = payment.EventIgnored
		return event, nil
	}
	if s.PaymentIntent != nil {
		event.PaymentRef = s.PaymentIntent.ID
	}
	return withMetadata(event, s.Metadata, s.AmountTotal, s.Currency)
}

// chargeEvent carries all that was refunded of a charge so far. A charge has
// its payment intent's metadata.
func chargeEvent(c *stripego.Charge) (payment.ProviderEvent, error) {
	event := payment.ProviderEvent{Kind: payment.EventRefunded}
	if c.PaymentIntent != nil {
		event.PaymentRef = c.PaymentIntent.ID
	}
	return withMetadata(event, c.Metadata, c.AmountRefunded, c.Currency)
}

func refundEvent(r *stripego.Refund) (payment.ProviderEvent, error) {
	event := payment.ProviderEvent{
		Kind: payment.EventRefundStatus, RefundRef: r.ID,
		RefundState: refundState(r.Status), Failure: string(r.FailureReason),
	}
	return withMetadata(event, r.Metadata, r.Amount, r.Currency)
}

// withMetadata adds whose payment it is, and how much. An object without our
// metadata belongs to another business on the same Stripe account: it is
// returned without a tenant, and payment leaves it alone.
func withMetadata(event payment.ProviderEvent, metadata map[string]string, minor int64, currency stripego.Currency) (payment.ProviderEvent, error) {
	if metadata[metaTenant] == "" {
		return event, nil
	}
	var errs [4]error
	event.Tenant, errs[0] = tenant.ParseID(metadata[metaTenant])
	event.Intent, errs[1] = optionalID(metadata[metaIntent])
	event.Refund, errs[2] = optionalID(metadata[metaRefund])
	event.Amount, errs[3] = amountOf(minor, currency)
	return event, errors.Join(errs[:]...)
}

func optionalID(text string) (uuid.UUID, error) {
	if text == "" {
		return uuid.Nil, nil
	}
	return uuid.Parse(text)
}

func amountOf(minor int64, currency stripego.Currency) (money.Amount, error) {
	c, err := money.ParseCurrency(strings.ToUpper(string(currency)))
	if err != nil {
		return money.Amount{}, err
	}
	return FromMinor(minor, c)
}

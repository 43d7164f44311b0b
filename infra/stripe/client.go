package stripe

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/checkout/session"
	"github.com/stripe/stripe-go/v76/paymentintent"
	"github.com/stripe/stripe-go/v76/refund"

	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// Provider is the name under which intents and webhooks are stored.
const Provider = payment.Stripe

const (
	// requestTimeout bounds one try; Stripe's own slowest calls stay below it.
	requestTimeout = 20 * time.Second
	// callTimeout bounds all tries of one call together.
	callTimeout = 45 * time.Second
	// retries follow Stripe-Should-Retry, conflicts and lost connections only.
	retries = 2
)

// Keys are one operator's account at Stripe.
type Keys struct {
	Secret string // sk_… or rk_…
	// WebhookSecrets are whsec_… texts; while one is rotated both count.
	WebhookSecrets []string
}

// KeySource fetches a tenant's keys. It returns payment.ErrProviderNotConfigured
// when the tenant has none.
type KeySource func(context.Context, tenant.ID) (Keys, error)

// Client speaks to Stripe for all tenants.
type Client struct {
	backend stripego.Backend
	keys    KeySource
	now     func() time.Time
}

var (
	_ payment.CardProvider  = (*Client)(nil)
	_ payment.StoredCharger = (*Client)(nil)
	_ payment.EventReader   = (*Client)(nil)
)

// New makes a client of the API at baseURL, or of Stripe itself where it is
// empty. now is wall time.
func New(baseURL string, keys KeySource, now func() time.Time) *Client {
	if baseURL == "" {
		baseURL = stripego.APIURL
	}
	backend := stripego.GetBackendWithConfig(stripego.APIBackend, &stripego.BackendConfig{
		URL:               stripego.String(strings.TrimRight(baseURL, "/")),
		HTTPClient:        &http.Client{Timeout: requestTimeout},
		MaxNetworkRetries: stripego.Int64(retries),
		EnableTelemetry:   stripego.Bool(false),
		// the errors are returned; the library would print them as well
		LeveledLogger: &stripego.LeveledLogger{Level: stripego.LevelNull},
	})
	return &Client{backend: backend, keys: keys, now: now}
}

// secret is the key to call with. A sandbox has no outside effect, so a live
// key there is treated as none.
func (c *Client) secret(ctx context.Context, id tenant.ID, sandbox bool) (string, error) {
	keys, err := c.keys(ctx, id)
	if err != nil {
		return "", fmt.Errorf("stripe keys: %w", err)
	}
	if keys.Secret == "" {
		return "", payment.ErrProviderNotConfigured
	}
	if sandbox && strings.Contains(keys.Secret, "k_live_") {
		return "", fmt.Errorf("%w: a sandbox can't use live keys", payment.ErrProviderNotConfigured)
	}
	return keys.Secret, nil
}

// Checkout opens a Checkout Session for exactly the amount.
func (c *Client) Checkout(ctx context.Context, r payment.CheckoutRequest) (payment.Checkout, error) {
	params, err := sessionParams(r)
	if err != nil {
		return payment.Checkout{}, fmt.Errorf("open checkout: %w", err)
	}
	key, err := c.secret(ctx, r.Tenant, r.Sandbox)
	if err != nil {
		return payment.Checkout{}, fmt.Errorf("open checkout: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	params.Context = ctx
	s, err := session.Client{B: c.backend, Key: key}.New(params)
	if err != nil {
		return payment.Checkout{}, fmt.Errorf("open checkout: %w", domainError(err))
	}
	return payment.Checkout{Ref: s.ID, URL: s.URL}, nil
}

func sessionParams(r payment.CheckoutRequest) (*stripego.CheckoutSessionParams, error) {
	minor, err := ToMinor(r.Amount)
	if err != nil {
		return nil, err
	}
	metadata := map[string]string{metaTenant: r.Tenant.String(), metaIntent: r.Intent.String()}
	params := &stripego.CheckoutSessionParams{
		Mode:               stripego.String(string(stripego.CheckoutSessionModePayment)),
		ClientReferenceID:  stripego.String(r.Intent.String()),
		PaymentMethodTypes: stripego.StringSlice([]string{"card"}),
		SuccessURL:         stripego.String(r.SuccessURL),
		CancelURL:          stripego.String(r.CancelURL),
		Metadata:           metadata,
		// the payment intent's events don't show the session's metadata
		PaymentIntentData: &stripego.CheckoutSessionPaymentIntentDataParams{
			Description: stripego.String(r.Description), Metadata: metadata,
		},
		LineItems: []*stripego.CheckoutSessionLineItemParams{{
			Quantity: stripego.Int64(1),
			PriceData: &stripego.CheckoutSessionLineItemPriceDataParams{
				Currency:    stripego.String(strings.ToLower(r.Amount.Currency().Code())),
				UnitAmount:  stripego.Int64(minor),
				ProductData: &stripego.CheckoutSessionLineItemPriceDataProductDataParams{Name: stripego.String(r.Description)},
			},
		}},
	}
	switch { // Stripe refuses both at once: a customer has its own e-mail
	case r.Customer != "":
		params.Customer = stripego.String(r.Customer)
	case r.Email != "":
		params.CustomerEmail = stripego.String(r.Email)
	}
	if r.Keep {
		params.PaymentIntentData.SetupFutureUsage = stripego.String(string(stripego.PaymentIntentSetupFutureUsageOffSession))
		if r.Customer == "" {
			params.CustomerCreation = stripego.String(string(stripego.CheckoutSessionCustomerCreationAlways))
		}
	}
	if r.Language != "" {
		params.Locale = stripego.String(r.Language)
	}
	params.SetIdempotencyKey(r.Key)
	return params, nil
}

// Lookup retrieves the payment intent behind a reference: itself (pi_…) or the
// session it is paid on (cs_…).
func (c *Client) Lookup(ctx context.Context, r payment.LookupRequest) (payment.ProviderEvent, error) {
	key, err := c.secret(ctx, r.Tenant, r.Sandbox)
	if err != nil {
		return payment.ProviderEvent{}, fmt.Errorf("look up %s: %w", r.Ref, err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if strings.HasPrefix(r.Ref, "cs_") {
		return c.lookupSession(ctx, key, r.Ref)
	}
	return c.lookupIntent(ctx, key, r.Ref)
}

func (c *Client) lookupSession(ctx context.Context, key, ref string) (payment.ProviderEvent, error) {
	params := &stripego.CheckoutSessionParams{}
	params.Context = ctx
	s, err := session.Client{B: c.backend, Key: key}.Get(ref, params)
	if err != nil {
		return payment.ProviderEvent{}, fmt.Errorf("look up %s: %w", ref, domainError(err))
	}
	if s.PaymentIntent == nil { // nobody has paid yet
		return sessionEvent(s)
	}
	return c.lookupIntent(ctx, key, s.PaymentIntent.ID)
}

func (c *Client) lookupIntent(ctx context.Context, key, ref string) (payment.ProviderEvent, error) {
	params := &stripego.PaymentIntentParams{}
	params.Context = ctx
	pi, err := paymentintent.Client{B: c.backend, Key: key}.Get(ref, params)
	if err != nil {
		return payment.ProviderEvent{}, fmt.Errorf("look up %s: %w", ref, domainError(err))
	}
	return intentEvent(pi)
}

// Refund sends money back to the card it came from.
func (c *Client) Refund(ctx context.Context, r payment.RefundRequest) (payment.ProviderRefund, error) {
	minor, err := ToMinor(r.Amount)
	if err != nil {
		return payment.ProviderRefund{}, fmt.Errorf("refund %s: %w", r.Ref, err)
	}
	key, err := c.secret(ctx, r.Tenant, r.Sandbox)
	if err != nil {
		return payment.ProviderRefund{}, fmt.Errorf("refund %s: %w", r.Ref, err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	params := &stripego.RefundParams{
		PaymentIntent: stripego.String(r.Ref),
		Amount:        stripego.Int64(minor),
		Metadata:      map[string]string{metaTenant: r.Tenant.String(), metaRefund: r.Refund.String()},
	}
	params.Context = ctx
	params.SetIdempotencyKey(r.Key)
	made, err := refund.Client{B: c.backend, Key: key}.New(params)
	if err != nil {
		return payment.ProviderRefund{}, fmt.Errorf("refund %s: %w", r.Ref, domainError(err))
	}
	return payment.ProviderRefund{Ref: made.ID, State: refundState(made.Status), Failure: string(made.FailureReason)}, nil
}

func refundState(s stripego.RefundStatus) payment.RefundState {
	switch s {
	case stripego.RefundStatusSucceeded:
		return payment.RefundSucceeded
	case stripego.RefundStatusFailed, stripego.RefundStatusCanceled:
		return payment.RefundFailed
	default: // pending, requires_action: a webhook follows
		return payment.RefundRequested
	}
}

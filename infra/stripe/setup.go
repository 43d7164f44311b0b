package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/checkout/session"
	"github.com/stripe/stripe-go/v76/paymentmethod"
	"github.com/stripe/stripe-go/v76/setupintent"

	"tollhouse/billing/payment"
)

var (
	_ payment.CardKeeper = (*Client)(nil)
	_ payment.KeyChecker = (*Client)(nil)
)

// SetUp opens a Checkout Session in setup mode: its SetupIntent lets the card be
// charged while its owner is away, with what their bank wants for that.
// https://docs.stripe.com/payments/save-and-reuse?platform=web
func (c *Client) SetUp(ctx context.Context, r payment.SetupRequest) (payment.Checkout, error) {
	key, err := c.secret(ctx, r.Tenant, r.Sandbox)
	if err != nil {
		return payment.Checkout{}, fmt.Errorf("set up card: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	params := setupParams(r)
	params.Context = ctx
	s, err := session.Client{B: c.backend, Key: key}.New(params)
	if err != nil {
		return payment.Checkout{}, fmt.Errorf("set up card: %w", domainError(err))
	}
	return payment.Checkout{Ref: s.ID, URL: s.URL}, nil
}

func setupParams(r payment.SetupRequest) *stripego.CheckoutSessionParams {
	metadata := map[string]string{metaTenant: r.Tenant.String(), metaSetup: r.Method.String()}
	params := &stripego.CheckoutSessionParams{
		Mode:               stripego.String(string(stripego.CheckoutSessionModeSetup)),
		ClientReferenceID:  stripego.String(r.Method.String()),
		PaymentMethodTypes: stripego.StringSlice([]string{"card"}),
		SuccessURL:         stripego.String(r.SuccessURL),
		CancelURL:          stripego.String(r.CancelURL),
		Metadata:           metadata,
		// the setup intent's events don't show the session's metadata
		SetupIntentData: &stripego.CheckoutSessionSetupIntentDataParams{Metadata: metadata},
	}
	switch {
	case r.Customer != "":
		params.Customer = stripego.String(r.Customer)
	default:
		params.CustomerCreation = stripego.String(string(stripego.CheckoutSessionCustomerCreationAlways))
		if r.Email != "" {
			params.CustomerEmail = stripego.String(r.Email)
		}
	}
	if r.Language != "" {
		params.Locale = stripego.String(r.Language)
	}
	params.SetIdempotencyKey(r.Key)
	return params
}

// LookupSetup retrieves the setup intent behind a reference: itself (seti_…) or
// the session on which it is confirmed (cs_…).
func (c *Client) LookupSetup(ctx context.Context, r payment.LookupRequest) (payment.ProviderEvent, error) {
	key, err := c.secret(ctx, r.Tenant, r.Sandbox)
	if err != nil {
		return payment.ProviderEvent{}, fmt.Errorf("look up %s: %w", r.Ref, err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	ref := r.Ref
	if strings.HasPrefix(ref, "cs_") {
		params := &stripego.CheckoutSessionParams{}
		params.Context = ctx
		s, err := session.Client{B: c.backend, Key: key}.Get(ref, params)
		if err != nil {
			return payment.ProviderEvent{}, fmt.Errorf("look up %s: %w", ref, domainError(err))
		}
		if s.SetupIntent == nil {
			return payment.ProviderEvent{Kind: payment.EventIgnored}, nil
		}
		ref = s.SetupIntent.ID
	}
	params := &stripego.SetupIntentParams{}
	params.Context = ctx
	params.AddExpand("payment_method")
	si, err := setupintent.Client{B: c.backend, Key: key}.Get(ref, params)
	if err != nil {
		return payment.ProviderEvent{}, fmt.Errorf("look up %s: %w", ref, domainError(err))
	}
	return setupEvent(si)
}

// Card retrieves what a stored card looks like: brand, last digits and expiry,
// never its number.
func (c *Client) Card(ctx context.Context, r payment.LookupRequest) (payment.ProviderEvent, error) {
	key, err := c.secret(ctx, r.Tenant, r.Sandbox)
	if err != nil {
		return payment.ProviderEvent{}, fmt.Errorf("look up %s: %w", r.Ref, err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	params := &stripego.PaymentMethodParams{}
	params.Context = ctx
	pm, err := paymentmethod.Client{B: c.backend, Key: key}.Get(r.Ref, params)
	if err != nil {
		return payment.ProviderEvent{}, fmt.Errorf("look up %s: %w", r.Ref, domainError(err))
	}
	event, err := methodEvent(pm)
	event.Provider, event.ID, event.Type, event.Tenant = Provider, "lookup:"+pm.ID, "lookup", r.Tenant
	return event, err
}

// Forget detaches a card, so that nobody can charge it any more.
func (c *Client) Forget(ctx context.Context, r payment.LookupRequest, idempotencyKey string) error {
	key, err := c.secret(ctx, r.Tenant, r.Sandbox)
	if err != nil {
		return fmt.Errorf("forget %s: %w", r.Ref, err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	params := &stripego.PaymentMethodDetachParams{}
	params.Context = ctx
	params.SetIdempotencyKey(idempotencyKey)
	if _, err := (paymentmethod.Client{B: c.backend, Key: key}).Detach(r.Ref, params); err != nil {
		return fmt.Errorf("forget %s: %w", r.Ref, domainError(err))
	}
	return nil
}

// setupEvent tells where a setup intent stands.
func setupEvent(si *stripego.SetupIntent) (payment.ProviderEvent, error) {
	event := payment.ProviderEvent{Provider: Provider, ID: "lookup:" + si.ID + ":" + string(si.Status), Type: "lookup", Created: unix(si.Created), Live: si.Livemode,
		Kind: payment.EventIgnored}
	switch {
	case si.Status == stripego.SetupIntentStatusSucceeded && si.PaymentMethod != nil && si.Customer != nil:
		event.Kind, event.KeptCustomer, event.KeptMethod = payment.EventCardKept, si.Customer.ID, si.PaymentMethod.ID
		event.Card = cardFact(si.PaymentMethod.Card)
	case si.LastSetupError != nil:
		event.Kind, event.Failure = payment.EventCardFailed, si.LastSetupError.Msg
	case si.Status == stripego.SetupIntentStatusCanceled:
		event.Kind = payment.EventCardFailed
	}
	return withSetup(event, si.Metadata)
}

func methodEvent(pm *stripego.PaymentMethod) (payment.ProviderEvent, error) {
	return payment.ProviderEvent{Kind: payment.EventCardDetails, KeptMethod: pm.ID, Card: cardFact(pm.Card), Created: unix(pm.Created), Live: pm.Livemode}, nil
}

func cardFact(card *stripego.PaymentMethodCard) *payment.CardFact {
	if card == nil || card.Last4 == "" {
		return nil
	}
	return &payment.CardFact{Brand: string(card.Brand), Last4: card.Last4, ExpMonth: int(card.ExpMonth), ExpYear: int(card.ExpYear)}
}

// permission is a call that a key must be allowed to make. Writes are tried
// without what they need: a key that may not is refused before that is missed.
type permission struct {
	name   string
	method string
	path   string
}

var permissions = []permission{
	{"Checkout Sessions", http.MethodPost, "/v1/checkout/sessions"},
	{"Checkout Sessions", http.MethodGet, "/v1/checkout/sessions"},
	{"PaymentIntents", http.MethodPost, "/v1/payment_intents"},
	{"PaymentIntents", http.MethodGet, "/v1/payment_intents"},
	{"SetupIntents", http.MethodGet, "/v1/setup_intents"},
	{"PaymentMethods", http.MethodGet, "/v1/payment_methods"},
	{"Charges and Refunds", http.MethodPost, "/v1/refunds"},
	{"Disputes", http.MethodGet, "/v1/disputes"},
	{"Balance transactions", http.MethodGet, "/v1/balance_transactions"},
	{"Payouts", http.MethodGet, "/v1/payouts"},
}

// CheckKey tries a key: a whole one (sk_…) or a restricted one (rk_…). An error
// is one of payment's: a key that is none is ErrProviderNotConfigured.
func (c *Client) CheckKey(ctx context.Context, key string) (payment.KeyCheck, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	check := payment.KeyCheck{Live: strings.Contains(key, "k_live_")}
	for _, p := range permissions {
		params := &stripego.Params{Context: ctx}
		var answer stripego.APIResource
		err := c.backend.CallRaw(p.method, p.path, key, nil, params, &answer)
		var refused *stripego.Error
		isAnswer := errors.As(err, &refused)
		switch {
		case err == nil:
		case !isAnswer:
			return check, fmt.Errorf("check key: %w", domainError(err))
		case refused.HTTPStatusCode == http.StatusUnauthorized:
			return check, fmt.Errorf("check key: %w", domainError(err))
		case refused.HTTPStatusCode == http.StatusForbidden:
			check.Missing = append(check.Missing, p.name+": "+map[string]string{http.MethodGet: "read", http.MethodPost: "write"}[p.method])
		case refused.HTTPStatusCode >= http.StatusInternalServerError || refused.HTTPStatusCode == http.StatusTooManyRequests:
			return check, fmt.Errorf("check key: %w", domainError(err))
		}
	}
	return check, nil
}

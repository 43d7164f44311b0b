package main

import (
	"context"
	"errors"
	"sync/atomic"

	"tollhouse/billing"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/infra/stripe"
)

// ownAccounts finds operators' own accounts at providers, once there is a host
// that keeps them.
type ownAccounts struct {
	host atomic.Pointer[billing.Host]
}

var errStarting = errors.New("the host is starting")

// stripe is an operator's own keys; where it has none, those of otherwise.
func (o *ownAccounts) stripe(otherwise stripe.KeySource) stripe.KeySource {
	return func(ctx context.Context, id tenant.ID) (stripe.Keys, error) {
		host := o.host.Load()
		if host == nil {
			return stripe.Keys{}, errStarting
		}
		var keys *payment.StripeKeys
		found, err := host.ProviderSettings(ctx, id, payment.Stripe, &keys)
		if err != nil {
			return stripe.Keys{}, err
		}
		if !found || keys == nil {
			return otherwise(ctx, id)
		}
		return stripe.Keys{Secret: keys.Secret, WebhookSecrets: keys.WebhookSecrets}, nil
	}
}

// redirect is an operator's account at a provider of local methods.
func (o *ownAccounts) redirect(ctx context.Context, id tenant.ID) (payment.RedirectSettings, error) {
	host := o.host.Load()
	if host == nil {
		return payment.RedirectSettings{}, errStarting
	}
	var settings *payment.RedirectSettings
	found, err := host.ProviderSettings(ctx, id, payment.Redirect, &settings)
	if err == nil && (!found || settings == nil) {
		err = payment.ErrProviderNotConfigured
	}
	if err != nil {
		return payment.RedirectSettings{}, err
	}
	return *settings, nil
}

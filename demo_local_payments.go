package main

import (
	"context"
	"encoding/hex"
	"time"

	"tollhouse/billing"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	local "tollhouse/infra/redirect/standin"
)

// localPayments starts the stand-in for local ways to pay.
func (d *demoRun) localPayments(ctx context.Context) (*local.Server, error) {
	server := local.New(time.Now, d.plant.log)
	if err := server.Start(context.WithoutCancel(ctx)); err != nil {
		return nil, err
	}
	d.plant.onStop(func() {
		last, cancel := context.WithTimeout(context.Background(), stopGrace)
		defer cancel()
		if err := server.Stop(last); err != nil {
			d.plant.log.Warn("stand-in for local payments did not stop in good order", "error", err)
		}
	})
	return server, nil
}

// openLocalPayments gives each operator an account at the stand-in. Its address
// is another at each start, so the account is kept anew.
func (d *demoRun) openLocalPayments(ctx context.Context, host *billing.Host, server *local.Server, publicURL string) error {
	refs, err := host.DB().All(ctx)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		stack, err := host.Resolve(ctx, ref.Name)
		if err != nil {
			return err
		}
		settings := payment.RedirectSettings{Title: "Bank QR", BaseURL: server.URL(), Merchant: ref.Name, Channels: []string{"qr", "va"}, Minutes: 60, Refunds: true,
			Secret: hex.EncodeToString(d.plant.box.Derive("local-payments/" + ref.ID.String()))}
		var own *payment.RedirectSettings
		found, err := host.ProviderSettings(ctx, ref.ID, payment.Redirect, &own)
		if err != nil {
			return err
		}
		if found && own != nil && own.Secret != settings.Secret {
			continue // somebody has put another there
		}
		server.Register(local.Account{Merchant: settings.Merchant, Secret: settings.Secret, CallbackURL: publicURL + "/t/" + ref.Name + "/v1/webhooks/provider"})
		if err := stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error { return stack.PutRedirect(ctx, tx, &settings) }); err != nil {
			return err
		}
	}
	return nil
}

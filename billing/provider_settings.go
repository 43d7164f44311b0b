package billing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// OnlineProvider takes local payments: it is asked as a card provider is, and
// its callbacks are read as webhooks are.
type OnlineProvider interface {
	payment.CardProvider
	payment.EventReader
}

// provider is what takes payments under a name.
func (h *Host) provider(name string) payment.CardProvider {
	switch {
	case name == payment.Stripe:
		return h.config.Cards
	case name == payment.Redirect && h.config.Online != nil:
		return h.config.Online
	}
	return nil
}

// providerSecret is under which name an account at a provider is sealed.
func providerSecret(provider string) string { return "provider." + provider }

// ProviderSettings reads a tenant's own account at a provider; found is false
// where it has none.
func (h *Host) ProviderSettings(ctx context.Context, id tenant.ID, provider string, into any) (found bool, err error) {
	ref, err := h.db.ByID(ctx, id)
	if err != nil {
		return false, err
	}
	err = h.db.Read(ctx, ref, func(ctx context.Context, tx tenant.Tx) error {
		found, err = h.readSettings(ctx, tx, provider, into)
		return err
	})
	return found, err
}

func (h *Host) readSettings(ctx context.Context, tx tenant.Tx, provider string, into any) (bool, error) {
	name := providerSecret(provider)
	var sealed []byte
	err := tx.QueryRow(ctx, `select sealed from secret where name = $1 and length(sealed) > 0`, name).Scan(&sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read account at %s: %w", provider, err)
	}
	clear, err := h.config.Seal.Open(tx.Tenant, name, sealed)
	if err != nil {
		return false, fmt.Errorf("open account at %s: %w", provider, err)
	}
	if err := json.Unmarshal(clear, into); err != nil {
		return false, fmt.Errorf("read account at %s: %w", provider, err)
	}
	return string(clear) != "null", nil
}

// ReadProvider is Host.ProviderSettings inside a transaction.
func (s *Stack) ReadProvider(ctx context.Context, tx tenant.Tx, provider string, into any) (bool, error) {
	return s.host.readSettings(ctx, tx, provider, into)
}

// PutStripeKeys keeps an operator's keys, sealed; nil takes them away: what the
// process was started with is used again.
func (s *Stack) PutStripeKeys(ctx context.Context, tx tenant.Tx, keys *payment.StripeKeys) error {
	if keys != nil {
		if err := keys.Check(tx.Sandbox); err != nil {
			return err
		}
	}
	return s.putSettings(ctx, tx, payment.Stripe, keys)
}

// PutRedirect keeps an operator's account at a provider of local methods.
func (s *Stack) PutRedirect(ctx context.Context, tx tenant.Tx, settings *payment.RedirectSettings) error {
	if settings != nil {
		if err := settings.Check(tx.Sandbox); err != nil {
			return err
		}
	}
	return s.putSettings(ctx, tx, payment.Redirect, settings)
}

func (s *Stack) putSettings(ctx context.Context, tx tenant.Tx, provider string, settings any) error {
	clear, err := json.Marshal(settings)
	if err != nil {
		return fmt.Errorf("keep account at %s: %w", provider, err)
	}
	name := providerSecret(provider)
	sealed, err := s.Seal(name, clear)
	if err != nil {
		return fmt.Errorf("keep account at %s: %w", provider, err)
	}
	_, err = tx.Exec(ctx, `insert into secret (name, sealed, created_at) values ($1, $2, $3)
		on conflict (name) do update set sealed = excluded.sealed, created_at = excluded.created_at`, name, sealed, tx.At)
	if err != nil {
		return fmt.Errorf("keep account at %s: %w", provider, err)
	}
	return nil
}

// CheckStripeKey tries a key at Stripe without keeping it.
func (s *Stack) CheckStripeKey(ctx context.Context, key string) (payment.KeyCheck, error) {
	checker, can := s.host.config.Cards.(payment.KeyChecker)
	if !can {
		return payment.KeyCheck{}, payment.ErrProviderNotConfigured
	}
	return checker.CheckKey(ctx, key)
}

// ReceiveCallback checks a callback of the provider of local methods and stores
// it to be worked. A refused one leaves nothing behind.
func (s *Stack) ReceiveCallback(ctx context.Context, signature string, body []byte) error {
	if s.host.config.Online == nil {
		return payment.ErrWebhookSignature
	}
	event, err := s.host.config.Online.ReadEvent(ctx, s.Ref.ID, signature, body)
	if err != nil {
		return err
	}
	return s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		_, err := payment.Receive(ctx, tx, event)
		return err
	})
}

package billing

import (
	"context"
	"errors"
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/cashdesk"
	"tollhouse/billing/debit"
	"tollhouse/billing/payment"
	"tollhouse/billing/reconcile"
	"tollhouse/billing/tenant"
)

// Reconcile reads bank statements and books what they tell.
func (s *Stack) Reconcile() *reconcile.Desk { return &reconcile.Desk{Record: s.RecordPayment} }

// Debits collects by direct debit.
func (s *Stack) Debits() *debit.Desk { return &debit.Desk{Seal: s} }

// TakeCash takes cash against the cashier's shift.
func (s *Stack) TakeCash(ctx context.Context, tx tenant.Tx, n payment.NewPayment) (cashdesk.Move, payment.Payment, error) {
	return cashdesk.Take(ctx, tx, n, s.RecordPayment)
}

// payoutsOverlap is how far before the newest payout others are asked for again:
// one may have come late.
const payoutsOverlap = 14 * 24 * time.Hour

// FetchPayouts asks the providers what they have paid out, and keeps what is new.
// payment.ErrProviderNotConfigured means that none of them is set up.
func (s *Stack) FetchPayouts(ctx context.Context, by string) (fetched []reconcile.Payout, err error) {
	none := true
	for _, provider := range []string{payment.Stripe, payment.Redirect} {
		some, err := s.fetchPayouts(ctx, provider, by)
		fetched = append(fetched, some...)
		if errors.Is(err, payment.ErrProviderNotConfigured) {
			continue
		}
		if none = false; err != nil {
			return fetched, err
		}
	}
	if none {
		return nil, payment.ErrProviderNotConfigured
	}
	return fetched, nil
}

func (s *Stack) fetchPayouts(ctx context.Context, provider, by string) (fetched []reconcile.Payout, err error) {
	var since time.Time
	err = s.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		since, err = reconcile.LastPayout(ctx, tx, provider)
		return err
	})
	if err != nil {
		return nil, err
	}
	if !since.IsZero() {
		since = since.Add(-payoutsOverlap)
	}
	list, err := s.host.till.Payouts(ctx, s.Ref, provider, since)
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		var kept reconcile.Payout
		err := s.Write(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
			kept, err = reconcile.ImportPayout(ctx, tx, p, by)
			return err
		})
		if err != nil {
			return fetched, err
		}
		fetched = append(fetched, kept)
	}
	return fetched, nil
}

// PayLocal begins a payment by a channel of the provider of local methods.
func (s *Stack) PayLocal(ctx context.Context, n payment.NewIntent, channel, returnTo string) (payment.Intent, error) {
	n.Provider, n.Channel = payment.Redirect, channel
	return s.checkout(ctx, n, returnTo, false)
}

// LocalMethods are the ways to pay that the operator's provider offers; none
// without one.
func (s *Stack) LocalMethods(ctx context.Context, tx tenant.Tx) (payment.RedirectSettings, bool, error) {
	var settings *payment.RedirectSettings
	found, err := s.ReadProvider(ctx, tx, payment.Redirect, &settings)
	if err != nil || !found || settings == nil || s.host.config.Online == nil {
		return payment.RedirectSettings{}, false, err
	}
	return *settings, true, nil
}

// TakeCashFor is TakeCash for a payer whose kind of account says what the money
// is for.
func (s *Stack) TakeCashFor(ctx context.Context, tx tenant.Tx, n payment.NewPayment) (cashdesk.Move, error) {
	owner, err := account.Get(ctx, tx, n.AccountID)
	if err != nil {
		return cashdesk.Move{}, err
	}
	n.Purpose = payment.PurposeBill
	if owner.Kind == account.Prepaid {
		n.Purpose = payment.PurposeTopUp
	}
	m, _, err := s.TakeCash(ctx, tx, n)
	return m, err
}

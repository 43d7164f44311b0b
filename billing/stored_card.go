package billing

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// autoPay charges what fell due to a stored card: the provider is called between
// two transactions, under a key that was stored in the first.
func (s *Stack) autoPay(ctx context.Context, item agenda.Item) error {
	var attempt *payment.StoredAttempt
	err := s.Write(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		attempt, err = payment.BeginAutoPay(ctx, tx, item)
		return err
	})
	if err != nil || attempt == nil {
		return err
	}
	event, err := s.host.till.ChargeStored(ctx, s.Ref, attempt.Intent, attempt.Method, attempt.Description)
	if err != nil {
		return err // asked again under the same key
	}
	return s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		if event.Kind != payment.EventIgnored {
			if err := s.apply(ctx, tx, event); err != nil {
				return err
			}
		}
		return payment.FinishAutoPay(ctx, tx, item, attempt.Intent.ID, s.payLink)
	})
}

// payLink is the address of a link to pay.
func (s *Stack) payLink(token string) string {
	return s.host.config.PublicURL + "/t/" + s.Ref.Name + "/link/" + token
}

// pollProvider asks a redirect provider about a payment that it is silent about.
func (s *Stack) pollProvider(ctx context.Context, item agenda.Item) error {
	event, err := s.host.till.Poll(ctx, s.Ref, item)
	if err != nil || event.Kind == payment.EventIgnored {
		return err
	}
	return s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error { return s.apply(ctx, tx, event) })
}

// RefreshCard asks the provider what has become of a card that is being stored,
// what it looks like, or has it removed there.
func (s *Stack) RefreshCard(ctx context.Context, method uuid.UUID) error {
	event, err := s.host.till.RefreshSetup(ctx, s.Ref, method)
	if err != nil || event.Kind == payment.EventIgnored {
		return err
	}
	return s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error { return s.apply(ctx, tx, event) })
}

// StoreCard opens a page on which a subscriber stores a card, and gives its
// address. returnTo is where they come back to: a path of ours.
func (s *Stack) StoreCard(ctx context.Context, o payment.SetupOrder, returnTo string) (string, error) {
	back, err := s.returnURL(returnTo)
	if err != nil {
		return "", err
	}
	o.SuccessURL, o.CancelURL = withQuery(back, "stored={method}"), withQuery(back, "notstored={method}")
	err = s.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		owner, err := account.Get(ctx, tx, o.AccountID)
		if err != nil {
			return err
		}
		party, err := account.GetParty(ctx, tx, owner.PartyID)
		o.Email, o.Language = party.Email, string(party.Language)
		return err
	})
	if err != nil {
		return "", err
	}
	return s.host.till.SetUp(ctx, s.Ref, o)
}

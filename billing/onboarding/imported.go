package onboarding

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/tenant"
)

// Imported is a subscription that runs in another billing system and is taken
// over with all that the gate asks for.
type Imported struct {
	OrderID, SubscriptionID uuid.UUID // given by the caller
	AccountID               uuid.UUID
	OfferingID              uuid.UUID // a version that was published once
	Offering                catalog.Offering
	Facts                   Facts // of the party too, as an order's are
	ChargedThrough          calendar.Date
	Term                    account.Term
	CreatedBy               string
}

// Import takes over running subscriptions: each stands as a completed order
// with its facts, secrets sealed, and as a pending subscription with its
// services and identities, which account.ActivateImported lets live. The gate
// stands here as well: *IncompleteError names what the first that may not pass
// lacks. It takes the same number of statements however many they are.
func (d *Desk) Import(ctx context.Context, tx tenant.Tx, wanted []Imported) error {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	today := profile.LocalDate(tx.At)
	subscriptions, orders := make([]account.ImportedSubscription, len(wanted)), make([][]any, len(wanted))
	for i := range wanted {
		n := &wanted[i]
		if findings := Missing(Requirements(n.Offering, profile.Country), n.Facts, today); len(findings) > 0 {
			return &IncompleteError{n.OrderID.String(), findings}
		}
		facts, err := d.take(tx, n.OrderID, nil, n.Facts, n.Offering)
		if err != nil {
			return err
		}
		subscriptions[i] = account.ImportedSubscription{
			ID: n.SubscriptionID, AccountID: n.AccountID, OfferingID: n.OfferingID, ChargedThrough: n.ChargedThrough, Term: n.Term,
			Services: servicesOf(ready{Order: Order{Facts: facts}, offering: n.Offering}),
		}
		orders[i] = []any{n.OrderID, n.OfferingID, Completed, facts, n.AccountID, n.SubscriptionID, n.CreatedBy, tx.At, tx.At}
	}
	if err := account.ImportSubscriptions(ctx, tx, subscriptions); err != nil {
		return err
	}
	columns := []string{"id", "offering_id", "state", "facts", "account_id", "subscription_id", "created_by", "created_at", "completed_at"}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"product_order"}, columns, pgx.CopyFromRows(orders)); err != nil {
		return fmt.Errorf("import orders: %w", err)
	}
	return nil
}

// WithdrawImported takes the orders of accounts away whose import is undone.
func WithdrawImported(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID) error {
	if _, err := tx.Exec(ctx, `delete from product_order where account_id = any ($1)`, accounts); err != nil {
		return fmt.Errorf("withdraw imported orders: %w", err)
	}
	return nil
}

// IdentitiesOf are the identities among facts, by their fields.
func IdentitiesOf(facts Facts) map[string]account.Identity {
	found := map[string]account.Identity{}
	for field, kind := range identities {
		if value := facts[field]; value != "" {
			found[field] = account.Identity{Kind: kind, Value: value}
		}
	}
	return found
}

package account

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/event"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Subscription is an offering that an account has taken.
type Subscription struct {
	ID             uuid.UUID
	AccountID      uuid.UUID
	OfferingID     uuid.UUID // the version that was sold
	State          SubscriptionState
	ActivatedAt    *time.Time
	TerminatedAt   *time.Time
	ChargedThrough *calendar.Date // recurring fees are charged for days before it
	SetupCharged   bool
	Deferred       money.Decimal // the ledger's running total, in the account's currency
	Term           Term
	PartOf         *uuid.UUID // the bundle or plan that it is part of; it ends with it
	Part           Part       // empty: of none
	FeesIncluded   bool       // the bundle's price pays for it
	EndsOn         *calendar.Date
	Pauses         []Pause // in order
	CreatedAt      time.Time
	Services       []Service
}

// Part is what a subscription is to the one that it is part of.
type Part string

// A component of a bundle, or an option on top of a plan.
const (
	Component Part = "component"
	OnTop     Part = "option"
)

// ServiceKind is what a service carries.
type ServiceKind string

// The kinds of service.
const (
	Internet ServiceKind = "internet"
	IPTV     ServiceKind = "iptv"
	Voice    ServiceKind = "voice"
	Mobile   ServiceKind = "mobile"
	Hosting  ServiceKind = "hosting"
)

// Service is one line, login, card or box of a subscription.
type Service struct {
	ID             uuid.UUID
	SubscriptionID uuid.UUID
	Kind           ServiceKind
	State          SubscriptionState
	Facts          map[string]string // what the network needs: port, serial; secrets sealed
	Identities     []Identity        // those it has now
	CreatedAt      time.Time
}

// NewSubscription is an offering to be taken, with its services.
type NewSubscription struct {
	ID           uuid.UUID // uuid.Nil: Subscribe draws one
	PartOf       *uuid.UUID
	Part         Part
	FeesIncluded bool
	EndsOn       *calendar.Date // it ends by itself where the day begins
	AccountID    uuid.UUID
	OfferingID   uuid.UUID
	Services     []NewService
}

// NewService is a service to be set up.
type NewService struct {
	Kind       ServiceKind
	Facts      map[string]string
	Identities []Identity
}

// Subscribe makes pending subscriptions with their services and takes the
// services' identities, for any number of accounts at once. They come back in
// the order given. It refuses a closed account (ErrClosed), an account or
// offering that is not there (ErrNotFound) and an identity that is not free
// (*IdentityInUseError), and then has done nothing that the caller may commit.
func Subscribe(ctx context.Context, tx tenant.Tx, wanted []NewSubscription) ([]Subscription, error) {
	if err := lockOpenAccounts(ctx, tx, wanted); err != nil {
		return nil, err
	}
	made := make([]Subscription, len(wanted))
	var services []*Service
	for i, n := range wanted {
		made[i] = Subscription{ID: n.ID, AccountID: n.AccountID, OfferingID: n.OfferingID, State: SubscriptionPending, CreatedAt: tx.At,
			PartOf: n.PartOf, Part: n.Part, FeesIncluded: n.FeesIncluded, EndsOn: n.EndsOn}
		if n.ID == uuid.Nil {
			made[i].ID = uuid.Must(uuid.NewV7())
		}
		made[i].Services = make([]Service, len(n.Services))
		for j, s := range n.Services {
			made[i].Services[j] = Service{
				ID: uuid.Must(uuid.NewV7()), SubscriptionID: made[i].ID, Kind: s.Kind, State: SubscriptionPending,
				Facts: s.Facts, Identities: s.Identities, CreatedAt: tx.At,
			}
			services = append(services, &made[i].Services[j])
		}
	}
	if err := insertSubscriptions(ctx, tx, made); err != nil {
		return nil, err
	}
	if err := insertServices(ctx, tx, services); err != nil {
		return nil, err
	}
	if err := claimIdentities(ctx, tx, services); err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(made))
	for i := range made {
		ids[i] = made[i].ID
	}
	if err := recordSubscriptions(ctx, tx, event.SubscriptionPending, ids, nil); err != nil {
		return nil, err
	}
	return made, bumpEpoch(ctx, tx)
}

// lockOpenAccounts keeps the accounts from being closed underneath us.
func lockOpenAccounts(ctx context.Context, tx tenant.Tx, wanted []NewSubscription) error {
	ids := map[uuid.UUID]bool{}
	for _, n := range wanted {
		ids[n.AccountID] = true
	}
	list := make([]uuid.UUID, 0, len(ids))
	for id := range ids {
		list = append(list, id)
	}
	rows, err := tx.Query(ctx, `select number, state from billing_account where id = any ($1) order by id for update`, list)
	if err != nil {
		return fmt.Errorf("lock accounts: %w", err)
	}
	var number string
	var state State
	found := 0
	_, err = pgx.ForEachRow(rows, []any{&number, &state}, func() error {
		found++
		if state == Closed {
			return fmt.Errorf("account %s: %w", number, ErrClosed)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("lock accounts: %w", err)
	}
	if found != len(list) {
		return fmt.Errorf("account to subscribe to: %w", ErrNotFound)
	}
	return nil
}

func insertSubscriptions(ctx context.Context, tx tenant.Tx, made []Subscription) error {
	rows := pgx.CopyFromSlice(len(made), func(i int) ([]any, error) {
		s := made[i]
		return []any{s.ID, s.AccountID, s.OfferingID, s.State, s.CreatedAt, s.PartOf, part(s.Part), !s.FeesIncluded, s.EndsOn}, nil
	})
	columns := []string{"id", "account_id", "offering_id", "state", "created_at", "part_of", "part", "pays_fees", "ends_on"}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"subscription"}, columns, rows); err != nil {
		return fmt.Errorf("subscribe: %w", missingReference(err))
	}
	return nil
}

// part is a column's value: null for a subscription that stands alone.
func part(p Part) *string {
	if p == "" {
		return nil
	}
	text := string(p)
	return &text
}

func insertServices(ctx context.Context, tx tenant.Tx, services []*Service) error {
	rows := pgx.CopyFromSlice(len(services), func(i int) ([]any, error) {
		s := services[i]
		if s.Facts == nil {
			s.Facts = map[string]string{}
		}
		return []any{s.ID, s.SubscriptionID, s.Kind, s.State, s.Facts, s.CreatedAt}, nil
	})
	columns := []string{"id", "subscription_id", "kind", "state", "facts", "created_at"}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"service"}, columns, rows); err != nil {
		return fmt.Errorf("set up services: %w", err)
	}
	return nil
}

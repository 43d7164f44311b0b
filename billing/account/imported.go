package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/calendar"
	"tollhouse/billing/event"
	"tollhouse/billing/tenant"
)

// ImportedAccount is an account that comes from another billing system, with
// its party, its own number and the cycle that is open there. Ids are given by
// the caller; the running totals begin at zero.
type ImportedAccount struct {
	Account
	Party Party
}

// ErrNumberInUse means that another account has the number.
var ErrNumberInUse = errors.New("another account has this number")

// Import stores parties and accounts as they come from another system. Their
// open cycle has begun there: its allowances are not given again. The caller
// has checked them; ErrNumberInUse where a number was taken meanwhile.
func Import(ctx context.Context, tx tenant.Tx, accounts []ImportedAccount) error {
	parties, rows := make([][]any, len(accounts)), make([][]any, len(accounts))
	for i, a := range accounts {
		p := a.Party
		if err := p.check(); err != nil {
			return err
		}
		parties[i] = []any{p.ID, p.Kind, p.Name, p.Email, p.Phone, p.BirthDate, p.IDDocument, p.TaxID, p.Language, p.Address, tx.At}
		rows[i] = []any{
			a.ID, a.Number, p.ID, a.Kind, a.Currency.Code(), a.CreditLimit, Active, a.Anchor, a.CycleMonths,
			a.Cycle.From, a.Cycle.To, a.Cycle.To, a.LegalEntity, a.Branch, tx.At,
		}
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"party"}, partyColumns, pgx.CopyFromRows(parties)); err != nil {
		return fmt.Errorf("import parties: %w", err)
	}
	columns := []string{
		"id", "number", "party_id", "kind", "currency", "credit_limit", "state", "anchor", "cycle_months",
		"cycle_start", "cycle_end", "begun_through", "legal_entity", "branch", "created_at",
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"billing_account"}, columns, pgx.CopyFromRows(rows)); err != nil {
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.ConstraintName == "billing_account_number_key" {
			return fmt.Errorf("import accounts: %w: %s", ErrNumberInUse, pg.Detail)
		}
		return fmt.Errorf("import accounts: %w", err)
	}
	imported, ids := make([]Party, len(accounts)), make([]uuid.UUID, len(accounts))
	for i, a := range accounts {
		imported[i], ids[i] = a.Party, a.ID
	}
	if err := recordParties(ctx, tx, event.PartyCreated, imported...); err != nil {
		return err
	}
	return recordAccounts(ctx, tx, event.AccountCreated, ids...)
}

// ImportedSubscription is a subscription that runs in another system.
type ImportedSubscription struct {
	ID             uuid.UUID // given by the caller
	AccountID      uuid.UUID
	OfferingID     uuid.UUID
	ChargedThrough calendar.Date // fees are charged there for days before it
	Term           Term
	Services       []NewService
}

// ImportSubscriptions stores subscriptions as pending, with their services, and
// takes their identities, so that nobody else can: ActivateImported lets them
// live. *IdentityInUseError where an identity is not free.
func ImportSubscriptions(ctx context.Context, tx tenant.Tx, wanted []ImportedSubscription) error {
	rows := make([][]any, len(wanted))
	var services []*Service
	for i, n := range wanted {
		rows[i] = []any{n.ID, n.AccountID, n.OfferingID, SubscriptionPending, n.ChargedThrough, true, n.Term.From, n.Term.Until, n.Term.TerminationFee, tx.At}
		for _, s := range n.Services {
			services = append(services, &Service{
				ID: uuid.Must(uuid.NewV7()), SubscriptionID: n.ID, Kind: s.Kind, State: SubscriptionPending,
				Facts: s.Facts, Identities: s.Identities, CreatedAt: tx.At,
			})
		}
	}
	columns := []string{"id", "account_id", "offering_id", "state", "charged_through", "setup_charged", "term_from", "term_until", "termination_fee", "created_at"}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"subscription"}, columns, pgx.CopyFromRows(rows)); err != nil {
		return fmt.Errorf("import subscriptions: %w", missingReference(err))
	}
	if err := insertServices(ctx, tx, services); err != nil {
		return err
	}
	if err := claimIdentities(ctx, tx, services); err != nil {
		return err
	}
	return bumpEpoch(ctx, tx)
}

// ImportedState is where an imported subscription stands in the other system.
type ImportedState struct {
	ID          uuid.UUID
	State       SubscriptionState // active or suspended
	ActivatedAt time.Time         // there, in the past
}

// ActivateImported lets imported subscriptions live, all at one instant, with
// the day on which they began in the other system.
func ActivateImported(ctx context.Context, tx tenant.Tx, subscriptions []ImportedState) error {
	ids, states, since := make([]uuid.UUID, len(subscriptions)), make([]string, len(subscriptions)), make([]time.Time, len(subscriptions))
	for i, s := range subscriptions {
		if s.State != SubscriptionActive && s.State != SubscriptionSuspended {
			return &MoveError{Subject: "subscription " + s.ID.String(), From: string(SubscriptionPending), To: string(s.State)}
		}
		ids[i], states[i], since[i] = s.ID, string(s.State), s.ActivatedAt
	}
	done, err := tx.Exec(ctx, `
		update subscription s
		   set state = n.state, activated_at = n.activated_at
		  from unnest($1::uuid[], $2::text[], $3::timestamptz[]) as n (id, state, activated_at)
		 where s.id = n.id and s.state = 'pending'`, ids, states, since)
	if err != nil {
		return fmt.Errorf("activate imported subscriptions: %w", err)
	}
	if int(done.RowsAffected()) != len(ids) {
		return fmt.Errorf("activate imported subscriptions: %d of %d were pending", done.RowsAffected(), len(ids))
	}
	_, err = tx.Exec(ctx, `
		update service v
		   set state = n.state
		  from unnest($1::uuid[], $2::text[]) as n (id, state)
		 where v.subscription_id = n.id`, ids, states)
	if err != nil {
		return fmt.Errorf("activate imported services: %w", err)
	}
	if err := recordSubscriptions(ctx, tx, event.SubscriptionActivated, ids, nil); err != nil {
		return err
	}
	return bumpEpoch(ctx, tx)
}

// withdrawals take an account's rows away, what refers to others first.
var withdrawals = []string{
	`delete from subscription_discount where subscription_id in (select id from subscription where account_id = any ($1))`,
	`delete from service_identity where service_id in (
		select v.id from service v join subscription s on s.id = v.subscription_id where s.account_id = any ($1))`,
	`delete from service where subscription_id in (select id from subscription where account_id = any ($1))`,
	`delete from subscription where account_id = any ($1)`,
	`with gone as (delete from billing_account where id = any ($1) returning party_id)
		delete from party where id in (select party_id from gone)`,
}

// WithdrawImported takes accounts away that nothing has happened to yet, with
// their parties, subscriptions, services and identities: the same can then be
// imported again. Whatever refers to them from elsewhere is gone before.
func WithdrawImported(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID) error {
	for _, statement := range withdrawals {
		if _, err := tx.Exec(ctx, statement, accounts); err != nil {
			return fmt.Errorf("withdraw imported accounts: %w", err)
		}
	}
	return bumpEpoch(ctx, tx)
}

// NumbersTaken says which of the numbers accounts have already.
func NumbersTaken(ctx context.Context, tx tenant.Tx, numbers []string) ([]string, error) {
	rows, err := tx.Query(ctx, `
		select a.number from unnest($1::text[]) as n (number) join billing_account a on a.number = n.number order by a.number`, numbers)
	if err != nil {
		return nil, fmt.Errorf("look for taken account numbers: %w", err)
	}
	taken, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("look for taken account numbers: %w", err)
	}
	return taken, nil
}

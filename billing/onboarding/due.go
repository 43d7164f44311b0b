package onboarding

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/tenant"
)

// ErrRequiredPart means that a bundle cannot do without the part.
var ErrRequiredPart = errors.New("the bundle needs this part: it ends with the bundle")

// ErrNoAccountYet means that an order for a new account cannot wait for a cycle.
var ErrNoAccountYet = errors.New("only an order for an existing account can wait for its next cycle")

// nextCycle is the day on which an account's next cycle begins; it is put on the
// agenda.
func nextCycle(ctx context.Context, tx tenant.Tx, accountID *uuid.UUID) (*calendar.Date, error) {
	if accountID == nil {
		return nil, ErrNoAccountYet
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return nil, err
	}
	a, err := account.Get(ctx, tx, *accountID)
	if err != nil {
		return nil, err
	}
	day := a.Cycles(profile.AnchorPolicy).Containing(profile.LocalDate(tx.At)).To
	return &day, partsDue(ctx, tx, profile, day)
}

// ActivateDue activates up to limit orders whose day has come, each through the
// gate, and says how many it took. One that may not pass waits for a person, with
// the reason.
func (d *Desk) ActivateDue(ctx context.Context, tx tenant.Tx, day calendar.Date, limit int) (int, error) {
	rows, err := tx.Query(ctx, `
		select id from product_order
		 where state = 'acknowledged' and starts_on <= $1
		 order by starts_on, id
		 limit $2`, day, limit)
	if err != nil {
		return 0, fmt.Errorf("orders that begin on %s: %w", day, err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return 0, fmt.Errorf("orders that begin on %s: %w", day, err)
	}
	for _, id := range ids {
		if err := d.activateDue(ctx, tx, id); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

// activateDue gives one order's refusal back as its reason. A savepoint keeps
// what others did.
func (d *Desk) activateDue(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
	inner, err := tx.Begin(ctx)
	if err != nil {
		return fmt.Errorf("activate order %s: %w", id, err)
	}
	nested := tx
	nested.Tx = inner
	_, err = d.Activate(ctx, nested, id)
	if err == nil {
		return inner.Commit(ctx)
	}
	if back := inner.Rollback(ctx); back != nil {
		return errors.Join(err, back)
	}
	refusals := []error{ErrIncomplete, ErrNotSold, ErrOrderEnded, account.ErrSuspended, account.ErrClosed, catalog.ErrNotFound, ErrFact}
	for _, refusal := range refusals {
		if !errors.Is(err, refusal) {
			continue
		}
		_, err := tx.Exec(ctx, `update product_order set starts_on = null, waiting_for = $2 where id = $1 and state = 'acknowledged'`, id, reasonOf(err))
		return err
	}
	return err
}

// reasonOf is a refusal as a person reads it: what each finding is about.
func reasonOf(err error) string {
	var incomplete *IncompleteError
	if !errors.As(err, &incomplete) {
		return err.Error()
	}
	var reasons []string
	for _, f := range incomplete.Findings {
		text := f.Field + ": " + f.Want
		if f.Reason != "" {
			text = f.Field + ": " + f.Reason
		}
		reasons = append(reasons, text)
	}
	return strings.Join(reasons, "; ")
}

// EndPart ends an option, or a part that a bundle can do without: now, or where
// the account's next cycle begins. What its allowances have left lasts as long
// as it would have.
func EndPart(ctx context.Context, tx tenant.Tx, id uuid.UUID, now bool) (account.Subscription, error) {
	s, err := account.GetSubscription(ctx, tx, id)
	if err != nil {
		return account.Subscription{}, err
	}
	if s.Part == account.Component {
		if err := mayDoWithout(ctx, tx, s); err != nil {
			return account.Subscription{}, err
		}
	}
	if now {
		if err := account.Terminate(ctx, tx, id); err != nil {
			return account.Subscription{}, err
		}
		return account.GetSubscription(ctx, tx, id)
	}
	day, err := nextCycle(ctx, tx, &s.AccountID)
	if err != nil {
		return account.Subscription{}, err
	}
	if err := account.EndOn(ctx, tx, id, day); err != nil {
		return account.Subscription{}, err
	}
	return account.GetSubscription(ctx, tx, id)
}

func mayDoWithout(ctx context.Context, tx tenant.Tx, part account.Subscription) error {
	main, err := account.GetSubscription(ctx, tx, *part.PartOf)
	if err != nil {
		return err
	}
	bundle, err := catalog.LoadVersion(ctx, tx, main.OfferingID)
	if err != nil {
		return err
	}
	own, err := catalog.LoadVersion(ctx, tx, part.OfferingID)
	if err != nil || bundle.Bundle == nil {
		return err
	}
	var left int
	const others = `select count(*) from subscription where part_of = $1 and part = 'component' and state <> 'terminated' and ends_on is null and id <> $2`
	if err := tx.QueryRow(ctx, others, main.ID, part.ID).Scan(&left); err != nil {
		return fmt.Errorf("parts of %s: %w", main.ID, err)
	}
	for _, c := range bundle.Bundle.Components {
		if c.Offering == own.Code && !c.Optional {
			return ErrRequiredPart
		}
	}
	if left < max(1, bundle.Bundle.AtLeast) {
		return ErrRequiredPart
	}
	return nil
}

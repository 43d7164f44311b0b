package onboarding

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Sealer keeps secret facts unreadable in the database.
type Sealer interface {
	Seal(id tenant.ID, name string, clear []byte) ([]byte, error)
	Open(id tenant.ID, name string, sealed []byte) ([]byte, error)
}

// Hooks are what follows from an activation in packages above this one. Each
// runs in its transaction.
type Hooks struct {
	// Grant gives subscriptions the allowances of their first cycle, and
	// charges what a prepaid one pays at once.
	Grant func(ctx context.Context, tx tenant.Tx, subscriptions []uuid.UUID) error
	// Schedule puts the bill runs of cycle ends on the agenda, once each.
	Schedule func(ctx context.Context, tx tenant.Tx, zone *time.Location, cycleEnds ...calendar.Date) error
	// Held is what an account has left as deposits that stand for no order yet.
	Held func(ctx context.Context, tx tenant.Tx, account uuid.UUID) (money.Decimal, error)
	// Secure lets an account's deposits stand for an order, and takes with a
	// payment what they leave missing.
	Secure func(ctx context.Context, tx tenant.Tx, s Security) error
}

// Desk takes orders and activates them.
type Desk struct {
	sealer Sealer
	hooks  Hooks
}

// New makes a desk.
func New(sealer Sealer, hooks Hooks) *Desk { return &Desk{sealer, hooks} }

// NewOrder is an order to be taken.
type NewOrder struct {
	OfferingID uuid.UUID  // a version that is, or will be, on sale
	AccountID  *uuid.UUID // an account it is for; nil: a new one
	Facts      Facts      // what is known so far
	CreatedBy  string     // an actor
	PartOf     *uuid.UUID // the subscription that an option is on top of
	Parts      []string   // of a bundle, optional ones that are taken, by code
	NextCycle  bool       // it activates by itself where the account's next cycle begins
	Branch     *uuid.UUID // whose people take it: a new account belongs there; nil: the default one
}

// Place takes orders, complete or not. It refuses offerings that are not sold
// (*NotSoldError) and facts that it does not know (*FactError).
func (d *Desk) Place(ctx context.Context, tx tenant.Tx, wanted []NewOrder) ([]Order, error) {
	sold, err := offeringsOf(ctx, tx, wanted)
	if err != nil {
		return nil, err
	}
	orders := make([]Order, len(wanted))
	for i, n := range wanted {
		o := Order{ID: uuid.Must(uuid.NewV7()), OfferingID: n.OfferingID, State: Acknowledged, AccountID: n.AccountID, Branch: n.Branch, CreatedBy: n.CreatedBy, CreatedAt: tx.At}
		whole, _, err := Whole(ctx, tx, sold[n.OfferingID], n.Parts)
		if err != nil {
			return nil, err
		}
		if o.Facts, err = d.take(tx, o.ID, nil, n.Facts, whole); err != nil {
			return nil, err
		}
		o.PartOf, o.Parts = n.PartOf, n.Parts
		if o.AccountID == nil && n.PartOf != nil {
			base, err := account.GetSubscription(ctx, tx, *n.PartOf)
			if err != nil {
				return nil, err
			}
			o.AccountID = &base.AccountID
		}
		if o.AccountID != nil {
			if _, err := account.Get(ctx, tx, *o.AccountID); err != nil {
				return nil, err
			}
		}
		if n.NextCycle {
			if o.StartsOn, err = nextCycle(ctx, tx, o.AccountID); err != nil {
				return nil, err
			}
		}
		orders[i] = o
	}
	if err := insertOrders(ctx, tx, orders); err != nil {
		return nil, err
	}
	for i := range orders {
		orders[i] = orders[i].hidden()
	}
	return orders, nil
}

func insertOrders(ctx context.Context, tx tenant.Tx, orders []Order) error {
	rows := pgx.CopyFromSlice(len(orders), func(i int) ([]any, error) {
		o := orders[i]
		if o.Parts == nil {
			o.Parts = []string{}
		}
		return []any{o.ID, o.OfferingID, o.State, o.Facts, o.AccountID, o.Branch, o.PartOf, o.Parts, o.StartsOn, o.CreatedBy, o.CreatedAt}, nil
	})
	columns := []string{"id", "offering_id", "state", "facts", "account_id", "branch", "part_of", "parts", "starts_on", "created_by", "created_at"}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"product_order"}, columns, rows); err != nil {
		return fmt.Errorf("place orders: %w", err)
	}
	return nil
}

func offeringsOf(ctx context.Context, tx tenant.Tx, wanted []NewOrder) (map[uuid.UUID]catalog.Offering, error) {
	sold := map[uuid.UUID]catalog.Offering{}
	for _, n := range wanted {
		if _, known := sold[n.OfferingID]; known {
			continue
		}
		version, err := catalog.Get(ctx, tx, n.OfferingID)
		if err != nil {
			return nil, err
		}
		if version.State != catalog.Published {
			return nil, &NotSoldError{version.Code, version.Number, "it is " + string(version.State)}
		}
		sold[n.OfferingID] = version.Offering
	}
	return sold, nil
}

// Supply adds facts to an order that is still open; an empty one takes what
// was known away.
func (d *Desk) Supply(ctx context.Context, tx tenant.Tx, id uuid.UUID, facts Facts) (Order, error) {
	o, err := openOrder(ctx, tx, id)
	if err != nil {
		return Order{}, err
	}
	offering, err := catalog.LoadVersion(ctx, tx, o.OfferingID)
	if err != nil {
		return Order{}, err
	}
	if offering, _, err = Whole(ctx, tx, offering, o.Parts); err != nil {
		return Order{}, err
	}
	if o.Facts, err = d.take(tx, id, o.Facts, facts, offering); err != nil {
		return Order{}, err
	}
	if _, err := tx.Exec(ctx, `update product_order set facts = $2 where id = $1`, id, o.Facts); err != nil {
		return Order{}, fmt.Errorf("supply facts of order %s: %w", id, err)
	}
	return o.hidden(), nil
}

// Cancel ends an order that was not activated. Its facts stay for the record,
// but for the secret ones.
func (d *Desk) Cancel(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Order, error) {
	o, err := openOrder(ctx, tx, id)
	if err != nil {
		return Order{}, err
	}
	maps.DeleteFunc(o.Facts, func(field, _ string) bool { return secretFields[field] })
	o.State = Cancelled
	if _, err := tx.Exec(ctx, `update product_order set state = $2, facts = $3 where id = $1`, id, o.State, o.Facts); err != nil {
		return Order{}, fmt.Errorf("cancel order %s: %w", id, err)
	}
	return o, nil
}

// openOrder locks an order that can still move.
func openOrder(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Order, error) {
	orders, err := lockOrders(ctx, tx, []uuid.UUID{id})
	if err != nil {
		return Order{}, err
	}
	if len(orderMoves[orders[0].State]) == 0 {
		return Order{}, fmt.Errorf("order %s: %w", id, ErrOrderEnded)
	}
	return orders[0], nil
}

// take merges facts into those known. A misspelt field would be silently of no
// use, so an unknown one is refused; a secret cannot be looked at once it is
// sealed, so it must be right at once.
func (d *Desk) take(tx tenant.Tx, order uuid.UUID, known, given Facts, offering catalog.Offering) (Facts, error) {
	merged := Facts{}
	maps.Copy(merged, known)
	var refused []Finding
	for _, field := range slices.Sorted(maps.Keys(given)) {
		value := strings.TrimSpace(given[field])
		switch _, ours := fields[field]; {
		case !ours && !slices.Contains(offering.RequiredFacts, field):
			refused = append(refused, Finding{Field: field, Fault: IsUnknown, Want: "one of the facts that the order needs"})
		case value == "":
			delete(merged, field)
		case secretFields[field] && (!formats[formatOf(field)].valid(value, calendar.Date{}) || strings.HasPrefix(value, sealedMark)):
			refused = append(refused, Finding{Field: field, Fault: IsWrong, Want: formats[formatOf(field)].want})
		case secretFields[field]:
			sealed, err := d.seal(tx, order, field, value)
			if err != nil {
				return nil, err
			}
			merged[field] = sealed
		default:
			merged[field] = value
		}
	}
	if len(refused) > 0 {
		return nil, &FactError{refused}
	}
	return merged, nil
}

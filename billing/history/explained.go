package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/rating"
	"tollhouse/billing/tenant"
)

// Explained is one use with its charge and the steps that led to its price.
type Explained struct {
	Use
	Charged        bool // what follows is empty if not
	SubscriptionID uuid.UUID
	OfferingID     uuid.UUID // the version whose prices were applied
	Billed         money.Decimal
	Covered        money.Decimal // of Billed, by allowances
	Net, Tax       money.Amount  // Tax is zero where the bill reckons it
	Why            rating.Explanation
	Buckets        map[uuid.UUID]Bucket // those that Why names
	Corrections    []Correction         // of the charge; Price, Net and Tax are as they were first
}

// Bucket tells which balance a step took from.
type Bucket struct {
	Code           string
	Origin         balance.Origin
	SubscriptionID *uuid.UUID
}

// Explain reads one use of an account by its month (the period it is kept in)
// and id, with why it cost what it did. account.ErrNotFound also where it is
// another account's: whose it is, is not told here.
func Explain(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, period calendar.Date, id uuid.UUID) (Explained, error) {
	var e Explained
	var charge nullableCharge
	err := tx.QueryRow(ctx, `
		select u.id, u.kind, u.service_id, u.started_at, u.ended_at, u.origin, u.destination, u.quality, u.amount, u.quantity::numeric, u.unit,
		       c.subscription_id, c.offering_id, c.quantity, c.allowance, c.price, c.net, c.tax, c.currency, c.why
		  from usage_record u
		  left join charge c on c.period = u.period and c.id = u.id
		 where u.period = $1 and u.id = $2 and u.account_id = $3`, period, id, accountID).Scan(
		&e.ID, &e.Kind, &e.ServiceID, &e.Start, &e.End, &e.Origin, &e.Destination, &e.Quality, &e.Amount, &e.Quantity, &e.Unit,
		&charge.subscription, &charge.offering, &charge.billed, &charge.covered, &charge.price, &charge.net, &charge.tax, &charge.currency, &charge.why)
	if errors.Is(err, pgx.ErrNoRows) {
		return Explained{}, fmt.Errorf("use %s: %w", id, account.ErrNotFound)
	}
	if err != nil {
		return Explained{}, fmt.Errorf("read use %s: %w", id, err)
	}
	e.Start, e.End = e.Start.UTC(), e.End.UTC()
	if charge.offering == nil {
		return e, nil
	}
	if err := charge.into(&e); err != nil {
		return Explained{}, fmt.Errorf("charge of use %s: %w", id, err)
	}
	if e.Corrections, err = correctionsOf(ctx, tx, id); err != nil {
		return Explained{}, err
	}
	e.Buckets, err = bucketsOf(ctx, tx, accountID, e.Why)
	return e, err
}

// nullableCharge is a charge that may be missing: then all of it is nil.
type nullableCharge struct {
	subscription, offering           *uuid.UUID
	billed, covered, price, net, tax *money.Decimal
	currency                         *string
	why                              json.RawMessage
}

func (n nullableCharge) into(e *Explained) error {
	c, err := money.ParseCurrency(*n.currency)
	if err != nil {
		return err
	}
	price := money.New(*n.price, c)
	e.Charged, e.SubscriptionID, e.OfferingID = true, *n.subscription, *n.offering
	e.Billed, e.Covered, e.Price = *n.billed, *n.covered, &price
	e.Net, e.Tax = money.New(*n.net, c), money.New(*n.tax, c)
	return json.Unmarshal(n.why, &e.Why)
}

// bucketsOf reads the balances that an explanation names, ended ones as well.
func bucketsOf(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, why rating.Explanation) (map[uuid.UUID]Bucket, error) {
	var ids []uuid.UUID
	for _, step := range why {
		if step.Bucket != uuid.Nil {
			ids = append(ids, step.Bucket)
		}
	}
	found := map[uuid.UUID]Bucket{}
	if len(ids) == 0 {
		return found, nil
	}
	rows, err := tx.Query(ctx, `select id, code, origin, subscription_id from bucket where id = any($1) and account_id = $2`, ids, accountID)
	if err != nil {
		return nil, fmt.Errorf("read balances: %w", err)
	}
	var id uuid.UUID
	var b Bucket
	_, err = pgx.ForEachRow(rows, []any{&id, &b.Code, &b.Origin, &b.SubscriptionID}, func() error {
		found[id] = b
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read balances: %w", err)
	}
	return found, nil
}

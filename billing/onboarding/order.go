package onboarding

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// OrderState is where an order stands.
type OrderState string

// The states of an order.
const (
	Acknowledged OrderState = "acknowledged"
	Completed    OrderState = "completed"
	Cancelled    OrderState = "cancelled"
)

// orderMoves are the moves that an order may make.
var orderMoves = map[OrderState][]OrderState{Acknowledged: {Completed, Cancelled}}

// Order is somebody's wish for an offering.
type Order struct {
	ID             uuid.UUID
	OfferingID     uuid.UUID // a version
	State          OrderState
	Facts          Facts          // secrets as Hidden, when read
	AccountID      *uuid.UUID     // the account it is for; nil until one is opened
	SubscriptionID *uuid.UUID     // what came of it
	Branch         *uuid.UUID     // in which it was taken
	PartOf         *uuid.UUID     // the subscription that it is on top of
	Parts          []string       // chosen of a bundle's optional ones, by code
	StartsOn       *calendar.Date // the day on which it activates by itself
	WaitingFor     string         // why it did not on its day
	CreatedBy      string
	CreatedAt      time.Time
	CompletedAt    *time.Time
}

// Errors of orders.
var (
	ErrOrderNotFound = errors.New("no such order")
	ErrOrderEnded    = errors.New("the order is completed or cancelled already")
)

const orderColumns = `id, offering_id, state, facts, account_id, subscription_id, branch, part_of, parts, starts_on, waiting_for, created_by, created_at, completed_at`

func scanOrder(row pgx.CollectableRow) (Order, error) {
	var o Order
	err := row.Scan(&o.ID, &o.OfferingID, &o.State, &o.Facts, &o.AccountID, &o.SubscriptionID, &o.Branch, &o.PartOf, &o.Parts, &o.StartsOn, &o.WaitingFor, &o.CreatedBy, &o.CreatedAt, &o.CompletedAt)
	return o, err
}

// Get reads an order; ErrOrderNotFound if there is none.
func (d *Desk) Get(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Order, error) {
	rows, err := tx.Query(ctx, `select `+orderColumns+` from product_order where id = $1`, id)
	if err != nil {
		return Order{}, fmt.Errorf("read order %s: %w", id, err)
	}
	return exactlyOne(rows, id)
}

func exactlyOne(rows pgx.Rows, id uuid.UUID) (Order, error) {
	o, err := pgx.CollectExactlyOneRow(rows, scanOrder)
	if errors.Is(err, pgx.ErrNoRows) {
		return Order{}, fmt.Errorf("order %s: %w", id, ErrOrderNotFound)
	}
	if err != nil {
		return Order{}, fmt.Errorf("read order %s: %w", id, err)
	}
	return o.hidden(), nil
}

// MaxPage bounds a page of orders.
const MaxPage = 200

// List reads orders, newest first: those before an id, or the newest for a
// zero one. An empty state means any.
func (d *Desk) List(ctx context.Context, tx tenant.Tx, state OrderState, before uuid.UUID, limit int) ([]Order, error) {
	var last *uuid.UUID
	if before != uuid.Nil {
		last = &before
	}
	rows, err := tx.Query(ctx, `
		select `+orderColumns+`
		  from product_order
		 where ($1 = '' or state = $1) and ($2::uuid is null or id < $2)
		 order by id desc
		 limit $3`, string(state), last, min(max(limit, 1), MaxPage))
	if err != nil {
		return nil, fmt.Errorf("list orders: %w", err)
	}
	orders, err := pgx.CollectRows(rows, scanOrder)
	if err != nil {
		return nil, fmt.Errorf("list orders: %w", err)
	}
	for i := range orders {
		orders[i] = orders[i].hidden()
	}
	return orders, nil
}

// lockOrders reads orders and holds their rows, in id order; they come back in
// the order asked for.
func lockOrders(ctx context.Context, tx tenant.Tx, ids []uuid.UUID) ([]Order, error) {
	rows, err := tx.Query(ctx, `select `+orderColumns+` from product_order where id = any ($1) order by id for update`, ids)
	if err != nil {
		return nil, fmt.Errorf("lock orders: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanOrder)
	if err != nil {
		return nil, fmt.Errorf("lock orders: %w", err)
	}
	byID := make(map[uuid.UUID]Order, len(found))
	for _, o := range found {
		byID[o.ID] = o
	}
	orders := make([]Order, len(ids))
	for i, id := range ids {
		o, there := byID[id]
		if !there {
			return nil, fmt.Errorf("order %s: %w", id, ErrOrderNotFound)
		}
		orders[i] = o
	}
	return orders, nil
}

// Coming lists an account's orders of options that begin on a day, or wait for a
// person since it came.
func (d *Desk) Coming(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) ([]Order, error) {
	// product_order_account finds them.
	rows, err := tx.Query(ctx, `
		select `+orderColumns+` from product_order
		 where account_id = $1 and state = 'acknowledged' and part_of is not null and (starts_on is not null or waiting_for <> '')
		 order by starts_on, id`, accountID)
	if err != nil {
		return nil, fmt.Errorf("options to come of account %s: %w", accountID, err)
	}
	orders, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Order, error) { return scanOrder(row) })
	if err != nil {
		return nil, fmt.Errorf("options to come of account %s: %w", accountID, err)
	}
	for i := range orders {
		orders[i] = orders[i].hidden()
	}
	return orders, nil
}

package contract

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// Errors of contracts.
var (
	// ErrNotFound means that there is no such contract.
	ErrNotFound = fmt.Errorf("contract %w", tenants.ErrNotFound)
	// ErrFixed means that a contract that has begun was to be changed.
	ErrFixed = errors.New("a contract that has begun is not changed: end it and let another follow")
	// ErrOverlap means that another contract of the operator is in force then.
	ErrOverlap = errors.New("another contract of this operator is in force then")
)

// The actions in the audit.
const (
	ActionPut      = "contract.put"
	ActionBegin    = "contract.begin"
	ActionEnd      = "contract.end"
	ActionBuyOut   = "contract.buy_out"
	ActionPass     = "contract.pass"
	ActionWithdraw = "contract.withdraw"
)

const contractColumns = `id, operator_id, model, place, currency, terms, state, from_on, until_on, reference, reason, created_by, created_at, passed_on`

func scanContract(row pgx.CollectableRow) (c Contract, err error) {
	var until, passed *calendar.Date
	err = row.Scan(&c.ID, &c.Operator, &c.Model, &c.Place, &c.Currency, &c.Terms, &c.State, &c.From, &until, &c.Reference, &c.Reason, &c.CreatedBy, &c.CreatedAt, &passed)
	if until != nil {
		c.Until = *until
	}
	if passed != nil {
		c.PassedOn = *passed
	}
	c.CreatedAt = c.CreatedAt.UTC()
	return c, err
}

// Get reads a contract; ErrNotFound if there is none.
func Get(ctx context.Context, tx tenants.Tx, id uuid.UUID) (Contract, error) {
	return one(ctx, tx, `select `+contractColumns+` from contract where id = $1`, id)
}

func one(ctx context.Context, tx tenants.Tx, query string, id uuid.UUID) (Contract, error) {
	rows, err := tx.Query(ctx, query, id)
	if err != nil {
		return Contract{}, fmt.Errorf("read contract %s: %w", id, err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, scanContract)
	if errors.Is(err, pgx.ErrNoRows) {
		return Contract{}, fmt.Errorf("contract %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Contract{}, fmt.Errorf("read contract %s: %w", id, err)
	}
	return c, nil
}

// maxContracts bounds what is listed of one operator.
const maxContracts = 200

// Of lists an operator's contracts, the newest first.
func Of(ctx context.Context, tx tenants.Tx, operator tenant.ID) ([]Contract, error) {
	return list(ctx, tx, `where operator_id = $1 order by from_on desc, id desc limit $2`, operator, maxContracts)
}

func list(ctx context.Context, tx tenants.Tx, which string, args ...any) ([]Contract, error) {
	rows, err := tx.Query(ctx, `select `+contractColumns+` from contract `+which, args...)
	if err != nil {
		return nil, fmt.Errorf("list contracts: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanContract)
	if err != nil {
		return nil, fmt.Errorf("list contracts: %w", err)
	}
	return found, nil
}

// Parties lists operators that have a contract in force, or had one, in the
// order of their ids, from after one on.
func Parties(ctx context.Context, tx tenants.Tx, after tenant.ID, limit int) ([]tenant.ID, error) {
	rows, err := tx.Query(ctx, `
		select distinct operator_id from contract
		 where state in ('active', 'ended', 'bought_out') and operator_id > $1
		 order by operator_id limit $2`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list operators with contracts: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[tenant.ID])
}

// Put writes a draft down as it is to be, under an id of the caller's. The same
// again changes nothing; ErrFixed once the contract has begun.
func Put(ctx context.Context, tx tenants.Tx, by tenants.Actor, c Contract) (Contract, error) {
	if err := c.check(); err != nil {
		return Contract{}, err
	}
	if _, err := c.owner(ctx, tx); err != nil {
		return Contract{}, err
	}
	c.State, c.CreatedBy, c.CreatedAt = Draft, by.String(), tx.At
	before, err := one(ctx, tx, `select `+contractColumns+` from contract where id = $1 for update`, c.ID)
	switch {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return Contract{}, err
	case before.same(c):
		return before, nil
	case before.State != Draft || before.Operator != c.Operator:
		return Contract{}, fmt.Errorf("contract %s: %w", c.ID, ErrFixed)
	default:
		c.CreatedBy, c.CreatedAt = before.CreatedBy, before.CreatedAt
	}
	done, err := tx.Exec(ctx, `
		insert into contract as k (id, operator_id, model, place, currency, terms, state, from_on, until_on, reference, created_by, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		on conflict (id) do update
		   set model = excluded.model, place = excluded.place, currency = excluded.currency, terms = excluded.terms,
		       from_on = excluded.from_on, until_on = excluded.until_on, reference = excluded.reference
		 where k.state = 'draft'`,
		c.ID, c.Operator, c.Model, c.Place, c.Currency, c.Terms, c.State, c.From, optional(c.Until), c.Reference, c.CreatedBy, c.CreatedAt)
	if err != nil {
		return Contract{}, fmt.Errorf("put contract %s: %w", c.ID, err)
	}
	if done.RowsAffected() != 1 {
		return Contract{}, fmt.Errorf("contract %s: %w", c.ID, ErrFixed)
	}
	return c, tenants.Record(ctx, tx, by, tenants.Entry{Action: ActionPut, Object: c.ID, Detail: map[string]any{"operator": c.Operator, "model": c.Model, "terms": c.Terms}})
}

func optional(d calendar.Date) *calendar.Date {
	if d.IsZero() {
		return nil
	}
	return &d
}

// same says whether two contracts agree on everything that is put.
func (c Contract) same(o Contract) bool {
	o.State, o.Reason, o.CreatedBy, o.CreatedAt = c.State, c.Reason, c.CreatedBy, c.CreatedAt
	if c.State == Ended || c.State == BoughtOut {
		o.Until = c.Until
	}
	return reflect.DeepEqual(plain(c), plain(o))
}

// plain is a contract in comparable form: amounts of equal value may be held
// differently.
func plain(c Contract) any {
	return []any{c.ID, c.Operator, c.Model, c.Place, c.Currency.Code(), text(c.Terms), c.From, c.Until, c.Reference}
}

// Begin puts a draft in force from its first day; ErrOverlap if another
// contract of the operator is in force on one of its days.
func Begin(ctx context.Context, tx tenants.Tx, by tenants.Actor, id uuid.UUID) (Contract, error) {
	c, err := step(ctx, tx, id, Active)
	if err != nil {
		return c, err
	}
	// whoever begins another one of this operator waits here
	if _, err := tx.Exec(ctx, `select id from operator where id = $1 for no key update`, c.Operator); err != nil {
		return c, fmt.Errorf("lock operator of contract %s: %w", id, err)
	}
	var taken bool
	err = tx.QueryRow(ctx, `
		select exists (
		    select from contract
		     where operator_id = $1 and id <> $2 and state in ('active', 'ended', 'bought_out')
		       and from_on < coalesce($4::date, 'infinity') and coalesce(until_on, 'infinity') > $3)`,
		c.Operator, id, c.From, optional(c.Until)).Scan(&taken)
	if err != nil {
		return c, fmt.Errorf("look for other contracts: %w", err)
	}
	if taken {
		return c, fmt.Errorf("contract %s: %w", id, ErrOverlap)
	}
	return c, c.write(ctx, tx, by, ActionBegin, Draft)
}

// Withdraw drops a draft.
func Withdraw(ctx context.Context, tx tenants.Tx, by tenants.Actor, id uuid.UUID) (Contract, error) {
	c, err := step(ctx, tx, id, Withdrawn)
	if err != nil {
		return c, err
	}
	return c, c.write(ctx, tx, by, ActionWithdraw, Draft)
}

// End ends a contract; until is the day after its last.
func End(ctx context.Context, tx tenants.Tx, by tenants.Actor, id uuid.UUID, until calendar.Date, reason string) (Contract, error) {
	c, err := step(ctx, tx, id, Ended)
	if err != nil {
		return c, err
	}
	if !until.After(c.From) || len(reason) > maxText || reason == "" {
		return c, &tenants.InvalidError{Fields: []tenants.FieldError{{Field: "until", Want: "a day after " + c.From.String()}, {Field: "reason", Want: "why it ends, in 1 to 500 characters"}}}
	}
	c.Until, c.Reason = until, reason
	return c, c.write(ctx, tx, by, ActionEnd, Active)
}

// EndLease ends a lease by a buy-out on a day: what was leased is the
// operator's from then on. The price goes onto that month's bill.
func EndLease(ctx context.Context, tx tenants.Tx, by tenants.Actor, id uuid.UUID, on calendar.Date) (Contract, BuyOut, error) {
	c, err := step(ctx, tx, id, BoughtOut)
	if err != nil {
		return c, BuyOut{}, err
	}
	if c.Terms.Lease == nil {
		return c, BuyOut{}, fmt.Errorf("contract %s is no lease: %w", id, ErrState)
	}
	price, err := c.Terms.Lease.BuyOutOn(c.From, on)
	if err != nil {
		return c, BuyOut{}, err
	}
	c.Until, c.Reason = on, "bought out"
	return c, price, c.write(ctx, tx, by, ActionBuyOut, Active)
}

// step locks a contract and moves its state on in memory.
func step(ctx context.Context, tx tenants.Tx, id uuid.UUID, next State) (Contract, error) {
	c, err := one(ctx, tx, `select `+contractColumns+` from contract where id = $1 for update`, id)
	if err != nil {
		return c, err
	}
	c.State, err = c.State.To(next)
	return c, err
}

func (c Contract) write(ctx context.Context, tx tenants.Tx, by tenants.Actor, action string, from State) error {
	done, err := tx.Exec(ctx, `update contract set state = $2, until_on = $3, reason = $4 where id = $1 and state = $5`,
		c.ID, c.State, optional(c.Until), c.Reason, from)
	if err != nil {
		return fmt.Errorf("%s %s: %w", action, c.ID, err)
	}
	if done.RowsAffected() != 1 {
		return fmt.Errorf("%s %s: %w", action, c.ID, ErrState)
	}
	detail := map[string]any{"operator": c.Operator, "state": c.State}
	if !c.Until.IsZero() {
		detail["until"] = c.Until
	}
	return tenants.Record(ctx, tx, by, tenants.Entry{Action: action, Object: c.ID, Detail: detail})
}

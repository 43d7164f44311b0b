package replay

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/billing/rating"
	"tollhouse/billing/tenant"
)

// Total is what a re-rating comes to in one currency; below zero, customers
// get something back.
type Total struct {
	Currency  money.Currency
	Accounts  int64
	Charges   int64
	Refused   int64 // accounts that were left alone
	Net, Tax  money.Decimal
	Returned  money.Decimal // net of the accounts that get back, below zero
	Demanded  money.Decimal // net of those that pay more
	Problems  int64         // charges that could not be priced
	GettingIt int64         // accounts that get something back
}

// Totals sums a proposal up, or what of it was applied.
func Totals(ctx context.Context, tx tenant.Tx, id uuid.UUID) ([]Total, error) {
	rows, err := tx.Query(ctx, `
		select a.currency, count(*), coalesce(sum(a.charges), 0)::bigint, count(*) filter (where a.state = 'refused'),
		       sum(a.net) filter (where a.state <> 'refused'), sum(a.tax) filter (where a.state <> 'refused'),
		       sum(a.net) filter (where a.state <> 'refused' and a.net < 0), sum(a.net) filter (where a.state <> 'refused' and a.net > 0),
		       (select count(*) from rerating_change c where c.rerating_id = $1 and c.currency = a.currency and c.problem <> ''),
		       count(*) filter (where a.net < 0)
		from rerating_account a where a.rerating_id = $1 group by a.currency order by a.currency`, id)
	if err != nil {
		return nil, fmt.Errorf("sum re-rating up: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Total, error) {
		var t Total
		var net, tax, less, more *money.Decimal
		err := row.Scan(&t.Currency, &t.Accounts, &t.Charges, &t.Refused, &net, &tax, &less, &more, &t.Problems, &t.GettingIt)
		t.Net, t.Tax, t.Returned, t.Demanded = orZero(net), orZero(tax), orZero(less), orZero(more)
		return t, err
	})
}

func orZero(d *money.Decimal) money.Decimal {
	if d == nil {
		return money.Decimal{}
	}
	return *d
}

// AccountPart is one account's part of a re-rating.
type AccountPart struct {
	Account      uuid.UUID
	Number, Name string
	State        string // proposed, applied or refused
	Problem      string
	Charges      int64
	Net, Tax     money.Amount
}

// Accounts lists the parts of a re-rating, those that change most first.
// rerating_account_change gives the order.
func Accounts(ctx context.Context, tx tenant.Tx, id uuid.UUID, from, limit int) ([]AccountPart, error) {
	rows, err := tx.Query(ctx, `
		select r.account_id, a.number, p.name, r.state, r.problem, r.charges, r.currency, r.net, r.tax
		from rerating_account r join billing_account a on a.id = r.account_id join party p on p.id = a.party_id
		where r.rerating_id = $1 order by abs(r.net) desc, r.account_id offset $2 limit $3`, id, from, limit)
	if err != nil {
		return nil, fmt.Errorf("list accounts of re-rating: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (AccountPart, error) {
		var a AccountPart
		var currency money.Currency
		var net, tax money.Decimal
		err := row.Scan(&a.Account, &a.Number, &a.Name, &a.State, &a.Problem, &a.Charges, &currency, &net, &tax)
		a.Net, a.Tax = money.New(net, currency), money.New(tax, currency)
		return a, err
	})
}

// ChargeChange is one charge of a re-rating.
type ChargeChange struct {
	Charge      uuid.UUID
	Use         uuid.UUID
	Account     uuid.UUID
	Number      string
	Chosen      bool // not only because another one changes
	At          time.Time
	Kind        string
	Destination string
	Quantity    int64
	Unit        money.Unit
	Voids       int64
	Old, New    money.Amount // price, as the offering writes it
	Net, Tax    money.Amount // of the difference
	Why         rating.Explanation
	Problem     string
	Correction  uuid.UUID // uuid.Nil: none was booked
}

// Changes lists the charges of a re-rating, those that change most first, of
// one account or (uuid.Nil) of all; problems narrows it to what has no price.
func Changes(ctx context.Context, tx tenant.Tx, id, account uuid.UUID, problems bool, from, limit int) ([]ChargeChange, error) {
	rows, err := tx.Query(ctx, `
		select c.charge_id, c.account_id, a.number, c.chosen, c.at, c.currency, c.old_price, c.new_price, c.new_net - c.old_net, c.new_tax - c.old_tax,
		       c.target, c.problem, c.correction_id
		from rerating_change c join billing_account a on a.id = c.account_id
		where c.rerating_id = $1 and ($2::uuid is null or c.account_id = $2) and (not $3 or c.problem <> '')
		  and not coalesce((c.target ->> 'same')::boolean, false)
		order by abs(c.new_net - c.old_net) desc, c.charge_id offset $4 limit $5`, id, optional(account), problems, from, limit)
	if err != nil {
		return nil, fmt.Errorf("list changes of re-rating: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (ChargeChange, error) {
		var c ChargeChange
		var currency money.Currency
		var before, after, net, tax money.Decimal
		var correction *uuid.UUID
		var target []byte
		if err := row.Scan(&c.Charge, &c.Account, &c.Number, &c.Chosen, &c.At, &currency, &before, &after, &net, &tax, &target, &c.Problem, &correction); err != nil {
			return c, err
		}
		var to change
		if err := json.Unmarshal(target, &to); err != nil {
			return c, err
		}
		c.At, c.Correction = c.At.UTC(), orNil(correction)
		c.Use, c.Kind, c.Destination, c.Quantity, c.Unit, c.Voids, c.Why = to.Use, to.Kind, to.Destination, to.Quantity, to.Unit, to.Voids, to.To.Why
		c.Old, c.New = money.New(before, currency), money.New(after, currency)
		c.Net, c.Tax = money.New(net, currency), money.New(tax, currency)
		return c, nil
	})
}

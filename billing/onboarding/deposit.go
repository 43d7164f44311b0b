package onboarding

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// The facts of a deposit that the channel takes with the activation.
const (
	DepositMethod    = "deposit.method"    // how it was paid: cash or bank
	DepositReference = "deposit.reference" // as on the receipt or the bank statement
)

// Security is a deposit that an order's offering demands.
type Security struct {
	Order, Account    uuid.UUID
	Code              string // of the offering
	Amount            money.Amount
	Terms             catalog.Deposit
	Method, Reference string // of the payment that the channel took; empty: the account's deposits cover it
	By                string // who took it
}

// demandOf is what an order's party leaves as security; zero: nothing. Of what
// class it is stands with its account.
func demandOf(ctx context.Context, tx tenant.Tx, o Order, whole catalog.Offering, known Facts) (money.Decimal, error) {
	if whole.Deposit == nil {
		return money.Decimal{}, nil
	}
	who := catalog.Depositor{Organization: known["party.kind"] == string(account.Organization), Risk: account.NormalRisk}
	if o.AccountID != nil {
		var err error
		if who.Tags, who.Risk, err = account.Class(ctx, tx, *o.AccountID); err != nil {
			return money.Decimal{}, err
		}
	}
	return whole.Deposit.Of(who), nil
}

// secured finds out whether the deposit that an order demands is there: held
// on its account, or taken with the order by its channel.
func (g *gate) secured(ctx context.Context, tx tenant.Tx, r *ready, whole catalog.Offering, known Facts) ([]Finding, error) {
	demand, err := demandOf(ctx, tx, r.Order, whole, known)
	if err != nil {
		return nil, err
	}
	if demand.IsZero() || r.Facts[DepositMethod] != "" {
		if demand.Sign() > 0 {
			r.security = g.securityOf(r, whole, demand)
		}
		return nil, nil
	}
	missing, err := g.unheld(ctx, tx, r.Order, demand)
	if err != nil {
		return nil, err
	}
	if missing.Sign() > 0 {
		text := money.New(missing, whole.Currency).String()
		return []Finding{{Field: DepositMethod, Fault: IsMissing, NeededBy: Tariff,
			Reason: fmt.Sprintf("the offering %s asks for a deposit, of which %s is not held", whole.Code, text),
			Want:   formats["deposit_method"].want + ", or a deposit of " + text + " held on the account"}}, nil
	}
	r.security = g.securityOf(r, whole, demand)
	return nil, nil
}

// unheld is what the account's deposits leave missing of a demand.
func (g *gate) unheld(ctx context.Context, tx tenant.Tx, o Order, demand money.Decimal) (money.Decimal, error) {
	if o.AccountID == nil || g.held == nil {
		return demand, nil
	}
	held, err := g.held(ctx, tx, *o.AccountID)
	if err != nil {
		return demand, err
	}
	if held.Cmp(demand) >= 0 {
		return money.Decimal{}, nil
	}
	return demand.Sub(held), nil
}

func (g *gate) securityOf(r *ready, whole catalog.Offering, demand money.Decimal) *Security {
	return &Security{Order: r.ID, Code: whole.Code, Amount: money.New(demand, whole.Currency), Terms: *whole.Deposit,
		Method: r.Facts[DepositMethod], Reference: r.Facts[DepositReference], By: r.CreatedBy}
}

// DepositDue is what an open order still lacks of the deposit that it demands:
// what its channel takes where it takes it; zero: nothing.
func (d *Desk) DepositDue(ctx context.Context, tx tenant.Tx, o Order) (money.Amount, error) {
	offering, err := catalog.LoadVersion(ctx, tx, o.OfferingID)
	if err != nil {
		return money.Amount{}, err
	}
	whole, _, err := Whole(ctx, tx, offering, o.Parts)
	if err != nil {
		return money.Amount{}, err
	}
	kind := o.Facts
	if o.AccountID != nil {
		a, err := account.Get(ctx, tx, *o.AccountID)
		if err != nil {
			return money.Amount{}, err
		}
		party, err := account.GetParty(ctx, tx, a.PartyID)
		if err != nil {
			return money.Amount{}, err
		}
		kind = factsOf(party)
	}
	g := &gate{held: d.hooks.Held}
	due, err := demandOf(ctx, tx, o, whole, kind)
	if err == nil && due.Sign() > 0 {
		due, err = g.unheld(ctx, tx, o, due)
	}
	return money.New(due, whole.Currency), err
}

// secure lets deposits stand for those orders that demand one.
func (d *Desk) secure(ctx context.Context, tx tenant.Tx, orders []ready) error {
	for i := range orders {
		s := orders[i].security
		if s == nil {
			continue
		}
		s.Account = orders[i].account.ID
		if err := d.hooks.Secure(ctx, tx, *s); err != nil {
			return fmt.Errorf("deposit of order %s: %w", s.Order, err)
		}
	}
	return nil
}

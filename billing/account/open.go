package account

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/event"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// NewAccount is an account to be opened.
type NewAccount struct {
	PartyID     uuid.UUID
	ParentID    *uuid.UUID
	Kind        Kind
	CreditLimit *money.Decimal // nil: none; prepaid accounts have none
	Anchor      calendar.Date  // zero: the local day of opening
	CycleMonths int            // zero: 1
	CycleDays   int            // a cycle of days, in place of months
	Branch      uuid.UUID      // Nil: the default one; its legal entity issues the bills
	Currency    money.Currency // zero: the operator's
}

func (n NewAccount) check() error {
	switch {
	case n.Kind != Prepaid && n.Kind != Postpaid:
		return &FieldError{"account.kind", "prepaid or postpaid"}
	case n.CreditLimit != nil && n.Kind == Prepaid:
		return &FieldError{"account.credit_limit", "no limit for a prepaid account"}
	case n.CreditLimit != nil && n.CreditLimit.Sign() < 0:
		return &FieldError{"account.credit_limit", "an amount of zero or more"}
	case n.CycleDays < 0 || n.CycleDays > maxCycleDays || n.CycleDays > 0 && n.CycleMonths > 0:
		return &FieldError{"account.cycle_days", "1 to 366, in place of months"}
	case n.CycleDays == 0 && (n.CycleMonths < 1 || n.CycleMonths > 12):
		return &FieldError{"account.cycle_months", "1 to 12"}
	}
	return nil
}

// Open opens accounts in the operator's currency or another, in their branch or the
// default one, each with the cycle that holds today. They come back in the
// order given.
func Open(ctx context.Context, tx tenant.Tx, accounts []NewAccount) ([]Account, error) {
	profile, err := GetProfile(ctx, tx)
	if err != nil {
		return nil, err
	}
	sellers, err := sellersOf(ctx, tx)
	if err != nil {
		return nil, err
	}
	today := profile.LocalDate(tx.At)
	opened := make([]Account, len(accounts))
	for i, n := range accounts {
		if n.CycleMonths == 0 && n.CycleDays == 0 {
			n.CycleMonths = 1
		}
		if n.Anchor.IsZero() {
			n.Anchor = today
		}
		if err := n.check(); err != nil {
			return nil, err
		}
		if n.Currency.IsZero() {
			n.Currency = profile.Currency
		}
		seller, known := sellers[n.Branch]
		if !known {
			return nil, fmt.Errorf("branch %s: %w", n.Branch, ErrNotFound)
		}
		a := Account{
			ID: uuid.Must(uuid.NewV7()), PartyID: n.PartyID, ParentID: n.ParentID, Kind: n.Kind, Currency: n.Currency,
			CreditLimit: n.CreditLimit, State: Active, Anchor: n.Anchor, CycleMonths: n.CycleMonths, CycleDays: n.CycleDays,
			LegalEntity: seller.LegalEntity, Branch: seller.ID, CreatedAt: tx.At,
		}
		a.Cycle = a.Cycles(profile.AnchorPolicy).Containing(today)
		opened[i] = a
	}
	if err := insertNumbered(ctx, tx, opened); err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(opened))
	for i := range opened {
		ids[i] = opened[i].ID
	}
	if err := RefreshTaxStatus(ctx, tx, ids...); err != nil {
		return nil, err
	}
	return opened, recordAccounts(ctx, tx, event.AccountCreated, ids...)
}

// sellersOf are the branches by id, the default one also by Nil.
func sellersOf(ctx context.Context, tx tenant.Tx) (map[uuid.UUID]Branch, error) {
	branches, err := Branches(ctx, tx)
	if err != nil {
		return nil, err
	}
	sellers := make(map[uuid.UUID]Branch, len(branches)+1)
	for _, b := range branches {
		sellers[b.ID] = b
		if b.Default {
			sellers[uuid.Nil] = b
		}
	}
	return sellers, nil
}

// numberRounds bounds how often accounts whose number was taken draw another.
// With a million accounts a draw is taken once in nine hundred.
const numberRounds = 8

// insertNumbered gives every account a number that no other has: the unique
// index decides, so two transactions at once cannot take the same.
func insertNumbered(ctx context.Context, tx tenant.Tx, accounts []Account) error {
	waiting := make(map[uuid.UUID]*Account, len(accounts))
	for i := range accounts {
		waiting[accounts[i].ID] = &accounts[i]
	}
	for round := 0; len(waiting) > 0; round++ {
		if round == numberRounds {
			return fmt.Errorf("number %d accounts: %w", len(waiting), ErrNumbersSpent)
		}
		if err := insertRound(ctx, tx, waiting); err != nil {
			return err
		}
	}
	return nil
}

const insertAccounts = `
insert into billing_account (id, number, party_id, parent_id, kind, currency, credit_limit, state, anchor, cycle_months, cycle_days,
                             cycle_start, cycle_end, legal_entity, branch, created_at)
select n.id, n.number, n.party_id, n.parent_id, n.kind, n.currency, n.credit_limit::numeric, 'active', n.anchor, n.cycle_months, n.cycle_days,
       n.cycle_start, n.cycle_end, n.legal_entity, n.branch, $15
  from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::date[], $9::int[],
              $10::date[], $11::date[], $12::uuid[], $13::uuid[], $14::int[])
       as n (id, number, party_id, parent_id, kind, currency, credit_limit, anchor, cycle_months, cycle_start, cycle_end, legal_entity, branch, cycle_days)
on conflict (number) do nothing
returning id`

// insertRound draws a number for each waiting account and takes those that
// were free off the list.
func insertRound(ctx context.Context, tx tenant.Tx, waiting map[uuid.UUID]*Account) error {
	var c accountArrays
	for _, a := range waiting {
		var err error
		if a.Number, err = newNumber(); err != nil {
			return err
		}
		c.add(a)
	}
	rows, err := tx.Query(ctx, insertAccounts, c.id, c.number, c.party, c.parent, c.kind, c.currency, c.limit, c.anchor, c.months,
		c.start, c.end, c.entity, c.branch, c.days, tx.At)
	if err != nil {
		return fmt.Errorf("open accounts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id uuid.UUID
		if err := rows.Scan(&id); err != nil {
			return fmt.Errorf("open accounts: %w", err)
		}
		delete(waiting, id)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("open accounts: %w", missingReference(err))
	}
	return nil
}

// accountArrays are the columns of a set of accounts.
type accountArrays struct {
	id, party      []uuid.UUID
	parent         []*uuid.UUID
	number         []string
	kind, currency []string
	limit          []*string
	anchor         []calendar.Date
	start, end     []calendar.Date
	months, days   []int
	entity, branch []uuid.UUID
}

func (c *accountArrays) add(a *Account) {
	var limit *string
	if a.CreditLimit != nil {
		text := a.CreditLimit.String()
		limit = &text
	}
	c.id, c.party, c.parent = append(c.id, a.ID), append(c.party, a.PartyID), append(c.parent, a.ParentID)
	c.number, c.kind, c.currency = append(c.number, a.Number), append(c.kind, string(a.Kind)), append(c.currency, a.Currency.Code())
	c.limit, c.anchor, c.months = append(c.limit, limit), append(c.anchor, a.Anchor), append(c.months, a.CycleMonths)
	c.days = append(c.days, a.CycleDays)
	c.start, c.end = append(c.start, a.Cycle.From), append(c.end, a.Cycle.To)
	c.entity, c.branch = append(c.entity, a.LegalEntity), append(c.branch, a.Branch)
}

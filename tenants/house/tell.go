package house

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/bill"
	"tollhouse/billing/bill/pdf"
	"tollhouse/billing/calendar"
	"tollhouse/billing/hosting"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
	"tollhouse/tenants/contract"
)

// maxTold bounds the charges that an operator is told of; its bills have all.
const maxTold = 120

// Tell brings every operator that has a contract in force, or had one, its
// contracts, charges and bills into its own stack: it reads them there also
// while we are away. Stacks that stand on machines we can't reach ask for it
// (News). One that fails keeps no other from it.
func (w *Worker) Tell(ctx context.Context) error {
	house, books, err := w.house(ctx)
	if errors.Is(err, tenants.ErrNotFound) || errors.Is(err, tenant.ErrUnknown) {
		return nil
	}
	if err != nil {
		return err
	}
	at, zone, err := books.Now(ctx)
	if err != nil {
		return fmt.Errorf("ask the house for its day: %w", err)
	}
	var faults []error
	for after := (tenant.ID{}); ; {
		var parties []tenant.ID
		err := w.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
			parties, err = contract.Parties(ctx, tx, after, atOnce)
			return err
		})
		if err != nil {
			return errors.Join(append(faults, err)...)
		}
		for _, id := range parties {
			if err := w.tell(ctx, house, books, id, calendar.DateOf(at, zone)); err != nil {
				faults = append(faults, fmt.Errorf("tell operator %s of its contract: %w", id, err))
			}
			after = id
		}
		if len(parties) < atOnce {
			return errors.Join(faults...)
		}
	}
}

func (w *Worker) tell(ctx context.Context, house tenants.Operator, books Books, id tenant.ID, today calendar.Date) error {
	stack, err := w.Find(ctx, id)
	if errors.Is(err, tenant.ErrUnknown) {
		return nil // it stands on a machine of its own, which asks
	}
	if err != nil {
		return err
	}
	news, err := w.news(ctx, house, books, id, today)
	if err != nil {
		return err
	}
	return hosting.Take(ctx, stack.DB, stack.Ref, news, books.document)
}

// news is what an operator is told on the house's day.
func (w *Worker) news(ctx context.Context, house tenants.Operator, books Books, id tenant.ID, today calendar.Date) (news hosting.News, err error) {
	counts := false
	err = w.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		operator, err := tenants.GetOperator(ctx, tx, id)
		if err != nil {
			return err
		}
		counts = contract.Counts(house, operator)
		news.Told, err = toldOf(ctx, tx, id, today)
		return err
	})
	if err != nil {
		return news, err
	}
	news.At = w.DB.Now()
	if counts {
		news.Bills, err = books.bills(ctx, id)
	}
	return news, err
}

// News is what an operator is told of its contracts, charges and bills; false
// where nobody can say: there is no house, or its stack is being made.
func (w *Worker) News(ctx context.Context, operator tenant.ID) (news hosting.News, known bool, err error) {
	house, books, err := w.house(ctx)
	if errors.Is(err, tenants.ErrNotFound) || errors.Is(err, tenant.ErrUnknown) {
		return news, false, nil
	}
	if err != nil {
		return news, false, err
	}
	at, zone, err := books.Now(ctx)
	if err != nil {
		return news, false, fmt.Errorf("ask the house for its day: %w", err)
	}
	news, err = w.news(ctx, house, books, operator, calendar.DateOf(at, zone))
	return news, err == nil, err
}

// Document draws a bill of an operator's as PDF; hosting.ErrNotFound if the
// operator has no such bill.
func (w *Worker) Document(ctx context.Context, operator tenant.ID, id uuid.UUID) ([]byte, error) {
	news, _, err := w.News(ctx, operator)
	if err != nil {
		return nil, err
	}
	for _, b := range news.Bills {
		if b.ID == id {
			_, books, err := w.house(ctx)
			if err != nil {
				return nil, err
			}
			return books.document(ctx, b)
		}
	}
	return nil, hosting.ErrNotFound
}

// toldOf is what an operator is told: what has begun, not what is only drafted.
func toldOf(ctx context.Context, tx tenants.Tx, id tenant.ID, today calendar.Date) (told hosting.Told, err error) {
	agreed, err := contract.Of(ctx, tx, id)
	if err != nil {
		return told, err
	}
	for _, c := range agreed {
		if c.State != contract.Draft && c.State != contract.Withdrawn {
			told.Contracts = append(told.Contracts, shown(c, today))
		}
	}
	charges, err := contract.Charges(ctx, tx, id)
	if err != nil {
		return told, err
	}
	for _, h := range charges[:min(len(charges), maxTold)] {
		told.Charges = append(told.Charges, hosting.Charge{Words: h.Words, From: h.Period.From, To: h.Period.To, Amount: h.Amount,
			Base: h.Detail.Base, Missing: len(h.Detail.Missing)})
	}
	return told, nil
}

// shown is a contract as its operator reads it.
func shown(c contract.Contract, today calendar.Date) hosting.Contract {
	s := hosting.Contract{ID: c.ID, Model: string(c.Model), Place: string(c.Place), State: string(c.State), From: c.From, Reference: c.Reference}
	if !c.Until.IsZero() {
		s.Until = &c.Until
	}
	amount := func(code string, a money.Amount) {
		if !a.IsZero() {
			s.Terms = append(s.Terms, hosting.Term{Code: code, Amount: &a})
		}
	}
	percent := func(code string, d money.Decimal) {
		s.Terms = append(s.Terms, hosting.Term{Code: code, Percent: &d})
	}
	if t := c.Terms.Rent; t != nil {
		amount("rent_setup", t.Setup)
		amount("rent_monthly", t.Monthly)
	}
	if t := c.Terms.Lease; t != nil {
		amount("lease_price", t.Price)
		amount("lease_upfront", t.Upfront)
		s.Terms = append(s.Terms, hosting.Term{Code: "lease_months", Months: t.Months})
		percent("lease_yearly", t.Yearly)
		percent("lease_early_fee", t.EarlyFee)
		for _, i := range t.Plan(c.From) {
			s.Plan = append(s.Plan, hosting.Instalment{No: i.No, Due: i.Due, Amount: i.Amount(), Outstanding: i.Outstanding})
		}
		// before its first day and after its last instalment there is no price
		if price, err := c.BuyOutOn(today); err == nil {
			whole := price.Price()
			s.BuyOut, s.BuyOutOn = &whole, &today
		}
	}
	if t := c.Terms.Share; t != nil {
		amount("share_minimum", t.Minimum)
		for _, tier := range t.Tiers {
			s.Tiers = append(s.Tiers, hosting.Tier{UpTo: tier.UpTo, Percent: tier.Percent})
		}
	}
	if t := c.Terms.Licence; t != nil {
		amount("licence_price", t.Price)
		amount("licence_support", t.Support)
	}
	return s
}

// maxBills bounds the bills of one account that are looked at: five years.
const maxBills = 60

// bills are an operator's documents in the house's books, notes among them.
func (b Books) bills(ctx context.Context, id tenant.ID) (found []hosting.Bill, err error) {
	err = b.DB.Read(ctx, b.Ref, func(ctx context.Context, tx tenant.Tx) error {
		accounts, err := AccountsOf(ctx, tx, id)
		if err != nil {
			return err
		}
		for _, account := range accounts {
			page, err := bill.List(ctx, tx, account, bill.Cursor{}, maxBills)
			if err != nil {
				return err
			}
			for _, one := range page.Bills {
				if one.Kind == bill.KindStatement || one.Number == "" {
					continue
				}
				found = append(found, hosting.Bill{ID: one.ID, Number: one.Number, Kind: string(one.Kind), Issued: one.Issued, Due: one.DueDate,
					Total: one.Total, Open: one.Open, Voided: one.State == bill.Void})
				notes, err := bill.NotesOf(ctx, tx, one.ID)
				if err != nil {
					return err
				}
				for _, n := range notes {
					found = append(found, hosting.Bill{ID: n.ID, Number: n.Number, Kind: string(n.Kind), Issued: n.Issued, Due: n.DueDate,
						Total: n.Total, Open: n.Open, Voided: n.State == bill.Void})
				}
			}
		}
		return nil
	})
	return found, err
}

// document draws a bill from its stored facts.
func (b Books) document(ctx context.Context, one hosting.Bill) ([]byte, error) {
	var facts bill.Document
	err := b.DB.Read(ctx, b.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		facts, err = bill.Printed(ctx, tx, one.ID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read bill %s: %w", one.Number, err)
	}
	var out bytes.Buffer
	if err := pdf.Render(&out, facts); err != nil {
		return nil, fmt.Errorf("draw bill %s: %w", one.Number, err)
	}
	return out.Bytes(), nil
}

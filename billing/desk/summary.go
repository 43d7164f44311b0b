package desk

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Summary is an account in a few figures, in its currency. What each is made
// of stands where the field says.
type Summary struct {
	Owes     money.Amount  // open items
	Overdue  money.Amount  // of it
	NextDue  calendar.Date // the earliest due date of what is open; zero: nothing is
	Paid     money.Amount  // payments of the last twelve months, goodwill and what was given back left out
	Payments int           // their number
	Late     int           // bills of the last twelve months that were not paid in full on their due day
	Bills    int           // those bills
	Counts   Counts
}

// Counts are how much stands behind each list of an account.
type Counts struct{ Bills, Payments, Notes, Messages int }

// figuresMonths is what "lately" means in a summary.
const figuresMonths = 12

// A bill was late if its open item is open after its due date, or if a payment
// was applied to it after.
const selectSummary = `
	select coalesce((select sum(open) from open_item where account_id = $1 and open > 0), 0),
	       coalesce((select sum(open) from open_item where account_id = $1 and open > 0 and due_date < $2), 0),
	       (select min(due_date) from open_item where account_id = $1 and open > 0),
	       coalesce((select sum(amount - refunded) from payment where account_id = $1 and received_at >= $3 and method <> 'goodwill'), 0),
	       (select count(*) from payment where account_id = $1 and received_at >= $3 and method <> 'goodwill'),
	       (select count(*) from open_item i where i.account_id = $1 and i.created_at >= $3
	           and (i.open > 0 and i.due_date < $2
	                or exists (select from payment_allocation p where p.open_item_id = i.id and (p.at at time zone $4)::date > i.due_date))),
	       (select count(*) from open_item where account_id = $1 and created_at >= $3),
	       (select count(*) from bill where account_id = $1 and state <> 'draft'),
	       (select count(*) from payment where account_id = $1),
	       (select count(*) from note where account_id = $1),
	       (select count(*) from notice where account_id = $1)`

// Summarize reads an account's figures.
func Summarize(ctx context.Context, tx tenant.Tx, a account.Account) (Summary, error) {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return Summary{}, err
	}
	today := profile.LocalDate(tx.At)
	from := today.AddMonths(-figuresMonths).Start(profile.Zone)
	var s Summary
	var owes, overdue, paid money.Decimal
	var due *calendar.Date
	err = tx.QueryRow(ctx, selectSummary, a.ID, today, from, profile.Zone.String()).Scan(&owes, &overdue, &due, &paid, &s.Payments, &s.Late, &s.Bills,
		&s.Counts.Bills, &s.Counts.Payments, &s.Counts.Notes, &s.Counts.Messages)
	if err != nil {
		return Summary{}, fmt.Errorf("summary of account %s: %w", a.Number, err)
	}
	s.Owes, s.Overdue, s.Paid = money.New(owes, a.Currency), money.New(overdue, a.Currency), money.New(paid, a.Currency)
	if due != nil {
		s.NextDue = *due
	}
	return s, nil
}

// ParentOf reads who pays for an account; the zero account for nobody but
// itself.
func ParentOf(ctx context.Context, tx tenant.Tx, a account.Account) (parent account.Account, name string, err error) {
	if a.ParentID == nil || *a.ParentID == uuid.Nil {
		return account.Account{}, "", nil
	}
	if parent, err = account.Get(ctx, tx, *a.ParentID); err != nil {
		return account.Account{}, "", err
	}
	party, err := account.GetParty(ctx, tx, parent.PartyID)
	return parent, party.Name, err
}

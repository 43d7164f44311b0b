package collection

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/access"
	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Planned is what would happen on a day if nothing is paid.
type Planned struct {
	On      calendar.Date
	Step    string
	Action  Action
	Level   access.Level // from then on
	Numbers []string     // of the bills that it is for
	Overdue money.Decimal
	Fee     money.Decimal
}

// Outlook is what a policy would do with an account.
type Outlook struct {
	Ladder   string // empty: it is not followed
	Currency money.Currency
	Held     Held // now
	Planned  []Planned
}

// Sample is a bill that isn't there, to see what would follow.
type Sample struct {
	Due    calendar.Date
	Amount money.Decimal
}

// horizon bounds how far an outlook goes.
const horizon = 800

// Preview says what a policy, stored or not, would do with an account, if
// nothing is paid; with a sample as if that were all that it owes.
func Preview(ctx context.Context, tx tenant.Tx, p Policy, accountID uuid.UUID, sample *Sample) (Outlook, error) {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return Outlook{}, err
	}
	holidays, err := p.holidays(ctx, tx)
	if err != nil {
		return Outlook{}, err
	}
	debtors, err := load(ctx, tx, []uuid.UUID{accountID})
	if err != nil {
		return Outlook{}, err
	}
	if len(debtors) == 0 {
		return Outlook{}, fmt.Errorf("account %s: %w", accountID, ErrNotFound)
	}
	d := debtors[0]
	today := profile.LocalDate(tx.At)
	if sample != nil {
		d.Debts, d.Agreed, d.Case = []Debt{{ItemID: uuid.New(), Number: "…", Due: sample.Due, Open: sample.Amount, Taken: map[string]Taken{}}}, nil, nil
	}
	return p.outlook(d, today, p.daysOff(holidays)), nil
}

// outlook lets days pass on which nothing is paid.
func (p *Policy) outlook(d *Debtor, today calendar.Date, off daysOff) Outlook {
	o := Outlook{Currency: d.Currency}
	if ladder := p.ladderOf(d); ladder != nil {
		o.Ladder = ladder.Code
	}
	last := today.AddDays(horizon)
	for day, first := today, true; !day.After(last); first = false {
		v := p.decide(d, day, off, true)
		if first {
			o.Held = v.held
		}
		for _, s := range v.steps {
			one := Planned{On: day, Step: s.step.Code, Action: s.step.Action, Level: access.Strongest(v.level, s.step.Action.level()), Overdue: v.overdue, Fee: s.step.Fee.In(d.Currency)}
			for _, debt := range s.debts {
				debt.Taken[s.step.Code] = Taken{Action: s.step.Action, On: day}
				one.Numbers = append(one.Numbers, debt.Number)
			}
			o.Planned = append(o.Planned, one)
		}
		for _, e := range v.ended {
			e.arrangement.State = e.to
		}
		d.Agreed = stillActive(d.Agreed)
		if len(v.steps) > 0 {
			v = p.decide(d, day, off, true) // what comes after them
		}
		next := v.nextOn
		if next.IsZero() {
			return o
		}
		if !next.After(day) {
			next = day.AddDays(1)
		}
		day = next
	}
	return o
}

func stillActive(agreed []Arrangement) (active []Arrangement) {
	for _, a := range agreed {
		if a.State == ArrangementActive {
			active = append(active, a)
		}
	}
	return active
}

package collection

import (
	"github.com/google/uuid"

	"tollhouse/billing/access"
	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// Debtor is what is known of an account when its case is decided.
type Debtor struct {
	AccountID   uuid.UUID
	Kind        account.Kind
	Currency    money.Currency
	Party       account.PartyKind
	LegalEntity uuid.UUID
	Branch      uuid.UUID
	Tags        []string
	Risk        string
	Debts       []Debt // open, oldest due first
	Pending     money.Decimal
	Agreed      []Arrangement // active
	Case        *Case         // open; nil: none
}

// Debt is one thing that is owed.
type Debt struct {
	ItemID uuid.UUID
	Number string
	Due    calendar.Date
	Open   money.Decimal
	Taken  map[string]Taken // steps that were taken, by code
}

// Taken is a step that was taken.
type Taken struct {
	Action Action
	On     calendar.Date
}

// Held is what keeps steps back.
type Held string

// What may keep steps back.
const (
	Free      Held = ""
	OnHold    Held = "hold"
	Promised  Held = "promise"
	Debited   Held = "debit" // enough is being collected
	TooLittle Held = "small"
)

// due is a step to be taken now, for some debts.
type due struct {
	step    *Step
	planned []calendar.Date // of each
	debts   []*Debt
}

// verdict is what is to become of an account.
type verdict struct {
	ladder   *Ladder
	overdue  money.Decimal
	oldest   calendar.Date
	debts    []*Debt // overdue, that count
	level    access.Level
	held     Held
	steps    []due         // in the order of the ladder
	nextStep string        // that comes if nothing is paid
	nextOn   calendar.Date // when the account has to be looked at again; zero: never by a date
	ended    []ending      // arrangements that are over
}

// ending is the end of an arrangement.
type ending struct {
	arrangement *Arrangement
	to          ArrangementState
}

// decide says what follows on a day for an account. takes says whether steps
// may be taken now: only the day's review does.
func (p *Policy) decide(d *Debtor, today calendar.Date, off daysOff, takes bool) verdict {
	v := verdict{ladder: p.ladderOf(d), level: access.Allowed}
	active := v.judge(d, today)
	excused := map[uuid.UUID]bool{}
	var promise, hold *Arrangement
	for _, a := range active {
		switch a.Kind {
		case Dispute, Plan:
			for _, id := range a.Items {
				excused[id] = true
			}
		case Promise:
			promise = a
		case Hold:
			hold = a
		}
		v.look(a.turn(today))
	}
	for i := range d.Debts {
		debt := &d.Debts[i]
		switch {
		case excused[debt.ItemID]:
		case debt.Due.Before(today):
			v.debts = append(v.debts, debt)
			v.overdue = v.overdue.Add(debt.Open)
			if v.oldest.IsZero() || debt.Due.Before(v.oldest) {
				v.oldest = debt.Due
			}
		default:
			v.look(debt.Due.AddDays(1))
		}
	}
	if v.ladder == nil || len(v.debts) == 0 {
		return v
	}
	minimum := v.ladder.Minimum.In(d.Currency)
	switch {
	case v.overdue.Cmp(minimum) < 0:
		v.held = TooLittle
		return v
	case hold != nil:
		v.held = OnHold
	case promise != nil:
		v.held = Promised
	case d.Pending.Sign() > 0 && (v.overdue.Sub(d.Pending).Sign() <= 0 || v.overdue.Sub(d.Pending).Cmp(minimum) < 0):
		v.held = Debited
		v.look(today.AddDays(1)) // by then the bank may have said no
	}
	v.climb(d, today, off, takes && v.held == Free)
	if promise != nil && v.ladder.Promise != nil && v.ladder.Promise.Restores {
		v.level = access.Allowed
	}
	return v
}

// climb finds the steps of each debt: those to be taken now, the level that
// follows from all that were taken, and when the next one comes.
func (v *verdict) climb(d *Debtor, today calendar.Date, off daysOff, takes bool) {
	taking := map[string]*due{}
	for _, debt := range v.debts {
		var before calendar.Date // when the step before was taken
		for i := range v.ladder.Steps {
			step := &v.ladder.Steps[i]
			if taken, done := debt.Taken[step.Code]; done {
				before = taken.On
				continue
			}
			planned := v.ladder.plannedOn(step, debt.Due, off)
			day := planned
			if wait := before.AddDays(step.WaitDays); !before.IsZero() && wait.After(day) {
				day = off.move(wait, v.ladder.how(step))
			}
			if v.overdue.Cmp(step.Minimum.In(d.Currency)) < 0 {
				continue // it waits for more, and those after it do not wait for it
			}
			if day.After(today) {
				v.next(step, day)
				break
			}
			if !takes {
				v.next(step, today)
				break
			}
			if taking[step.Code] == nil {
				taking[step.Code] = &due{step: step}
			}
			taking[step.Code].debts = append(taking[step.Code].debts, debt)
			taking[step.Code].planned = append(taking[step.Code].planned, planned)
			v.level = access.Strongest(v.level, step.Action.level())
			before = today
		}
		for _, taken := range debt.Taken {
			v.level = access.Strongest(v.level, taken.Action.level())
		}
	}
	for i := range v.ladder.Steps {
		if one := taking[v.ladder.Steps[i].Code]; one != nil {
			v.steps = append(v.steps, *one)
		}
	}
}

// next keeps the earliest step to come.
func (v *verdict) next(s *Step, on calendar.Date) {
	if v.nextStep == "" || on.Before(v.nextOn) {
		v.nextStep = s.Code
	}
	v.look(on)
}

// look keeps the earliest day on which the account has to be looked at.
func (v *verdict) look(on calendar.Date) {
	if on.IsZero() {
		return
	}
	if v.nextOn.IsZero() || on.Before(v.nextOn) {
		v.nextOn = on
	}
}

// judge ends arrangements that are kept, broken or over, and gives the others.
func (v *verdict) judge(d *Debtor, today calendar.Date) (active []*Arrangement) {
	for i := range d.Agreed {
		a := &d.Agreed[i]
		if to := a.judge(d, today); to != ArrangementActive {
			v.ended = append(v.ended, ending{a, to})
			continue
		}
		active = append(active, a)
	}
	return active
}

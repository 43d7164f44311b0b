package collection

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// ArrangementKind is what was agreed or laid down.
type ArrangementKind string

// The kinds.
const (
	Promise ArrangementKind = "promise" // to pay an amount until a day
	Plan    ArrangementKind = "plan"    // to pay by instalments
	Hold    ArrangementKind = "hold"    // no step for the account
	Dispute ArrangementKind = "dispute" // a bill counts as not overdue
)

// ArrangementState is how far an arrangement is.
type ArrangementState string

// The states.
const (
	ArrangementActive ArrangementState = "active"
	Kept              ArrangementState = "kept"
	Broken            ArrangementState = "broken"
	Ended             ArrangementState = "ended"
)

// arrangementMoves is the one table of what may follow what.
var arrangementMoves = map[ArrangementState][]ArrangementState{
	ArrangementActive: {Kept, Broken, Ended},
	Kept:              {},
	Broken:            {},
	Ended:             {},
}

func (s ArrangementState) may(to ArrangementState) bool {
	return slices.Contains(arrangementMoves[s], to)
}

// Arrangement is what was agreed or laid down about what an account owes.
type Arrangement struct {
	ID          uuid.UUID
	AccountID   uuid.UUID
	Kind        ArrangementKind
	State       ArrangementState
	Amount      *money.Decimal // promised
	Until       *calendar.Date // the last day
	Items       []uuid.UUID    // what it is about
	Base        money.Decimal  // what was open of them
	Instalments []Instalment
	Reason      string
	By          string
	At          time.Time
	EndedAt     *time.Time
	EndedBy     string
}

// Instalment is one payment of a plan.
type Instalment struct {
	On     calendar.Date `json:"on"` // the last day
	Amount money.Decimal `json:"amount"`
}

// paid is what has been paid of what the arrangement is about.
func (a *Arrangement) paid(d *Debtor) money.Decimal {
	paid := a.Base
	for i := range d.Debts {
		if slices.Contains(a.Items, d.Debts[i].ItemID) {
			paid = paid.Sub(d.Debts[i].Open)
		}
	}
	return paid
}

// judge says where an arrangement stands on a day.
func (a *Arrangement) judge(d *Debtor, today calendar.Date) ArrangementState {
	over := a.Until != nil && today.After(*a.Until)
	switch a.Kind {
	case Promise:
		if a.paid(d).Cmp(*a.Amount) >= 0 {
			return Kept
		}
		if over {
			return Broken
		}
	case Plan:
		paid, asked := a.paid(d), money.Decimal{}
		for _, i := range a.Instalments {
			if i.On.Before(today) {
				asked = asked.Add(i.Amount)
			}
		}
		if paid.Cmp(a.Base) >= 0 {
			return Kept
		}
		if paid.Cmp(asked) < 0 {
			return Broken
		}
	default:
		if over {
			return Ended
		}
		if a.Kind == Dispute && a.paid(d).Cmp(a.Base) >= 0 {
			return Ended // nothing of it is open any more
		}
	}
	return ArrangementActive
}

// turn is the day on which an active arrangement may stand otherwise by itself.
func (a *Arrangement) turn(today calendar.Date) calendar.Date {
	if a.Kind == Plan {
		for _, i := range a.Instalments {
			if !i.On.Before(today) {
				return i.On.AddDays(1)
			}
		}
		return calendar.Date{}
	}
	if a.Until == nil {
		return calendar.Date{}
	}
	return a.Until.AddDays(1)
}

const arrangementColumns = `r.id, r.account_id, r.kind, r.state, r.amount, r.until_on, r.items, r.base, r.instalments, r.reason, r.created_by, r.created_at, r.ended_at, r.ended_by`

func scanArrangement(row pgx.CollectableRow) (a Arrangement, err error) {
	var text json.RawMessage
	err = row.Scan(&a.ID, &a.AccountID, &a.Kind, &a.State, &a.Amount, &a.Until, &a.Items, &a.Base, &text, &a.Reason, &a.By, &a.At, &a.EndedAt, &a.EndedBy)
	if err == nil {
		err = json.Unmarshal(text, &a.Instalments)
	}
	a.At = a.At.UTC()
	return a, err
}

package session

import (
	"time"

	"tollhouse/billing/usage"
)

// Reach is how far balances carry a service from where it stands.
type Reach struct {
	Units int64 // of those wanted
	Held  []Hold
	// More says that the balance reaches further than what was wanted.
	More bool
	// Capped says that the price reaches, with Units, the cap that ends a session.
	Capped bool
}

// Grant gives a service a quota: as much of what is wanted as the balance
// reaches for, held back from now until its validity and the grace have passed.
// A quota after which the balance gives no more is the last and says what is to
// be done then.
func (p *Policy) Grant(v *Service, wanted int64, reach Reach, at time.Time, to *Given) {
	q := p.Of(v.Kind)
	v.Release()
	v.Final = !reach.More || reach.Units < wanted
	to.Unit, to.Result = v.Unit(), Granted
	if v.Final {
		final := q.Final
		if reach.Capped {
			final = Final{Action: EndService}
		}
		to.Final = &final
	}
	if reach.Units <= 0 {
		to.Result = NoCredit
		if reach.Capped {
			to.Result = CapReached
		}
		return
	}
	v.Granted, v.Held = reach.Units, reach.Held
	v.ValidUntil = at.Add(time.Duration(q.ValidSeconds) * time.Second)
	v.HeldUntil = at.Add(p.heldFor(q))
	to.Granted, to.ValidSeconds, to.HoldSeconds = v.Granted, q.ValidSeconds, q.HoldSeconds
}

// Refuse gives a service nothing and says why.
func (v *Service) Refuse(result Result, problem *usage.Problem, to *Given) {
	v.Release()
	to.Result, to.Problem, to.Unit = result, problem, v.Unit()
}

package bill

import (
	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// An account may want a bill of its own for each service. They are closed in
// one transaction, as the parts of one cycle: each has its number and its open
// item. What belongs to the account, and the accounts that it pays for, stands
// on the first service's bill.

// root is the subscription that another is a part of, or that took its place by
// a change of plan; itself where there is none.
func (o *openCycle) root(id uuid.UUID) uuid.UUID {
	for range o.subscriptions { // no chain is longer than what there is
		next := id
		for i := range o.subscriptions {
			switch s := &o.subscriptions[i]; {
			case s.ID != id:
			case s.PartOf != nil:
				next = *s.PartOf
			case s.TerminatedAt != nil:
				next = o.successor(s)
			}
		}
		if next == id {
			break
		}
		id = next
	}
	return id
}

// successor took a subscription's place: it began when that ended, and was not
// to be set up. The subscription itself where there is none.
func (o *openCycle) successor(of *subscription) uuid.UUID {
	for i := range o.subscriptions {
		s := &o.subscriptions[i]
		if s.ID != of.ID && s.Account == of.Account && s.PartOf == nil && s.SetupCharged && s.ActivatedAt.Equal(*of.TerminatedAt) {
			return s.ID
		}
	}
	return of.ID
}

// separate takes all services but the first out of a closing, each into one of
// its own, which the first leads.
func (f *frame) separate(c *closing) {
	own := map[uuid.UUID]*closing{}
	for i := range c.subscriptions {
		s := &c.subscriptions[i]
		if root := c.root(s.ID); s.Account == c.ID && root == s.ID && f.stillThere(c, s) {
			own[s.ID] = nil
			if len(own) > 1 {
				own[s.ID] = f.apart(c, s.ID)
				c.apart = append(c.apart, own[s.ID])
			}
		}
	}
	if len(c.apart) == 0 {
		return
	}
	of := func(subscription uuid.UUID) *closing { return own[c.root(subscription)] }
	var mine []entry
	for _, e := range c.entries {
		if to := of(e.Subscription); to != nil {
			to.entries = append(to.entries, e)
			continue
		}
		mine = append(mine, e)
	}
	for _, s := range c.charges {
		if to := of(s.Subscription); to != nil {
			to.charged, c.charged = to.charged.Add(s.Net), c.charged.Sub(s.Net)
		}
	}
	for id, kept := range c.kept {
		if to := of(id); to != nil {
			to.kept[id] = kept
			delete(c.kept, id)
		}
	}
	var rest []subscription
	for _, s := range c.subscriptions {
		if to := of(s.ID); to != nil {
			to.subscriptions = append(to.subscriptions, s)
			continue
		}
		rest = append(rest, s)
	}
	c.entries, c.subscriptions = mine, rest
}

// stillThere says whether a service can have a bill of its own: one that had
// ended before the cycle gets no more, so what is left of it stands on the first.
func (f *frame) stillThere(c *closing, s *subscription) bool {
	return s.TerminatedAt == nil || calendar.DateOf(*s.TerminatedAt, f.profile.Zone).After(c.Cycle.From)
}

// apart is an empty closing for one service of another's account.
func (f *frame) apart(c *closing, service uuid.UUID) *closing {
	cycle := *c.openCycle
	cycle.subscriptions, cycle.children, cycle.commitments = nil, nil, nil
	one := &closing{openCycle: &cycle, doc: f.blank(&cycle), kept: map[uuid.UUID]money.Decimal{}}
	one.doc.Part = service.String()
	return one
}

// finishApart totals the documents of one account, the first first: credit that
// it leaves is taken by the next.
func (f *frame) finishApart(c *closing, services map[uuid.UUID]string) error {
	f.separate(c)
	asked := c.Receivable
	for _, one := range c.all() {
		one.Receivable = asked
		if err := f.finishItems(one, services); err != nil {
			return err
		}
		if err := one.recognise(); err != nil {
			return err
		}
		asked = asked.Add(one.doc.Total.Decimal())
	}
	return nil
}

// all is a closing with those of the other services.
func (c *closing) all() []*closing { return append([]*closing{c}, c.apart...) }

// flat is closings with all of theirs.
func flat(part []*closing) []*closing {
	list := make([]*closing, 0, len(part))
	for _, c := range part {
		list = append(append(list, c), c.apart...)
	}
	return list
}

package subscriber

import (
	"cmp"
	"slices"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/portal/ui"
)

// endView is something that ends on a day, and what happens then.
type endView struct {
	Day, When string
	What      string
	Then      string
	Hurry     bool
	on        calendar.Date
}

// mostEnds is how many of the next endings the page tells.
const mostEnds = 6

// endsOf tells what runs out when, the next first: allowances and balances
// that expire, the cycle, and contracts.
func endsOf(r ui.Reader, f *facts) []endView {
	var ends []endView
	for i := range f.buckets {
		if b := &f.buckets[i]; b.ExpiresAt != nil && b.Value.Sign() > 0 {
			ends = append(ends, bucketEnd(r, f, b))
		}
	}
	for _, s := range f.subscriptions {
		if until := s.Term.Until; until != nil && s.State != account.SubscriptionTerminated && r.Today.Before(*until) {
			end := endOn(r, until.AddDays(-1), r.T("ends.term", "name", f.offerings[s.OfferingID].Names.In(r.Locale.Language)))
			end.Then = r.T("ends.term.then")
			ends = append(ends, end)
		}
	}
	if f.account.State != account.Closed {
		ends = append(ends, cycleEnd(r, f))
	}
	slices.SortStableFunc(ends, func(a, b endView) int { return cmp.Compare(b.on.DaysUntil(a.on), 0) })
	return ends[:min(len(ends), mostEnds)]
}

func endOn(r ui.Reader, day calendar.Date, what string) endView {
	return endView{Day: r.Date(day), When: r.Until(day), What: what, on: day}
}

func bucketEnd(r ui.Reader, f *facts, b *balance.Bucket) endView {
	end := endOn(r, r.LocalDate(b.ExpiresAt.Add(-1)), bucketName(r, f, b))
	renews := b.Origin == balance.Allowance && b.SubscriptionID != nil
	switch {
	case renews && f.prepaid():
		end.Then = r.T("left.renews.paid")
	case renews:
		end.Then = r.T("left.renews")
	default:
		end.Then = r.T("left.ends")
		end.Hurry = r.Today.DaysUntil(end.on) <= soonDays
	}
	return end
}

// cycleEnd is when the next bill is made, or a package is paid again.
func cycleEnd(r ui.Reader, f *facts) endView {
	end := endOn(r, f.account.Cycle.To.AddDays(-1), r.T("ends.cycle"))
	end.Then = r.T("due.next", "date", r.Date(f.account.Cycle.To))
	if f.prepaid() {
		end.Then = r.T("ends.cycle.prepaid")
	}
	return end
}

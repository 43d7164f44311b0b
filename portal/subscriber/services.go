package subscriber

import (
	"tollhouse/billing/account"
	"tollhouse/portal/explain"
	"tollhouse/portal/ui"
)

// serviceView is one subscription.
type serviceView struct {
	Name  string
	Icon  string
	Lines []string // its numbers and logins
	Tone  ui.Tone
	State string
	Since string
}

var serviceTones = map[account.SubscriptionState]ui.Tone{
	account.SubscriptionPending: ui.Info, account.SubscriptionActive: ui.OK, account.SubscriptionSuspended: ui.Warn, account.SubscriptionTerminated: ui.Off,
}

func servicesOf(r ui.Reader, f *facts) []serviceView {
	var views []serviceView
	for _, s := range f.subscriptions {
		if s.TerminatedAt != nil && r.LocalDate(*s.TerminatedAt).Before(f.account.Cycle.From) {
			continue // long gone
		}
		v := serviceView{Name: f.offerings[s.OfferingID].Names.In(r.Locale.Language), Icon: "box", Tone: serviceTones[s.State], State: r.T("service." + string(s.State))}
		for _, one := range s.Services {
			v.Icon = string(one.Kind)
			v.Lines = append(v.Lines, explain.Readable(explain.ServiceName(r, one)))
		}
		if s.ActivatedAt != nil && s.State == account.SubscriptionActive {
			v.Since = r.T("services.since", "date", r.Date(r.LocalDate(*s.ActivatedAt)))
		}
		views = append(views, v)
	}
	return views
}

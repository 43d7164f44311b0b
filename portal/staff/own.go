package staff

import (
	"context"

	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/provisioning"
	"tollhouse/provisioning/fleet"
	"tollhouse/tenants"
)

// ownSites are the sites on which operators' stacks stand or will, by operator;
// nothing is asked for where all stand in host databases.
type ownSites map[tenant.ID]fleet.Site

// ownSitesAsked bounds how many sites one page asks for.
const ownSitesAsked = 500

func ownSitesOf(ctx context.Context, tx tenants.Tx, stacks map[tenant.ID]provisioning.Stack) (ownSites, error) {
	any := false
	for _, s := range stacks {
		any = any || s.Own
	}
	if !any {
		return nil, nil
	}
	q := fleet.Query{Removed: true, Limit: ownSitesAsked}
	if len(stacks) == 1 {
		for id := range stacks {
			q.Operator = id
		}
	}
	sites, err := fleet.Find(ctx, tx, q)
	if err != nil {
		return nil, err
	}
	found := ownSites{}
	for _, s := range sites { // the newest of each operator; one that is over gives way
		if had, known := found[s.Want.Operator]; !known || !s.State.Over() || had.State.Over() {
			found[s.Want.Operator] = s
		}
	}
	return found, nil
}

// ownHealth is the state of a stack on machines of its own, in a word: as its
// site is.
func ownHealth(v *web.StaffVisit, s provisioning.Stack, sites ownSites) (string, ui.Tone) {
	r := v.Reader
	site, known := sites[s.Operator]
	switch {
	case !known && s.State == provisioning.Ready:
		return r.T("staff.own.here"), ui.OK
	case !known:
		return r.T("staff.own.awaited"), ui.Info
	case site.State.Over():
		return r.T("staff.own.nowhere"), ui.Warn
	case site.State != fleet.Ready:
		return r.T("staff.site.state." + string(site.State)), healthTone(site.Health(v.At()))
	}
	health := site.Health(v.At())
	return r.T("staff.site.health." + string(health)), healthTone(health)
}

// ownView is what an operator's page says of a stack on machines of its own.
type ownView struct {
	Reason, Detail, Next string
	Steps                []fact
	Href                 string // of its site; empty: there is none
	NewHref              string // where another site is asked for; empty: none is wanted
	MayPool              bool   // it may be made in a host database instead
}

// describeOwn tells how far the machines are, and what to do next.
func (p pages) describeOwn(v *web.StaffVisit, view *operatorView, s provisioning.Stack, sites ownSites) {
	r := v.Reader
	own := &ownView{}
	site, known := sites[view.ID]
	view.Own, view.Stats = own, nil
	view.Stack, view.StackTone = ownHealth(v, s, sites)
	view.Making = view.Carrying || known && site.State.Working()
	view.Facts = []fact{{Name: r.T("staff.col.host"), Text: r.T("staff.own.place")}, {Name: r.T("staff.requested"), Text: r.DateTime(s.RequestedAt)},
		{Name: r.T("staff.ready"), Text: when(r, s.ReadyAt)}}
	stands := s.State == provisioning.Ready
	if known {
		own.Href, own.Reason, own.Detail = v.URL("sites/"+site.ID.String()), site.Reason, site.Detail
		if advice := site.Advice(v.At()); advice != fleet.NoAdvice {
			own.Next = r.T("staff.site.advice." + string(advice))
		}
		view.Facts = append(view.Facts, fact{Name: r.T("staff.field.cloud"), Text: site.Want.Cloud}, fact{Name: r.T("staff.field.size"), Text: site.Want.Size})
		for _, step := range site.Steps {
			if site.State.Working() {
				own.Steps = append(own.Steps, fact{Name: step.Name, Text: r.T("staff.site.step."+step.State) + detailed(step.Detail)})
			}
		}
	}
	if !stands && (!known || site.State.Over()) && p.Fleet != nil {
		own.Next = r.T("staff.own.next")
		own.NewHref = v.URL("sites/new", "operator", view.ID.String())
		own.MayPool = v.May(tenants.OperatorCreate) && (!known || site.ReadyAt == nil)
	}
}

func detailed(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

// placeWithOthers has a stack that never stood made in a host database.
func (p pages) placeWithOthers(v *web.StaffVisit) error {
	id, err := operatorID(v)
	if err != nil {
		return err
	}
	err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
		return fleet.Keep(ctx, tx, v.Who, id, fleet.Place{})
	})
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("operators/"+id.String(), "done", "pooled"))
}

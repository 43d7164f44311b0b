package staff

import (
	"context"
	"net/http"

	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// operatorsPage is how many operators stand on one page.
const operatorsPage = 25

type operatorsView struct {
	ui.ConsolePage
	Rows        []operatorRow
	Searched    string
	First, Next string
	MayCreate   bool
}

type operatorRow struct {
	Href, Name, DisplayName, Country, Host string
	Sandbox                                bool
	State                                  string
	Tone                                   ui.Tone
	Stack                                  string
	StackTone                              ui.Tone
	Subscribers, Size, Load                string
}

func (p pages) operators(v *web.StaffVisit) error {
	frame, err := p.frame(v, operatorsSection, v.Reader.T("staff.nav.operators"))
	if err != nil {
		return err
	}
	view := operatorsView{ConsolePage: frame, Searched: v.Query("q"), MayCreate: v.May(tenants.OperatorCreate)}
	after, err := tenant.ParseID(v.Query("after"))
	if err != nil {
		after = tenant.ID{}
	} else {
		view.First = v.URL("operators", "q", view.Searched)
	}
	var found []tenants.Operator
	var stacks map[tenant.ID]provisioning.Stack
	var sites ownSites
	err = p.read(v, func(ctx context.Context, tx tenants.Tx) (err error) {
		found, err = tenants.FindOperators(ctx, tx, tenants.OperatorQuery{Text: view.Searched, After: after, Limit: operatorsPage + 1})
		if err != nil {
			return err
		}
		if stacks, err = provisioning.Of(ctx, tx, idsOf(found)); err != nil {
			return err
		}
		sites, err = ownSitesOf(ctx, tx, stacks)
		return err
	})
	if err != nil {
		return err
	}
	if len(found) > operatorsPage {
		found = found[:operatorsPage]
		view.Next = v.URL("operators", "q", view.Searched, "after", found[operatorsPage-1].ID.String())
	}
	readings := p.Watch.Of(v.Context(), placedOf(found, stacks))
	for _, o := range found {
		view.Rows = append(view.Rows, rowOf(v, o, stacks[o.ID], readings[o.ID], sites))
	}
	return v.Show(http.StatusOK, operatorsList(view))
}

func rowOf(v *web.StaffVisit, o tenants.Operator, s provisioning.Stack, reading provisioning.Reading, sites ownSites) operatorRow {
	r := v.Reader
	row := operatorRow{Href: v.URL("operators/" + o.ID.String()), Name: o.Name, DisplayName: o.DisplayName, Country: o.Country, Host: s.Place.Host,
		Sandbox: o.Sandbox, State: r.T("staff.state." + string(o.Standing.State)), Tone: toneOf(o.Standing.State)}
	if s.Own {
		row.Host = r.T("staff.own.place")
		row.Stack, row.StackTone = ownHealth(v, s, sites)
		return row
	}
	row.Stack, row.StackTone = health(r, s, reading)
	if s.State == provisioning.Ready && reading.Err == nil {
		row.Subscribers, row.Size, row.Load = whole(r, reading.Subscribers), bytes(r, reading.SizeBytes), whole(r, reading.Charges)
	}
	return row
}

// health is the state of a stack in a word.
func health(r ui.Reader, s provisioning.Stack, reading provisioning.Reading) (string, ui.Tone) {
	switch {
	case s.State == "":
		return r.T("staff.stack.none"), ui.Warn
	case s.State == provisioning.Failed:
		return r.T("staff.stack.failed"), ui.Warn
	case s.State != provisioning.Ready:
		return r.T("staff.stack." + string(s.State)), ui.Info
	case reading.Err != nil:
		return r.T("staff.health.silent"), ui.Bad
	case !reading.Healthy():
		return r.T("staff.health.wants"), ui.Warn
	}
	return r.T("staff.health.ok"), ui.OK
}

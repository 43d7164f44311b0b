package staff

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// request is a break-glass that waits, as a person may act on it.
type request struct {
	Operator, OperatorHref string
	Asker, Reason, Until   string
	Changes                bool
	Own                    bool   // of who looks: it can be withdrawn, not approved
	Decides                bool   // who looks may approve and refuse
	Path                   string // of its forms
}

func requestsOf(v *web.StaffVisit, waiting []tenants.BreakGlass, names map[tenant.ID]string) []request {
	var list []request
	for _, b := range waiting {
		own := b.Asker.ID == v.Who.ID
		if !own && !v.May(tenants.VisitApprove) {
			continue
		}
		name := names[b.Operator]
		if name == "" {
			name = b.Operator.String()
		}
		list = append(list, request{Operator: name, OperatorHref: v.URL("operators/" + b.Operator.String()), Asker: b.Asker.Email, Reason: b.Reason,
			Until: v.Reader.Clock(b.ExpiresAt), Changes: b.MayChange, Own: own, Decides: !own, Path: v.URL("requests/" + b.ID.String() + "/")})
	}
	return list
}

func requestID(v *web.StaffVisit) (uuid.UUID, error) {
	id, err := uuid.Parse(v.Param("request"))
	if err != nil {
		return uuid.Nil, tenants.ErrNotFound
	}
	return id, nil
}

func (p pages) approve(v *web.StaffVisit) error {
	id, err := requestID(v)
	if err != nil {
		return err
	}
	b, err := p.Visits.Approve(v.Context(), v.Who, id)
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("operators/"+b.Operator.String(), "done", "approved"))
}

func (p pages) decide(to tenants.BreakGlassState) func(*web.StaffVisit) error {
	return func(v *web.StaffVisit) error {
		id, err := requestID(v)
		if err != nil {
			return err
		}
		var b tenants.BreakGlass
		err = p.write(v, func(ctx context.Context, tx tenants.Tx) (err error) {
			b, err = tenants.DecideBreakGlass(ctx, tx, v.Who, id, to)
			return err
		})
		if err != nil {
			return err
		}
		return v.Redirect(v.URL("operators/"+b.Operator.String(), "done", string(to)))
	}
}

func (p pages) enterApproved(v *web.StaffVisit) error {
	id, err := requestID(v)
	if err != nil {
		return err
	}
	entry, err := p.Visits.EnterApproved(v.Context(), v.Who, id)
	if err != nil {
		return err
	}
	return p.goIn(v, entry)
}

func (p pages) enter(v *web.StaffVisit) error {
	id, err := operatorID(v)
	if err != nil {
		return err
	}
	entry, err := p.Visits.Enter(v.Context(), v.Who, id)
	if err != nil {
		return err
	}
	return p.goIn(v, entry)
}

// goingIn leads on to the operator's console.
type goingIn struct {
	ui.ConsolePage
	Tenant, Until, Href string
	Changes             bool
}

// goIn shows where the ticket opens a session, and leads there: the operator's
// console is another site.
func (p pages) goIn(v *web.StaffVisit, entry provisioning.Entry) error {
	frame, err := p.frame(v, operatorsSection, v.Reader.T("staff.enter.going"))
	if err != nil {
		return err
	}
	to := v.TenantURL(entry.Tenant, "console/visit", "ticket", entry.Ticket)
	v.GoOn(to)
	return v.Show(http.StatusOK, goInPage(goingIn{frame, entry.Tenant, v.Reader.Clock(entry.ExpiresAt), to, entry.MayChange}))
}

func (p pages) askBreakGlass(v *web.StaffVisit) error {
	id, err := operatorID(v)
	if err != nil {
		return err
	}
	f := sent(v, "reason", "may_change")
	err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
		_, err := tenants.AskBreakGlass(ctx, tx, v.Who, id, f.value("reason"), f.ticked("may_change"))
		return err
	})
	if f.refused(v.Reader, err) {
		return p.showOperator(v, id, operatorForms{Glass: f}, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("operators/"+id.String(), "done", "asked"))
}

func (p pages) leave(v *web.StaffVisit) error {
	id, err := operatorID(v)
	if err != nil {
		return err
	}
	visit, err := uuid.Parse(v.Param("visit"))
	if err != nil {
		return tenants.ErrNotFound
	}
	if err := p.Visits.Leave(v.Context(), v.Who, id, visit); err != nil {
		return err
	}
	return v.Redirect(v.URL("operators/"+id.String(), "done", "left"))
}

func operatorID(v *web.StaffVisit) (tenant.ID, error) {
	id, err := tenant.ParseID(strings.TrimSpace(v.Param("operator")))
	if err != nil {
		return tenant.ID{}, tenants.ErrNotFound
	}
	return id, nil
}

// tone of an operator's or a request's state.
func toneOf(s tenants.State) ui.Tone {
	if s == tenants.Active {
		return ui.OK
	}
	return ui.Warn
}

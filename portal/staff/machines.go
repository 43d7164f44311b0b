package staff

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/provisioning/enrol"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// machinesPage is how many machines and invitations stand on one page.
const machinesPage = 50

// machinesView is who is enrolled, and who is invited.
type machinesView struct {
	ui.ConsolePage
	Live        string // address that gives this part again
	Rows        []machineRow
	Invited     []invitedRow
	First, Next string
	MayEnrol    bool
	Operators   []ui.Choice
	Form        form
	Done        string
	Fault       string
}

type machineRow struct {
	Href, Name, Operator, OperatorHref string
	What                               string // role and place
	State                              string
	Tone                               ui.Tone
	Heard, Version, Next               string // what to do next
}

type invitedRow struct {
	Name, Operator, What, Until string
	Path                        string // of its withdrawal; empty: it is over
	State                       string
	Tone                        ui.Tone
}

func (p pages) machines(v *web.StaffVisit) error {
	return p.showMachines(v, machinesView{Form: newForm(map[string]string{"role": string(machine.Host), "place": string(machine.Customer),
		"minutes": "60", "operator": v.Query("operator")}), Done: v.Query("done")}, http.StatusOK)
}

func (p pages) showMachines(v *web.StaffVisit, view machinesView, status int) error {
	r := v.Reader
	var err error
	if view.ConsolePage, err = p.frame(v, machinesSection, r.T("staff.nav.machines")); err != nil {
		return err
	}
	view.MayEnrol, view.Live = v.May(tenants.MachineEnrol), v.URL("machines", "after", v.Query("after"))
	after, err := uuid.Parse(v.Query("after"))
	if err == nil {
		view.First = v.URL("machines")
	}
	err = p.read(v, func(ctx context.Context, tx tenants.Tx) error {
		operators, err := tenants.FindOperators(ctx, tx, tenants.OperatorQuery{Limit: maxOperatorsOffered})
		if err != nil {
			return err
		}
		names := map[tenant.ID]string{}
		for _, o := range operators {
			names[o.ID] = o.DisplayName
			view.Operators = append(view.Operators, ui.Choice{Value: o.ID.String(), Label: o.DisplayName, Chosen: view.Form.value("operator") == o.ID.String()})
		}
		found, err := enrol.Machines(ctx, tx, enrol.MachineQuery{After: after, Revoked: v.Query("revoked") != "", Limit: machinesPage + 1})
		if err != nil {
			return err
		}
		if len(found) > machinesPage {
			found = found[:machinesPage]
			view.Next = v.URL("machines", "after", found[machinesPage-1].ID.String())
		}
		for _, m := range found {
			view.Rows = append(view.Rows, machineRowOf(v, m, names))
		}
		invited, err := enrol.Invitations(ctx, tx, uuid.Nil, invitedShown)
		for _, i := range invited {
			view.Invited = append(view.Invited, invitedRowOf(v, i, names))
		}
		return err
	})
	if err != nil {
		return err
	}
	if v.Part("machines") {
		return v.Show(status, machinesPart(view))
	}
	return v.Show(status, machinesList(view))
}

// Bounds of what a page shows.
const (
	maxOperatorsOffered = 500
	invitedShown        = 20
)

func nameOf(names map[tenant.ID]string, id tenant.ID) string {
	if name := names[id]; name != "" {
		return name
	}
	return id.String()
}

func machineRowOf(v *web.StaffVisit, m enrol.Machine, names map[tenant.ID]string) machineRow {
	r := v.Reader
	row := machineRow{Href: v.URL("machines/" + m.ID.String()), Name: m.Name, Operator: nameOf(names, m.Operator), OperatorHref: v.URL("operators/" + m.Operator.String()),
		What: r.T("machine.role."+string(m.Role)) + ", " + r.T("machine.place."+string(m.Place)), Heard: when(r, m.ReportedAt)}
	row.State, row.Tone = machineState(r, m, v.At())
	row.Next = r.T("machine.next." + string(m.Stands(v.At())))
	if m.Report != nil {
		row.Version = short(m.Report.Version)
	}
	return row
}

func machineState(r ui.Reader, m enrol.Machine, at time.Time) (string, ui.Tone) {
	stands := m.Stands(at)
	tones := map[enrol.Standing]ui.Tone{enrol.StandsNew: ui.Info, enrol.StandsHealthy: ui.OK, enrol.StandsUnhealthy: ui.Bad, enrol.StandsSilent: ui.Bad, enrol.StandsRevoked: ui.Warn}
	return r.T("machine.stands." + string(stands)), tones[stands]
}

func invitedRowOf(v *web.StaffVisit, i enrol.Invitation, names map[tenant.ID]string) invitedRow {
	r := v.Reader
	row := invitedRow{Name: i.Name, Operator: nameOf(names, i.Operator), What: r.T("machine.role."+string(i.Role)) + ", " + r.T("machine.place."+string(i.Place)),
		Until: r.DateTime(i.ExpiresAt), State: r.T("machine.invited." + string(i.State)), Tone: ui.Info}
	switch {
	case i.OpenAt(v.At()):
		row.Path = v.URL("invitations/" + i.ID.String() + "/withdraw")
	case i.State == enrol.Open:
		row.State, row.Tone = r.T("machine.invited.late"), ui.Warn
	case i.State == enrol.Used:
		row.Tone = ui.OK
	default:
		row.Tone = ui.Warn
	}
	return row
}

// invitedView tells the one line, this once.
type invitedView struct {
	ui.ConsolePage
	invitedOnce
	Back string
}

type invitedOnce struct{ Name, Operator, Command, Until string }

func (p pages) invite(v *web.StaffVisit) error {
	r := v.Reader
	f := sent(v, "operator", "role", "place", "name", "minutes", "public_url", "certificates", "processes", "folders", "replace")
	operator, err := tenant.ParseID(f.value("operator"))
	if err != nil {
		f.fault("operator", r.T("machine.want.operator"))
	}
	n := enrol.NewInvitation{Operator: operator, Role: machine.Role(f.value("role")), Place: machine.Place(f.value("place")), Name: f.value("name"),
		For: time.Duration(f.number(r, "machine", "minutes")) * time.Minute, Replace: f.ticked("replace"), Settings: f.settings()}
	if f.wrong() {
		return p.showMachines(v, machinesView{Form: f}, http.StatusUnprocessableEntity)
	}
	made, err := once(p, v, "inviteMachine", func(ctx context.Context, tx tenants.Tx) (invitedOnce, error) {
		o, err := tenants.GetOperator(ctx, tx, operator)
		if err != nil {
			return invitedOnce{}, err
		}
		issued, err := p.Desk.Issue(ctx, tx, v.Who, n)
		return invitedOnce{Name: issued.Name, Operator: o.DisplayName, Command: p.Desk.OneLine(issued.Role, o.Name, issued.Token), Until: r.DateTime(issued.ExpiresAt)}, err
	})
	if f.refusedBy(r, "machine", err) || f.refusedHost(r, err) {
		return p.showMachines(v, machinesView{Form: f}, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	frame, err := p.frame(v, machinesSection, r.T("machine.invited.title"))
	if err != nil {
		return err
	}
	return v.Show(http.StatusOK, invitedPage(invitedView{frame, made, v.URL("machines")}))
}

func (f form) settings() enrol.Settings {
	return enrol.Settings{PublicURL: f.value("public_url"),
		Watch: machine.Watch{Certificates: f.lines("certificates"), Processes: f.lines("processes"), Folders: f.lines("folders")}}
}

func (p pages) withdrawInvitation(v *web.StaffVisit) error {
	id, err := uuid.Parse(v.Param("invitation"))
	if err != nil {
		return tenants.ErrNotFound
	}
	err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
		_, err := p.Desk.WithdrawInvitation(ctx, tx, v.Who, id)
		return err
	})
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("machines", "done", "withdrawn"))
}

package staff

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/provisioning/enrol"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// machineView is one machine.
type machineView struct {
	ui.ConsolePage
	Live     string
	Path     string
	Name     string
	State    string
	Tone     ui.Tone
	Next     string // what to do next
	Reason   string
	Operator string
	Facts    []fact
	Disks    []diskRow
	Rows     []fact // what it watches
	MayEnrol bool
	Standing enrol.Standing
	Renew    bool
	Form     form
	Revoke   form
	Done     string
}

type diskRow struct {
	Path, Free, Spoken string
	Share              string
	Tone               ui.Tone
}

func machineID(v *web.StaffVisit) (uuid.UUID, error) {
	id, err := uuid.Parse(v.Param("machine"))
	if err != nil {
		return uuid.Nil, tenants.ErrNotFound
	}
	return id, nil
}

func (p pages) machine(v *web.StaffVisit) error {
	return p.showMachine(v, machineView{Done: v.Query("done")}, http.StatusOK)
}

func (p pages) showMachine(v *web.StaffVisit, view machineView, status int) error {
	id, err := machineID(v)
	if err != nil {
		return err
	}
	var m enrol.Machine
	err = p.read(v, func(ctx context.Context, tx tenants.Tx) (err error) {
		if m, err = enrol.GetMachine(ctx, tx, id); err != nil {
			return err
		}
		operator, err := tenants.GetOperator(ctx, tx, m.Operator)
		view.Operator = operator.DisplayName
		return err
	})
	if errors.Is(err, enrol.ErrNotFound) {
		return tenants.ErrNotFound
	}
	if err != nil {
		return err
	}
	if view.ConsolePage, err = p.frame(v, machinesSection, m.Name); err != nil {
		return err
	}
	view.Live, view.Path, view.Name = v.URL("machines/"+id.String()), v.URL("machines/"+id.String()), m.Name
	view.MayEnrol, view.Renew, view.Standing = v.May(tenants.MachineEnrol), m.Renew, m.Stands(v.At())
	view.fill(v.Reader, m, v)
	if v.Part("machine") {
		return v.Show(status, machinePart(view))
	}
	return v.Show(status, machinePage(view))
}

func (view *machineView) fill(r ui.Reader, m enrol.Machine, v *web.StaffVisit) {
	view.State, view.Tone = machineState(r, m, v.At())
	view.Next = r.T("machine.next." + string(m.Stands(v.At())))
	add := func(key, value string) {
		if value != "" {
			view.Facts = append(view.Facts, fact{Name: r.T("machine.fact." + key), Text: value})
		}
	}
	link := func(key, text, href string) {
		view.Facts = append(view.Facts, fact{Name: r.T("machine.fact." + key), Text: text, Href: href})
	}
	link("operator", view.Operator, v.URL("operators/"+m.Operator.String()))
	add("what", r.T("machine.role."+string(m.Role))+", "+r.T("machine.place."+string(m.Place)))
	if m.Site != uuid.Nil {
		link("site", r.T("staff.site.of", "name", view.Operator), v.URL("sites/"+m.Site.String()))
	}
	add("heard", when(r, m.ReportedAt))
	add("address", m.Address)
	add("enrolled", r.DateTime(m.EnrolledAt))
	add("keys", r.DateTime(m.KeysAt))
	add("system", strings.Join(some(m.Facts.System, m.Facts.Kernel, m.Facts.Arch), ", "))
	add("hostname", m.Facts.Hostname)
	add("serial", m.Facts.Serial)
	add("revoked", m.RevokedReason)
	if view.Form.values == nil {
		view.Form = newForm(map[string]string{"name": m.Name, "public_url": m.Settings.PublicURL, "certificates": strings.Join(m.Settings.Watch.Certificates, "\n"),
			"processes": strings.Join(m.Settings.Watch.Processes, "\n"), "folders": strings.Join(m.Settings.Watch.Folders, "\n")})
	}
	if report := m.Report; report != nil {
		view.Reason = report.Reason
		add("version", short(report.Version))
		add("started", r.DateTime(report.StartedAt))
		if report.Stack != "" {
			add("stack", r.T("machine.stack."+string(report.Stack)))
		}
		if report.PublicURL != "" {
			link("public", report.PublicURL, report.PublicURL)
		}
		add("listen", report.Listen)
		add("secure", report.Secure)
		add("cpu", whole(r, (report.CPUPermille+9)/10)+" %")
		add("memory", whole(r, report.MemoryPercent())+" % / "+bytes(r, report.MemoryTotal))
		if m.Role != machine.Agent {
			add("charges", whole(r, report.ChargesPerSecond))
		}
		if report.BackupAt != nil {
			add("backup", r.DateTime(*report.BackupAt))
		}
		if report.Drill != nil {
			add("drill", drillWords(r, *report.Drill))
		}
		add("copy", copyText(r, m.Role, report.Copy))
		for _, disk := range report.Disks {
			row := diskRow{Path: disk.Path, Free: bytes(r, disk.Free), Share: whole(r, disk.UsedPercent()), Tone: ui.OK}
			row.Spoken = r.T("machine.disk", "path", disk.Path, "used", row.Share, "free", row.Free)
			if disk.UsedPercent() >= 90 {
				row.Tone = ui.Bad
			}
			view.Disks = append(view.Disks, row)
		}
		for _, c := range report.Certificates {
			value := c.Fault
			if value == "" {
				value = r.T("machine.certificate.ends", "at", r.DateTime(c.EndsAt))
			}
			view.Rows = append(view.Rows, fact{Name: c.Name, Text: value})
		}
		for _, name := range report.Missing {
			view.Rows = append(view.Rows, fact{Name: name, Text: r.T("machine.process.gone")})
		}
	}
}

// drillWords say what a host's last drill came to.
func drillWords(r ui.Reader, d machine.Drill) string {
	if d.Fault != "" {
		return r.T("machine.drill.failed", "at", r.DateTime(d.At), "reason", d.Fault)
	}
	return r.T("machine.drill.held", "at", r.DateTime(d.At), "seconds", whole(r, (d.RestoredMS+999)/1000), "loss", whole(r, d.LossSeconds))
}

// copyText tells of the copy of a site's database: what the standby receives,
// and whether the host waits for it.
func copyText(r ui.Reader, role machine.Role, c *machine.Copy) string {
	switch {
	case c == nil:
		return ""
	case !c.Streams && role == machine.Standby:
		return r.T("machine.copy.none")
	}
	var told []string
	if c.Streams {
		told = append(told, r.T("machine.copy.streams", "bytes", bytes(r, c.BehindBytes), "seconds", whole(r, c.BehindSeconds)))
	}
	if role == machine.Host {
		waits := "machine.copy.alone"
		if c.Waits {
			waits = "machine.copy.waits"
		}
		told = append(told, r.T(waits))
	}
	return strings.Join(told, "; ")
}

func some(texts ...string) (kept []string) {
	for _, text := range texts {
		if text != "" {
			kept = append(kept, text)
		}
	}
	return kept
}

func (p pages) changeMachine(v *web.StaffVisit) error {
	id, err := machineID(v)
	if err != nil {
		return err
	}
	f := sent(v, "name", "public_url", "certificates", "processes", "folders")
	err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
		_, err := p.Desk.Change(ctx, tx, v.Who, id, enrol.Change{Name: f.value("name"), Settings: f.settings()})
		return err
	})
	if f.refusedBy(v.Reader, "machine", err) {
		return p.showMachine(v, machineView{Form: f}, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("machines/"+id.String(), "done", "changed"))
}

func (p pages) revokeMachine(v *web.StaffVisit) error {
	id, err := machineID(v)
	if err != nil {
		return err
	}
	f := sent(v, "reason")
	err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
		_, err := p.Desk.Revoke(ctx, tx, v.Who, id, f.value("reason"))
		return err
	})
	if f.refusedBy(v.Reader, "machine", err) {
		return p.showMachine(v, machineView{Revoke: f}, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("machines/"+id.String(), "done", "revoked"))
}

func (p pages) renewKeys(v *web.StaffVisit) error {
	id, err := machineID(v)
	if err != nil {
		return err
	}
	err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
		_, err := p.Desk.RenewKeys(ctx, tx, v.Who, id)
		return err
	})
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("machines/"+id.String(), "done", "renewing"))
}

// refusedHost says beside its field that the operator has a host already.
func (f *form) refusedHost(r ui.Reader, err error) bool {
	if !errors.Is(err, enrol.ErrHostStands) {
		return false
	}
	f.fault("replace", r.T("machine.want.replace"))
	return true
}

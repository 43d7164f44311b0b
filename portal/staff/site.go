package staff

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/provisioning"
	"tollhouse/provisioning/enrol"
	"tollhouse/provisioning/fleet"
	"tollhouse/tenants"
)

// siteView is one site: how far it is, what to do next, what was done.
type siteView struct {
	ui.ConsolePage
	fleet.Site
	Path, Done string
	Operator   tenants.Operator
	OperatorAt string
	Machines   []enrol.Machine
	Title      string
	Word       string
	Tone       ui.Tone
	Why, Own   string // the reason, and the cloud's own words
	Advice     string
	Working    bool // the part asks again by itself
	StepRows   []stepRow
	Facts      []fact
	Wanted     []fact
	Host       []fact
	Loads      []fact
	Events     []siteEventRow
	Acts       siteActs
	Forms      siteForms
	Pair       pairView
}

type stepRow struct {
	Name, Word, Detail, Took, Changed string
	Tone                              ui.Tone
}

type siteEventRow struct{ When, Who, What, Text string }

// siteActs are those that the state and the person's rights allow.
type siteActs struct{ Change, Resume, Rebuild, Repair, Clear, Close, Reopen, Waive bool }

// siteForms are those of the page's dialogs.
type siteForms struct{ Close, Waive form }

const siteEvents = 30

func (p pages) site(v *web.StaffVisit) error {
	id, err := siteID(v)
	if err != nil {
		return err
	}
	return p.showSite(v, id, siteForms{Close: newForm(map[string]string{"grace_days": "14"}), Waive: newForm(nil)}, http.StatusOK)
}

func (p pages) showSite(v *web.StaffVisit, id provisioning.SiteID, forms siteForms, status int) error {
	view := siteView{Forms: forms, Done: v.Query("done"), Path: v.URL("sites/" + id.String())}
	err := p.read(v, func(ctx context.Context, tx tenants.Tx) (err error) {
		if view.Site, err = fleet.Get(ctx, tx, id); err != nil {
			return err
		}
		if view.Operator, err = tenants.GetOperator(ctx, tx, view.Want.Operator); err != nil {
			return err
		}
		if view.Pair, err = readPair(ctx, tx, v.Reader, id); err != nil {
			return err
		}
		if v.May(tenants.MachineRead) {
			if view.Machines, err = enrol.Machines(ctx, tx, enrol.MachineQuery{Site: id.UUID(), Limit: machinesPage}); err != nil {
				return err
			}
		}
		events, err := fleet.Events(ctx, tx, id, uuid.Nil, siteEvents)
		for _, e := range events {
			row := siteEventRow{When: v.Reader.DateTime(e.At), Who: e.Email, What: v.Reader.T("staff.site.event." + e.Kind), Text: e.Text}
			if row.Who == "" {
				row.Who = v.Reader.T("staff.site.itself")
			}
			view.Events = append(view.Events, row)
		}
		return err
	})
	if err != nil {
		return err
	}
	view.Title = v.Reader.T("staff.site.of", "name", view.Operator.DisplayName)
	view.OperatorAt = v.URL("operators/" + view.Operator.ID.String())
	if view.ConsolePage, err = p.frame(v, sitesSection, view.Title); err != nil {
		return err
	}
	view.describe(v)
	if v.Part("site") {
		return v.Show(http.StatusOK, sitePart(view))
	}
	return v.Show(status, sitePage(view))
}

func (w *siteView) describe(v *web.StaffVisit) {
	r, s := v.Reader, w.Site
	health := s.Health(v.At())
	w.Word, w.Tone = r.T("staff.site.state."+string(s.State)), healthTone(health)
	if s.State == fleet.Ready && health != fleet.HealthOK {
		w.Word = r.T("staff.site.health." + string(health))
	}
	if w.Tone == "off" {
		w.Tone = ui.Info
	}
	w.Why, w.Own, w.Working = s.Reason, s.Detail, s.State.Working() || s.State == fleet.Closing
	if health == fleet.HealthAiling || health == fleet.HealthSilent {
		w.Why = siteReason(r, s, health)
	}
	if advice := s.Advice(v.At()); advice != fleet.NoAdvice {
		w.Advice = r.T("staff.site.advice." + string(advice))
	}
	for _, step := range s.Steps {
		w.StepRows = append(w.StepRows, stepOf(r, step))
	}
	w.describeFacts(v)
	write, remove := v.May(tenants.StackWrite), v.May(tenants.StackRemove)
	changeable := s.State != fleet.Closing && s.State != fleet.Removing && s.State != fleet.Removed && s.State != fleet.Clearing
	w.Acts = siteActs{
		Change: write && changeable, Resume: write && s.State == fleet.Failed && !s.Held, Rebuild: write && s.Held, Repair: write && s.State == fleet.Ready && len(s.Drift) > 0,
		Clear: write && s.ReadyAt == nil && s.State.May(fleet.Clearing), Close: remove && (s.State.May(fleet.Closing) || s.State == fleet.Cleared),
		Reopen: remove && s.State == fleet.Closing, Waive: remove && s.State == fleet.Closing && s.ReadyAt != nil && s.Waiver == "",
	}
}

var stepTones = map[string]ui.Tone{"done": ui.OK, "working": ui.Info, "failed": ui.Bad}

func stepOf(r ui.Reader, step provisioning.Step) stepRow {
	row := stepRow{Name: step.Name, Word: r.T("staff.site.step." + step.State), Detail: step.Detail, Tone: stepTones[step.State], Changed: when(r, step.ChangedAt)}
	if step.BeganAt != nil && step.ChangedAt != nil && step.ChangedAt.After(*step.BeganAt) {
		row.Took = r.T("staff.site.seconds", "n", whole(r, int64(step.ChangedAt.Sub(*step.BeganAt)/time.Second)))
	}
	return row
}

func (w *siteView) describeFacts(v *web.StaffVisit) {
	r, s := v.Reader, w.Site
	w.Facts = []fact{{Name: r.T("staff.site.cloud"), Text: s.Want.Cloud}, {Name: r.T("staff.site.ref"), Text: orDash(s.Ref)}, {Name: r.T("staff.site.address"), Text: orDash(s.Address)},
		{Name: r.T("staff.site.revision"), Text: r.T("staff.site.revisions", "made", whole(r, s.Made), "wanted", whole(r, s.Revision))},
		{Name: r.T("staff.site.asked"), Text: r.DateTime(s.AskedAt)}, {Name: r.T("staff.site.ready"), Text: when(r, s.ReadyAt)}}
	if s.Tries > 0 {
		w.Facts = append(w.Facts, fact{Name: r.T("staff.site.tries"), Text: whole(r, int64(s.Tries))})
	}
	if s.State == fleet.Failed && !s.Held {
		w.Facts = append(w.Facts, fact{Name: r.T("staff.site.again"), Text: r.DateTime(s.DueAt)})
	}
	for name, at := range map[string]*time.Time{"staff.site.after": s.RemoveAfter, "staff.site.removed": s.RemovedAt} {
		if at != nil {
			w.Facts = append(w.Facts, fact{Name: r.T(name), Text: r.DateTime(*at)})
		}
	}
	for name, text := range map[string]string{"staff.site.backup": s.FinalBackup, "staff.site.waiver": s.Waiver} {
		if text != "" {
			w.Facts = append(w.Facts, fact{Name: r.T(name), Text: text})
		}
	}
	shape := s.Shape
	w.Wanted = []fact{{Name: r.T("staff.site.size"), Text: s.Want.Size}, {Name: r.T("staff.site.now"), Text: s.Sized}, {Name: r.T("staff.site.machine"), Text: shape.Flavor},
		{Name: r.T("staff.site.workers"), Text: r.T("staff.site.workers.of", "n", strconv.Itoa(shape.Workers), "flavor", shape.WorkerFlavor)},
		{Name: r.T("staff.site.volume"), Text: r.T("staff.site.gb", "n", whole(r, int64(shape.DataGB)))}, {Name: r.T("staff.site.monthly"), Text: r.Money(s.Monthly)}}
	for _, one := range s.Want.Schedules {
		w.Wanted = append(w.Wanted, fact{Name: r.T("staff.site.schedule"), Text: r.T("staff.site.schedule.of", "size", one.Size, "from", strconv.Itoa(one.From), "to", strconv.Itoa(one.To))})
	}
	if c := s.Want.Scaling; c != nil {
		w.Wanted = append(w.Wanted, fact{Name: r.T("staff.site.scaling"), Text: r.T("staff.site.scaling.of", "min", strconv.Itoa(c.Min), "max", strconv.Itoa(c.Max), "n", strconv.Itoa(s.Scaled))})
	}
	w.Host = []fact{{Name: r.T("staff.site.heard"), Text: "–"}, {Name: r.T("staff.site.version"), Text: orDash(short(s.Seen.Version))}}
	if !s.Seen.At.IsZero() {
		w.Host[0].Text = r.DateTime(s.Seen.At)
	}
	if s.Seen.PublicURL != "" {
		w.Host = append(w.Host, fact{Name: r.T("machine.fact.public"), Text: s.Seen.PublicURL, Href: s.Seen.PublicURL})
	}
	if s.VersionWanted != "" {
		w.Host = append(w.Host, fact{Name: r.T("staff.site.version.wanted"), Text: short(s.VersionWanted)})
	}
	for _, m := range w.Machines {
		w.Host = append(w.Host, fact{Name: r.T("machine.role." + string(m.Role)), Text: m.Name, Href: v.URL("machines/" + m.ID.String())})
	}
	for _, m := range fleet.Measures() {
		if n, known := s.Seen.Load[m]; known {
			w.Loads = append(w.Loads, fact{Name: r.T("staff.site.measure." + string(m)), Text: whole(r, n)})
		}
	}
}

// short is the beginning of a digest.
func short(digest string) string {
	if len(digest) > 12 {
		return digest[:12]
	}
	return digest
}

// siteAct is a command without a form, which leads back to the site.
func (p pages) siteAct(done string, fn func(ctx context.Context, tx tenants.Tx, by tenants.Actor, id provisioning.SiteID) (fleet.Site, error)) func(*web.StaffVisit) error {
	return func(v *web.StaffVisit) error {
		id, err := siteID(v)
		if err != nil {
			return err
		}
		err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
			_, err := fn(ctx, tx, v.Who, id)
			return err
		})
		if err != nil {
			return err
		}
		return v.Redirect(v.URL("sites/"+id.String(), "done", done))
	}
}

func (p pages) resumeSite(v *web.StaffVisit) error {
	return p.siteAct("resume", func(ctx context.Context, tx tenants.Tx, by tenants.Actor, id provisioning.SiteID) (fleet.Site, error) {
		return p.Fleet.Resume(ctx, tx, by, id, v.Form("rebuild") == "yes")
	})(v)
}

func (p pages) closeSite(v *web.StaffVisit) error {
	id, err := siteID(v)
	if err != nil {
		return err
	}
	f := sent(v, "reason", "grace_days")
	days, err := strconv.Atoi(f.value("grace_days"))
	if err != nil {
		days = -1 // the domain says what would be right
	}
	err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
		_, err := p.Fleet.Close(ctx, tx, v.Who, id, f.value("reason"), days)
		return err
	})
	if f.refused(v.Reader, err) {
		return p.showSite(v, id, siteForms{Close: f, Waive: newForm(nil)}, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("sites/"+id.String(), "done", "close"))
}

func (p pages) waiveBackup(v *web.StaffVisit) error {
	id, err := siteID(v)
	if err != nil {
		return err
	}
	f := sent(v, "reason")
	err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
		_, err := p.Fleet.Waive(ctx, tx, v.Who, id, f.value("reason"))
		return err
	})
	if f.refused(v.Reader, err) {
		return p.showSite(v, id, siteForms{Close: newForm(nil), Waive: f}, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("sites/"+id.String(), "done", "waive"))
}

package staff

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
	"tollhouse/billing/visit"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// operatorView is one operator: its stack, how it stands with us, who of ours
// went in, and what was done.
type operatorView struct {
	ui.ConsolePage
	tenants.Operator
	Done       string
	Path       string // of this page
	State      string
	Tone       ui.Tone
	Stack      string
	StackTone  ui.Tone
	StackWhy   string
	Making     bool // the part asks again by itself
	Own        *ownView
	Facts      []fact
	Stats      []ui.Stat
	Contract   []fact
	Forms      operatorForms
	MaySuspend bool
	Carrying   bool // the stack has not heard yet
	Entry      entryView
	Requests   []request
	Visits     []visitRow
	Audit      []auditEntry
	AuditHref  string
	Addresses  []fact
}

type fact struct{ Name, Text, Href string }

// operatorForms are those of the page's dialogs.
type operatorForms struct{ Suspend, Glass form }

// entryView is the way into the stack.
type entryView struct {
	Shown    bool   // who looks may enter at all, and the stack stands
	Consent  string // until when there is one; empty for none
	Why      string
	Changes  bool
	Approved []approvedEntry
}

type approvedEntry struct{ Path, Until string }

type visitRow struct {
	Who, How, Began, Ended string
	Leave                  string // address of the form that ends it; empty: it is over or another's
}

const (
	visitRows = 10
	auditRows = 15
)

func (p pages) operator(v *web.StaffVisit) error {
	id, err := operatorID(v)
	if err != nil {
		return err
	}
	return p.showOperator(v, id, operatorForms{Suspend: newForm(nil), Glass: newForm(nil)}, http.StatusOK)
}

func (p pages) showOperator(v *web.StaffVisit, id tenant.ID, forms operatorForms, status int) error {
	view := operatorView{Forms: forms, Done: v.Query("done"), Path: v.URL("operators/" + id.String()), MaySuspend: v.May(tenants.OperatorSuspend),
		AuditHref: v.URL("audit", "object", id.String())}
	var stack provisioning.Stack
	var sites ownSites
	var glasses []tenants.BreakGlass
	err := p.read(v, func(ctx context.Context, tx tenants.Tx) (err error) {
		if view.Operator, err = tenants.GetOperator(ctx, tx, id); err != nil {
			return err
		}
		if stack, err = provisioning.Get(ctx, tx, id); err != nil && !errors.Is(err, tenants.ErrNotFound) {
			return err
		}
		if sites, err = ownSitesOf(ctx, tx, map[tenant.ID]provisioning.Stack{id: stack}); err != nil {
			return err
		}
		if glasses, err = tenants.BreakGlassOf(ctx, tx, id, visitRows); err != nil {
			return err
		}
		if err := p.readVisits(ctx, v, tx, &view); err != nil {
			return err
		}
		return p.readCopy(ctx, v, tx, &view)
	})
	if err != nil {
		return err
	}
	if view.ConsolePage, err = p.frame(v, operatorsSection, view.DisplayName); err != nil {
		return err
	}
	var reading provisioning.Reading
	if stack.State == provisioning.Ready && !stack.Own {
		at := provisioning.Placed{Operator: view.Operator, Place: stack.Place, Epoch: stack.Epoch}
		reading = p.Watch.Of(v.Context(), []provisioning.Placed{at})[id]
	}
	view.describe(v, stack, reading)
	if stack.Own {
		p.describeOwn(v, &view, stack, sites)
	}
	if v.Part("stack") {
		return v.Show(http.StatusOK, stackPart(view))
	}
	if err := p.describeEntry(v, &view, stack, glasses); err != nil {
		return err
	}
	return v.Show(status, operatorPage(view))
}

func (p pages) readVisits(ctx context.Context, v *web.StaffVisit, tx tenants.Tx, view *operatorView) error {
	visits, err := tenants.VisitsOf(ctx, tx, view.ID, visitRows)
	if err != nil {
		return err
	}
	for _, one := range visits {
		row := visitRow{Who: one.Staff.Email, How: v.Reader.T("staff.visit.consent"), Began: v.Reader.DateTime(one.BeganAt), Ended: when(v.Reader, one.EndedAt)}
		if one.BreakGlass {
			row.How = v.Reader.T("staff.visit.glass", "who", one.Approver.Email)
		}
		if one.EndedAt == nil && one.Staff.ID == v.Who.ID {
			row.Leave = v.URL("operators/" + view.ID.String() + "/visits/" + one.ID.String() + "/leave")
		}
		view.Visits = append(view.Visits, row)
	}
	if !v.May(tenants.AuditRead) {
		return nil
	}
	rows, err := tenants.FindAudit(ctx, tx, tenants.AuditQuery{Object: uuid.UUID(view.ID), Limit: auditRows})
	for _, row := range rows {
		view.Audit = append(view.Audit, entryOf(v, row))
	}
	return err
}

// readCopy tells of the operator's sandbox copy.
func (p pages) readCopy(ctx context.Context, v *web.StaffVisit, tx tenants.Tx, view *operatorView) error {
	c, found, err := provisioning.CopyFor(ctx, tx, view.ID)
	if err != nil || !found {
		return err
	}
	text := v.Reader.T("staff.copy."+string(c.State), "at", v.Reader.DateTime(c.RequestedAt))
	one, err := tenants.CopyOf(ctx, tx, view.ID)
	if errors.Is(err, tenants.ErrNotFound) {
		view.Contract = append(view.Contract, fact{Name: v.Reader.T("staff.copy"), Text: text})
		return nil
	}
	view.Contract = append(view.Contract, fact{v.Reader.T("staff.copy"), text, v.URL("operators/" + one.ID.String())})
	return err
}

func (w *operatorView) describe(v *web.StaffVisit, s provisioning.Stack, reading provisioning.Reading) {
	r, standing := v.Reader, w.Standing
	w.State, w.Tone = r.T("staff.state."+string(standing.State)), toneOf(standing.State)
	w.Stack, w.StackTone = health(r, s, reading)
	w.StackWhy, w.Carrying = s.Reason, s.State == provisioning.Ready && !s.StandingCarried()
	w.Making = s.State != provisioning.Ready && s.State != "" || w.Carrying
	w.Facts = []fact{
		{Name: r.T("staff.col.host"), Text: orDash(s.Place.Host)}, {Name: r.T("staff.slot"), Text: orDash(s.Place.Slot.String())},
		{Name: r.T("staff.requested"), Text: r.DateTime(s.RequestedAt)}, {Name: r.T("staff.ready"), Text: when(r, s.ReadyAt)},
		{Name: r.T("staff.attempts"), Text: whole(r, int64(s.Attempts))},
	}
	if s.State == provisioning.Ready && reading.Err == nil {
		w.Stats = []ui.Stat{
			{Key: r.T("staff.stat.subscribers"), Value: whole(r, reading.Subscribers), More: r.T("staff.stat.subscribers.more")},
			{Key: r.T("staff.stat.size"), Value: bytes(r, reading.SizeBytes), More: r.T("staff.stat.size.more")},
			{Key: r.T("staff.stat.load"), Value: whole(r, reading.Charges), After: r.T("staff.perminute"), More: r.T("staff.stat.load.more")},
			{Key: r.T("staff.stat.usage"), Value: whole(r, reading.UsageDay), More: r.T("staff.stat.usage.more")},
			{Key: r.T("staff.stat.failed"), Value: whole(r, reading.Failed), More: r.T("staff.stat.due", "n", whole(r, reading.Due)), Tone: warnIf(reading.Failed)},
			{Key: r.T("staff.stat.suspense"), Value: whole(r, reading.Suspense), More: r.T("staff.stat.suspense.more"), Tone: warnIf(reading.Suspense)},
		}
		w.Facts = append(w.Facts, fact{Name: r.T("staff.answered"), Text: took(r, reading)}, fact{Name: r.T("staff.clock"), Text: r.DateTime(reading.Clock)},
			fact{Name: r.T("staff.sealed"), Text: when(r, reading.SealedAt)}, fact{Name: r.T("staff.oldest"), Text: when(r, reading.OldestDue)})
	}
	w.Contract = slices.Concat([]fact{
		{Name: r.T("staff.field.legal_name"), Text: w.LegalName}, {Name: r.T("staff.field.country"), Text: w.Country},
		{Name: r.T("staff.field.currency"), Text: w.Settings.Currency.Code()}, {Name: r.T("staff.field.zone"), Text: w.Settings.Zone},
		{Name: r.T("staff.field.owner_email"), Text: w.OwnerEmail},
		{Name: r.T("staff.grace"), Text: r.N("staff.days", int64(standing.GraceDays))},
		{Name: r.T("staff.since"), Text: r.DateTime(w.CreatedAt)},
	}, w.Contract)
	if standing.State != tenants.Active {
		w.Contract = append(w.Contract, fact{Name: r.T("staff.suspended.at"), Text: r.DateTime(standing.SuspendedAt)},
			fact{Name: r.T("staff.suspended.why"), Text: standing.Reason}, fact{Name: r.T("staff.suspended.until"), Text: r.DateTime(standing.ServiceUntil())})
	}
	w.Addresses = []fact{
		{Name: r.T("staff.address.console"), Href: v.TenantURL(w.Name, "console")},
		{Name: r.T("staff.address.subscribers"), Href: v.TenantURL(w.Name, "")},
	}
}

func warnIf(n int64) ui.Tone {
	if n > 0 {
		return ui.Warn
	}
	return ""
}

func orDash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

// describeEntry asks the stack for a consent. One that does not answer has none
// to show.
func (p pages) describeEntry(v *web.StaffVisit, view *operatorView, s provisioning.Stack, glasses []tenants.BreakGlass) error {
	view.Entry.Shown = v.May(tenants.VisitEnter) && s.State == provisioning.Ready && !s.Own
	var waiting []tenants.BreakGlass
	for _, b := range glasses {
		switch {
		case b.OpenAt(v.At()):
			waiting = append(waiting, b)
		case b.State == tenants.Approved && b.Asker.ID == v.Who.ID && v.At().Before(b.VisitUntil):
			view.Entry.Approved = append(view.Entry.Approved, approvedEntry{v.URL("requests/" + b.ID.String() + "/enter"), v.Reader.Clock(b.VisitUntil)})
		}
	}
	view.Requests = requestsOf(v, waiting, map[tenant.ID]string{view.ID: view.DisplayName})
	if !view.Entry.Shown {
		return nil
	}
	c, err := p.Visits.Consent(v.Context(), view.ID)
	if err == nil {
		view.Entry.Consent, view.Entry.Why, view.Entry.Changes = v.Reader.DateTime(c.ExpiresAt), c.Reason, c.MayChange
	} else if !errors.Is(err, visit.ErrNoConsent) {
		view.Entry.Shown = false
	}
	return nil
}

func (p pages) suspend(v *web.StaffVisit) error {
	id, err := operatorID(v)
	if err != nil {
		return err
	}
	f := sent(v, "reason")
	err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
		_, err := p.Registry.Suspend(ctx, tx, v.Who, id, f.value("reason"))
		return err
	})
	if f.refused(v.Reader, err) {
		return p.showOperator(v, id, operatorForms{Suspend: f, Glass: newForm(nil)}, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("operators/"+id.String(), "done", "suspended"))
}

func (p pages) resume(v *web.StaffVisit) error {
	id, err := operatorID(v)
	if err != nil {
		return err
	}
	err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
		_, err := p.Registry.Resume(ctx, tx, v.Who, id)
		return err
	})
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("operators/"+id.String(), "done", "resumed"))
}

// auditEntry is a row of the audit as people read it.
type auditEntry struct {
	When, Who, Action, Object, About, ObjectHref string
	Detail                                       []fact
}

func entryOf(v *web.StaffVisit, row tenants.AuditRow) auditEntry {
	e := auditEntry{When: v.Reader.DateTime(row.At), Who: row.Email, Action: row.Action}
	if e.Who == "" {
		e.Who = row.Actor
	}
	if row.Object != uuid.Nil {
		e.Object, e.About, e.ObjectHref = row.Object.String(), row.About, v.URL("audit", "object", row.Object.String())
	}
	var detail map[string]any
	if err := json.Unmarshal(row.Detail, &detail); err == nil {
		for name, value := range detail {
			text, isText := value.(string)
			if !isText {
				raw, _ := json.Marshal(value) // came from JSON a moment ago
				text = string(raw)
			}
			e.Detail = append(e.Detail, fact{Name: name, Text: text})
		}
		slices.SortFunc(e.Detail, func(a, b fact) int {
			if a.Name < b.Name {
				return -1
			}
			return 1
		})
	}
	return e
}

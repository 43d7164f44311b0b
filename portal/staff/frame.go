package staff

import (
	"context"
	"slices"

	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/provisioning/alarm"
	"tollhouse/tenants"
)

// section is a part of these pages, by its first path element.
type section string

const (
	wallSection      section = ""
	operatorsSection section = "operators"
	sitesSection     section = "sites"
	machinesSection  section = "machines"
	hardwareSection  section = "hardware"
	alarmsSection    section = "alarms"
	contractsSection section = "contracts"
	backupsSection   section = "backups"
	peopleSection    section = "people"
	auditSection     section = "audit"
	securitySection  section = "security" // of the person; not in the navigation
)

var sections = []struct {
	section section
	icon    string
	wants   tenants.Permission
}{
	{wallSection, "pulse", tenants.OperatorRead},
	{operatorsSection, "building", tenants.OperatorRead},
	{contractsSection, "list", tenants.ContractRead},
	{sitesSection, "server", tenants.StackRead},
	{machinesSection, "server", tenants.MachineRead},
	{hardwareSection, "box", tenants.MachineRead},
	{alarmsSection, "bell", tenants.AlarmRead},
	{backupsSection, "shield", tenants.StackRead},
	{peopleSection, "users", tenants.StaffRead},
	{auditSection, "list", tenants.AuditRead},
}

func (s section) key() string {
	if s == wallSection {
		return "staff.nav.wall"
	}
	return "staff.nav." + string(s)
}

// frame is what stands around a page of a section.
func (p pages) frame(v *web.StaffVisit, current section, title string) (ui.ConsolePage, error) {
	r := v.Reader
	page := ui.ConsolePage{Page: v.Page(title), Place: r.T("staff.place"), Now: r.DateTime(v.At()), Account: v.URL(string(securitySection))}
	if v.May(tenants.OperatorRead) {
		page.Search, page.Hint, page.Query = v.URL(string(operatorsSection)), r.T("staff.search"), v.Query("q")
	}
	var items []ui.NavItem
	for _, s := range sections {
		if v.May(s.wants) {
			items = append(items, ui.NavItem{Href: v.URL(string(s.section)), Label: r.T(s.section.key()), Icon: s.icon, Current: s.section == current})
		}
	}
	page.Groups = []ui.NavGroup{{Items: items}}
	return page, p.read(v, func(ctx context.Context, tx tenants.Tx) error {
		if err := countAlarms(ctx, tx, v, items); err != nil {
			return err
		}
		return tellRequests(ctx, tx, v, &page)
	})
}

// countAlarms says in the navigation how many alarms nobody has taken on.
func countAlarms(ctx context.Context, tx tenants.Tx, v *web.StaffVisit, items []ui.NavItem) error {
	at := slices.IndexFunc(items, func(i ui.NavItem) bool { return i.Href == v.URL(string(alarmsSection)) })
	if at < 0 {
		return nil
	}
	_, waiting, err := alarm.Open(ctx, tx)
	if waiting > 0 {
		items[at].Count, items[at].Alert = whole(v.Reader, int64(waiting)), true
	}
	return err
}

// maxRequests bounds the queue of break-glass that pages show.
const maxRequests = 50

// tellRequests puts requests that wait for this person onto every page: they
// are good for a quarter of an hour only.
func tellRequests(ctx context.Context, tx tenants.Tx, v *web.StaffVisit, page *ui.ConsolePage) error {
	if !v.May(tenants.VisitApprove) {
		return nil
	}
	waiting, err := tenants.BreakGlassQueue(ctx, tx, maxRequests)
	others := 0
	for _, b := range waiting {
		if b.Asker.ID != v.Who.ID {
			others++
		}
	}
	if others > 0 {
		page.Banners = append(page.Banners, ui.Banner{Tone: ui.Warn, Text: v.Reader.N("staff.waiting", int64(others))})
	}
	return err
}

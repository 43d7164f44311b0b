package frame

import (
	"tollhouse/billing/identity"
	"tollhouse/billing/visit"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// Section is a part of the console, by its first path element.
type Section string

// The sections. Dashboard stands at the console's start.
const (
	Dashboard    Section = ""
	Subscribers  Section = "subscribers"
	Orders       Section = "orders"
	BillRuns     Section = "bill-runs"
	Payments     Section = "payments"
	Collection   Section = "collection"
	Templates    Section = "message-templates"
	Suspense     Section = "suspense"
	Corrections  Section = "corrections"
	Trials       Section = "trials"
	Readiness    Section = "readiness"
	Offers       Section = "offers"
	Promotions   Section = "promotions"
	Import       Section = "import"
	Users        Section = "users"
	Keys         Section = "keys"
	Settings     Section = "settings"
	Audit        Section = "audit"
	Staff        Section = "staff-access"
	Sandbox      Section = "sandbox"
	Messages     Section = "messages"
	Security     Section = "security" // of the person; not in the navigation
	Vouchers     Section = "vouchers"
	BalanceRules Section = "balance-rules"
	Approvals    Section = "approvals"
	Decks        Section = "decks"
	Calendars    Section = "calendars"
	Rates        Section = "rates"
	Migrations   Section = "migrations"

	Partners       Section = "partners"
	Specifications Section = "specifications"

	Bank         Section = "bank"
	CashDesk     Section = "cash-desk"
	Debits       Section = "debits"
	Disputes     Section = "disputes"
	PaymentRules Section = "payment-rules"
	Reports      Section = "reports"
	Webhooks     Section = "webhooks"
	Hosting      Section = "hosting"
)

type entry struct {
	section Section
	icon    string
	wants   identity.Permission
}

type group struct {
	key     string // of its heading; empty for none
	entries []entry
}

// sections in the order of the navigation. Words are con.nav.<section>.
var sections = []group{
	{"", []entry{{Dashboard, "chart", identity.AccountRead}}},
	{"customers", []entry{
		{Subscribers, "users", identity.AccountRead},
		{Orders, "ok", identity.OrderRead},
	}},
	{"billing", []entry{
		{BillRuns, "bill", identity.BillRunRun},
		{Readiness, "eye", identity.BillRead},
		{Suspense, "help", identity.SuspenseRead},
		{Corrections, "clock", identity.ReratingRead},
	}},
	{"payments", []entry{
		{Payments, "cash", identity.PaymentRead},
		{CashDesk, "cash", identity.PaymentRead},
		{Vouchers, "tag", identity.PaymentRead},
		{Disputes, "shield", identity.PaymentRead},
		{PaymentRules, "gear", identity.SettingsRead},
	}},
	{"bank", []entry{
		{Bank, "list", identity.PaymentRead},
		{Debits, "swap", identity.PaymentRead},
	}},
	{"collection", []entry{
		{Collection, "clock", identity.AccountRead},
		{Templates, "mail", identity.SettingsRead},
	}},
	{"books", []entry{
		{Reports, "list", identity.LedgerRead},
		{Approvals, "ok", identity.BalanceWrite},
		{BalanceRules, "gear", identity.SettingsRead},
	}},
	{"product", []entry{
		{Offers, "tag", identity.OfferingRead}, {Trials, "beaker", identity.OfferingRead}, {Promotions, "gift", identity.OfferingRead}, {Migrations, "swap", identity.OfferingRead},
		{Decks, "list", identity.OfferingRead},
		{Calendars, "bill", identity.OfferingRead},
		{Rates, "cash", identity.OfferingRead},
		{Specifications, "box", identity.OfferingRead},
		{Partners, "users", identity.OfferingRead},
	}},
	{"system", []entry{
		{Import, "upload", identity.IntakeWrite},
		{Users, "lock", identity.UserRead},
		{Keys, "key", identity.APIKeyWrite},
		{Webhooks, "link", identity.APIKeyWrite},
		{Messages, "mail", identity.AuditRead},
		{Audit, "list", identity.AuditRead},
		{Staff, "shield", identity.VisitWrite},
		{Sandbox, "beaker", identity.SandboxWrite},
		{Hosting, "bill", identity.LedgerRead},
		{Settings, "gear", identity.SettingsRead},
	}},
}

// Of frames a page of a section. query is what stands in the search field.
func Of(v *web.Visit, current Section, title string) ui.ConsolePage {
	r := v.Reader
	p := ui.ConsolePage{Page: v.Page(title), Place: v.Profile.Country + ", " + v.Profile.Currency.Code(), Now: r.DateTime(v.At())}
	if v.Who.Kind == identity.UserPrincipal {
		p.Account = v.Console(string(Security)) // visiting staff are no user of the operator's
	}
	if v.May(identity.AccountRead) {
		p.Search, p.Hint = v.Console(string(Subscribers)), r.T("con.search.hint")
	}
	for _, g := range sections {
		if items := itemsOf(v, g.entries, current); len(items) > 0 {
			title := ""
			if g.key != "" {
				title = r.T("con.group." + g.key)
			}
			p.Groups = append(p.Groups, ui.NavGroup{Title: title, Items: items})
		}
	}
	p.Banners = bannersOf(v)
	return p
}

func itemsOf(v *web.Visit, entries []entry, current Section) []ui.NavItem {
	var items []ui.NavItem
	for _, e := range entries {
		if !v.May(e.wants) {
			continue
		}
		key := string(e.section)
		if e.section == Dashboard {
			key = "dashboard"
		}
		items = append(items, ui.NavItem{Href: v.Console(string(e.section)), Label: v.Reader.T("con.nav." + key), Icon: e.icon, Current: e.section == current})
	}
	return items
}

// bannersOf tells what concerns every page: that the operator is suspended,
// that hosting staff are in, that this is a sandbox.
func bannersOf(v *web.Visit) []ui.Banner {
	var banners []ui.Banner
	if s := v.Profile.Standing; s.ReadOnly() {
		banners = append(banners, ui.Banner{Tone: ui.Bad, Text: v.Reader.T("con.banner."+string(s.State), "at", v.Reader.DateTime(s.ServiceUntil))})
	}
	for _, inside := range v.Visits {
		banners = append(banners, visitBanner(v, inside))
	}
	if v.Stack.Ref.Sandbox {
		banners = append(banners, ui.Banner{Tone: ui.Info, Text: v.Reader.T("con.sandbox")})
	}
	return banners
}

// visitBanner tells who is in and until when, the visitor itself as well.
func visitBanner(v *web.Visit, inside visit.Visit) ui.Banner {
	key, tone := "con.banner.visit", ui.Info
	switch {
	case inside.ID == v.Who.Session:
		key = "con.banner.visitor"
	case inside.BreakGlass():
		key, tone = "con.banner.emergency", ui.Warn
	}
	b := ui.Banner{Tone: tone, Text: v.Reader.T(key, "who", inside.Staff.Email, "until", v.Reader.Clock(inside.ExpiresAt), "why", inside.Reason)}
	if inside.ID == v.Who.Session {
		b.Action, b.Do = v.Console("visit/leave"), v.Reader.T("staff.leave")
	}
	if v.May(identity.VisitWrite) {
		b.Action, b.Do = v.Console(string(Staff)+"/visits/"+inside.ID.String()+"/end"), v.Reader.T("con.banner.end")
	}
	return b
}

package admin

import (
	"context"
	"slices"
	"strconv"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/text"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// settingsPages are the pages of the settings in order, by the path below
// settings; words are admin.set.tab.<name>.
var settingsPages = []struct{ name, path string }{
	{"operator", "settings"}, {"branding", "settings/branding"}, {"branches", "settings/branches"},
	{"billing", "settings/billing"}, {"taxes", "settings/taxes"}, {"numbers", "settings/numbers"}, {"sources", "settings/sources"}, {"quotas", "settings/quotas"},
}

// settingsNav is the settings' tabs with one of them current.
func settingsNav(v *web.Visit, current string) []ui.NavItem {
	var items []ui.NavItem
	for _, p := range settingsPages {
		items = append(items, ui.NavItem{Href: v.Console(p.path), Label: v.Reader.T("admin.set.tab." + p.name), Current: p.name == current})
	}
	return items
}

// settingsView is the page of the operator's own settings.
type settingsView struct {
	ui.ConsolePage
	Tabs    []ui.NavItem
	Form    form
	Done    string
	May     bool  // change them
	Own     *form // the visitor's own language; nil for visiting staff, who are no user here
	Profile account.Profile
	Sandbox bool
	Trial   bool // drafts are published only after a trial
}

func settings(v *web.Visit) error {
	p := v.Profile
	values := map[string]string{"name": p.Name, "support_contact": p.SupportContact, "language": string(p.Language),
		"payment_term_days": strconv.Itoa(p.PaymentTermDays), "anchor_policy": string(p.AnchorPolicy)}
	err := read(v, func(ctx context.Context, tx tenant.Tx) error {
		required, err := catalog.TrialRequired(ctx, tx)
		if required {
			values["trial_required"] = "on"
		}
		return err
	})
	if err != nil {
		return err
	}
	return showSettings(v, newForm(values))
}

func showSettings(v *web.Visit, f form) error {
	view := settingsView{ConsolePage: frame.Of(v, frame.Settings, v.Reader.T("con.nav.settings")),
		Tabs: settingsNav(v, "operator"), Form: f, Done: v.Query("done"), May: v.May(identity.SettingsWrite), Profile: v.Profile, Sandbox: v.Stack.Ref.Sandbox, Trial: f.Typed["trial_required"] != ""}
	if v.Who.Kind == identity.UserPrincipal {
		own := newForm(map[string]string{"own_language": v.User.Language})
		view.Own = &own
	}
	return v.Show(f.status(), settingsPage(view))
}

// saveLanguage keeps in which language the visitor reads pages and is written
// to. The page that follows is in it already.
func saveLanguage(v *web.Visit) error {
	language := v.Form("own_language")
	if v.Who.Kind != identity.UserPrincipal || !text.Known(language) {
		return account.ErrNotFound
	}
	_, err := once(v, "user.language", func(ctx context.Context, tx tenant.Tx) (act, error) {
		_, err := v.Authority().ChangeUser(ctx, tx, v.Who, v.Who.UserID, identity.UserChange{Language: &language})
		return act{"user", v.Who.UserID, map[string]any{"language": language}}, err
	})
	if err != nil {
		return err
	}
	return v.Lead(v.Console("settings", "done", "saved", "lang", language))
}

func saveSettings(v *web.Visit) error {
	f := sentForm(v, "name", "support_contact", "language", "payment_term_days", "anchor_policy", "trial_required")
	days, err := strconv.Atoi(f.Typed["payment_term_days"])
	if err != nil {
		days = -1 // refused below, with the field's words
	}
	change := func(p *account.Profile) {
		p.Name, p.SupportContact, p.Language = f.Typed["name"], f.Typed["support_contact"], account.Language(f.Typed["language"])
		p.PaymentTermDays, p.AnchorPolicy = days, calendar.AnchorPolicy(f.Typed["anchor_policy"])
	}
	err = changeSettings(v, change, f.Typed["trial_required"] != "")
	if field := fieldOf(err); slices.Contains([]string{"name", "support_contact", "language", "payment_term_days", "anchor_policy"}, field) {
		f.refuse(field, v.Reader.T("admin.set.want."+field))
		return showSettings(v, f)
	}
	if err != nil {
		return err
	}
	return after(v, "settings", "saved")
}

// changeSettings writes the profile and whether drafts must be tried.
func changeSettings(v *web.Visit, change func(*account.Profile), trial bool) error {
	_, err := once(v, "settings.change", func(ctx context.Context, tx tenant.Tx) (act, error) {
		changes, err := putProfile(ctx, tx, change)
		if err != nil {
			return act{}, err
		}
		before, err := catalog.TrialRequired(ctx, tx)
		if err == nil && before != trial {
			changes["trial_required"] = map[string]bool{"before": before, "after": trial}
			err = catalog.RequireTrial(ctx, tx, trial)
		}
		return act{object: "operator", detail: changes}, err
	})
	return err
}

// changeProfile writes what change did to the profile as it stands now, with
// what changed in the audit row.
func changeProfile(v *web.Visit, action string, change func(*account.Profile)) error {
	_, err := once(v, action, func(ctx context.Context, tx tenant.Tx) (act, error) {
		changes, err := putProfile(ctx, tx, change)
		return act{object: "operator", detail: changes}, err
	})
	return err
}

func putProfile(ctx context.Context, tx tenant.Tx, change func(*account.Profile)) (map[string]any, error) {
	before, err := account.GetProfile(ctx, tx)
	if err != nil {
		return nil, err
	}
	p := before
	change(&p)
	return profileChanges(before, p), account.PutProfile(ctx, tx, p)
}

// profileChanges are the fields of a profile that differ, before and after.
func profileChanges(before, after account.Profile) map[string]any {
	changes := map[string]any{}
	for field, values := range map[string][2]string{
		"name":              {before.Name, after.Name},
		"support_contact":   {before.SupportContact, after.SupportContact},
		"language":          {string(before.Language), string(after.Language)},
		"payment_term_days": {strconv.Itoa(before.PaymentTermDays), strconv.Itoa(after.PaymentTermDays)},
		"anchor_policy":     {string(before.AnchorPolicy), string(after.AnchorPolicy)},
		"brand_colour":      {before.BrandColour, after.BrandColour},
	} {
		if values[0] != values[1] {
			changes[field] = map[string]string{"before": values[0], "after": values[1]}
		}
	}
	return changes
}

// languageChoices are the languages that pages are written in.
func languageChoices() []ui.Choice {
	choices := make([]ui.Choice, len(text.Languages))
	for i, l := range text.Languages {
		choices[i] = ui.Choice{Value: l.Code, Label: l.Name}
	}
	return choices
}

func anchorChoices(r ui.Reader) []ui.Choice {
	return []ui.Choice{
		{Value: string(calendar.Clamp), Label: r.T("admin.set.anchor.clamp")},
		{Value: string(calendar.Sticky28), Label: r.T("admin.set.anchor.sticky")},
	}
}

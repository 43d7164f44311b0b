package admin

import (
	"context"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// sourcesView is the page of what usage comes from.
type sourcesView struct {
	ui.ConsolePage
	Tabs    []ui.NavItem
	Done    string
	May     bool
	Form    form
	Sources []usage.Feed
	Presets []ui.Choice
}

func sources(v *web.Visit) error {
	return showSources(v, newForm(map[string]string{"preset": "json-events"}))
}

func showSources(v *web.Visit, f form) error {
	view := sourcesView{ConsolePage: frame.Of(v, frame.Settings, v.Reader.T("admin.set.tab.sources")), Tabs: settingsNav(v, "sources"),
		Done: v.Query("done"), May: v.May(identity.SettingsWrite), Form: f}
	for _, p := range usage.Presets(v.Profile.Zone.String()) {
		view.Presets = append(view.Presets, ui.Choice{Value: p.Name, Label: worded(v.Reader, "admin.preset.", p.Name)})
	}
	err := read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		view.Sources, err = usage.ListSources(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	return v.Show(f.status(), sourcesPage(view))
}

func addSource(v *web.Visit) error {
	f := sentForm(v, "name", "preset")
	mapping, err := usage.FindPreset(f.Typed["preset"], v.Profile.Zone.String())
	if err != nil {
		f.refuse("preset", v.Reader.T("admin.source.want.preset"))
		return showSources(v, f)
	}
	_, err = once(v, "source.add", func(ctx context.Context, tx tenant.Tx) (act, error) {
		made, err := usage.CreateSource(ctx, tx, f.Typed["name"], mapping)
		return act{"source", made.ID, map[string]any{"name": f.Typed["name"], "preset": f.Typed["preset"]}}, err
	})
	switch {
	case refusedBy(err, usage.ErrSourceName):
		f.refuse("name", v.Reader.T("admin.source.want.name"))
	case refusedBy(err, usage.ErrSourceExists):
		f.refuse("name", v.Reader.T("admin.source.taken"))
	case err != nil:
		return err
	default:
		return after(v, "settings/sources", "source.added")
	}
	return showSources(v, f)
}

// sourceFormat is how a source is read, in words.
func sourceFormat(r ui.Reader, m usage.Mapping) string {
	return joined(worded(r, "admin.format.", string(m.Format)), m.Zone)
}

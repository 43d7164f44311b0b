package admin

import (
	"net/http"
	"slices"
	"time"

	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/readiness"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// readinessView is the page of what would break the next bill run.
type readinessView struct {
	ui.ConsolePage
	readiness.Report
	Groups []readinessGroup
	Stops  int
	Wrong  int
	MayRun bool
}

// readinessGroup is the findings of one severity.
type readinessGroup struct {
	Severity readiness.Severity
	Findings []readinessRow
}

// readinessRow is one finding in words.
type readinessRow struct {
	Title, More string
	Count       string
	Examples    []exampleLink
	Rest        int64 // things that are not named
}

type exampleLink struct{ Label, Href string }

// examplePages are where the things are mended that findings name.
var examplePages = map[string]objectPage{"account": {"subscribers/", identity.AccountRead}, "legal_entity": {"settings/legal-entities/", identity.BranchWrite}}

func ready(v *web.Visit) error {
	day, err := calendar.ParseDate(v.Query("day"))
	if err != nil {
		day = calendar.Date{} // the next run
	}
	view := readinessView{ConsolePage: frame.Of(v, frame.Readiness, v.Reader.T("con.nav.readiness")), MayRun: v.May(identity.BillRunRun)}
	if view.Report, err = v.Stack.Readiness(v.Context(), day); err != nil {
		return err
	}
	for _, f := range view.Findings {
		view.add(v, f)
	}
	return v.Show(http.StatusOK, readinessPage(view))
}

func (rv *readinessView) add(v *web.Visit, f readiness.Finding) {
	switch f.Severity {
	case readiness.Stops:
		rv.Stops++
	case readiness.Wrong:
		rv.Wrong++
	}
	i := slices.IndexFunc(rv.Groups, func(g readinessGroup) bool { return g.Severity == f.Severity })
	if i < 0 {
		i = len(rv.Groups)
		rv.Groups = append(rv.Groups, readinessGroup{Severity: f.Severity})
	}
	rv.Groups[i].Findings = append(rv.Groups[i].Findings, rowOfFinding(v, f))
}

func rowOfFinding(v *web.Visit, f readiness.Finding) readinessRow {
	var values []string
	for name, value := range f.Values {
		values = append(values, name, wordsOfValue(v, name, value))
	}
	key := "admin.find." + string(f.Code)
	row := readinessRow{Title: v.Reader.T(key, values...), More: v.Reader.T(key+".more", values...), Count: whole(v.Reader, int(f.Count))}
	if f.Code != readiness.AgendaFailed && f.Code != readiness.SuspenseWaiting {
		row.Rest = f.Count - int64(len(f.Examples))
	}
	for _, e := range named(f) {
		label := e.Label
		if e.Kind == "suspense" {
			label = v.Reader.T("admin.ready.suspense")
		}
		row.Examples = append(row.Examples, exampleLink{label, exampleHref(v, e)})
	}
	return row
}

// named are the examples worth naming: what waits in suspense has its list, and
// a failed work no page of its own.
func named(f readiness.Finding) []readiness.Example {
	switch {
	case f.Code == readiness.AgendaFailed:
		return nil
	case f.Code == readiness.SuspenseWaiting && len(f.Examples) > 0:
		return f.Examples[:1]
	}
	return f.Examples
}

// exampleHref is where a thing that is not ready can be mended.
func exampleHref(v *web.Visit, e readiness.Example) string {
	if page, known := examplePages[e.Kind]; known {
		return v.ConsoleFor(page.wants, page.path+e.ID.String())
	}
	switch e.Kind {
	case "offering":
		return v.ConsoleFor(identity.OfferingRead, "offers/"+e.Label)
	case "suspense":
		return v.ConsoleFor(identity.SuspenseRead, "suspense", "reason", e.Label)
	case "source":
		return v.ConsoleFor(identity.SettingsRead, "settings/sources")
	}
	return ""
}

// wordsOfValue writes a value of a finding as the reader does: days as days.
func wordsOfValue(v *web.Visit, name, value string) string {
	if day, err := calendar.ParseDate(value); err == nil {
		return v.Reader.Date(day)
	}
	if at, err := time.Parse(time.RFC3339, value); err == nil {
		return v.Reader.DateTime(at)
	}
	switch name {
	case "reason":
		return worded(v.Reader, "biz.reason.", value)
	case "document":
		return worded(v.Reader, "admin.document.", value)
	}
	return value
}

// severityTone is how bad findings of a severity look.
func severityTone(s readiness.Severity) ui.Tone {
	switch s {
	case readiness.Stops:
		return ui.Bad
	case readiness.Wrong:
		return ui.Warn
	}
	return ui.Info
}

// toneIf gives a figure above zero its tone; none of what is wanted is good.
func toneIf(n int, tone ui.Tone) ui.Tone {
	if n == 0 {
		return ui.OK
	}
	return tone
}

// asOf says of which run the page speaks, and when it was looked at. Where no
// account is active there is no run.
func (rv readinessView) asOf() string {
	if rv.Day.IsZero() {
		return rv.T("admin.ready.asof.none", "at", rv.DateTime(rv.At))
	}
	return rv.T("admin.ready.asof", "at", rv.DateTime(rv.At), "day", rv.Date(rv.Day))
}

func (rv readinessView) nothing() string {
	if rv.Day.IsZero() {
		return rv.T("admin.find.no_run")
	}
	return rv.T("admin.ready.nothing", "day", rv.Date(rv.Day))
}

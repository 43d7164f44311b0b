package staff

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/provisioning/alarm"
	"tollhouse/tenants"
)

// alarmsPage is how many alarms stand on one page.
const alarmsPage = 50

type alarmsView struct {
	ui.ConsolePage
	Live        string
	Tabs        []ui.NavItem
	Rows        []alarmRow
	First, Next string
	Handles     bool
	Done        string
	Fault       string
}

type alarmRow struct {
	Path                          string
	Title, Detail, Next           string
	Severity, State, Since, Count string
	By                            string
	Tone                          ui.Tone
	Takes, Closes                 bool
}

func (p pages) alarms(v *web.StaffVisit) error {
	return p.showAlarms(v, alarmsView{Done: v.Query("done")}, http.StatusOK)
}

func (p pages) showAlarms(v *web.StaffVisit, view alarmsView, status int) error {
	r := v.Reader
	var err error
	if view.ConsolePage, err = p.frame(v, alarmsSection, r.T("staff.nav.alarms")); err != nil {
		return err
	}
	all := v.Query("all") != ""
	view.Handles = v.May(tenants.AlarmHandle)
	view.Tabs = []ui.NavItem{{Href: v.URL("alarms"), Label: r.T("alarm.open"), Current: !all}, {Href: v.URL("alarms", "all", "yes"), Label: r.T("alarm.all"), Current: all}}
	before, err := uuid.Parse(v.Query("before"))
	if err == nil {
		view.First = v.URL("alarms", "all", v.Query("all"))
	}
	view.Live = v.URL("alarms", "all", v.Query("all"), "before", v.Query("before"))
	err = p.read(v, func(ctx context.Context, tx tenants.Tx) error {
		found, err := alarm.List(ctx, tx, alarm.Query{Open: !all, Before: before, Limit: alarmsPage + 1})
		if len(found) > alarmsPage {
			found = found[:alarmsPage]
			view.Next = v.URL("alarms", "all", v.Query("all"), "before", found[alarmsPage-1].ID.String())
		}
		for _, a := range found {
			view.Rows = append(view.Rows, alarmRowOf(v, a))
		}
		return err
	})
	if err != nil {
		return err
	}
	if v.Part("alarms") {
		return v.Show(status, alarmsPart(view))
	}
	return v.Show(status, alarmsList(view))
}

func alarmRowOf(v *web.StaffVisit, a alarm.Alarm) alarmRow {
	r := v.Reader
	row := alarmRow{Path: v.URL("alarms/" + a.ID.String()), Title: r.T("alarm.kind." + string(a.Kind)), Next: r.T("alarm.next." + string(a.Kind)),
		Severity: r.T("alarm.severity." + string(a.Severity)), State: r.T("alarm.state." + string(a.State)), Since: r.DateTime(a.RaisedAt), By: a.AcknowledgedBy,
		Tone:  map[alarm.Severity]ui.Tone{alarm.Critical: ui.Bad, alarm.Major: ui.Warn, alarm.Minor: ui.Info}[a.Severity],
		Takes: a.State == alarm.Raised, Closes: a.State != alarm.Cleared && !a.Kind.Condition()}
	if a.Count > 1 {
		row.Count = r.N("alarm.times", a.Count, "n", whole(r, a.Count))
	}
	for _, key := range slices.Sorted(maps.Keys(a.Detail)) {
		if a.Detail[key] == "" {
			continue
		}
		if row.Detail != "" {
			row.Detail += "; "
		}
		row.Detail += detailWord(r, key) + ": " + a.Detail[key]
	}
	return row
}

// detailWord is what a detail of an alarm is called; its own key where there are
// no words for it.
func detailWord(r ui.Reader, key string) string {
	const area = "alarm.detail."
	if word := r.T(area + key); word != area+key {
		return word
	}
	return key
}

func (p pages) actOnAlarm(act func(context.Context, tenants.Tx, tenants.Actor, uuid.UUID) (alarm.Alarm, error), done string) func(*web.StaffVisit) error {
	return func(v *web.StaffVisit) error {
		id, err := uuid.Parse(v.Param("alarm"))
		if err != nil {
			return tenants.ErrNotFound
		}
		err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
			_, err := act(ctx, tx, v.Who, id)
			return err
		})
		switch {
		case errors.Is(err, alarm.ErrNotFound):
			return tenants.ErrNotFound
		case errors.Is(err, alarm.ErrState), errors.Is(err, alarm.ErrCondition):
			return p.showAlarms(v, alarmsView{Fault: v.Reader.T("alarm.refused")}, http.StatusConflict)
		case err != nil:
			return err
		}
		return v.Redirect(v.URL("alarms", "done", done))
	}
}

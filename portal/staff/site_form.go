package staff

import (
	"context"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/provisioning"
	"tollhouse/provisioning/fleet"
	"tollhouse/tenants"
)

// siteFormView asks for a site, or for a change of one, and shows the plan
// before anything is made.
type siteFormView struct {
	ui.ConsolePage
	Form      form
	Path      string
	Back      string
	ID        string
	Known     bool
	Name      string // of the operator, where it is known
	Operators []ui.Choice
	Clouds    []ui.Choice
	Sizes     []ui.Choice
	Scheduled []ui.Choice
	Measured  []ui.Choice
	AddOns    []fleet.Offer
	Plan      *planView
}

type planView struct {
	Changes []planRow
	Before  string
	Monthly string
	AtMost  string
	Room    []roomRow
	Fits    bool
	Unknown string
	Nothing bool
}

type planRow struct {
	Deed, Part, From, To string
	Tone                 ui.Tone
}

type roomRow struct {
	What, Needs, Free string
	Short             bool
}

// operatorsAsked bounds the list of the form; the API takes any.
const operatorsAsked = 500

func addOnField(name string) string { return "add_ons." + name }

var siteFields = []string{"operator", "cloud", "size", "schedule_size", "schedule_from", "schedule_to", "scaling_min", "scaling_max", "scaling_measure", "scaling_above", "scaling_below",
	"scaling_cooldown"}

func (p pages) newSite(v *web.StaffVisit) error {
	f := newForm(map[string]string{"size": "small", "operator": v.Query("operator")})
	f.order = siteFields
	return p.showSiteForm(v, provisioning.SiteID(uuid.Must(uuid.NewV7())), f, nil)
}

func (p pages) changeSite(v *web.StaffVisit) error {
	id, err := siteID(v)
	if err != nil {
		return err
	}
	var s fleet.Site
	if err := p.read(v, func(ctx context.Context, tx tenants.Tx) (err error) {
		s, err = fleet.Get(ctx, tx, id)
		return err
	}); err != nil {
		return err
	}
	return p.showSiteForm(v, id, formOf(s), nil)
}

// formOf is a site as it is wanted, in a form. The form has one schedule and
// one rule; more of them are changed through the API.
func formOf(s fleet.Site) form {
	f := newForm(map[string]string{"operator": s.Want.Operator.String(), "cloud": s.Want.Cloud, "size": s.Want.Size, "revision": strconv.FormatInt(s.Revision, 10)})
	f.order = siteFields
	for name, n := range s.Want.AddOns {
		f.values[addOnField(name)] = strconv.Itoa(n)
	}
	if len(s.Want.Schedules) > 0 {
		one := s.Want.Schedules[0]
		f.values["schedule_size"], f.values["schedule_from"], f.values["schedule_to"] = one.Size, strconv.Itoa(one.From), strconv.Itoa(one.To)
	}
	if c := s.Want.Scaling; c != nil {
		f.values["scaling_min"], f.values["scaling_max"], f.values["scaling_cooldown"] = strconv.Itoa(c.Min), strconv.Itoa(c.Max), strconv.Itoa(c.CooldownMinutes)
		if len(c.Rules) > 0 {
			f.values["scaling_measure"] = string(c.Rules[0].Measure)
			f.values["scaling_above"], f.values["scaling_below"] = strconv.FormatInt(c.Rules[0].Above, 10), strconv.FormatInt(c.Rules[0].Below, 10)
		}
	}
	return f
}

func (p pages) showSiteForm(v *web.StaffVisit, id provisioning.SiteID, f form, plan *planView) error {
	view := siteFormView{Form: f, ID: id.String(), Plan: plan, Path: v.URL("sites/new"), Back: v.URL("sites")}
	err := p.read(v, func(ctx context.Context, tx tenants.Tx) error {
		offers, err := fleet.Offers(ctx, tx)
		if err != nil {
			return err
		}
		view.offer(v.Reader, offers)
		if f.value("revision") != "" {
			s, err := fleet.Get(ctx, tx, id)
			if err != nil {
				return err
			}
			o, err := tenants.GetOperator(ctx, tx, s.Want.Operator)
			view.Known, view.Name, view.Path, view.Back = true, o.DisplayName, v.URL("sites/"+id.String()+"/change"), v.URL("sites/"+id.String())
			return err
		}
		operators, err := tenants.FindOperators(ctx, tx, tenants.OperatorQuery{Limit: operatorsAsked})
		for _, o := range operators {
			view.Operators = append(view.Operators, ui.Choice{Value: o.ID.String(), Label: o.DisplayName + " (" + o.Name + ")", Chosen: o.ID.String() == f.value("operator")})
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, name := range p.Fleet.Clouds().Names() {
		view.Clouds = append(view.Clouds, ui.Choice{Value: name, Label: name + ": " + p.Fleet.Clouds()[name].Place, Chosen: name == f.value("cloud")})
	}
	title := v.Reader.T("staff.site.new")
	if view.Known {
		title = v.Reader.T("staff.site.change.of", "name", view.Name)
	}
	if view.ConsolePage, err = p.frame(v, sitesSection, title); err != nil {
		return err
	}
	return v.Show(f.status(), siteFormPage(view))
}

// offer puts what is sold into the choices, and what the site has already.
func (w *siteFormView) offer(r ui.Reader, offers []fleet.Offer) {
	w.Scheduled = []ui.Choice{{Label: r.T("staff.site.noschedule")}}
	for _, o := range offers {
		has := w.Form.value("size") == o.Name || w.Form.value("schedule_size") == o.Name || w.Form.value(addOnField(o.Name)) != ""
		if o.RetiredAt != nil && !has {
			continue
		}
		if o.Kind == fleet.AddOn {
			w.AddOns = append(w.AddOns, o)
			continue
		}
		label := o.Name + ": " + o.Title + ", " + r.Money(o.Price)
		w.Sizes = append(w.Sizes, ui.Choice{Value: o.Name, Label: label, Chosen: o.Name == w.Form.value("size")})
		w.Scheduled = append(w.Scheduled, ui.Choice{Value: o.Name, Label: label, Chosen: o.Name == w.Form.value("schedule_size")})
	}
	w.Measured = []ui.Choice{{Label: r.T("staff.site.norule")}}
	for _, m := range fleet.Measures() {
		w.Measured = append(w.Measured, ui.Choice{Value: string(m), Label: r.T("staff.site.measure." + string(m)), Chosen: string(m) == w.Form.value("scaling_measure")})
	}
}

// want reads the form. What is no number is said beside its field.
func (p pages) want(v *web.StaffVisit, f *form, known *fleet.Site) fleet.Want {
	number := func(name string) int {
		text := f.value(name)
		if text == "" {
			return 0
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			f.fault(name, wanted(v.Reader, name))
		}
		return n
	}
	want := fleet.Want{Cloud: f.value("cloud"), Size: f.value("size"), AddOns: map[string]int{}}
	if id, err := tenant.ParseID(f.value("operator")); err == nil {
		want.Operator = id
	}
	for name := range f.values {
		if addOn, is := strings.CutPrefix(name, addOnField("")); is && f.value(name) != "" && f.value(name) != "0" {
			want.AddOns[addOn] = number(name)
		}
	}
	if size := f.value("schedule_size"); size != "" {
		want.Schedules = []fleet.Schedule{{Size: size, From: number("schedule_from"), To: number("schedule_to")}}
	}
	if measure := f.value("scaling_measure"); measure != "" {
		want.Scaling = &fleet.Scaling{Min: number("scaling_min"), Max: number("scaling_max"), CooldownMinutes: number("scaling_cooldown"),
			Rules: []fleet.Rule{{Measure: provisioning.Measure(measure), Above: int64(number("scaling_above")), Below: int64(number("scaling_below"))}}}
	}
	if known == nil {
		return want
	}
	// What the form does not show stays as it is.
	want.Operator, want.Cloud = known.Want.Operator, known.Want.Cloud
	if len(known.Want.Schedules) > 1 && len(want.Schedules) > 0 {
		want.Schedules = append(want.Schedules, known.Want.Schedules[1:]...)
	}
	if known.Want.Scaling != nil && len(known.Want.Scaling.Rules) > 1 && want.Scaling != nil {
		want.Scaling.Rules = append(want.Scaling.Rules, known.Want.Scaling.Rules[1:]...)
	}
	return want
}

// siteFaults names the form's fields as the domain names its own.
var siteFaults = map[string]string{"schedules[0]": "schedule_from", "schedules[0].size": "schedule_size", "schedules[0].from": "schedule_from", "schedules[0].to": "schedule_to",
	"scaling": "scaling_max", "scaling.min": "scaling_min", "scaling.max": "scaling_max", "scaling.cooldown_minutes": "scaling_cooldown", "scaling.rules[0].measure": "scaling_measure",
	"scaling.rules[0].above": "scaling_above", "scaling.rules[0].below": "scaling_below", "scaling.rules": "scaling_measure"}

func (p pages) askSite(v *web.StaffVisit) error {
	id, err := provisioning.ParseSiteID(v.Form("site"))
	if err != nil {
		return tenants.ErrNotFound
	}
	return p.putSite(v, id, nil)
}

func (p pages) askChange(v *web.StaffVisit) error {
	id, err := siteID(v)
	if err != nil {
		return err
	}
	var s fleet.Site
	if err := p.read(v, func(ctx context.Context, tx tenants.Tx) (err error) {
		s, err = fleet.Get(ctx, tx, id)
		return err
	}); err != nil {
		return err
	}
	return p.putSite(v, id, &s)
}

func (p pages) putSite(v *web.StaffVisit, id provisioning.SiteID, known *fleet.Site) error {
	names := append([]string{"revision"}, siteFields...)
	if err := p.read(v, func(ctx context.Context, tx tenants.Tx) error {
		offers, err := fleet.Offers(ctx, tx)
		for _, o := range offers {
			names = append(names, addOnField(o.Name))
		}
		return err
	}); err != nil {
		return err
	}
	f := sent(v, names...)
	want := p.want(v, &f, known)
	if f.wrong() {
		return p.showSiteForm(v, id, f, nil)
	}
	if v.Form("do") != "make" {
		plan, err := p.Fleet.Plan(v.Context(), id, want)
		if f.refusedAs(v.Reader, err, siteFaults) {
			return p.showSiteForm(v, id, f, nil)
		}
		if err != nil {
			return err
		}
		return p.showSiteForm(v, id, f, planOf(v.Reader, plan))
	}
	revision := int64(0)
	if known != nil {
		revision, _ = strconv.ParseInt(f.value("revision"), 10, 64) // none: whatever there is
	}
	err := p.write(v, func(ctx context.Context, tx tenants.Tx) error {
		_, _, err := p.Fleet.Put(ctx, tx, v.Who, id, want, revision)
		return err
	})
	if f.refusedAs(v.Reader, err, siteFaults) {
		return p.showSiteForm(v, id, f, nil)
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("sites/"+id.String(), "done", "put"))
}

var deedTones = map[fleet.Deed]ui.Tone{fleet.Make: ui.OK, fleet.Alter: ui.Info, fleet.Delete: ui.Bad}

func planOf(r ui.Reader, p fleet.Plan) *planView {
	view := &planView{Monthly: r.Money(p.Monthly), AtMost: r.Money(p.AtMost), Fits: p.Fits, Unknown: p.RoomWhy, Nothing: len(p.Changes) == 0}
	if p.Before != nil {
		view.Before = r.Money(*p.Before)
	}
	for _, c := range p.Changes {
		view.Changes = append(view.Changes, planRow{Deed: r.T("staff.site.deed." + string(c.Deed)), Part: r.T("staff.site.part." + c.Part), From: orDash(c.From), To: orDash(c.To), Tone: deedTones[c.Deed]})
	}
	for _, n := range p.Room {
		row := roomRow{What: r.T("staff.cap.what." + n.What), Needs: whole(r, n.Needs), Free: r.T("staff.cap.unlimited"), Short: n.Free >= 0 && n.Needs > n.Free}
		if n.Free >= 0 {
			row.Free = whole(r, n.Free)
		}
		view.Room = append(view.Room, row)
	}
	return view
}

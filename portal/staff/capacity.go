package staff

import (
	"context"
	"slices"

	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/provisioning/fleet"
	"tollhouse/tenants"
)

// capacityView is what clouds have, and how long it lasts.
type capacityView struct {
	ui.ConsolePage
	Live               string
	Clouds             []capacityCloud
	Hosts              []hostRow
	Pool, PoolBuy      string // places for new stacks; how many more there should be
	MayHost            bool
	MayLook, MayRemove bool
	Done               string
	Form               form // of the orphan that was refused
	Operators, Sizes   []ui.Choice
}

type capacityCloud struct {
	Name, Place, Seen, Fault, Guaranteed string
	Lines                                []capacityRow
	Orphans                              []orphanRow
}

type capacityRow struct {
	What, Has, Used, Reserved, Growth, Out, Buy string
	Tone                                        ui.Tone
	Share                                       string // of what is used and promised, in percent
}

type orphanRow struct {
	ID, Name, Kind, Ref, At string
	Unwanted                bool
}

func (p pages) capacity(v *web.StaffVisit) error { return p.showCapacity(v, newForm(nil)) }

func (p pages) showCapacity(v *web.StaffVisit, f form) error {
	frame, err := p.frame(v, sitesSection, v.Reader.T("staff.cap.title"))
	if err != nil {
		return err
	}
	view := capacityView{ConsolePage: frame, Live: v.URL("capacity"), MayLook: v.May(tenants.StackWrite), MayRemove: v.May(tenants.StackRemove), MayHost: v.May(tenants.HostWrite), Done: v.Query("done"), Form: f}
	err = p.read(v, func(ctx context.Context, tx tenants.Tx) error {
		if err := view.readHosts(ctx, tx, v.Reader); err != nil {
			return err
		}
		clouds, err := p.Fleet.CloudViews(ctx, tx)
		if err != nil {
			return err
		}
		orphans := false
		for _, cloud := range clouds {
			lines, err := fleet.CapacityOf(ctx, tx, cloud)
			if err != nil {
				return err
			}
			sum, err := fleet.Guaranteed(ctx, tx, cloud.Name)
			if err != nil {
				return err
			}
			view.Clouds = append(view.Clouds, capacityCloudOf(v.Reader, cloud, lines, sum))
			orphans = orphans || len(cloud.Orphans) > 0
		}
		if !orphans {
			return nil
		}
		return view.choose(ctx, tx)
	})
	if err != nil {
		return err
	}
	return v.Show(f.status(), capacityPage(view))
}

// choose lists whom an orphan may belong to.
func (w *capacityView) choose(ctx context.Context, tx tenants.Tx) error {
	operators, err := tenants.FindOperators(ctx, tx, tenants.OperatorQuery{Limit: operatorsAsked})
	if err != nil {
		return err
	}
	for _, o := range operators {
		w.Operators = append(w.Operators, ui.Choice{Value: o.ID.String(), Label: o.DisplayName + " (" + o.Name + ")"})
	}
	offers, err := fleet.Offers(ctx, tx)
	for _, o := range offers {
		if o.Kind == fleet.Size && o.RetiredAt == nil {
			w.Sizes = append(w.Sizes, ui.Choice{Value: o.Name, Label: o.Title})
		}
	}
	return err
}

func capacityCloudOf(r ui.Reader, cloud fleet.CloudView, lines []fleet.Capacity, guaranteed int64) capacityCloud {
	out := capacityCloud{Name: cloud.Name, Place: cloud.Place, Fault: cloud.Fault, Seen: when(r, cloud.LookedAt), Guaranteed: whole(r, guaranteed)}
	for _, c := range lines {
		row := capacityRow{What: r.T("staff.cap.what." + c.What), Has: r.T("staff.cap.unlimited"), Used: whole(r, c.Used), Reserved: whole(r, c.Reserved), Growth: r.T("staff.cap.unknown"), Out: "–", Buy: "–"}
		if c.Has >= 0 {
			row.Has = whole(r, c.Has)
		}
		if c.Days > 0 {
			row.Growth = r.T("staff.cap.grew", "n", whole(r, c.Grew), "days", whole(r, int64(c.Days)))
		}
		if c.RunsOut != nil {
			row.Out = r.Date(*c.RunsOut)
		}
		if c.Has > 0 {
			row.Share = whole(r, min((c.Used+c.Reserved)*100/c.Has, 999))
		}
		switch {
		case c.Machines > 0:
			row.Buy, row.Tone = r.T("staff.cap.machines", "n", whole(r, c.Machines), "what", whole(r, c.Buy)), ui.Warn
		case c.Buy > 0:
			row.Buy, row.Tone = r.T("staff.cap.quota", "n", whole(r, c.Buy)), ui.Warn
		}
		out.Lines = append(out.Lines, row)
	}
	for _, o := range cloud.Orphans {
		row := orphanRow{ID: o.Site, Name: o.Name, Kind: o.Kind, Ref: o.Ref, At: "–", Unwanted: cloud.IsUnwanted(o.Site)}
		if !o.At.IsZero() {
			row.At = r.DateTime(o.At)
		}
		if !slices.ContainsFunc(out.Orphans, func(other orphanRow) bool { return other.ID == row.ID }) {
			out.Orphans = append(out.Orphans, row) // one a site: what is done is done to all of it
		}
	}
	return out
}

func (p pages) lookAtCloud(v *web.StaffVisit) error {
	err := p.write(v, func(ctx context.Context, tx tenants.Tx) error { return p.Fleet.LookAgain(ctx, tx, v.Param("cloud")) })
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("capacity", "done", "look"))
}

func (p pages) adoptOrphan(v *web.StaffVisit) error {
	f := sent(v, "operator", "size")
	operator, err := tenant.ParseID(f.value("operator"))
	if err != nil {
		return tenants.ErrNotFound
	}
	err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
		_, err := p.Fleet.Adopt(ctx, tx, v.Who, v.Param("cloud"), v.Param("site"), fleet.Want{Operator: operator, Size: f.value("size")})
		return err
	})
	if f.refused(v.Reader, err) {
		return p.showCapacity(v, f)
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("sites/"+v.Param("site"), "done", "put"))
}

func (p pages) deleteOrphan(v *web.StaffVisit) error {
	f := sent(v, "reason")
	err := p.write(v, func(ctx context.Context, tx tenants.Tx) error {
		return p.Fleet.DeleteOrphan(ctx, tx, v.Who, v.Param("cloud"), v.Param("site"), f.value("reason"))
	})
	if f.refused(v.Reader, err) {
		return p.showCapacity(v, f)
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("capacity", "done", "orphan"))
}

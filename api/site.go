package api

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/provisioning/fleet"
	"tollhouse/tenants"
)

// ListSites implements oapi.StrictServerInterface.
func (s *Server) ListSites(ctx context.Context, r oapi.ListSitesRequestObject) (oapi.ListSitesResponseObject, error) {
	after, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var out oapi.ListSites200JSONResponse
	err = s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		sites, err := fleet.Find(ctx, tx, fleet.Query{Operator: tenant.ID(value(r.Params.Operator)), Removed: value(r.Params.Removed),
			After: provisioning.SiteID(after), Limit: pageLimit(r.Params.Limit) + 1})
		if err != nil {
			return err
		}
		page, next := cut(sites, r.Params.Limit, func(one fleet.Site) []string { return []string{one.ID.String()} })
		out.Items, out.Next = mapped(page, func(one fleet.Site) oapi.Site { return siteOf(one, tx.At) }), next
		return nil
	})
	return out, err
}

func siteOf(one fleet.Site, at time.Time) oapi.Site {
	out := oapi.Site{Id: one.ID.UUID(), Operator: uuid.UUID(one.Want.Operator), Cloud: one.Want.Cloud, Size: one.Want.Size, AddOns: one.Want.AddOns,
		Schedules: mapped(one.Want.Schedules, func(w fleet.Schedule) oapi.SiteSchedule {
			return oapi.SiteSchedule{Size: w.Size, From: w.From, To: w.To}
		}),
		Shape: oapi.SiteShape{Flavor: one.Shape.Flavor, WorkerFlavor: one.Shape.WorkerFlavor, Workers: one.Shape.Workers, BootGb: one.Shape.BootGB,
			DataGb: one.Shape.DataGB, Standby: one.Shape.Standby}, Sized: one.Sized, Scaled: one.Scaled, Monthly: one.Monthly, Revision: one.Revision, Made: one.Made,
		State: oapi.SiteState(one.State), StateAt: one.StateAt, Health: oapi.SiteHealth(one.Health(at)), Reason: optionalText(one.Reason),
		Detail: optionalText(one.Detail), Next: optionalText(one.Advice(at).English()), Held: one.Held, Tries: one.Tries, DueAt: one.DueAt, Ref: optionalText(one.Ref),
		Address: optionalText(one.Address), Steps: mapped(one.Steps, siteStep), Drift: one.Drift, VersionWanted: optionalText(one.VersionWanted),
		Host:    oapi.SiteHost{Enrolled: one.Seen.Enrolled, Healthy: one.Seen.Healthy, Reason: optionalText(one.Seen.Reason), Version: optionalText(one.Seen.Version), PublicUrl: optionalText(one.Seen.PublicURL)},
		AskedAt: one.AskedAt, ReadyAt: one.ReadyAt, RemoveAfter: one.RemoveAfter, Waiver: optionalText(one.Waiver), FinalBackup: optionalText(one.FinalBackup),
		RemovedAt: one.RemovedAt}
	if out.AddOns == nil {
		out.AddOns = map[string]int{}
	}
	if out.Drift == nil {
		out.Drift = []string{}
	}
	if w := one.Want.Scaling; w != nil {
		out.Scaling = &oapi.SiteScaling{Min: w.Min, Max: w.Max, CooldownMinutes: w.CooldownMinutes, Rules: mapped(w.Rules, func(r fleet.Rule) oapi.SiteRule {
			return oapi.SiteRule{Measure: string(r.Measure), Above: r.Above, Below: r.Below}
		})}
	}
	if !one.Seen.At.IsZero() {
		out.Host.At = &one.Seen.At
	}
	if len(one.Seen.Load) > 0 {
		load := map[string]int64{}
		for measure, n := range one.Seen.Load {
			load[string(measure)] = n
		}
		out.Host.Load = &load
	}
	return out
}

func siteStep(step provisioning.Step) oapi.SiteStep {
	return oapi.SiteStep{Name: step.Name, State: step.State, Detail: optionalText(step.Detail), BeganAt: step.BeganAt, ChangedAt: step.ChangedAt}
}

// GetSite implements oapi.StrictServerInterface.
func (s *Server) GetSite(ctx context.Context, r oapi.GetSiteRequestObject) (oapi.GetSiteResponseObject, error) {
	var out oapi.Site
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		one, err := fleet.Get(ctx, tx, provisioning.SiteID(r.Site))
		out = siteOf(one, tx.At)
		return err
	})
	return oapi.GetSite200JSONResponse(out), err
}

func siteWant(b *oapi.SiteWant) fleet.Want {
	want := fleet.Want{Operator: tenant.ID(b.Operator), Cloud: b.Cloud, Size: b.Size, AddOns: value(b.AddOns)}
	for _, w := range value(b.Schedules) {
		want.Schedules = append(want.Schedules, fleet.Schedule{Size: w.Size, From: w.From, To: w.To})
	}
	if b.Scaling != nil {
		want.Scaling = &fleet.Scaling{Min: b.Scaling.Min, Max: b.Scaling.Max, CooldownMinutes: b.Scaling.CooldownMinutes}
		for _, r := range b.Scaling.Rules {
			want.Scaling.Rules = append(want.Scaling.Rules, fleet.Rule{Measure: provisioning.Measure(r.Measure), Above: r.Above, Below: r.Below})
		}
	}
	return want
}

// PutSite implements oapi.StrictServerInterface.
func (s *Server) PutSite(ctx context.Context, r oapi.PutSiteRequestObject) (oapi.PutSiteResponseObject, error) {
	id, want := provisioning.SiteID(r.Site), siteWant(r.Body)
	if value(r.Params.DryRun) {
		p, err := s.control.Fleet.Plan(ctx, id, want)
		if err != nil {
			return nil, err
		}
		plan := planOf(p)
		return oapi.PutSite200JSONResponse{DryRun: true, Plan: &plan}, nil
	}
	var out oapi.Site
	err := s.control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		after, _, err := s.control.Fleet.Put(ctx, tx, callOf(ctx).staff, id, want, value(r.Body.ExpectedRevision))
		out = siteOf(after, tx.At)
		return err
	})
	if err != nil {
		return nil, err
	}
	return oapi.PutSite200JSONResponse{Site: &out}, nil
}

func planOf(p fleet.Plan) oapi.SitePlan {
	return oapi.SitePlan{Site: p.Site.UUID(), Revision: p.Revision, Before: p.Before, Monthly: p.Monthly, AtMost: p.AtMost, Fits: p.Fits, RoomUnknown: optionalText(p.RoomWhy),
		Changes: mapped(p.Changes, func(c fleet.Change) oapi.SiteChange {
			return oapi.SiteChange{Deed: oapi.SiteChangeDeed(c.Deed), Part: c.Part, From: optionalText(c.From), To: optionalText(c.To)}
		}),
		Room: mapped(p.Room, func(n fleet.RoomNeed) oapi.SiteRoom {
			return oapi.SiteRoom{What: n.What, Needs: n.Needs, Free: limited(n.Free)}
		})}
}

// limited leaves out what has no limit.
func limited(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}

// ListSiteEvents implements oapi.StrictServerInterface.
func (s *Server) ListSiteEvents(ctx context.Context, r oapi.ListSiteEventsRequestObject) (oapi.ListSiteEventsResponseObject, error) {
	before, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var out oapi.ListSiteEvents200JSONResponse
	err = s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		if _, err := fleet.Get(ctx, tx, provisioning.SiteID(r.Site)); err != nil {
			return err
		}
		events, err := fleet.Events(ctx, tx, provisioning.SiteID(r.Site), before, pageLimit(r.Params.Limit)+1)
		if err != nil {
			return err
		}
		page, next := cut(events, r.Params.Limit, func(e fleet.Event) []string { return []string{e.ID.String()} })
		out.Items, out.Next = mapped(page, siteEvent), next
		return nil
	})
	return out, err
}

func siteEvent(e fleet.Event) oapi.SiteEvent {
	out := oapi.SiteEvent{Id: e.ID, At: e.At, Actor: e.Actor, Kind: e.Kind, Revision: e.Revision, Text: optionalText(e.Text)}
	if e.Email != "" {
		out.Actor = e.Email
	}
	if len(e.Detail) > 2 { // more than {}
		out.Detail = &e.Detail
	}
	return out
}

// ResumeSite implements oapi.StrictServerInterface.
func (s *Server) ResumeSite(ctx context.Context, r oapi.ResumeSiteRequestObject) (oapi.ResumeSiteResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.ResumeSiteResponseObject.VisitResumeSiteResponse, func(ctx context.Context, tx tenants.Tx) (oapi.ResumeSiteResponseObject, error) {
		one, err := s.control.Fleet.Resume(ctx, tx, callOf(ctx).staff, provisioning.SiteID(r.Site), value(r.Body.Rebuild))
		return oapi.ResumeSite200JSONResponse{Body: siteOf(one, tx.At)}, err
	})
}

// RepairSite implements oapi.StrictServerInterface.
func (s *Server) RepairSite(ctx context.Context, r oapi.RepairSiteRequestObject) (oapi.RepairSiteResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.RepairSiteResponseObject.VisitRepairSiteResponse, func(ctx context.Context, tx tenants.Tx) (oapi.RepairSiteResponseObject, error) {
		one, err := s.control.Fleet.Repair(ctx, tx, callOf(ctx).staff, provisioning.SiteID(r.Site))
		return oapi.RepairSite200JSONResponse{Body: siteOf(one, tx.At)}, err
	})
}

// ClearSite implements oapi.StrictServerInterface.
func (s *Server) ClearSite(ctx context.Context, r oapi.ClearSiteRequestObject) (oapi.ClearSiteResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.ClearSiteResponseObject.VisitClearSiteResponse, func(ctx context.Context, tx tenants.Tx) (oapi.ClearSiteResponseObject, error) {
		one, err := s.control.Fleet.Clear(ctx, tx, callOf(ctx).staff, provisioning.SiteID(r.Site))
		return oapi.ClearSite200JSONResponse{Body: siteOf(one, tx.At)}, err
	})
}

// CloseSite implements oapi.StrictServerInterface.
func (s *Server) CloseSite(ctx context.Context, r oapi.CloseSiteRequestObject) (oapi.CloseSiteResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.CloseSiteResponseObject.VisitCloseSiteResponse, func(ctx context.Context, tx tenants.Tx) (oapi.CloseSiteResponseObject, error) {
		one, err := s.control.Fleet.Close(ctx, tx, callOf(ctx).staff, provisioning.SiteID(r.Site), r.Body.Reason, r.Body.GraceDays)
		return oapi.CloseSite200JSONResponse{Body: siteOf(one, tx.At)}, err
	})
}

// ReopenSite implements oapi.StrictServerInterface.
func (s *Server) ReopenSite(ctx context.Context, r oapi.ReopenSiteRequestObject) (oapi.ReopenSiteResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.ReopenSiteResponseObject.VisitReopenSiteResponse, func(ctx context.Context, tx tenants.Tx) (oapi.ReopenSiteResponseObject, error) {
		one, err := s.control.Fleet.Reopen(ctx, tx, callOf(ctx).staff, provisioning.SiteID(r.Site))
		return oapi.ReopenSite200JSONResponse{Body: siteOf(one, tx.At)}, err
	})
}

// WaiveSiteBackup implements oapi.StrictServerInterface.
func (s *Server) WaiveSiteBackup(ctx context.Context, r oapi.WaiveSiteBackupRequestObject) (oapi.WaiveSiteBackupResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.WaiveSiteBackupResponseObject.VisitWaiveSiteBackupResponse, func(ctx context.Context, tx tenants.Tx) (oapi.WaiveSiteBackupResponseObject, error) {
		one, err := s.control.Fleet.Waive(ctx, tx, callOf(ctx).staff, provisioning.SiteID(r.Site), r.Body.Reason)
		return oapi.WaiveSiteBackup200JSONResponse{Body: siteOf(one, tx.At)}, err
	})
}

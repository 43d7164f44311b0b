package api

import (
	"context"
	"maps"
	"time"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/provisioning/fleet"
	"tollhouse/tenants"
)

// ListSizes implements oapi.StrictServerInterface.
func (s *Server) ListSizes(ctx context.Context, _ oapi.ListSizesRequestObject) (oapi.ListSizesResponseObject, error) {
	var out oapi.ListSizes200JSONResponse
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		offers, err := fleet.Offers(ctx, tx)
		out.Items = mapped(offers, sizeOf)
		return err
	})
	return out, err
}

func sizeOf(o fleet.Offer) oapi.Size {
	shape := oapi.SizeShape{Flavor: optionalText(o.Shape.Flavor), WorkerFlavor: optionalText(o.Shape.WorkerFlavor), Workers: &o.Shape.Workers, BootGb: &o.Shape.BootGB,
		DataGb: &o.Shape.DataGB, Standby: &o.Shape.Standby}
	return oapi.Size{Name: o.Name, Kind: oapi.SizeKind(o.Kind), Title: o.Title, Shape: shape, Guarantee: o.Guarantee, Price: o.Price, Retired: o.RetiredAt != nil}
}

// PutSize implements oapi.StrictServerInterface.
func (s *Server) PutSize(ctx context.Context, r oapi.PutSizeRequestObject) (oapi.PutSizeResponseObject, error) {
	b, shape := r.Body, r.Body.Shape
	offer := fleet.Offer{Name: r.Size, Kind: fleet.OfferKind(b.Kind), Title: b.Title, Guarantee: value(b.Guarantee), Price: b.Price,
		Shape: provisioning.Shape{Flavor: value(shape.Flavor), WorkerFlavor: value(shape.WorkerFlavor), Workers: value(shape.Workers), BootGB: value(shape.BootGb),
			DataGB: value(shape.DataGb), Standby: value(shape.Standby)}}
	var out oapi.Size
	err := s.control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		after, err := fleet.PutOffer(ctx, tx, callOf(ctx).staff, offer, value(b.Retired))
		out = sizeOf(after)
		return err
	})
	return oapi.PutSize200JSONResponse(out), err
}

// ListClouds implements oapi.StrictServerInterface.
func (s *Server) ListClouds(ctx context.Context, _ oapi.ListCloudsRequestObject) (oapi.ListCloudsResponseObject, error) {
	var out oapi.ListClouds200JSONResponse
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		views, err := s.control.Fleet.CloudViews(ctx, tx)
		out.Items = mapped(views, cloudOf)
		return err
	})
	return out, err
}

func cloudOf(v fleet.CloudView) oapi.Cloud {
	return oapi.Cloud{Name: v.Name, Place: v.Place, SeenAt: v.LookedAt, Fault: optionalText(v.Fault), Orphans: mapped(v.Orphans, func(o provisioning.Orphan) oapi.Orphan {
		out := oapi.Orphan{Ref: o.Ref, Kind: o.Kind, Name: o.Name, Site: o.Site, Unwanted: v.IsUnwanted(o.Site)}
		if !o.At.IsZero() {
			out.At = &o.At
		}
		return out
	})}
}

// GetCapacity implements oapi.StrictServerInterface.
func (s *Server) GetCapacity(ctx context.Context, r oapi.GetCapacityRequestObject) (oapi.GetCapacityResponseObject, error) {
	var out oapi.CapacityView
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		view, err := s.control.Fleet.CloudView(ctx, tx, r.Cloud)
		if err != nil {
			return err
		}
		lines, err := fleet.CapacityOf(ctx, tx, view)
		if err != nil {
			return err
		}
		out = oapi.CapacityView{Cloud: view.Name, Place: view.Place, SeenAt: view.LookedAt, Lines: mapped(lines, func(c fleet.Capacity) oapi.CapacityLine {
			return oapi.CapacityLine{What: c.What, Has: limited(c.Has), Used: c.Used, Reserved: c.Reserved, Grew: c.Grew, Days: c.Days, RunsOut: c.RunsOut, Buy: c.Buy, Machines: c.Machines}
		})}
		out.Guaranteed, err = fleet.Guaranteed(ctx, tx, view.Name)
		return err
	})
	return oapi.GetCapacity200JSONResponse(out), err
}

// LookAtCloud implements oapi.StrictServerInterface.
func (s *Server) LookAtCloud(ctx context.Context, r oapi.LookAtCloudRequestObject) (oapi.LookAtCloudResponseObject, error) {
	return oapi.LookAtCloud202Response{}, s.control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		return s.control.Fleet.LookAgain(ctx, tx, r.Cloud)
	})
}

// AdoptOrphan implements oapi.StrictServerInterface.
func (s *Server) AdoptOrphan(ctx context.Context, r oapi.AdoptOrphanRequestObject) (oapi.AdoptOrphanResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.AdoptOrphanResponseObject.VisitAdoptOrphanResponse, func(ctx context.Context, tx tenants.Tx) (oapi.AdoptOrphanResponseObject, error) {
		want := fleet.Want{Operator: tenant.ID(r.Body.Operator), Size: r.Body.Size, AddOns: value(r.Body.AddOns)}
		one, err := s.control.Fleet.Adopt(ctx, tx, callOf(ctx).staff, r.Cloud, r.Site.String(), want)
		return oapi.AdoptOrphan200JSONResponse{Body: siteOf(one, tx.At)}, err
	})
}

// DeleteOrphan implements oapi.StrictServerInterface.
func (s *Server) DeleteOrphan(ctx context.Context, r oapi.DeleteOrphanRequestObject) (oapi.DeleteOrphanResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.DeleteOrphanResponseObject.VisitDeleteOrphanResponse, func(ctx context.Context, tx tenants.Tx) (oapi.DeleteOrphanResponseObject, error) {
		return oapi.DeleteOrphan202Response{}, s.control.Fleet.DeleteOrphan(ctx, tx, callOf(ctx).staff, r.Cloud, r.Site.String(), r.Body.Reason)
	})
}

// ListUpgrades implements oapi.StrictServerInterface.
func (s *Server) ListUpgrades(ctx context.Context, _ oapi.ListUpgradesRequestObject) (oapi.ListUpgradesResponseObject, error) {
	var out oapi.ListUpgrades200JSONResponse
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		list, err := fleet.Upgrades(ctx, tx, entriesShown)
		out.Items = mapped(list, upgradeOf)
		return err
	})
	return out, err
}

func upgradeOf(u fleet.Upgrade) oapi.Upgrade {
	out := oapi.Upgrade{Id: u.ID, Version: u.Version, Title: u.Title, State: oapi.UpgradeState(u.State), Reason: optionalText(u.Reason), Wave: u.Wave,
		SoakMinutes: int(u.Soak / time.Minute), WithinMinutes: int(u.Within / time.Minute), AskedAt: u.AskedAt, EndedAt: u.EndedAt, Counts: map[string]int{}}
	for state, n := range maps.All(u.Counts) {
		out.Counts[string(state)] = n
	}
	if u.Members != nil {
		members := mapped(u.Members, func(m fleet.Member) oapi.UpgradeMember {
			return oapi.UpgradeMember{Site: m.Site.UUID(), Wave: m.Wave, State: oapi.UpgradeMemberState(m.State), Former: m.Former, Reason: optionalText(m.Reason),
				AskedAt: m.AskedAt, DoneAt: m.DoneAt}
		})
		out.Members = &members
	}
	return out
}

// GetUpgrade implements oapi.StrictServerInterface.
func (s *Server) GetUpgrade(ctx context.Context, r oapi.GetUpgradeRequestObject) (oapi.GetUpgradeResponseObject, error) {
	var out oapi.Upgrade
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		u, err := fleet.GetUpgrade(ctx, tx, r.Upgrade)
		out = upgradeOf(u)
		return err
	})
	return oapi.GetUpgrade200JSONResponse(out), err
}

// StartUpgrade implements oapi.StrictServerInterface.
func (s *Server) StartUpgrade(ctx context.Context, r oapi.StartUpgradeRequestObject) (oapi.StartUpgradeResponseObject, error) {
	n := fleet.NewUpgrade{ID: r.Upgrade, Version: r.Body.Version, Title: r.Body.Title, SoakMinutes: r.Body.SoakMinutes, WithinMinutes: r.Body.WithinMinutes,
		Sites: mapped(value(r.Body.Sites), func(id uuid.UUID) provisioning.SiteID { return provisioning.SiteID(id) })}
	var out oapi.Upgrade
	err := s.control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		u, err := s.control.Fleet.StartUpgrade(ctx, tx, callOf(ctx).staff, n)
		out = upgradeOf(u)
		return err
	})
	return oapi.StartUpgrade200JSONResponse(out), err
}

// ResumeUpgrade implements oapi.StrictServerInterface.
func (s *Server) ResumeUpgrade(ctx context.Context, r oapi.ResumeUpgradeRequestObject) (oapi.ResumeUpgradeResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.ResumeUpgradeResponseObject.VisitResumeUpgradeResponse, func(ctx context.Context, tx tenants.Tx) (oapi.ResumeUpgradeResponseObject, error) {
		u, err := s.control.Fleet.ResumeUpgrade(ctx, tx, callOf(ctx).staff, r.Upgrade)
		return oapi.ResumeUpgrade200JSONResponse{Body: upgradeOf(u)}, err
	})
}

// RollbackUpgrade implements oapi.StrictServerInterface.
func (s *Server) RollbackUpgrade(ctx context.Context, r oapi.RollbackUpgradeRequestObject) (oapi.RollbackUpgradeResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.RollbackUpgradeResponseObject.VisitRollbackUpgradeResponse, func(ctx context.Context, tx tenants.Tx) (oapi.RollbackUpgradeResponseObject, error) {
		u, err := s.control.Fleet.Rollback(ctx, tx, callOf(ctx).staff, r.Upgrade)
		return oapi.RollbackUpgrade200JSONResponse{Body: upgradeOf(u)}, err
	})
}

package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/provisioning/fleet"
	"tollhouse/tenants"
)

// CreateOperator implements oapi.StrictServerInterface.
func (s *Server) CreateOperator(ctx context.Context, r oapi.CreateOperatorRequestObject) (oapi.CreateOperatorResponseObject, error) {
	admission, err := s.control.Registry.Admit(ctx, applicationOf(r.Body))
	if err != nil {
		return nil, err
	}
	id, place := tenant.NewID(), placeOf(r.Body.Place)
	if value(r.Params.DryRun) {
		out, err := s.planOperator(ctx, id, admission, place)
		return oapi.CreateOperator200JSONResponse(out), err
	}
	return nil, s.onceForStaff(ctx, func(ctx context.Context, tx tenants.Tx) (answer, error) {
		made, err := s.control.Fleet.TakeOn(ctx, tx, s.control.Registry, callOf(ctx).staff, id, admission, place)
		if err != nil {
			return answer{}, err
		}
		operator, err := s.shown(ctx, tx, made.Operator)
		if err != nil {
			return answer{}, err
		}
		response := oapi.CreateOperator202JSONResponse{Body: oapi.OperatorCreated{Operator: operator, OwnerPassword: made.OwnerPassword, Site: siteIDOf(made)}}
		return render(response, func(r oapi.CreateOperator202JSONResponse, w http.ResponseWriter) error {
			return r.VisitCreateOperatorResponse(w)
		})
	})
}

// placeOf reads where a new operator's stack is to stand. A site whose id was
// not chosen gets one.
func placeOf(p *oapi.OperatorPlace) fleet.Place {
	if p == nil {
		return fleet.Place{}
	}
	place := fleet.Place{Host: value(p.HostDatabase)}
	if p.Site != nil {
		place.Site = &fleet.NewSite{ID: provisioning.SiteID(uuid.Must(uuid.NewV7())), Cloud: p.Site.Cloud, Size: p.Site.Size, AddOns: value(p.Site.AddOns)}
		if p.Site.Id != nil {
			place.Site.ID = provisioning.SiteID(*p.Site.Id)
		}
	}
	return place
}

func siteIDOf(made fleet.TakenOn) *uuid.UUID {
	if made.Site == nil {
		return nil
	}
	return optionalID(made.Site.ID.UUID())
}

// planOperator says what taking an operator on would do, and does nothing.
func (s *Server) planOperator(ctx context.Context, id tenant.ID, admission tenants.Admission, place fleet.Place) (oapi.OperatorAnswer, error) {
	made, plan, err := s.control.Fleet.PlanTakeOn(ctx, s.control.DB, s.control.Registry, callOf(ctx).staff, id, admission, place)
	if err != nil {
		return oapi.OperatorAnswer{}, err
	}
	out := oapi.OperatorAnswer{DryRun: true, Made: true, Operator: s.operatorOf(made.Operator, made.Stack), Site: siteIDOf(made)}
	if plan != nil {
		p := planOf(*plan)
		out.Plan = &p
	}
	return out, nil
}

// PutOperator implements oapi.StrictServerInterface.
func (s *Server) PutOperator(ctx context.Context, r oapi.PutOperatorRequestObject) (oapi.PutOperatorResponseObject, error) {
	id, place := tenant.ID(r.Operator), placeOf(r.Body.Place)
	admission, err := s.control.Registry.Admit(ctx, applicationOf(r.Body))
	if err != nil {
		return nil, err
	}
	known := true
	err = s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		_, err := tenants.GetOperator(ctx, tx, id)
		return err
	})
	switch {
	case errors.Is(err, tenants.ErrNotFound):
		known = false
	case err != nil:
		return nil, err
	}
	out := oapi.OperatorAnswer{DryRun: value(r.Params.DryRun)}
	switch {
	case known:
		err = s.keepOperator(ctx, id, admission, r.Body.Place != nil, place, &out)
	case out.DryRun:
		out, err = s.planOperator(ctx, id, admission, place)
	default:
		err = s.control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
			made, err := s.control.Fleet.TakeOn(ctx, tx, s.control.Registry, callOf(ctx).staff, id, admission, place)
			if err != nil {
				return err
			}
			out.Made, out.OwnerPassword, out.Site = true, &made.OwnerPassword, siteIDOf(made)
			out.Operator, err = s.shown(ctx, tx, made.Operator)
			return err
		})
	}
	return oapi.PutOperator200JSONResponse(out), err
}

// keepOperator leaves an operator as it is, and refuses another application. A
// stack that never stood may be placed otherwise.
func (s *Server) keepOperator(ctx context.Context, id tenant.ID, admission tenants.Admission, placed bool, place fleet.Place, out *oapi.OperatorAnswer) error {
	work := s.control.DB.Write
	if out.DryRun {
		work = s.control.DB.Try
	}
	return work(ctx, func(ctx context.Context, tx tenants.Tx) error {
		operator, err := tenants.GetOperator(ctx, tx, id)
		if err != nil {
			return err
		}
		if !admission.Is(operator) {
			return tenants.ErrOperatorDiffers
		}
		if placed {
			if err := fleet.Keep(ctx, tx, callOf(ctx).staff, id, place); err != nil {
				return err
			}
		}
		out.Operator, err = s.shown(ctx, tx, operator)
		return err
	})
}

package api

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/tenant"
	"tollhouse/provisioning/guarantee"
	"tollhouse/tenants"
)

func guaranteeOf(g guarantee.Guarantee) oapi.Guarantee {
	out := oapi.Guarantee{Operator: uuid.UUID(g.Operator), Name: g.Name, Host: g.Host, Weight: g.Weight, Rate: g.Rate, P99Ms: g.P99.Milliseconds(),
		Carried: g.Carried, Reason: optionalText(g.Reason), ChangedBy: g.ChangedBy, ChangedAt: g.ChangedAt}
	if a := g.Attained; a != nil && g.Rate > 0 {
		out.Attained = &oapi.Attained{At: a.At, Seconds: a.Seconds, PerSecond: a.PerSecond(), Promised: a.Promised, Late: a.Late, Refused: a.Refused,
			Beyond: a.Beyond, P99Ms: a.P99.Milliseconds(), Held: a.Held()}
	}
	return out
}

// ListGuarantees implements oapi.StrictServerInterface.
func (s *Server) ListGuarantees(ctx context.Context, _ oapi.ListGuaranteesRequestObject) (oapi.ListGuaranteesResponseObject, error) {
	var found []guarantee.Guarantee
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		found, err = guarantee.List(ctx, tx)
		return err
	})
	return oapi.ListGuarantees200JSONResponse{Items: mapped(found, guaranteeOf)}, err
}

// GetGuarantee implements oapi.StrictServerInterface.
func (s *Server) GetGuarantee(ctx context.Context, r oapi.GetGuaranteeRequestObject) (oapi.GetGuaranteeResponseObject, error) {
	var found guarantee.Guarantee
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		found, err = guarantee.Of(ctx, tx, tenant.ID(r.Operator))
		return err
	})
	return oapi.GetGuarantee200JSONResponse(guaranteeOf(found)), err
}

// errDry undoes what was only to be tried.
var errDry = errors.New("only tried")

// SetGuarantee implements oapi.StrictServerInterface.
func (s *Server) SetGuarantee(ctx context.Context, r oapi.SetGuaranteeRequestObject) (oapi.SetGuaranteeResponseObject, error) {
	terms := guarantee.Terms{Weight: value(r.Body.Weight), Rate: r.Body.Rate, P99: time.Duration(r.Body.P99Ms) * time.Millisecond}
	var set guarantee.Guarantee
	err := s.control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		if set, err = guarantee.Set(ctx, tx, callOf(ctx).staff, tenant.ID(r.Operator), terms); err == nil && value(r.Params.DryRun) {
			err = errDry
		}
		return err
	})
	if errors.Is(err, errDry) {
		err = nil
	}
	return oapi.SetGuarantee200JSONResponse(guaranteeOf(set)), err
}

package api

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// entriesShown bounds lists of visits and of break-glass requests.
const entriesShown = 100

// ListOperatorVisits implements oapi.StrictServerInterface.
func (s *Server) ListOperatorVisits(ctx context.Context, r oapi.ListOperatorVisitsRequestObject) (oapi.ListOperatorVisitsResponseObject, error) {
	var visits []tenants.Visit
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		_, err := tenants.GetOperator(ctx, tx, tenant.ID(r.Operator))
		if err == nil {
			visits, err = tenants.VisitsOf(ctx, tx, tenant.ID(r.Operator), entriesShown)
		}
		return err
	})
	return oapi.ListOperatorVisits200JSONResponse{Items: mapped(visits, func(v tenants.Visit) oapi.ControlVisit {
		return oapi.ControlVisit{Id: v.ID, Staff: v.Staff.Email, BreakGlass: v.BreakGlass, Approver: optionalText(v.Approver.Email),
			MayChange: v.MayChange, BeganAt: v.BeganAt, ExpiresAt: v.ExpiresAt, EndedAt: v.EndedAt}
	})}, err
}

func visitEntry(e provisioning.Entry) oapi.VisitEntry {
	return oapi.VisitEntry{Visit: e.ID, Tenant: e.Tenant, Ticket: e.Ticket, MayChange: e.MayChange, ExpiresAt: e.ExpiresAt}
}

// EnterOperator implements oapi.StrictServerInterface.
func (s *Server) EnterOperator(ctx context.Context, r oapi.EnterOperatorRequestObject) (oapi.EnterOperatorResponseObject, error) {
	entry, err := s.control.Visits.Enter(ctx, callOf(ctx).staff, tenant.ID(r.Operator))
	return oapi.EnterOperator200JSONResponse(visitEntry(entry)), err
}

// LeaveOperator implements oapi.StrictServerInterface.
func (s *Server) LeaveOperator(ctx context.Context, r oapi.LeaveOperatorRequestObject) (oapi.LeaveOperatorResponseObject, error) {
	return oapi.LeaveOperator204Response{}, s.control.Visits.Leave(ctx, callOf(ctx).staff, tenant.ID(r.Operator), r.Visit)
}

func breakGlassOf(b tenants.BreakGlass) oapi.BreakGlass {
	out := oapi.BreakGlass{Id: b.ID, Operator: uuid.UUID(b.Operator), Asker: b.Asker.Email, Reason: b.Reason, MayChange: b.MayChange,
		State: oapi.BreakGlassState(b.State), AskedAt: b.AskedAt, ExpiresAt: b.ExpiresAt, Decider: optionalText(b.Decider.Email)}
	if !b.DecidedAt.IsZero() {
		out.DecidedAt = &b.DecidedAt
	}
	if !b.VisitUntil.IsZero() {
		out.VisitUntil = &b.VisitUntil
	}
	return out
}

// AskBreakGlass implements oapi.StrictServerInterface.
func (s *Server) AskBreakGlass(ctx context.Context, r oapi.AskBreakGlassRequestObject) (oapi.AskBreakGlassResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.AskBreakGlassResponseObject.VisitAskBreakGlassResponse, func(ctx context.Context, tx tenants.Tx) (oapi.AskBreakGlassResponseObject, error) {
		asked, err := tenants.AskBreakGlass(ctx, tx, callOf(ctx).staff, tenant.ID(r.Operator), r.Body.Reason, value(r.Body.MayChange))
		return oapi.AskBreakGlass201JSONResponse{Body: breakGlassOf(asked)}, err
	})
}

// ListBreakGlassOf implements oapi.StrictServerInterface.
func (s *Server) ListBreakGlassOf(ctx context.Context, r oapi.ListBreakGlassOfRequestObject) (oapi.ListBreakGlassOfResponseObject, error) {
	var requests []tenants.BreakGlass
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		_, err := tenants.GetOperator(ctx, tx, tenant.ID(r.Operator))
		if err == nil {
			requests, err = tenants.BreakGlassOf(ctx, tx, tenant.ID(r.Operator), entriesShown)
		}
		return err
	})
	return oapi.ListBreakGlassOf200JSONResponse{Items: mapped(requests, breakGlassOf)}, err
}

// ListBreakGlass implements oapi.StrictServerInterface.
func (s *Server) ListBreakGlass(ctx context.Context, _ oapi.ListBreakGlassRequestObject) (oapi.ListBreakGlassResponseObject, error) {
	var requests []tenants.BreakGlass
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		requests, err = tenants.BreakGlassQueue(ctx, tx, entriesShown)
		return err
	})
	return oapi.ListBreakGlass200JSONResponse{Items: mapped(requests, breakGlassOf)}, err
}

// ApproveBreakGlass implements oapi.StrictServerInterface.
func (s *Server) ApproveBreakGlass(ctx context.Context, r oapi.ApproveBreakGlassRequestObject) (oapi.ApproveBreakGlassResponseObject, error) {
	approved, err := s.control.Visits.Approve(ctx, callOf(ctx).staff, r.Breakglass)
	return oapi.ApproveBreakGlass200JSONResponse(breakGlassOf(approved)), err
}

// RefuseBreakGlass implements oapi.StrictServerInterface.
func (s *Server) RefuseBreakGlass(ctx context.Context, r oapi.RefuseBreakGlassRequestObject) (oapi.RefuseBreakGlassResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.RefuseBreakGlassResponseObject.VisitRefuseBreakGlassResponse, func(ctx context.Context, tx tenants.Tx) (oapi.RefuseBreakGlassResponseObject, error) {
		refused, err := tenants.DecideBreakGlass(ctx, tx, callOf(ctx).staff, r.Breakglass, tenants.Refused)
		return oapi.RefuseBreakGlass200JSONResponse{Body: breakGlassOf(refused)}, err
	})
}

// WithdrawBreakGlass implements oapi.StrictServerInterface.
func (s *Server) WithdrawBreakGlass(ctx context.Context, r oapi.WithdrawBreakGlassRequestObject) (oapi.WithdrawBreakGlassResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.WithdrawBreakGlassResponseObject.VisitWithdrawBreakGlassResponse, func(ctx context.Context, tx tenants.Tx) (oapi.WithdrawBreakGlassResponseObject, error) {
		withdrawn, err := tenants.DecideBreakGlass(ctx, tx, callOf(ctx).staff, r.Breakglass, tenants.Withdrawn)
		return oapi.WithdrawBreakGlass200JSONResponse{Body: breakGlassOf(withdrawn)}, err
	})
}

// EnterByBreakGlass implements oapi.StrictServerInterface.
func (s *Server) EnterByBreakGlass(ctx context.Context, r oapi.EnterByBreakGlassRequestObject) (oapi.EnterByBreakGlassResponseObject, error) {
	entry, err := s.control.Visits.EnterApproved(ctx, callOf(ctx).staff, r.Breakglass)
	return oapi.EnterByBreakGlass200JSONResponse(visitEntry(entry)), err
}

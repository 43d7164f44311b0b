package api

import (
	"context"
	"time"

	"tollhouse/api/oapi"
	"tollhouse/billing/sandbox"
	"tollhouse/billing/tenant"
	"tollhouse/billing/visit"
)

// ListStaffConsents implements oapi.StrictServerInterface.
func (s *Server) ListStaffConsents(ctx context.Context, _ oapi.ListStaffConsentsRequestObject) (oapi.ListStaffConsentsResponseObject, error) {
	c := callOf(ctx)
	var consents []visit.Consent
	err := c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		consents, err = visit.Consents(ctx, tx, visit.MaxPage)
		return err
	})
	return oapi.ListStaffConsents200JSONResponse{Items: mapped(consents, c.consentOf)}, err
}

func (c *call) consentOf(v visit.Consent) oapi.Consent {
	return oapi.Consent{Id: v.ID, Reason: v.Reason, MayChange: v.MayChange, Open: v.OpenAt(c.began), GivenBy: v.GivenBy, GivenAt: v.GivenAt,
		ExpiresAt: v.ExpiresAt, EndedAt: v.EndedAt, EndedBy: optionalText(v.EndedBy)}
}

// GiveStaffConsent implements oapi.StrictServerInterface.
func (s *Server) GiveStaffConsent(ctx context.Context, r oapi.GiveStaffConsentRequestObject) (oapi.GiveStaffConsentResponseObject, error) {
	return nil, once(ctx, oapi.GiveStaffConsentResponseObject.VisitGiveStaffConsentResponse, func(ctx context.Context, tx tenant.Tx) (oapi.GiveStaffConsentResponseObject, error) {
		c := callOf(ctx)
		c.audited = true
		given, err := visit.Give(ctx, tx, c.caller(), visit.NewConsent{Reason: r.Body.Reason, MayChange: value(r.Body.MayChange), For: time.Duration(r.Body.Hours) * time.Hour})
		return oapi.GiveStaffConsent201JSONResponse{Body: c.consentOf(given)}, err
	})
}

// EndStaffConsent implements oapi.StrictServerInterface.
func (s *Server) EndStaffConsent(ctx context.Context, r oapi.EndStaffConsentRequestObject) (oapi.EndStaffConsentResponseObject, error) {
	return nil, once(ctx, oapi.EndStaffConsentResponseObject.VisitEndStaffConsentResponse, func(ctx context.Context, tx tenant.Tx) (oapi.EndStaffConsentResponseObject, error) {
		c := callOf(ctx)
		c.audited = true
		return oapi.EndStaffConsent204Response{}, visit.EndConsent(ctx, tx, c.caller(), r.Consent)
	})
}

// ListStaffVisits implements oapi.StrictServerInterface.
func (s *Server) ListStaffVisits(ctx context.Context, _ oapi.ListStaffVisitsRequestObject) (oapi.ListStaffVisitsResponseObject, error) {
	c := callOf(ctx)
	var visits []visit.Visit
	err := c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		visits, err = visit.List(ctx, tx, visit.MaxPage)
		return err
	})
	return oapi.ListStaffVisits200JSONResponse{Items: mapped(visits, func(v visit.Visit) oapi.StaffVisit {
		return oapi.StaffVisit{Id: v.ID, Staff: v.Staff.Email, BreakGlass: v.BreakGlass(), Approver: optionalText(v.Approver.Email), Reason: v.Reason,
			MayChange: v.MayChange, Open: v.OpenAt(c.began), BeganAt: v.BeganAt, ExpiresAt: v.ExpiresAt, EndedAt: v.EndedAt, EndedBy: optionalText(v.EndedBy)}
	})}, err
}

// EndStaffVisit implements oapi.StrictServerInterface.
func (s *Server) EndStaffVisit(ctx context.Context, r oapi.EndStaffVisitRequestObject) (oapi.EndStaffVisitResponseObject, error) {
	return nil, once(ctx, oapi.EndStaffVisitResponseObject.VisitEndStaffVisitResponse, func(ctx context.Context, tx tenant.Tx) (oapi.EndStaffVisitResponseObject, error) {
		c := callOf(ctx)
		c.audited = true
		return oapi.EndStaffVisit204Response{}, visit.End(ctx, tx, c.caller(), r.Visit)
	})
}

// GetSandboxCopy implements oapi.StrictServerInterface.
func (s *Server) GetSandboxCopy(ctx context.Context, _ oapi.GetSandboxCopyRequestObject) (oapi.GetSandboxCopyResponseObject, error) {
	var latest sandbox.Copy
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		latest, err = sandbox.Latest(ctx, tx)
		return err
	})
	return oapi.GetSandboxCopy200JSONResponse(sandboxCopy(latest)), err
}

func sandboxCopy(c sandbox.Copy) oapi.SandboxCopy {
	return oapi.SandboxCopy{Id: c.ID, Name: c.Name, State: oapi.SandboxCopyState(c.State), Step: optionalText(c.Step), Done: c.Done, Total: c.Total,
		Reason: optionalText(c.Reason), AskedBy: c.AskedBy, AskedAt: c.AskedAt, FinishedAt: c.FinishedAt}
}

// AskForSandboxCopy implements oapi.StrictServerInterface.
func (s *Server) AskForSandboxCopy(ctx context.Context, _ oapi.AskForSandboxCopyRequestObject) (oapi.AskForSandboxCopyResponseObject, error) {
	return nil, once(ctx, oapi.AskForSandboxCopyResponseObject.VisitAskForSandboxCopyResponse, func(ctx context.Context, tx tenant.Tx) (oapi.AskForSandboxCopyResponseObject, error) {
		c := callOf(ctx)
		c.audited = true
		asked, err := sandbox.Ask(ctx, tx, c.caller(), c.stack.Ref.Name)
		return oapi.AskForSandboxCopy202JSONResponse{Body: sandboxCopy(asked)}, err
	})
}

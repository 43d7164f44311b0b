package api

import (
	"context"
	"errors"

	"tollhouse/api/oapi"
	"tollhouse/api/problem"
	"tollhouse/billing/identity"
	"tollhouse/tenants"
)

// place is from where a staff user signs in.
func (c *call) place() tenants.SignInPlace {
	return tenants.SignInPlace{UserAgent: c.userAgent, Address: c.address}
}

// StaffSignIn implements oapi.StrictServerInterface.
func (s *Server) StaffSignIn(ctx context.Context, r oapi.StaffSignInRequestObject) (oapi.StaffSignInResponseObject, error) {
	c := callOf(ctx)
	session, err := s.control.Staff.SignInAt(ctx, tenants.Attempt{Email: r.Body.Email, Password: r.Body.Password, Trace: c.trace, Place: c.place()})
	return oapi.StaffSignIn200JSONResponse(staffToken(session)), err
}

func staffToken(in tenants.Session) oapi.Token {
	return oapi.Token{AccessToken: in.Token, TokenType: oapi.TokenTokenTypeBearer, ExpiresAt: in.Expires}
}

// CompleteStaffSignIn implements oapi.StrictServerInterface.
func (s *Server) CompleteStaffSignIn(ctx context.Context, r oapi.CompleteStaffSignInRequestObject) (oapi.CompleteStaffSignInResponseObject, error) {
	session, err := s.control.Staff.CompleteSignIn(ctx, r.Body.Challenge, r.Body.Code, callOf(ctx).place())
	return oapi.CompleteStaffSignIn200JSONResponse(staffToken(session)), err
}

// GetStaffMe implements oapi.StrictServerInterface.
func (s *Server) GetStaffMe(ctx context.Context, _ oapi.GetStaffMeRequestObject) (oapi.GetStaffMeResponseObject, error) {
	who := callOf(ctx).staff
	return oapi.GetStaffMe200JSONResponse{Id: who.ID, Email: who.Email, Role: oapi.StaffRole(who.Role), Permissions: s.permissionsOfStaff(who.Role)}, nil
}

// shownStaffPassword tells a wrong password apart from a token that is not good.
func shownStaffPassword(field string, err error) error {
	if errors.Is(err, tenants.ErrCredentials) {
		return shownPassword(field, identity.ErrSignIn)
	}
	return err
}

// ChangeStaffPassword implements oapi.StrictServerInterface.
func (s *Server) ChangeStaffPassword(ctx context.Context, r oapi.ChangeStaffPasswordRequestObject) (oapi.ChangeStaffPasswordResponseObject, error) {
	err := s.control.Staff.ChangePassword(ctx, callOf(ctx).staff, r.Body.Old, r.Body.New)
	return oapi.ChangeStaffPassword204Response{}, shownStaffPassword("old", err)
}

// GetStaffSecondFactor implements oapi.StrictServerInterface.
func (s *Server) GetStaffSecondFactor(ctx context.Context, _ oapi.GetStaffSecondFactorRequestObject) (oapi.GetStaffSecondFactorResponseObject, error) {
	var out oapi.GetStaffSecondFactor200JSONResponse
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		out.Enabled, err = tenants.HasFactor(ctx, tx, callOf(ctx).staff.ID)
		return err
	})
	return out, err
}

// BeginStaffSecondFactor implements oapi.StrictServerInterface.
func (s *Server) BeginStaffSecondFactor(ctx context.Context, _ oapi.BeginStaffSecondFactorRequestObject) (oapi.BeginStaffSecondFactorResponseObject, error) {
	var setup identity.TOTPSetup
	err := s.control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		setup, err = s.control.Staff.BeginFactor(ctx, tx, callOf(ctx).staff)
		return err
	})
	return oapi.BeginStaffSecondFactor200JSONResponse{Secret: setup.Secret, Url: setup.URL}, err
}

// ConfirmStaffSecondFactor implements oapi.StrictServerInterface.
func (s *Server) ConfirmStaffSecondFactor(ctx context.Context, r oapi.ConfirmStaffSecondFactorRequestObject) (oapi.ConfirmStaffSecondFactorResponseObject, error) {
	var codes []string
	err := s.control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		codes, err = s.control.Staff.ConfirmFactor(ctx, tx, callOf(ctx).staff, r.Body.Code)
		return err
	})
	if errors.Is(err, tenants.ErrFactorCode) { // who mistypes stays signed in
		err = problem.Unprocessable.New("", problem.Fault{Field: "code", Reason: "is wrong or was used", Want: "the six digits that your app shows now"})
	}
	return oapi.ConfirmStaffSecondFactor200JSONResponse{Codes: codes}, err
}

// RemoveStaffSecondFactor implements oapi.StrictServerInterface.
func (s *Server) RemoveStaffSecondFactor(ctx context.Context, r oapi.RemoveStaffSecondFactorRequestObject) (oapi.RemoveStaffSecondFactorResponseObject, error) {
	err := s.control.Staff.RemoveFactor(ctx, callOf(ctx).staff, r.Body.Password)
	return oapi.RemoveStaffSecondFactor204Response{}, shownStaffPassword("password", err)
}

// ListStaffSessions implements oapi.StrictServerInterface.
func (s *Server) ListStaffSessions(ctx context.Context, _ oapi.ListStaffSessionsRequestObject) (oapi.ListStaffSessionsResponseObject, error) {
	who := callOf(ctx).staff
	var sessions []tenants.OpenSession
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		sessions, err = tenants.Sessions(ctx, tx, who)
		return err
	})
	return oapi.ListStaffSessions200JSONResponse{Items: mapped(sessions, func(o tenants.OpenSession) oapi.StaffSession {
		return oapi.StaffSession{Id: o.ID, Current: o.ID == who.Session, CreatedAt: o.CreatedAt, Address: o.Address, UserAgent: o.UserAgent}
	})}, err
}

// EndOtherStaffSessions implements oapi.StrictServerInterface.
func (s *Server) EndOtherStaffSessions(ctx context.Context, _ oapi.EndOtherStaffSessionsRequestObject) (oapi.EndOtherStaffSessionsResponseObject, error) {
	err := s.control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error { return tenants.EndOthers(ctx, tx, callOf(ctx).staff) })
	return oapi.EndOtherStaffSessions204Response{}, err
}

// RotateStaffSigningKey implements oapi.StrictServerInterface.
func (s *Server) RotateStaffSigningKey(ctx context.Context, _ oapi.RotateStaffSigningKeyRequestObject) (oapi.RotateStaffSigningKeyResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.RotateStaffSigningKeyResponseObject.VisitRotateStaffSigningKeyResponse, func(ctx context.Context, tx tenants.Tx) (oapi.RotateStaffSigningKeyResponseObject, error) {
		return oapi.RotateStaffSigningKey204Response{}, s.control.Staff.RotateSigningKey(ctx, tx, callOf(ctx).staff)
	})
}

package api

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/api/problem"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

// onOwnUser carries out what a user does to its own way in, with its audit
// row. It takes no key: the answers are secrets that stay with nobody else.
// Keys and visiting staff are no users here.
func onOwnUser(ctx context.Context, fn func(ctx context.Context, tx tenant.Tx, user uuid.UUID) error) error {
	c := callOf(ctx)
	if err := c.isUser(); err != nil {
		return err
	}
	c.about("user", c.who.UserID)
	return c.stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		if err := fn(ctx, tx, c.who.UserID); err != nil {
			return err
		}
		return c.recordAudit(ctx, tx)
	})
}

func (c *call) isUser() error {
	if c.who.Kind != identity.UserPrincipal {
		return identity.ErrUserNotFound
	}
	return nil
}

// shownPassword tells a wrong password apart from a token that is not good: who
// mistypes stays signed in.
func shownPassword(field string, err error) error {
	if errors.Is(err, identity.ErrSignIn) {
		return problem.Unprocessable.New("", problem.Fault{Field: field, Reason: "is wrong, or there were too many attempts", Want: "your password; after many attempts in a minute"})
	}
	return err
}

// ChangeOwnPassword implements oapi.StrictServerInterface.
func (s *Server) ChangeOwnPassword(ctx context.Context, r oapi.ChangeOwnPasswordRequestObject) (oapi.ChangeOwnPasswordResponseObject, error) {
	c := callOf(ctx)
	if err := c.isUser(); err != nil {
		return nil, err
	}
	err := c.stack.ChangePassword(ctx, c.who, identity.PasswordChange{Old: r.Body.Old, New: r.Body.New, UserAgent: c.userAgent, Address: c.address})
	return oapi.ChangeOwnPassword204Response{}, shownPassword("old", err)
}

// GetSecondFactor implements oapi.StrictServerInterface.
func (s *Server) GetSecondFactor(ctx context.Context, _ oapi.GetSecondFactorRequestObject) (oapi.GetSecondFactorResponseObject, error) {
	c := callOf(ctx)
	if err := c.isUser(); err != nil {
		return nil, err
	}
	var out oapi.SecondFactorState
	err := c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		if out.Enabled, err = s.authority.HasTOTP(ctx, tx, c.who.UserID); err != nil || !out.Enabled {
			return err
		}
		out.RecoveryCodes, err = s.authority.RecoveryCodesLeft(ctx, tx, c.who.UserID)
		return err
	})
	return oapi.GetSecondFactor200JSONResponse(out), err
}

// BeginSecondFactor implements oapi.StrictServerInterface.
func (s *Server) BeginSecondFactor(ctx context.Context, _ oapi.BeginSecondFactorRequestObject) (oapi.BeginSecondFactorResponseObject, error) {
	var setup identity.TOTPSetup
	err := onOwnUser(ctx, func(ctx context.Context, tx tenant.Tx, user uuid.UUID) (err error) {
		setup, err = s.authority.BeginTOTP(ctx, tx, user)
		return err
	})
	return oapi.BeginSecondFactor200JSONResponse{Secret: setup.Secret, Url: setup.URL}, err
}

// ConfirmSecondFactor implements oapi.StrictServerInterface.
func (s *Server) ConfirmSecondFactor(ctx context.Context, r oapi.ConfirmSecondFactorRequestObject) (oapi.ConfirmSecondFactorResponseObject, error) {
	var codes []string
	err := onOwnUser(ctx, func(ctx context.Context, tx tenant.Tx, user uuid.UUID) (err error) {
		codes, err = s.authority.ConfirmTOTP(ctx, tx, user, r.Body.Code)
		return err
	})
	return oapi.ConfirmSecondFactor200JSONResponse{Codes: codes}, err
}

// RenewRecoveryCodes implements oapi.StrictServerInterface.
func (s *Server) RenewRecoveryCodes(ctx context.Context, _ oapi.RenewRecoveryCodesRequestObject) (oapi.RenewRecoveryCodesResponseObject, error) {
	var codes []string
	err := onOwnUser(ctx, func(ctx context.Context, tx tenant.Tx, user uuid.UUID) (err error) {
		codes, err = s.authority.NewRecoveryCodes(ctx, tx, user)
		return err
	})
	return oapi.RenewRecoveryCodes200JSONResponse{Codes: codes}, err
}

// RemoveSecondFactor implements oapi.StrictServerInterface.
func (s *Server) RemoveSecondFactor(ctx context.Context, r oapi.RemoveSecondFactorRequestObject) (oapi.RemoveSecondFactorResponseObject, error) {
	c := callOf(ctx)
	if err := c.isUser(); err != nil {
		return nil, err
	}
	err := c.stack.RemoveFactor(ctx, c.caller(), c.who, identity.PasswordChange{Old: r.Body.Password, UserAgent: c.userAgent, Address: c.address})
	return oapi.RemoveSecondFactor204Response{}, shownPassword("password", err)
}

// ListOwnSessions implements oapi.StrictServerInterface.
func (s *Server) ListOwnSessions(ctx context.Context, _ oapi.ListOwnSessionsRequestObject) (oapi.ListOwnSessionsResponseObject, error) {
	c := callOf(ctx)
	if err := c.isUser(); err != nil {
		return nil, err
	}
	list, err := s.sessionsOf(ctx, c.who.UserID)
	return oapi.ListOwnSessions200JSONResponse(list), err
}

func (s *Server) sessionsOf(ctx context.Context, user uuid.UUID) (oapi.SessionList, error) {
	c := callOf(ctx)
	var sessions []identity.OpenSession
	err := c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		sessions, err = s.authority.Sessions(ctx, tx, user)
		return err
	})
	return oapi.SessionList{Items: mapped(sessions, func(o identity.OpenSession) oapi.Session {
		return oapi.Session{Id: o.ID, Current: o.ID == c.who.Session, CreatedAt: o.CreatedAt, ExpiresAt: o.ExpiresAt, LastSeenAt: o.LastSeen,
			Method: oapi.SessionMethod(o.Method), SecondFactor: unless("", oapi.SessionSecondFactor(o.Factor)), Address: o.Address, UserAgent: o.UserAgent}
	})}, err
}

// EndOwnSession implements oapi.StrictServerInterface.
func (s *Server) EndOwnSession(ctx context.Context, r oapi.EndOwnSessionRequestObject) (oapi.EndOwnSessionResponseObject, error) {
	return oapi.EndOwnSession204Response{}, onOwnUser(ctx, func(ctx context.Context, tx tenant.Tx, user uuid.UUID) error {
		return s.authority.EndSessionOf(ctx, tx, user, r.Session)
	})
}

// EndOtherSessions implements oapi.StrictServerInterface.
func (s *Server) EndOtherSessions(ctx context.Context, _ oapi.EndOtherSessionsRequestObject) (oapi.EndOtherSessionsResponseObject, error) {
	return oapi.EndOtherSessions204Response{}, onOwnUser(ctx, func(ctx context.Context, tx tenant.Tx, _ uuid.UUID) error {
		return s.authority.EndOtherSessions(ctx, tx, callOf(ctx).who)
	})
}

// ListOwnSignIns implements oapi.StrictServerInterface.
func (s *Server) ListOwnSignIns(ctx context.Context, r oapi.ListOwnSignInsRequestObject) (oapi.ListOwnSignInsResponseObject, error) {
	c := callOf(ctx)
	if err := c.isUser(); err != nil {
		return nil, err
	}
	page, err := s.signInsOf(ctx, c.who.UserID, r.Params.Cursor, r.Params.Limit)
	return oapi.ListOwnSignIns200JSONResponse(page), err
}

func (s *Server) signInsOf(ctx context.Context, user uuid.UUID, cursor *oapi.Cursor, limit *oapi.Limit) (oapi.SignInEventPage, error) {
	before, err := afterID(cursor)
	if err != nil {
		return oapi.SignInEventPage{}, err
	}
	var events []identity.SignInEvent
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		events, err = s.authority.SignIns(ctx, tx, user, before, pageLimit(limit)+1)
		return err
	})
	page, next := cut(events, limit, func(e identity.SignInEvent) []string { return []string{e.ID.String()} })
	return oapi.SignInEventPage{Next: next, Items: mapped(page, func(e identity.SignInEvent) oapi.SignInEvent {
		return oapi.SignInEvent{Id: e.ID, Kind: oapi.SignInEventKind(e.Kind), At: e.At, Method: unless("", oapi.SignInEventMethod(e.Method)),
			Address: e.Address, UserAgent: e.UserAgent}
	})}, err
}

package api

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

// CreateUser implements oapi.StrictServerInterface.
func (s *Server) CreateUser(ctx context.Context, r oapi.CreateUserRequestObject) (oapi.CreateUserResponseObject, error) {
	c := callOf(ctx)
	var hash identity.PasswordHash
	if r.Body.Password != nil {
		// Hashing takes a core for a while: no work to hold a transaction open for.
		var err error
		if hash, err = s.passwords.For(c.stack.Ref.ID).Hash(ctx, *r.Body.Password); err != nil {
			return nil, err
		}
	}
	return nil, once(ctx, oapi.CreateUserResponseObject.VisitCreateUserResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreateUserResponseObject, error) {
		user, err := s.authority.AddUserBy(ctx, tx, c.who, identity.NewUser{Email: r.Body.Email, Name: value(r.Body.Name), Role: identity.Role(r.Body.Role),
			AccountID: r.Body.Account, Language: string(value(r.Body.Language)), Password: hash, Phone: value(r.Body.Phone), Branch: r.Body.Branch})
		c.about("user", user.ID)
		if err == nil && hash == "" {
			err = s.invite(ctx, tx, user)
		}
		return oapi.CreateUser201JSONResponse{Body: userOf(user)}, err
	})
}

// invite mails a user without a password the link to choose one, on the pages
// that are for such users.
func (s *Server) invite(ctx context.Context, tx tenant.Tx, user identity.User) error {
	page := consolePasswordPage
	if user.Role == identity.Subscriber {
		page = portalPasswordPage
	}
	return s.authority.Invite(ctx, tx, user.ID, s.pageLink(callOf(ctx), page))
}

func userOf(u identity.User) oapi.User {
	return oapi.User{Id: u.ID, Email: u.Email, Name: u.Name, Role: oapi.Role(u.Role), State: oapi.UserState(u.State), Account: u.AccountID,
		Phone: optionalText(u.Phone), Branch: u.Branch, Language: oapi.Language(u.Language), CreatedAt: u.CreatedAt}
}

// ListUsers implements oapi.StrictServerInterface.
func (s *Server) ListUsers(ctx context.Context, r oapi.ListUsersRequestObject) (oapi.ListUsersResponseObject, error) {
	after, err := cursorParts(r.Params.Cursor, 1)
	if err != nil {
		return nil, err
	}
	var users []identity.User
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		users, err = s.authority.Users(ctx, tx, first(after), pageLimit(r.Params.Limit)+1)
		return err
	})
	page, next := cut(users, r.Params.Limit, func(u identity.User) []string { return []string{u.Email} })
	return oapi.ListUsers200JSONResponse{Items: mapped(page, userOf), Next: next}, err
}

// GetUser implements oapi.StrictServerInterface.
func (s *Server) GetUser(ctx context.Context, r oapi.GetUserRequestObject) (oapi.GetUserResponseObject, error) {
	user, err := s.userNamed(ctx, r.User)
	return oapi.GetUser200JSONResponse(userOf(user)), err
}

func (s *Server) userNamed(ctx context.Context, id uuid.UUID) (user identity.User, err error) {
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		user, err = s.authority.GetUser(ctx, tx, id)
		return err
	})
	return user, err
}

// ChangeUser implements oapi.StrictServerInterface.
func (s *Server) ChangeUser(ctx context.Context, r oapi.ChangeUserRequestObject) (oapi.ChangeUserResponseObject, error) {
	return nil, once(ctx, oapi.ChangeUserResponseObject.VisitChangeUserResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ChangeUserResponseObject, error) {
		c := callOf(ctx)
		c.about("user", r.User)
		change := identity.UserChange{Name: r.Body.Name, Role: (*identity.Role)(r.Body.Role), Language: (*string)(r.Body.Language), Phone: r.Body.Phone, Branch: r.Body.Branch}
		if r.Body.Role != nil {
			c.note("role", *r.Body.Role)
		}
		user, err := s.authority.ChangeUser(ctx, tx, c.who, r.User, change)
		return oapi.ChangeUser200JSONResponse{Body: userOf(user)}, err
	})
}

// DisableUser implements oapi.StrictServerInterface.
func (s *Server) DisableUser(ctx context.Context, r oapi.DisableUserRequestObject) (oapi.DisableUserResponseObject, error) {
	return nil, once(ctx, oapi.DisableUserResponseObject.VisitDisableUserResponse, func(ctx context.Context, tx tenant.Tx) (oapi.DisableUserResponseObject, error) {
		callOf(ctx).about("user", r.User)
		return oapi.DisableUser204Response{}, s.authority.Disable(ctx, tx, callOf(ctx).who, r.User)
	})
}

// EnableUser implements oapi.StrictServerInterface.
func (s *Server) EnableUser(ctx context.Context, r oapi.EnableUserRequestObject) (oapi.EnableUserResponseObject, error) {
	return nil, once(ctx, oapi.EnableUserResponseObject.VisitEnableUserResponse, func(ctx context.Context, tx tenant.Tx) (oapi.EnableUserResponseObject, error) {
		callOf(ctx).about("user", r.User)
		return oapi.EnableUser204Response{}, s.authority.Enable(ctx, tx, callOf(ctx).who, r.User)
	})
}

// InviteUser implements oapi.StrictServerInterface.
func (s *Server) InviteUser(ctx context.Context, r oapi.InviteUserRequestObject) (oapi.InviteUserResponseObject, error) {
	return nil, once(ctx, oapi.InviteUserResponseObject.VisitInviteUserResponse, func(ctx context.Context, tx tenant.Tx) (oapi.InviteUserResponseObject, error) {
		callOf(ctx).about("user", r.User)
		user, err := s.authority.GetUser(ctx, tx, r.User)
		if err != nil {
			return nil, err
		}
		return oapi.InviteUser204Response{}, s.invite(ctx, tx, user)
	})
}

// RemoveSecondFactorOf implements oapi.StrictServerInterface.
func (s *Server) RemoveSecondFactorOf(ctx context.Context, r oapi.RemoveSecondFactorOfRequestObject) (oapi.RemoveSecondFactorOfResponseObject, error) {
	return nil, once(ctx, oapi.RemoveSecondFactorOfResponseObject.VisitRemoveSecondFactorOfResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RemoveSecondFactorOfResponseObject, error) {
		callOf(ctx).about("user", r.User)
		return oapi.RemoveSecondFactorOf204Response{}, s.authority.RemoveFactorOf(ctx, tx, callOf(ctx).who, r.User)
	})
}

// ListUserSessions implements oapi.StrictServerInterface.
func (s *Server) ListUserSessions(ctx context.Context, r oapi.ListUserSessionsRequestObject) (oapi.ListUserSessionsResponseObject, error) {
	if _, err := s.userNamed(ctx, r.User); err != nil {
		return nil, err
	}
	list, err := s.sessionsOf(ctx, r.User)
	return oapi.ListUserSessions200JSONResponse(list), err
}

// ListUserSignIns implements oapi.StrictServerInterface.
func (s *Server) ListUserSignIns(ctx context.Context, r oapi.ListUserSignInsRequestObject) (oapi.ListUserSignInsResponseObject, error) {
	if _, err := s.userNamed(ctx, r.User); err != nil {
		return nil, err
	}
	page, err := s.signInsOf(ctx, r.User, r.Params.Cursor, r.Params.Limit)
	return oapi.ListUserSignIns200JSONResponse(page), err
}

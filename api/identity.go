package api

import (
	"context"
	"maps"
	"slices"

	"tollhouse/api/oapi"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

// SignIn implements oapi.StrictServerInterface.
func (s *Server) SignIn(ctx context.Context, r oapi.SignInRequestObject) (oapi.SignInResponseObject, error) {
	c := callOf(ctx)
	in, err := c.stack.SignIn(ctx, identity.Credentials{Email: r.Body.Email, Password: r.Body.Password, UserAgent: c.userAgent, Address: c.address})
	if err != nil {
		return nil, err
	}
	return oapi.SignIn200JSONResponse{AccessToken: in.Token, TokenType: oapi.Bearer, ExpiresAt: in.Expires}, nil
}

// SignOut implements oapi.StrictServerInterface.
func (s *Server) SignOut(ctx context.Context, _ oapi.SignOutRequestObject) (oapi.SignOutResponseObject, error) {
	c := callOf(ctx)
	err := c.stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error { return s.authority.EndSession(ctx, tx, c.who) })
	return oapi.SignOut204Response{}, err
}

// GetSigningKeys implements oapi.StrictServerInterface.
func (s *Server) GetSigningKeys(ctx context.Context, _ oapi.GetSigningKeysRequestObject) (oapi.GetSigningKeysResponseObject, error) {
	var set identity.JWKSet
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		set, err = s.authority.JWKS(ctx, tx)
		return err
	})
	return oapi.GetSigningKeys200JSONResponse(keySet(set)), err
}

func keySet(set identity.JWKSet) oapi.KeySet {
	return oapi.KeySet{Keys: mapped(set.Keys, func(k identity.JWK) oapi.PublicKey {
		return oapi.PublicKey{Kty: oapi.PublicKeyKty(k.KeyType), Crv: oapi.PublicKeyCrv(k.Curve), Kid: k.KeyID,
			Alg: oapi.PublicKeyAlg(k.Algorithm), Use: oapi.PublicKeyUse(k.Use), X: k.X}
	})}
}

// GetMe implements oapi.StrictServerInterface.
func (s *Server) GetMe(ctx context.Context, _ oapi.GetMeRequestObject) (oapi.GetMeResponseObject, error) {
	who := callOf(ctx).who
	return oapi.GetMe200JSONResponse{Kind: oapi.MeKind(who.Kind), Id: who.UserID, Role: string(who.Role), Account: optionalID(who.AccountID),
		Permissions: s.permissionsOf(who)}, nil
}

// permissionsOf lists what a caller may do, of all that operations ask for.
func (s *Server) permissionsOf(who identity.Principal) []string {
	granted := map[string]bool{}
	for _, op := range s.operations {
		for _, asked := range []identity.Permission{identity.Permission(op.access), op.self} {
			if who.May(asked) {
				granted[string(asked)] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(granted))
}

// CreateUser implements oapi.StrictServerInterface.
func (s *Server) CreateUser(ctx context.Context, r oapi.CreateUserRequestObject) (oapi.CreateUserResponseObject, error) {
	// Hashing takes a core for a while: no work to hold a transaction open for.
	hash, err := s.passwords.For(callOf(ctx).stack.Ref.ID).Hash(ctx, r.Body.Password)
	if err != nil {
		return nil, err
	}
	return nil, once(ctx, oapi.CreateUserResponseObject.VisitCreateUserResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreateUserResponseObject, error) {
		user, err := s.authority.AddUserBy(ctx, tx, callOf(ctx).who, identity.NewUser{Email: r.Body.Email, Name: value(r.Body.Name), Role: identity.Role(r.Body.Role),
			AccountID: r.Body.Account, Language: string(value(r.Body.Language)), Password: hash})
		callOf(ctx).about("user", user.ID)
		return oapi.CreateUser201JSONResponse{Body: userOf(user)}, err
	})
}

func userOf(u identity.User) oapi.User {
	return oapi.User{Id: u.ID, Email: u.Email, Name: u.Name, Role: oapi.Role(u.Role), State: oapi.UserState(u.State), Account: u.AccountID,
		Language: oapi.Language(u.Language), CreatedAt: u.CreatedAt}
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

// DisableUser implements oapi.StrictServerInterface.
func (s *Server) DisableUser(ctx context.Context, r oapi.DisableUserRequestObject) (oapi.DisableUserResponseObject, error) {
	return nil, once(ctx, oapi.DisableUserResponseObject.VisitDisableUserResponse, func(ctx context.Context, tx tenant.Tx) (oapi.DisableUserResponseObject, error) {
		callOf(ctx).about("user", r.User)
		return oapi.DisableUser204Response{}, s.authority.Disable(ctx, tx, callOf(ctx).who, r.User)
	})
}

// CreateMachineKey implements oapi.StrictServerInterface.
func (s *Server) CreateMachineKey(ctx context.Context, r oapi.CreateMachineKeyRequestObject) (oapi.CreateMachineKeyResponseObject, error) {
	return nil, once(ctx, oapi.CreateMachineKeyResponseObject.VisitCreateMachineKeyResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreateMachineKeyResponseObject, error) {
		c := callOf(ctx)
		key, secret, err := s.authority.AddAPIKey(ctx, tx, c.who, identity.NewAPIKey{Name: r.Body.Name, Role: identity.Role(r.Body.Role)})
		c.about("api_key", key.ID)
		return oapi.CreateMachineKey201JSONResponse{Body: oapi.ApiKeySecret{Key: apiKeyOf(key), Secret: secret}}, err
	})
}

func apiKeyOf(k identity.APIKey) oapi.ApiKey {
	return oapi.ApiKey{Id: k.ID, Name: k.Name, Role: oapi.KeyRole(k.Role), CreatedAt: k.CreatedAt, RevokedAt: k.RevokedAt}
}

// ListMachineKeys implements oapi.StrictServerInterface.
func (s *Server) ListMachineKeys(ctx context.Context, r oapi.ListMachineKeysRequestObject) (oapi.ListMachineKeysResponseObject, error) {
	before, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var keys []identity.APIKey
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		keys, err = s.authority.APIKeys(ctx, tx, before, pageLimit(r.Params.Limit)+1)
		return err
	})
	page, next := cut(keys, r.Params.Limit, func(k identity.APIKey) []string { return []string{k.ID.String()} })
	return oapi.ListMachineKeys200JSONResponse{Items: mapped(page, apiKeyOf), Next: next}, err
}

// RevokeMachineKey implements oapi.StrictServerInterface.
func (s *Server) RevokeMachineKey(ctx context.Context, r oapi.RevokeMachineKeyRequestObject) (oapi.RevokeMachineKeyResponseObject, error) {
	return nil, once(ctx, oapi.RevokeMachineKeyResponseObject.VisitRevokeMachineKeyResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RevokeMachineKeyResponseObject, error) {
		callOf(ctx).about("api_key", r.Key)
		return oapi.RevokeMachineKey204Response{}, s.authority.RevokeAPIKey(ctx, tx, r.Key)
	})
}

package api

import (
	"context"
	"maps"
	"slices"

	"tollhouse/api/oapi"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

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

// RotateSigningKey implements oapi.StrictServerInterface.
func (s *Server) RotateSigningKey(ctx context.Context, _ oapi.RotateSigningKeyRequestObject) (oapi.RotateSigningKeyResponseObject, error) {
	return nil, once(ctx, oapi.RotateSigningKeyResponseObject.VisitRotateSigningKeyResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RotateSigningKeyResponseObject, error) {
		callOf(ctx).object = "signing_key"
		return oapi.RotateSigningKey204Response{}, s.authority.RotateSigningKey(ctx, tx)
	})
}

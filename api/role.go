package api

import (
	"context"
	"slices"

	"tollhouse/api/oapi"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

// ListRoles implements oapi.StrictServerInterface.
func (s *Server) ListRoles(ctx context.Context, _ oapi.ListRolesRequestObject) (oapi.ListRolesResponseObject, error) {
	var roles []identity.RoleInfo
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		roles, err = s.authority.Roles(ctx, tx)
		return err
	})
	return oapi.ListRoles200JSONResponse{Items: mapped(roles, roleOf)}, err
}

func roleOf(r identity.RoleInfo) oapi.RoleInfo {
	return oapi.RoleInfo{Name: string(r.Name), Title: r.Title, BuiltIn: r.BuiltIn, Users: r.Users, Keys: r.Keys,
		Permissions: mapped(r.Permissions, func(p identity.Permission) string { return string(p) })}
}

// PutRole implements oapi.StrictServerInterface.
func (s *Server) PutRole(ctx context.Context, r oapi.PutRoleRequestObject) (oapi.PutRoleResponseObject, error) {
	return nil, once(ctx, oapi.PutRoleResponseObject.VisitPutRoleResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutRoleResponseObject, error) {
		c := callOf(ctx)
		wanted := identity.CustomRole{Name: identity.Role(r.Role), Title: r.Body.Title,
			Permissions: mapped(r.Body.Permissions, func(p string) identity.Permission { return identity.Permission(p) })}
		c.object, c.detail = "role", map[string]any{"name": wanted.Name, "title": wanted.Title, "permissions": wanted.Permissions}
		if err := s.authority.PutRole(ctx, tx, c.who, wanted); err != nil {
			return nil, err
		}
		roles, err := s.authority.Roles(ctx, tx)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(roles, func(i identity.RoleInfo) bool { return i.Name == wanted.Name })
		return oapi.PutRole200JSONResponse{Body: roleOf(roles[i])}, nil
	})
}

// RemoveRole implements oapi.StrictServerInterface.
func (s *Server) RemoveRole(ctx context.Context, r oapi.RemoveRoleRequestObject) (oapi.RemoveRoleResponseObject, error) {
	return nil, once(ctx, oapi.RemoveRoleResponseObject.VisitRemoveRoleResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RemoveRoleResponseObject, error) {
		c := callOf(ctx)
		c.object = "role"
		c.note("name", r.Role)
		return oapi.RemoveRole204Response{}, s.authority.RemoveRole(ctx, tx, identity.Role(r.Role))
	})
}

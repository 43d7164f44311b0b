package api

import (
	"context"
	"maps"
	"slices"

	"tollhouse/api/oapi"
	"tollhouse/tenants"
)

// permissionsOfStaff lists what a role of the house may do, of all that
// operations ask for.
func (s *Server) permissionsOfStaff(role tenants.Role) []string {
	granted := map[string]bool{}
	for _, op := range s.operations {
		if op.staff && role.May(tenants.Permission(op.access)) {
			granted[string(op.access)] = true
		}
	}
	return slices.Sorted(maps.Keys(granted))
}

func staffUserOf(u tenants.StaffUser) oapi.StaffUser {
	return oapi.StaffUser{Id: u.ID, Email: u.Email, Name: u.Name, Role: oapi.StaffRole(u.Role), Active: u.Active, CreatedAt: u.CreatedAt}
}

// ListStaff implements oapi.StrictServerInterface.
func (s *Server) ListStaff(ctx context.Context, r oapi.ListStaffRequestObject) (oapi.ListStaffResponseObject, error) {
	after, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var users []tenants.StaffUser
	err = s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		users, err = tenants.ListStaff(ctx, tx, after, pageLimit(r.Params.Limit)+1)
		return err
	})
	page, next := cut(users, r.Params.Limit, func(u tenants.StaffUser) []string { return []string{u.ID.String()} })
	return oapi.ListStaff200JSONResponse{Items: mapped(page, staffUserOf), Next: next}, err
}

// CreateStaff implements oapi.StrictServerInterface.
func (s *Server) CreateStaff(ctx context.Context, r oapi.CreateStaffRequestObject) (oapi.CreateStaffResponseObject, error) {
	admitted, err := s.control.Staff.Admit(ctx, r.Body.Email, value(r.Body.Name), string(r.Body.Role))
	if err != nil {
		return nil, err
	}
	return nil, staffCommand(ctx, s, oapi.CreateStaffResponseObject.VisitCreateStaffResponse, func(ctx context.Context, tx tenants.Tx) (oapi.CreateStaffResponseObject, error) {
		user, password, err := s.control.Staff.Create(ctx, tx, callOf(ctx).staff, admitted)
		return oapi.CreateStaff201JSONResponse{Body: oapi.StaffUserCreated{User: staffUserOf(user), Password: password}}, err
	})
}

// ChangeStaff implements oapi.StrictServerInterface.
func (s *Server) ChangeStaff(ctx context.Context, r oapi.ChangeStaffRequestObject) (oapi.ChangeStaffResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.ChangeStaffResponseObject.VisitChangeStaffResponse, func(ctx context.Context, tx tenants.Tx) (oapi.ChangeStaffResponseObject, error) {
		user, err := tenants.GetStaff(ctx, tx, r.User)
		if err != nil {
			return nil, err
		}
		replace(&user.Role, (*tenants.Role)(r.Body.Role))
		replace(&user.Active, r.Body.Active)
		after, err := tenants.ChangeStaff(ctx, tx, callOf(ctx).staff, r.User, user.Role, user.Active)
		return oapi.ChangeStaff200JSONResponse{Body: staffUserOf(after)}, err
	})
}

// ResetStaffPassword implements oapi.StrictServerInterface.
func (s *Server) ResetStaffPassword(ctx context.Context, r oapi.ResetStaffPasswordRequestObject) (oapi.ResetStaffPasswordResponseObject, error) {
	drawn, err := s.control.Staff.DrawPassword(ctx)
	if err != nil {
		return nil, err
	}
	return nil, staffCommand(ctx, s, oapi.ResetStaffPasswordResponseObject.VisitResetStaffPasswordResponse, func(ctx context.Context, tx tenants.Tx) (oapi.ResetStaffPasswordResponseObject, error) {
		user, err := tenants.GetStaff(ctx, tx, r.User)
		if err != nil {
			return nil, err
		}
		password, err := s.control.Staff.Reset(ctx, tx, callOf(ctx).staff, r.User, drawn)
		return oapi.ResetStaffPassword200JSONResponse{Body: oapi.StaffUserCreated{User: staffUserOf(user), Password: password}}, err
	})
}

// ListStaffAudit implements oapi.StrictServerInterface.
func (s *Server) ListStaffAudit(ctx context.Context, r oapi.ListStaffAuditRequestObject) (oapi.ListStaffAuditResponseObject, error) {
	before, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var rows []tenants.AuditRow
	err = s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		rows, err = tenants.FindAudit(ctx, tx, tenants.AuditQuery{Actor: value(r.Params.Actor), Action: value(r.Params.Action), Object: value(r.Params.Object),
			Before: before, Limit: pageLimit(r.Params.Limit) + 1})
		return err
	})
	page, next := cut(rows, r.Params.Limit, func(a tenants.AuditRow) []string { return []string{a.ID.String()} })
	return oapi.ListStaffAudit200JSONResponse{Items: mapped(page, staffAuditEntry), Next: next}, err
}

func staffAuditEntry(a tenants.AuditRow) oapi.StaffAuditEntry {
	out := oapi.StaffAuditEntry{Id: a.ID, At: a.At, Actor: a.Actor, Email: optionalText(a.Email), Action: a.Action, Object: optionalID(a.Object), Trace: optionalText(a.Trace)}
	if len(a.Detail) > 0 {
		out.Detail = &a.Detail
	}
	return out
}

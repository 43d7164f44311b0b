package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/tenant"
	"tollhouse/provisioning/enrol"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

func watchOf(w *oapi.MachineWatch) machine.Watch {
	if w == nil {
		return machine.Watch{}
	}
	return machine.Watch{Certificates: value(w.Certificates), Processes: value(w.Processes), Folders: value(w.Folders)}
}

func watchShown(w machine.Watch) *oapi.MachineWatch {
	return &oapi.MachineWatch{Certificates: &w.Certificates, Processes: &w.Processes, Folders: &w.Folders}
}

// InviteMachine implements oapi.StrictServerInterface.
func (s *Server) InviteMachine(ctx context.Context, r oapi.InviteMachineRequestObject) (oapi.InviteMachineResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.InviteMachineResponseObject.VisitInviteMachineResponse, func(ctx context.Context, tx tenants.Tx) (oapi.InviteMachineResponseObject, error) {
		n := r.Body
		operator, err := tenants.GetOperator(ctx, tx, tenant.ID(n.Operator))
		if err != nil {
			return nil, err
		}
		issued, err := s.control.Desk.Issue(ctx, tx, callOf(ctx).staff, enrol.NewInvitation{Operator: operator.ID, Role: machine.Role(n.Role),
			Place: machine.Place(n.Place), Name: n.Name, Machines: value(n.Machines), For: time.Duration(value(n.Minutes)) * time.Minute,
			Replace: value(n.Replace), Settings: enrol.Settings{PublicURL: value(n.PublicUrl), Watch: watchOf(n.Watch)}})
		if err != nil {
			return nil, err
		}
		return oapi.InviteMachine201JSONResponse{Body: oapi.EnrolmentIssued{Enrolment: s.enrolmentOf(issued.Invitation), Token: issued.Token,
			Command: s.control.Desk.OneLine(issued.Role, operator.Name, issued.Token)}}, nil
	})
}

func (s *Server) enrolmentOf(i enrol.Invitation) oapi.Enrolment {
	return oapi.Enrolment{Id: i.ID, Operator: uuid.UUID(i.Operator), Role: oapi.MachineRole(i.Role), Place: oapi.MachinePlace(i.Place), Name: i.Name,
		Machines: i.Machines, Used: i.Used, State: oapi.EnrolmentState(i.State), Open: i.OpenAt(s.now()), IssuedAt: i.IssuedAt, ExpiresAt: i.ExpiresAt}
}

// ListEnrolments implements oapi.StrictServerInterface.
func (s *Server) ListEnrolments(ctx context.Context, r oapi.ListEnrolmentsRequestObject) (oapi.ListEnrolmentsResponseObject, error) {
	before, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var out oapi.ListEnrolments200JSONResponse
	err = s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		found, err := enrol.Invitations(ctx, tx, before, pageLimit(r.Params.Limit)+1)
		page, next := cut(found, r.Params.Limit, func(i enrol.Invitation) []string { return []string{i.ID.String()} })
		out.Items, out.Next = mapped(page, s.enrolmentOf), next
		return err
	})
	return out, err
}

// WithdrawEnrolment implements oapi.StrictServerInterface.
func (s *Server) WithdrawEnrolment(ctx context.Context, r oapi.WithdrawEnrolmentRequestObject) (oapi.WithdrawEnrolmentResponseObject, error) {
	var i enrol.Invitation
	err := s.control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		i, err = s.control.Desk.WithdrawInvitation(ctx, tx, callOf(ctx).staff, r.Enrolment)
		return err
	})
	return oapi.WithdrawEnrolment200JSONResponse(s.enrolmentOf(i)), err
}

func (s *Server) machineOf(m enrol.Machine) oapi.Machine {
	out := oapi.Machine{Id: m.ID, Operator: uuid.UUID(m.Operator), Site: optionalID(m.Site), Role: oapi.MachineRole(m.Role), Place: oapi.MachinePlace(m.Place),
		Name: m.Name, Standing: oapi.MachineStanding(m.Stands(s.now())), Address: optionalText(m.Address), ReportedAt: m.ReportedAt, EnrolledAt: m.EnrolledAt,
		KeysAt: m.KeysAt, RevokedAt: m.RevokedAt, RevokedReason: optionalText(m.RevokedReason), PublicUrl: optionalText(m.Settings.PublicURL),
		Watch: watchShown(m.Settings.Watch)}
	if m.Report != nil {
		out.Reason, out.Version = optionalText(m.Report.Reason), optionalText(m.Report.Version)
		var all map[string]any
		if text, err := json.Marshal(m.Report); err == nil && json.Unmarshal(text, &all) == nil {
			out.Report = &all
		}
	}
	return out
}

// ListMachines implements oapi.StrictServerInterface.
func (s *Server) ListMachines(ctx context.Context, r oapi.ListMachinesRequestObject) (oapi.ListMachinesResponseObject, error) {
	after, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var out oapi.ListMachines200JSONResponse
	err = s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		found, err := enrol.Machines(ctx, tx, enrol.MachineQuery{Operator: tenant.ID(value(r.Params.Operator)), Revoked: value(r.Params.Revoked),
			After: after, Limit: pageLimit(r.Params.Limit) + 1})
		page, next := cut(found, r.Params.Limit, func(m enrol.Machine) []string { return []string{m.ID.String()} })
		out.Items, out.Next = mapped(page, s.machineOf), next
		return err
	})
	return out, err
}

// GetMachine implements oapi.StrictServerInterface.
func (s *Server) GetMachine(ctx context.Context, r oapi.GetMachineRequestObject) (oapi.GetMachineResponseObject, error) {
	var m enrol.Machine
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		m, err = enrol.GetMachine(ctx, tx, r.Machine)
		return err
	})
	return oapi.GetMachine200JSONResponse(s.machineOf(m)), err
}

// actOnMachine carries out a command that a repeat of changes nothing.
func (s *Server) actOnMachine(ctx context.Context, act func(ctx context.Context, tx tenants.Tx, by tenants.Actor) (enrol.Machine, error)) (oapi.Machine, error) {
	var m enrol.Machine
	err := s.control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		m, err = act(ctx, tx, callOf(ctx).staff)
		return err
	})
	return s.machineOf(m), err
}

// ChangeMachine implements oapi.StrictServerInterface.
func (s *Server) ChangeMachine(ctx context.Context, r oapi.ChangeMachineRequestObject) (oapi.ChangeMachineResponseObject, error) {
	out, err := s.actOnMachine(ctx, func(ctx context.Context, tx tenants.Tx, by tenants.Actor) (enrol.Machine, error) {
		return s.control.Desk.Change(ctx, tx, by, r.Machine, enrol.Change{Name: r.Body.Name,
			Settings: enrol.Settings{PublicURL: value(r.Body.PublicUrl), Watch: watchOf(r.Body.Watch)}})
	})
	return oapi.ChangeMachine200JSONResponse(out), err
}

// RevokeMachine implements oapi.StrictServerInterface.
func (s *Server) RevokeMachine(ctx context.Context, r oapi.RevokeMachineRequestObject) (oapi.RevokeMachineResponseObject, error) {
	out, err := s.actOnMachine(ctx, func(ctx context.Context, tx tenants.Tx, by tenants.Actor) (enrol.Machine, error) {
		return s.control.Desk.Revoke(ctx, tx, by, r.Machine, r.Body.Reason)
	})
	return oapi.RevokeMachine200JSONResponse(out), err
}

// RenewMachineKeys implements oapi.StrictServerInterface.
func (s *Server) RenewMachineKeys(ctx context.Context, r oapi.RenewMachineKeysRequestObject) (oapi.RenewMachineKeysResponseObject, error) {
	out, err := s.actOnMachine(ctx, func(ctx context.Context, tx tenants.Tx, by tenants.Actor) (enrol.Machine, error) {
		return s.control.Desk.RenewKeys(ctx, tx, by, r.Machine)
	})
	return oapi.RenewMachineKeys200JSONResponse(out), err
}

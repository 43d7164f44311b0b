package api

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// StaffSignOut implements oapi.StrictServerInterface.
func (s *Server) StaffSignOut(ctx context.Context, _ oapi.StaffSignOutRequestObject) (oapi.StaffSignOutResponseObject, error) {
	err := s.control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		return tenants.SignOut(ctx, tx, callOf(ctx).staff)
	})
	return oapi.StaffSignOut204Response{}, err
}

// GetStaffSigningKeys implements oapi.StrictServerInterface.
func (s *Server) GetStaffSigningKeys(ctx context.Context, _ oapi.GetStaffSigningKeysRequestObject) (oapi.GetStaffSigningKeysResponseObject, error) {
	set, err := s.control.Staff.JWKS(ctx)
	return oapi.GetStaffSigningKeys200JSONResponse(keySet(set)), err
}

func applicationOf(n *oapi.NewOperator) tenants.Application {
	a := tenants.Application{Name: n.Name, DisplayName: value(n.DisplayName), LegalName: n.LegalName, Country: n.Country, Zone: n.Zone,
		Currency: n.Currency, Language: n.Language, PricesIncludeTax: n.PricesIncludeTax, OwnerEmail: n.OwnerEmail,
		Sandbox: value(n.Sandbox), ClockAt: n.ClockAt,
		LegalEntity: tenants.LegalEntity{
			Address: tenants.Address{Street: n.LegalEntity.Address.Street, Postcode: value(n.LegalEntity.Address.Postcode),
				City: n.LegalEntity.Address.City, Region: value(n.LegalEntity.Address.Region)},
			TaxID: value(n.LegalEntity.TaxId), RegisterID: value(n.LegalEntity.RegisterId),
			BankName: value(n.LegalEntity.BankName), BankIBAN: value(n.LegalEntity.BankIban), BankBIC: value(n.LegalEntity.BankBic)}}
	for _, t := range value(n.TaxRates) {
		a.TaxRates = append(a.TaxRates, tenants.RateText{Category: t.Category, Name: t.Name, Percent: t.Percent, ValidFrom: t.ValidFrom, ValidTo: value(t.ValidTo)})
	}
	return a
}

func (s *Server) operatorOf(o tenants.Operator, stack provisioning.Stack) oapi.Operator {
	out := oapi.Operator{Id: uuid.UUID(o.ID), Name: o.Name, DisplayName: o.DisplayName, LegalName: o.LegalName, Country: o.Country, Sandbox: o.Sandbox,
		OwnerEmail: o.OwnerEmail, CreatedAt: o.CreatedAt, CopyOf: optionalID(uuid.UUID(o.CopyOf)),
		Standing: unless("", oapi.OperatorStanding(o.Standing.State)), SuspendedBecause: optionalText(o.Standing.Reason),
		Stack: oapi.Stack{State: oapi.StackState(stack.State), Reason: stack.Reason, Attempts: stack.Attempts, RequestedAt: stack.RequestedAt,
			ReadyAt: stack.ReadyAt, Url: s.publicURL + "/t/" + o.Name + "/v1", OwnMachines: stack.Own, HostDatabase: optionalText(stack.Place.Host)}}
	if o.Standing.State == tenants.Suspended {
		until := o.Standing.ServiceUntil()
		out.SuspendedAt, out.ServiceUntil = &o.Standing.SuspendedAt, &until
	}
	return out
}

// ListOperators implements oapi.StrictServerInterface.
func (s *Server) ListOperators(ctx context.Context, r oapi.ListOperatorsRequestObject) (oapi.ListOperatorsResponseObject, error) {
	after, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var out oapi.ListOperators200JSONResponse
	err = s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		operators, err := tenants.FindOperators(ctx, tx, tenants.OperatorQuery{Text: value(r.Params.Q), After: tenant.ID(after), Limit: pageLimit(r.Params.Limit) + 1})
		if err != nil {
			return err
		}
		page, next := cut(operators, r.Params.Limit, func(o tenants.Operator) []string { return []string{o.ID.String()} })
		stacks, err := provisioning.Of(ctx, tx, mapped(page, func(o tenants.Operator) tenant.ID { return o.ID }))
		out.Items = mapped(page, func(o tenants.Operator) oapi.Operator { return s.operatorOf(o, stacks[o.ID]) })
		out.Next = next
		return err
	})
	return out, err
}

// GetOperator implements oapi.StrictServerInterface.
func (s *Server) GetOperator(ctx context.Context, r oapi.GetOperatorRequestObject) (oapi.GetOperatorResponseObject, error) {
	var out oapi.Operator
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		operator, err := tenants.GetOperator(ctx, tx, tenant.ID(r.Operator))
		if err != nil {
			return err
		}
		stack, err := provisioning.Get(ctx, tx, operator.ID)
		out = s.operatorOf(operator, stack)
		return err
	})
	return oapi.GetOperator200JSONResponse(out), err
}

// shown is an operator with how far its stack is.
func (s *Server) shown(ctx context.Context, tx tenants.Tx, o tenants.Operator) (oapi.Operator, error) {
	stack, err := provisioning.Get(ctx, tx, o.ID)
	return s.operatorOf(o, stack), err
}

// SuspendOperator implements oapi.StrictServerInterface.
func (s *Server) SuspendOperator(ctx context.Context, r oapi.SuspendOperatorRequestObject) (oapi.SuspendOperatorResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.SuspendOperatorResponseObject.VisitSuspendOperatorResponse, func(ctx context.Context, tx tenants.Tx) (oapi.SuspendOperatorResponseObject, error) {
		after, err := s.control.Registry.Suspend(ctx, tx, callOf(ctx).staff, tenant.ID(r.Operator), r.Body.Reason)
		if err != nil {
			return nil, err
		}
		out, err := s.shown(ctx, tx, after)
		return oapi.SuspendOperator200JSONResponse{Body: out}, err
	})
}

// ResumeOperator implements oapi.StrictServerInterface.
func (s *Server) ResumeOperator(ctx context.Context, r oapi.ResumeOperatorRequestObject) (oapi.ResumeOperatorResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.ResumeOperatorResponseObject.VisitResumeOperatorResponse, func(ctx context.Context, tx tenants.Tx) (oapi.ResumeOperatorResponseObject, error) {
		after, err := s.control.Registry.Resume(ctx, tx, callOf(ctx).staff, tenant.ID(r.Operator))
		if err != nil {
			return nil, err
		}
		out, err := s.shown(ctx, tx, after)
		return oapi.ResumeOperator200JSONResponse{Body: out}, err
	})
}

// GetStackFigures implements oapi.StrictServerInterface. A stack that does not
// answer is told as such: that is a figure too.
func (s *Server) GetStackFigures(ctx context.Context, r oapi.GetStackFiguresRequestObject) (oapi.GetStackFiguresResponseObject, error) {
	var at provisioning.Placed
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		operator, err := tenants.GetOperator(ctx, tx, tenant.ID(r.Operator))
		if err != nil {
			return err
		}
		stack, err := provisioning.Get(ctx, tx, operator.ID)
		switch {
		case err == nil && stack.State != provisioning.Ready:
			err = provisioning.ErrNotReady
		case err == nil && stack.Own:
			err = provisioning.ErrOwnMachines
		}
		at = provisioning.Placed{Operator: operator, Place: stack.Place, Epoch: stack.Epoch}
		return err
	})
	if err != nil {
		return nil, err
	}
	return oapi.GetStackFigures200JSONResponse(stackFigures(s.control.Watch.Of(ctx, []provisioning.Placed{at})[at.Operator.ID])), nil
}

func stackFigures(f provisioning.Reading) oapi.StackFigures {
	out := oapi.StackFigures{At: f.At, Answers: f.Err == nil, Healthy: f.Err == nil && f.Healthy(), TookMs: f.Took.Milliseconds(), Standing: optionalText(f.Standing),
		SizeBytes: f.SizeBytes, Subscribers: f.Subscribers, UsageDay: f.UsageDay, UsageMinute: f.UsageMinute, ChargesMinute: f.Charges,
		OldestDue: f.OldestDue, Due: f.Due, Failed: f.Failed, Suspense: f.Suspense, SealedAt: f.SealedAt}
	if !f.Clock.IsZero() {
		out.Clock = &f.Clock
	}
	return out
}

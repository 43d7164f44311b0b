package tenants

import (
	"context"
	"errors"

	"tollhouse/billing/sandbox"
	"tollhouse/billing/tenant"
)

// SandboxCopy is the operator as its copy is called and kept: a sandbox, in the
// operator's own name, that nobody pays for.
func (o Operator) SandboxCopy(id tenant.ID) Operator {
	c := o
	c.ID, c.CopyOf, c.Sandbox = id, o.ID, true
	c.Name = sandbox.NameOf(o.Name)
	c.DisplayName = o.DisplayName + " (sandbox)"
	c.Standing = Standing{State: Active, GraceDays: o.Standing.GraceDays}
	c.Settings.ClockAt = nil // its clock stands where the stack's stood when it was copied
	return c
}

// CopyOf reads the sandbox copy of an operator; ErrNotFound if there is none.
func CopyOf(ctx context.Context, tx Tx, source tenant.ID) (Operator, error) {
	return oneOperator(ctx, tx, `select `+operatorColumns+` from operator where copy_of = $1`, source)
}

// KeepCopy enters a copy into the registry. One that is there stays as it is.
// ErrNameTaken if another operator has its name.
func KeepCopy(ctx context.Context, tx Tx, c Operator) error {
	if _, err := GetOperator(ctx, tx, c.ID); !errors.Is(err, ErrNotFound) {
		return err
	}
	c.CreatedBy, c.CreatedAt = System.String(), tx.At
	return c.insert(ctx, tx, "")
}

package tenants_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/tenants"
)

// person adds a staff user and is it.
func (c *control) person(t *testing.T, email string, role tenants.Role) tenants.Actor {
	t.Helper()
	ctx := context.Background()
	n, err := c.staff.Admit(ctx, email, "", string(role))
	if err != nil {
		t.Fatal(err)
	}
	var user tenants.StaffUser
	c.write(t, func(ctx context.Context, tx tenants.Tx) error {
		user, _, err = c.staff.Create(ctx, tx, tenants.System, n)
		return err
	})
	return tenants.Actor{ID: user.ID, Email: user.Email, Role: role}
}

func TestBreakGlass_takesTwo(t *testing.T) {
	t.Parallel()
	c := newControl(t)
	made, err := c.create(c.registry(&stacks{}), application("nordnetz"))
	if err != nil {
		t.Fatal(err)
	}
	jo, kim := c.person(t, "jo@tollhouse.example", tenants.Engineer), c.person(t, "kim@tollhouse.example", tenants.Admin)
	ask := func() (b tenants.BreakGlass) {
		c.write(t, func(ctx context.Context, tx tenants.Tx) (err error) {
			b, err = tenants.AskBreakGlass(ctx, tx, jo, made.ID, "charging stands still", true)
			return err
		})
		return b
	}
	decide := func(by tenants.Actor, id uuid.UUID, to tenants.BreakGlassState) error {
		return c.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
			_, err := tenants.DecideBreakGlass(ctx, tx, by, id, to)
			return err
		})
	}
	enter := func(by tenants.Actor, id uuid.UUID) error {
		return c.Read(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
			_, err := tenants.ApprovedFor(ctx, tx, by, id)
			return err
		})
	}
	check := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", what, err, want)
		}
	}

	b := ask()
	check("approving one's own request", decide(jo, b.ID, tenants.Approved), tenants.ErrOwnRequest)
	check("refusing one's own request", decide(jo, b.ID, tenants.Refused), tenants.ErrOwnRequest)
	check("withdrawing another's request", decide(kim, b.ID, tenants.Withdrawn), tenants.ErrOwnRequest)
	check("entering before the approval", enter(jo, b.ID), tenants.ErrNotApproved)
	check("approval", decide(kim, b.ID, tenants.Approved), nil)
	check("approving twice", decide(kim, b.ID, tenants.Approved), tenants.ErrDecided)
	check("refusing after the approval", decide(kim, b.ID, tenants.Refused), tenants.ErrDecided)
	check("the approver entering", enter(kim, b.ID), tenants.ErrNotApproved)
	check("entering", enter(jo, b.ID), nil)
	c.pass(time.Hour)
	check("entering an hour later", enter(jo, b.ID), tenants.ErrNotApproved)

	late := ask()
	c.pass(15 * time.Minute)
	check("approving a quarter of an hour later", decide(kim, late.ID, tenants.Approved), tenants.ErrDecided)

	own := ask()
	check("withdrawing", decide(jo, own.ID, tenants.Withdrawn), nil)
	check("approving what was withdrawn", decide(kim, own.ID, tenants.Approved), tenants.ErrDecided)
	check("an unknown request", decide(kim, uuid.New(), tenants.Approved), tenants.ErrNotFound)
	err = c.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		_, err := tenants.AskBreakGlass(ctx, tx, jo, made.ID, "  ", false)
		return err
	})
	check("asking without a reason", err, tenants.ErrInvalid)
	if n := c.count(t, `select count(*) from audit where action = 'breakglass.approve' and detail ->> 'staff' = $1 and detail ->> 'decided_by' = $2`, jo.Email, kim.Email); n != 1 {
		t.Errorf("%d audit rows name both", n)
	}
}

func TestSuspend_needsAReasonAndTheRightState(t *testing.T) {
	t.Parallel()
	c := newControl(t)
	s := &stacks{}
	r := c.registry(s)
	days := 30
	a := application("nordnetz")
	a.GraceDays = &days
	made, err := c.create(r, a)
	if err != nil {
		t.Fatal(err)
	}
	do := func(fn func(ctx context.Context, tx tenants.Tx) (tenants.Operator, error)) (o tenants.Operator, err error) {
		err = c.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) (err error) {
			o, err = fn(ctx, tx)
			return err
		})
		return o, err
	}
	resume := func(ctx context.Context, tx tenants.Tx) (tenants.Operator, error) {
		return r.Resume(ctx, tx, tenants.System, made.ID)
	}
	suspendFor := func(reason string) func(ctx context.Context, tx tenants.Tx) (tenants.Operator, error) {
		return func(ctx context.Context, tx tenants.Tx) (tenants.Operator, error) {
			return r.Suspend(ctx, tx, tenants.System, made.ID, reason)
		}
	}
	if _, err := do(resume); !errors.Is(err, tenants.ErrOperatorState) {
		t.Errorf("resumed an active operator: %v", err)
	}
	if _, err := do(suspendFor(" ")); !errors.Is(err, tenants.ErrInvalid) {
		t.Errorf("suspended without a reason: %v", err)
	}
	o, err := do(suspendFor("unpaid since March"))
	if err != nil || o.Standing.State != tenants.Suspended || !o.Standing.ServiceUntil().Equal(c.now().AddDate(0, 0, days)) {
		t.Errorf("%+v, %v", o.Standing, err)
	}
	if o, err = do(resume); err != nil || o.Standing.State != tenants.Active || !o.Standing.ServiceUntil().IsZero() {
		t.Errorf("%+v, %v", o.Standing, err)
	}
	if len(s.standing) != 2 || s.standing[0] != 1 || s.standing[1] != 2 {
		t.Errorf("stacks were told %v", s.standing)
	}
}

package billing

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/balance"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// person is somebody who works for the operator.
func person(role identity.Role) identity.Principal {
	return identity.Principal{Kind: identity.UserPrincipal, UserID: id7(), Role: role}
}

// What is beyond a person's limit waits for another, whose own limit counts:
// nobody approves their own, nothing is booked before, and once is once.
func TestAdjustmentRequest_waitsForASecondPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect("prepaid")
	w.cash(c.ID, "10.00")
	had := w.mainOf(c.ID)
	clerk, other, owner := person(identity.Clerk), person(identity.Clerk), person(identity.Owner)
	var bucket uuid.UUID
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		main, err := balance.List(ctx, tx, c.ID)
		for _, b := range main {
			if b.Origin == balance.Main {
				bucket = b.ID
			}
		}
		if err != nil {
			return err
		}
		return balance.PutAdjustPolicy(ctx, tx, balance.AdjustPolicy{Limits: []balance.AdjustLimit{{Role: "clerk", Unit: "EUR", PerAct: money.NewDecimal(5), PerDay: money.NewDecimal(8)}}}, "user:owner")
	})
	ask := func(amount string) (id uuid.UUID) {
		t.Helper()
		id = id7()
		w.write(func(ctx context.Context, tx tenant.Tx) error {
			r, err := balance.Ask(ctx, tx, balance.Request{ID: id, BucketID: bucket, Amount: money.MustDecimal(amount), Note: "an outage of a week", AskedBy: clerk.Actor()})
			if err == nil && (r.State != balance.Waiting || r.AccountID != c.ID || r.Unit != "EUR") {
				t.Errorf("asked: %+v", r)
			}
			return err
		})
		return id
	}
	approve := func(who identity.Principal, id uuid.UUID) error {
		return w.try(func(ctx context.Context, tx tenant.Tx) error {
			_, err := w.ApproveAdjustment(ctx, tx, who, id)
			return err
		})
	}
	decide := func(to balance.RequestState, who identity.Principal, id uuid.UUID, why string) error {
		return w.try(func(ctx context.Context, tx tenant.Tx) error {
			_, err := balance.Decide(ctx, tx, id, to, who.Actor(), why)
			return err
		})
	}
	first := ask("20.00")
	if now := w.mainOf(c.ID); !now.Equal(had) {
		t.Errorf("asking alone has booked: %s", now)
	}
	for _, step := range []struct {
		what     string
		is, want error
	}{
		{"one's own", approve(clerk, first), balance.ErrOwnRequest},
		{"beyond the other's limit too", approve(other, first), balance.ErrLimit},
		{"refused without a reason", decide(balance.Refused, owner, first, " "), balance.ErrReason},
		{"taken back by another", decide(balance.Withdrawn, owner, first, ""), balance.ErrNotAsker},
		{"approved by an owner", approve(owner, first), nil},
	} {
		if !errors.Is(step.is, step.want) {
			t.Errorf("%s: %v, want %v", step.what, step.is, step.want)
		}
	}
	if now := w.mainOf(c.ID); !now.Equal(had.Add(money.NewDecimal(20))) {
		t.Errorf("after the approval: %s", now)
	}
	if err := approve(owner, first); !errors.Is(err, balance.ErrDecided) {
		t.Errorf("approved twice: %v", err)
	}
	second := ask("-4.00")
	if err := approve(other, second); err != nil {
		t.Errorf("within the other's limit: %v", err)
	}
	third := ask("30.00")
	if err := decide(balance.Refused, owner, third, "too much"); err != nil {
		t.Error(err)
	}
	fourth := ask("30.00")
	if err := decide(balance.Withdrawn, clerk, fourth, ""); err != nil {
		t.Error(err)
	}
	if now := w.mainOf(c.ID); !now.Equal(had.Add(money.NewDecimal(16))) {
		t.Errorf("at the end: %s", now)
	}
	w.mustSums()
}

// A postpaid account's credit is asked for the same way.
func TestAdjustmentRequest_ofACredit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect("flex")
	id := id7()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := balance.Ask(ctx, tx, balance.Request{ID: id, AccountID: c.ID, Amount: money.NewDecimal(7), Unit: "EUR", Note: "goodwill", AskedBy: "user:clerk"})
		return err
	})
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := w.ApproveAdjustment(ctx, tx, person(identity.Owner), id)
		return err
	})
	if got := w.text(`select trim_scale(amount)::text from payment where account_id = $1 and method = 'goodwill'`, c.ID); got != "7" {
		t.Errorf("the credit: %s", got)
	}
	w.mustSums()
}

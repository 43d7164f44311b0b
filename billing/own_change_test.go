package billing

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/desk"
	"tollhouse/billing/tenant"
)

// ownPlans are the names of the plans that a customer may change to by itself.
func (w *world) ownPlans(c customer) (names string, err error) {
	w.t.Helper()
	err = w.Stack.Read(w.t.Context(), func(ctx context.Context, tx tenant.Tx) error {
		s, err := account.GetSubscription(ctx, tx, w.running(c))
		if err != nil {
			return err
		}
		own, err := desk.OwnAlternatives(ctx, tx, s)
		var list []string
		for _, one := range own.Plans {
			list = append(list, one.Offering.Code)
		}
		names = strings.Join(list, " ")
		return err
	})
	return names, err
}

func (w *world) previewOwn(c customer, plan string, when desk.Timing) (lacks string, err error) {
	w.t.Helper()
	err = w.Stack.Read(w.t.Context(), func(ctx context.Context, tx tenant.Tx) error {
		n := desk.NewChange{ID: uuid.Must(uuid.NewV7()), SubscriptionID: w.running(c), OfferingID: w.plans[plan], When: when}
		_, missing, err := desk.PreviewOwn(ctx, tx, w.Desk(), n)
		lacks = missing.Decimal().String()
		return err
	})
	return lacks, err
}

func TestOwnChange_onlyWhereTheOfferingAllows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(feePlan("shut", "postpaid", "10.00", ""))
	w.publish(feePlan("open", "postpaid", "20.00", "") + "own_change: {when: [period_end], to: [big]}\n")
	w.publish(feePlan("big", "postpaid", "40.00", ""))
	w.publish(feePlan("small", "postpaid", "5.00", ""))
	shut, open := w.connect("shut"), w.connect("open")
	if _, err := w.ownPlans(shut); !errors.Is(err, desk.ErrNotByOwn) {
		t.Errorf("a plan that says nothing: %v", err)
	}
	if names, err := w.ownPlans(open); err != nil || names != "big" {
		t.Errorf("may change to %q, %v", names, err)
	}
	for _, no := range []struct {
		plan string
		when desk.Timing
	}{{"big", desk.Now}, {"small", desk.AtPeriodEnd}, {"big", desk.OnDate}} {
		if _, err := w.previewOwn(open, no.plan, no.when); !errors.Is(err, desk.ErrNotByOwn) {
			t.Errorf("%s, %s: %v", no.plan, no.when, err)
		}
	}
	if lacks, err := w.previewOwn(open, "big", desk.AtPeriodEnd); err != nil || lacks != "0" {
		t.Errorf("lacks %s, %v", lacks, err)
	}
	// The version on sale decides, for those who have an older one as well.
	w.publish(feePlan("shut", "postpaid", "11.00", "") + "own_change: {when: [now]}\n")
	w.publish(feePlan("open", "postpaid", "20.00", ""))
	w.SetClock(t, w.now().Add(time.Minute))
	if _, err := w.ownPlans(open); !errors.Is(err, desk.ErrNotByOwn) {
		t.Errorf("a rule that was taken back: %v", err)
	}
	if names, err := w.ownPlans(shut); err != nil || names == "" || strings.Contains(names, "shut") {
		t.Errorf("may change to %q, %v", names, err)
	}
}

func TestOwnChange_notWithinATermNorTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(feePlan("a", "postpaid", "20.00", "") + "own_change: {when: [now, period_end]}\n")
	w.publish(feePlan("b", "postpaid", "40.00", ""))
	c := w.connect("a")
	from, until := calendar.DateOf(w.now(), w.Zone), calendar.DateOf(w.now(), w.Zone).AddDays(10)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return account.PutTerm(ctx, tx, w.running(c), account.Term{From: &from, Until: &until})
	})
	if _, err := w.ownPlans(c); !errors.Is(err, desk.ErrInTerm) {
		t.Errorf("within the term: %v", err)
	}
	w.SetClock(t, w.now().AddDate(0, 0, 10))
	if names, err := w.ownPlans(c); err != nil || !strings.HasPrefix(names, "b") {
		t.Errorf("after the term: %q, %v", names, err)
	}
	if _, err := w.changeWhen(c, "b", desk.AtPeriodEnd, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ownPlans(c); !errors.Is(err, account.ErrChangeScheduled) {
		t.Errorf("with one to come: %v", err)
	}
}

func TestOwnChange_saysWhatABalanceLacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(feePlan("a", "prepaid", "10.00", "") + "own_change: {when: [now, period_end]}\n")
	w.publish(feePlan("b", "prepaid", "40.00", ""))
	c := w.connect("a")
	w.cash(c.ID, "15.00")
	now, err := w.previewOwn(c, "b", desk.Now)
	if err != nil || now == "0" || strings.HasPrefix(now, "-") {
		t.Errorf("lacks %s now, %v", now, err)
	}
	if later, err := w.previewOwn(c, "b", desk.AtPeriodEnd); err != nil || later != "0" {
		t.Errorf("lacks %s at the end, %v", later, err)
	}
	w.cash(c.ID, now)
	if lacks, err := w.previewOwn(c, "b", desk.Now); err != nil || lacks != "0" {
		t.Errorf("after a top-up of what was missing it lacks %s, %v", lacks, err)
	}
	if change, err := w.changeWhen(c, "b", desk.Now, ""); err != nil || change.State != account.ChangeDone {
		t.Errorf("%+v, %v", change, err)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

func TestParent_oneStepUpOfAnOpenAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mother, child, grandchild := w.connect("flex"), w.connect("flex"), w.connect("flex")
	put := func(id uuid.UUID, parent *uuid.UUID) error {
		return w.try(func(ctx context.Context, tx tenant.Tx) error {
			_, err := account.PutParent(ctx, tx, id, parent)
			return err
		})
	}
	if err := put(child.ID, &mother.ID); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"itself": put(mother.ID, &mother.ID), "its child": put(mother.ID, &child.ID), "a child": put(grandchild.ID, &child.ID),
		"nobody": put(grandchild.ID, ptrTo(uuid.New()))} {
		if !errors.Is(err, account.ErrParent) {
			t.Errorf("under %s: %v", name, err)
		}
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		a, err := account.BillToParent(ctx, tx, child.ID, true)
		if err == nil && !a.ToParent {
			t.Error("it is not billed to its parent")
		}
		return err
	})
	if err := put(child.ID, nil); err != nil {
		t.Fatal(err)
	}
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		a, err := account.Get(ctx, tx, child.ID)
		if a.ParentID != nil || a.ToParent {
			t.Errorf("it still stands under one: %+v", a)
		}
		return err
	})
}

func ptrTo[T any](v T) *T { return &v }

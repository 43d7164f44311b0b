package billing

import (
	"context"
	"errors"
	"strings"
	"testing"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/collection"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// A plan for which persons leave 50.00 as security and organizations 80.00.
var securedPlan = strings.NewReplacer("code: flex", "code: secured",
	"usage:\n", "deposit: {amount: \"50.00\", organization: \"80.00\", months: 12, interest: \"1.5\"}\nusage:\n").Replace(flexPlan)

// order takes one for the secured plan, with more facts or with others.
func (w *world) secured(account *account.Account, more onboarding.Facts) onboarding.Order {
	w.t.Helper()
	w.made++
	n := onboarding.NewOrder{OfferingID: w.plans["secured"], CreatedBy: "desk", Facts: orderFacts(w.made)}
	if account != nil {
		n.AccountID = &account.ID
	}
	for field, value := range more {
		n.Facts[field] = value
	}
	var placed []onboarding.Order
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		placed, err = w.Desk().Place(ctx, tx, []onboarding.NewOrder{n})
		return err
	})
	return placed[0]
}

func (w *world) activate(o onboarding.Order) (done onboarding.Order, err error) {
	w.t.Helper()
	err = w.Stack.Write(w.t.Context(), func(ctx context.Context, tx tenant.Tx) error {
		list, err := w.Desk().Activate(ctx, tx, o.ID)
		if err == nil {
			done = list[0]
		}
		return err
	})
	return done, err
}

func (w *world) deposits(a *account.Account) (list []bill.Deposit) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx tenant.Tx) (err error) {
		list, err = bill.DepositsOf(ctx, tx, a.ID)
		return err
	})
	return list
}

// wantsDeposit says whether the gate refuses an order for its deposit, and what
// it says that is due.
func (w *world) wantsDeposit(o onboarding.Order, due string) {
	w.t.Helper()
	var incomplete *onboarding.IncompleteError
	if _, err := w.activate(o); !errors.As(err, &incomplete) || len(incomplete.Findings) != 1 || incomplete.Findings[0].Field != onboarding.DepositMethod ||
		!strings.Contains(incomplete.Findings[0].Reason, due) {
		w.t.Errorf("want the deposit of %s missing, got %v", due, err)
	}
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		got, err := w.Desk().DepositDue(ctx, tx, o)
		if got.Text() != due {
			w.t.Errorf("due %s, want %s", got, due)
		}
		return err
	})
}

// An order whose offering demands a deposit waits until the channel takes it with
// a payment, which is a deposit that is asked for and paid.
func TestDeposit_isTakenAtConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(securedPlan)
	for kind, amount := range map[string]string{"individual": "50.00", "organization": "80.00"} {
		o := w.secured(nil, onboarding.Facts{"party.kind": kind})
		w.wantsDeposit(o, amount)
		w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
			o, err = w.Desk().Supply(ctx, tx, o.ID, onboarding.Facts{onboarding.DepositMethod: "cash", onboarding.DepositReference: "R 7"})
			return err
		})
		var done onboarding.Order
		for range 2 { // a repeat changes nothing
			var err error
			if done, err = w.activate(o); err != nil || done.State != onboarding.Completed {
				t.Fatalf("%s: %s, %v", kind, done.State, err)
			}
		}
		list := w.deposits(&account.Account{ID: *done.AccountID})
		if len(list) != 1 || list[0].Held().Text() != amount || list[0].Months == nil || *list[0].Months != 12 || list[0].Interest.String() != "1.5" ||
			list[0].OrderID == nil || *list[0].OrderID != o.ID {
			t.Errorf("%s: %+v", kind, list)
		}
		if got := w.text(`select method || ' ' || amount::numeric(9,2) || ' ' || reference from payment where account_id = $1`, *done.AccountID); got != "cash "+amount+" R 7" {
			t.Errorf("%s: paid %s", kind, got)
		}
	}
	w.mustSums()
}

// What is held on the account counts, once: the next order needs its own.
func TestDeposit_heldOnTheAccountOpensTheGateOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(securedPlan)
	c := w.connect("flex")
	first := w.secured(&c.Account, nil)
	w.wantsDeposit(first, "50.00")
	var asked bill.Deposit
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		asked, err = bill.AskDeposit(ctx, tx, bill.NewDeposit{AccountID: c.ID, Amount: euro("30.00"), Reason: "new plan", By: "clerk"})
		return err
	})
	w.wantsDeposit(first, "50.00") // asked for is not held
	w.record(payment.NewPayment{AccountID: c.ID, Purpose: payment.PurposeBill, Method: payment.Bank, Amount: euro("30.00"), BillID: asked.OpenItemID, By: "clerk"})
	w.wantsDeposit(first, "20.00")
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := w.Desk().Supply(ctx, tx, first.ID, onboarding.Facts{onboarding.DepositMethod: "bank"})
		return err
	})
	if _, err := w.activate(first); err != nil {
		t.Fatal(err)
	}
	held := "0.00"
	for _, d := range w.deposits(&c.Account) {
		if d.OrderID == nil || *d.OrderID != first.ID {
			t.Errorf("%+v stands for no order", d)
		}
		held = d.Held().Text() + " " + held
	}
	if held != "30.00 20.00 0.00" && held != "20.00 30.00 0.00" {
		t.Errorf("held %s", held)
	}
	w.wantsDeposit(w.secured(&c.Account, nil), "50.00")
	w.mustSums()
}

// A deposit may be asked of a class of customers alone: by the account's risk or
// tags. Whoever is new is of normal risk.
func TestDeposit_ofAClassOfCustomers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(strings.Replace(securedPlan, "deposit: {", "deposit: {segment: {risk: [high], tags: [trial, stranger]}, ", 1))
	done, err := w.activate(w.secured(nil, nil))
	if err != nil {
		t.Fatalf("a new customer of normal risk: %v", err)
	}
	var known account.Account
	w.read(func(ctx context.Context, tx tenant.Tx) (err error) {
		known, err = account.Get(ctx, tx, *done.AccountID)
		return err
	})
	for _, class := range []struct {
		risk, tag string
		due       bool
	}{{"high", "school", false}, {"normal", "trial", false}, {"high", "trial", true}} {
		w.write(func(ctx context.Context, tx tenant.Tx) error {
			return w.Collection().PutStanding(ctx, tx, known.ID, collection.Standing{Tags: []string{class.tag}, Risk: class.risk})
		})
		order := w.secured(&known, nil)
		if class.due {
			w.wantsDeposit(order, "50.00")
			continue
		}
		if _, err := w.activate(order); err != nil {
			t.Errorf("%s, %s: %v", class.risk, class.tag, err)
		}
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

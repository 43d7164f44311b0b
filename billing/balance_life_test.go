package billing

import (
	"context"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/charging"
	"tollhouse/billing/charging/session"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/billing/transfer"
	"tollhouse/billing/usage"
)

// familyPlan has data that a family shares, 3 GB a member, and half of what is
// left lives on for two months; goPlan has nothing included; creditPlan is paid
// afterwards.
const familyPlan = `
code: family
names: {en: Family}
billing: prepaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
prices: {recurring: [{code: monthly, names: {en: Monthly}, amount: "7.99", months: 1, timing: advance, prorate: none}]}
allowances: [{code: shared, names: {en: Shared data}, kinds: [data], priority: 2, validity_months: 1, amount: 10 GB, shared: {limit: 3 GB}, rollover: {share: 50, periods: 2}}]
usage:
  - {code: data, names: {en: Data}, kind: data, rules: [{code: bytes, destinations: ["*"], price: "0.97", per: 1 GB}]}
  - {code: message, names: {en: Messages}, kind: message, rules: [{code: all, destinations: ["*"], price: "0.33", per: "1"}]}
`

const goPlan = `
code: go
names: {en: Go}
billing: prepaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
usage:
  - {code: data, names: {en: Data}, kind: data, rules: [{code: bytes, destinations: ["*"], price: "0.97", per: 1 GB}]}
  - {code: message, names: {en: Messages}, kind: message, rules: [{code: all, destinations: ["*"], price: "0.33", per: "1"}]}
`

const creditPlan = `
code: credit
names: {en: Credit}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
usage:
  - {code: data, names: {en: Data}, kind: data, rules: [{code: bytes, destinations: ["*"], price: "0.97", per: 1 GB}]}
  - {code: message, names: {en: Messages}, kind: message, rules: [{code: all, destinations: ["*"], price: "0.33", per: "1"}]}
`

var (
	debtLimit   = money.NewDecimal(1)  // of one member
	creditLimit = money.NewDecimal(10) // of who pays afterwards
)

// Grants, a family's shared balances within its members' limits, rollover,
// expiry, debits, sessions, transfers and top-ups, in any order: the control
// sums hold, nothing falls below zero beyond what was allowed, nothing is held
// back that is not there, and what is done again changes nothing.
func TestBalances_sumsHoldWhateverHappens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, plan := range []string{familyPlan, goPlan, creditPlan} {
		w.publish(plan)
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return transfer.Put(ctx, tx, transfer.Policy{Enabled: true, SubscribersDo: true, Minimum: money.NewDecimal(1), Maximum: money.NewDecimal(20),
			Fee: money.MustDecimal("0.10")}, "user:owner")
	})
	tried := map[string]bool{"sharing_use": false, "balance_act": false, "charging_session": false, "bucket where rolled_from is not null": false}
	rapid.Check(t, func(rt *rapid.T) {
		f := newFamily(w, rt)
		actions := []func(){f.debit, f.debit, f.session, f.session, f.grant, f.transfer, f.topUp, f.limit, f.wait, f.endCycle}
		for _, action := range rapid.Permutation(actions).Draw(rt, "actions") {
			action()
			f.check()
			for table, is := range tried { // some of it is swept away with time
				tried[table] = is || w.text(`select count(*)::text from `+table) != "0"
			}
		}
	})
	for table, is := range tried {
		if !is {
			t.Errorf("nothing was written to %s: the test tries nothing", table)
		}
	}
}

// family is an owner, two members of whom one may owe a little, and somebody
// who pays afterwards.
type family struct {
	*life
}

func newFamily(w *world, rt *rapid.T) *family {
	f := &family{life: &life{world: w, rt: rt}}
	for _, plan := range []string{"family", "go", "go", "credit"} {
		f.customers = append(f.customers, w.connect(plan))
	}
	owner, members := f.customers[0], f.customers[1:3]
	for _, c := range f.customers[:3] {
		w.cash(c.ID, "12.00")
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if _, err := balance.Found(ctx, tx, owner.ID, "The family"); err != nil {
			return err
		}
		for _, m := range members {
			if err := balance.Join(ctx, tx, owner.ID, m.ID); err != nil {
				return err
			}
		}
		if err := account.PutLimits(ctx, tx, members[1].ID, account.Limits{Debt: &debtLimit}); err != nil {
			return err
		}
		return account.PutLimits(ctx, tx, f.customers[3].ID, account.Limits{Credit: &creditLimit})
	})
	return f
}

// refused says whether an error is one of those that were to be expected.
func refused(err error) bool {
	for _, one := range []error{charging.ErrInsufficient, charging.ErrCreditLimit, balance.ErrInsufficient, transfer.ErrAmount, transfer.ErrSelf, transfer.ErrReceiver} {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}

var errChanged = errors.New("refused once, and once not")

// attempt does something twice; what is refused is refused both times.
func (f *family) attempt(what string, do func() error) {
	var first error
	n := 0
	f.twice(what, func() error {
		err := do()
		if n++; n == 1 {
			first = err
		} else if (err == nil) != (first == nil) {
			return errors.Join(errChanged, first, err)
		}
		if refused(err) {
			return nil
		}
		return err
	})
}

func (f *family) debit() {
	_, who := f.someone()
	end := f.now().Add(-time.Duration(rapid.IntRange(0, 600).Draw(f.rt, "minutes late")) * time.Minute)
	record := who.data(f.key(), end, rapid.Int64Range(1, 5e9).Draw(f.rt, "bytes"))
	if rapid.Bool().Draw(f.rt, "message") {
		record.Kind, record.Unit, record.Quantity, record.Destination = usage.Message, money.Event, rapid.Int64Range(1, 6).Draw(f.rt, "messages"), "+49301"
	}
	f.attempt("debit", func() error {
		_, err := f.Online().Debit(f.t.Context(), f.Stack.Ref, f.feed.ID, record)
		var none *charging.DebitError
		if errors.As(err, &none) && who.ActivatedAfter(end) {
			return nil
		}
		return err
	})
	f.owesNoMoreThanItMay()
}

// ActivatedAfter says whether the customer was connected after an instant.
func (c customer) ActivatedAfter(at time.Time) bool { return c.CreatedAt.After(at) }

// session begins, uses no more than was granted, and ends or falls silent.
func (f *family) session() {
	_, who := f.someone()
	start := session.Step{Kind: session.Start, Source: "core", Name: f.key(), Who: usage.Identity{Kind: usage.MSISDN, Value: who.msisdn},
		Reports: []session.Report{{Service: "net", Kind: usage.Data, Ask: true, Units: rapid.Int64Range(0, 3e9).Draw(f.rt, "units")}}}
	var begun session.Answer
	f.attempt("start", func() (err error) {
		begun, err = f.Step(f.t.Context(), start)
		return err
	})
	if len(begun.Services) == 0 || begun.Services[0].Granted == 0 {
		return
	}
	granted := begun.Services[0].Granted
	for number := int64(1); number <= 2; number++ {
		used := rapid.Int64Range(0, granted).Draw(f.rt, "used")
		var next session.Answer
		f.attempt("update", func() (err error) {
			next, err = f.Step(f.t.Context(), session.Step{Kind: session.Update, Session: begun.Session, Number: number, Reports: []session.Report{{Service: "net", Used: used, Ask: true}}})
			return err
		})
		if granted = next.Services[0].Granted; granted == 0 {
			break
		}
	}
	if rapid.Bool().Draw(f.rt, "ends") {
		used := rapid.Int64Range(0, granted).Draw(f.rt, "used at last")
		f.attempt("terminate", func() error {
			_, err := f.Step(f.t.Context(), session.Step{Kind: session.Terminate, Session: begun.Session, Number: 3, Reports: []session.Report{{Service: "net", Used: used}}})
			return err
		})
	}
	f.owesNoMoreThanItMay()
}

func (f *family) grant() {
	_, who := f.someone()
	g := balance.Gift{ID: id7(), AccountID: who.ID, Code: "gift", Unit: money.Byte, Amount: money.NewDecimal(rapid.Int64Range(1, 4e9).Draw(f.rt, "gift")), Priority: 5, Reason: "sorry"}
	if rapid.Bool().Draw(f.rt, "of money") {
		g.Unit, g.Amount = money.MustCurrency("EUR").Unit(), f.cents(1, 500).Decimal()
	}
	if days := rapid.IntRange(0, 40).Draw(f.rt, "days"); days > 0 {
		g.ExpiresAt = f.now().AddDate(0, 0, days)
	}
	f.attempt("grant", func() error {
		return f.try(func(ctx context.Context, tx tenant.Tx) error { _, err := balance.Give(ctx, tx, g); return err })
	})
}

func (f *family) transfer() {
	_, from := f.someone()
	_, to := f.someone()
	if rapid.IntRange(0, 3).Draw(f.rt, "sensible") > 0 { // between prepaid ones
		n := rapid.IntRange(0, 2).Draw(f.rt, "from")
		from, to = f.customers[n], f.customers[(n+1)%3]
	}
	o := transfer.Order{ID: id7(), From: from.ID, To: to.ID, Amount: f.cents(100, 1500), By: "user:x", Self: true}
	f.attempt("transfer", func() error {
		return f.try(func(ctx context.Context, tx tenant.Tx) error { _, err := f.SendMoney(ctx, tx, o); return err })
	})
}

func (f *family) topUp() {
	_, who := f.someone()
	n := payment.NewPayment{ID: id7(), AccountID: who.ID, Purpose: purpose(who), Method: payment.Cash, Amount: f.cents(100, 2000), By: "clerk"}
	f.attempt("top-up", func() error {
		return f.try(func(ctx context.Context, tx tenant.Tx) error { _, err := f.RecordPayment(ctx, tx, n); return err })
	})
}

func (f *family) limit() {
	member := f.customers[rapid.IntRange(1, 2).Draw(f.rt, "member")]
	var most *money.Decimal
	if rapid.Bool().Draw(f.rt, "limited") {
		amount := money.NewDecimal(rapid.Int64Range(0, 8e9).Draw(f.rt, "limit"))
		most = &amount
	}
	f.attempt("limit", func() error {
		return f.try(func(ctx context.Context, tx tenant.Tx) error {
			return balance.Limit(ctx, tx, f.customers[0].ID, member.ID, money.Byte, most)
		})
	})
}

func (f *family) check() {
	if err := f.sums(); err != nil {
		f.rt.Fatal(err)
	}
	f.read(func(ctx context.Context, tx tenant.Tx) error {
		for n, who := range f.customers {
			buckets, err := balance.List(ctx, tx, who.ID)
			if err != nil {
				return err
			}
			for _, b := range buckets {
				may := money.Decimal{}
				if n == 2 && b.Origin == balance.Main {
					may = debtLimit
				}
				if b.Value.Add(may).Sign() < 0 {
					f.rt.Fatalf("%s of customer %d holds %s", b.Code, n, b.Value)
				}
				held, err := balance.Reserved(ctx, tx, b.ID)
				if err != nil {
					return err
				}
				if b.ExpiresAt == nil && b.Value.Add(may).Cmp(held) < 0 {
					f.rt.Fatalf("%s of customer %d holds %s, and %s are reserved", b.Code, n, b.Value, held)
				}
			}
		}
		// by the allowance's own limit, where a member has none of its own, in each cycle
		var beyond int
		err := tx.QueryRow(ctx, `select count(*) from sharing_use where used > 8000000000 or used < 0`).Scan(&beyond)
		if beyond > 0 {
			f.rt.Fatalf("%d times a member used more than any limit was", beyond)
		}
		return err
	})
}

// owesNoMoreThanItMay is so right after an online charge; a bill adds the tax.
func (f *family) owesNoMoreThanItMay() {
	over := f.text(`select count(*)::text from billing_account where id = $1 and unbilled > 0 and receivable = 0 and unbilled + receivable - credit > credit_limit`, f.customers[3].ID)
	if over != "0" {
		f.rt.Fatalf("the credit limit of %s is passed", creditLimit)
	}
}

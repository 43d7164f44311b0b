package replay_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
)

const familyPlan = `
code: family
names: {en: Family}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
allowances: [{code: pot, names: {en: Minutes}, amount: 100 min, kinds: [voice], validity_months: 1, priority: 1, shared: {limit: 30 min}}]
usage: [{code: voice, names: {en: Calls}, kind: voice, rules: [{code: all, destinations: ["*"], price: 0.10, per: 1 min}]}]
`

const memberPlan = `
code: member
names: {en: Member}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
allowances: [{code: gift, names: {en: Included money}, amount: 1.00 EUR, kinds: [voice], validity_months: 1, priority: 2}]
usage: [{code: voice, names: {en: Calls}, kind: voice, rules: [{code: all, destinations: ["*"], price: 0.10, per: 1 min}]}]
`

// member is one of a family, in which each may have 30 of its 100 minutes.
func (w *world) family() (owner, member account.Account, plans map[string]catalog.Version) {
	w.t.Helper()
	plans = map[string]catalog.Version{"family": w.publish(familyPlan), "member": w.publish(memberPlan)}
	owner, member = w.customer(plans["family"], account.Postpaid, 1), w.customer(plans["member"], account.Postpaid, 2)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if _, err := balance.Found(ctx, tx, owner.ID, "Family"); err != nil {
			return err
		}
		if err := balance.Join(ctx, tx, owner.ID, member.ID); err != nil {
			return err
		}
		_, err := w.engine.GrantCycle(ctx, tx, owner.ID, member.ID)
		return err
	})
	return owner, member, plans
}

// holds is what an account's balance of a code holds, and what the member has used of it.
func (w *world) holds(a account.Account, code string) (value, used string) {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		var v, u money.Decimal
		err := tx.QueryRow(ctx, `select sum(value), coalesce((select sum(used) from sharing_use s where s.owner_id = $1 and s.code = $2), 0) from bucket where account_id = $1 and code = $2`, a.ID, code).Scan(&v, &u)
		value, used = v.String(), u.String()
		return err
	})
	return value, used
}

// Use of a member that is taken back leaves its share to the use after it, as
// far as its limit goes, and included money to what has to be paid.
func TestRerating_ofAMemberWithinItsLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, member, plans := w.family()
	ids := w.ingest(w.call(2, "+4930", w.may(3), 25), w.call(2, "+4930", w.may(4), 25))
	// 30 of the 50 minutes are lent; 20 are 2.00, of which 1.00 is included
	want := func(what, billed, pot, used, gift string) {
		t.Helper()
		value, of := w.holds(owner, "pot")
		left, _ := w.holds(member, "gift")
		if got := w.billed(member, may); got != billed || value != pot || of != used || left != gift {
			t.Errorf("%s: billed %s, pot %s, used %s, gift %s; want %s, %s, %s, %s", what, got, value, of, left, billed, pot, used, gift)
		}
		w.sums()
	}
	want("at first", "1.00", "4200", "1800", "0")
	r := w.propose(replay.Proposal{Action: replay.TakeBack, Choice: replay.Choice{Uses: []replay.Piece{{ID: ids[0], Period: may.From, Quantity: 1200}}}})
	r = w.apply(r)
	if r.State != replay.Applied {
		t.Fatalf("it is %s: %s", r.State, r.Error)
	}
	// 5 and 25 minutes: all lent
	want("20 minutes taken back", "0.00", "4200", "1800", "1")
	if back := w.undo(r); back.State != replay.Applied {
		t.Fatalf("undoing is %s: %s", back.State, back.Error)
	}
	want("undone", "1.00", "4200", "1800", "0")
	// a refund of the second gives back what was lent, what was included and what was billed
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := w.engine.Correct(ctx, tx, charging.Correction{ID: uuid.Must(uuid.NewV7()), Account: member.ID, Period: may.From, Charge: ids[1], Reason: "dropped"})
		return err
	})
	want("the second refunded", "0.00", "4500", "1500", "1")
	// what was refunded whole is not charged again by a re-rating
	r = w.propose(replay.Proposal{Action: replay.PriceAgain, Offering: plans["member"].ID, Choice: replay.Choice{Days: calendar.Period{From: may.From, To: may.To}, Account: member.ID}})
	if r.State != replay.Ready || r.Charges != 0 {
		t.Errorf("priced again: %s, %d charges", r.State, r.Charges)
	}
	// and leaves the member's limit to what comes after
	w.ingest(w.call(2, "+4930", w.may(5), 5))
	want("the next", "0.00", "4200", "1800", "1")
}

// A use that its allowance covered wholly and that was refunded stays refunded.
func TestRerating_leavesRefundedUseOfAllowancesAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.publish(familyPlan)
	a := w.customer(v, account.Postpaid, 1)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := w.engine.GrantCycle(ctx, tx, a.ID)
		return err
	})
	id := w.ingest(w.call(1, "+4930", w.may(3), 25))[0]
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := w.engine.Correct(ctx, tx, charging.Correction{ID: uuid.Must(uuid.NewV7()), Account: a.ID, Period: may.From, Charge: id, Reason: "dropped"})
		return err
	})
	r := w.propose(replay.Proposal{Action: replay.PriceAgain, Offering: v.ID, Choice: replay.Choice{Days: may, Account: a.ID}})
	if value, _ := w.holds(a, "pot"); r.Charges != 0 || value != "6000" {
		t.Errorf("%d charges would change, the pot holds %s", r.Charges, value)
	}
	w.sums()
}

package billing

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/charging"
	"tollhouse/billing/charging/session"
	"tollhouse/billing/desk"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/transfer"
	"tollhouse/billing/usage"
)

// callPlan: calls 0.10 a minute by the second, nothing else.
const callPlan = `
code: calls
names: {en: Calls}
billing: prepaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
usage:
  - {code: calls, names: {en: Calls}, kind: voice, rules: [{code: all, destinations: ["*"], price: "0.10", per: 1 min, increments: {first: 1 s, next: 1 s}}]}
`

// sessionWorld has a subscriber of callPlan with 10.00, whose quota is worth
// 2.00 and lasts ten minutes and one of grace.
func sessionWorld(t *testing.T) (*world, customer) {
	t.Helper()
	w := newWorld(t)
	w.publish(callPlan)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		p, err := charging.GetPolicy(ctx, tx)
		if err != nil {
			return err
		}
		p.Voice.Units, p.Voice.ValidSeconds, p.GraceSeconds = 1200, 600, 60
		return charging.PutPolicy(ctx, tx, p)
	})
	c := w.connect("calls")
	w.cash(c.ID, "10.00")
	return w, c
}

// calls begins a session of a call and gives its answer.
func (w *world) calls(c customer, name string) session.Answer {
	w.t.Helper()
	return w.step(session.Step{Kind: session.Start, Source: "core", Name: name, NotifyURI: "http://core.example/" + name,
		Who:     usage.Identity{Kind: usage.MSISDN, Value: c.msisdn},
		Reports: []session.Report{{Service: "call", Kind: usage.Voice, Destination: "+4930123456", Ask: true}}})
}

// goesOn reports seconds of a call and asks for more; ends reports its last.
func (w *world) goesOn(id uuid.UUID, number, used int64) session.Given {
	w.t.Helper()
	return w.step(session.Step{Kind: session.Update, Session: id, Number: number, Reports: []session.Report{{Service: "call", Used: used, Ask: true}}}).Services[0]
}

func (w *world) ends(id uuid.UUID, number, used int64) session.Given {
	w.t.Helper()
	return w.step(session.Step{Kind: session.Terminate, Session: id, Number: number, Reports: []session.Report{{Service: "call", Used: used}}}).Services[0]
}

func (w *world) step(s session.Step) session.Answer {
	w.t.Helper()
	answer, err := w.Step(w.t.Context(), s)
	if err != nil {
		w.t.Fatalf("%s %d: %v", s.Kind, s.Number, err)
	}
	return answer
}

// stands compares what is settled, reserved and available of an account now, and
// the control sums.
func (w *world) stands(c customer, settled, reserved, available string) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		got, err := charging.Available(ctx, tx, c.ID, tx.At)
		if err == nil && (got.Value.String() != settled || got.Reserved.String() != reserved || got.Available().String() != available) {
			w.t.Errorf("settled %s, reserved %s, available %s; want %s, %s, %s", got.Value, got.Reserved, got.Available(), settled, reserved, available)
		}
		return err
	})
	w.mustSums()
}

// told lists what the asker of a session was told, oldest first.
func (w *world) told(id uuid.UUID) (kinds []charging.NoticeKind) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		all, err := charging.Notices(ctx, tx, id)
		for i := len(all) - 1; i >= 0; i-- {
			kinds = append(kinds, all[i].Kind)
		}
		return err
	})
	return kinds
}

// A session that falls silent frees what it held when its time is over; the
// sweep then closes it, and forgets it with its answers. Nobody asks for that.
func TestSession_idleReservationsAreReleasedByThemselves(t *testing.T) {
	t.Parallel()
	w, c := sessionWorld(t)
	id := w.calls(c, "silent").Session
	w.stands(c, "10", "2", "8")
	begun := w.now()
	w.advance(begun.Add(10 * time.Minute))
	w.stands(c, "10", "2", "8") // its grace
	w.advance(begun.Add(11 * time.Minute))
	w.stands(c, "10", "0", "10")
	state := func() string {
		return w.text(`select coalesce((select state from charging_session where id = $1), 'gone')`, id)
	}
	if got := state(); got != "open" {
		t.Errorf("before any sweep it is %s", got)
	}
	w.advance(begun.Add(3 * time.Hour))
	if got := state(); got != "abandoned" {
		t.Errorf("after the sweep it is %s", got)
	}
	// it comes back, is charged what it used and goes on
	if g := w.goesOn(id, 1, 600); g.Price.String() != "1" || g.Granted != 1200 {
		t.Errorf("back again: %+v", g)
	}
	w.stands(c, "9", "2", "7")
	w.advance(w.now().Add(session.WaitForLate + session.KeepAnswers + 3*time.Hour))
	if got := state(); got != "gone" {
		t.Errorf("days later it is %s", got)
	}
	if n := w.text(`select count(*)::text from charging_answer`); n != "0" {
		t.Errorf("%s answers are kept", n)
	}
	w.stands(c, "9", "0", "9")
}

// The last quota says so; a top-up, and money from another subscriber, have its
// asker told to ask again, which then gets more.
func TestSession_topUpReauthorises(t *testing.T) {
	t.Parallel()
	w, c := sessionWorld(t)
	id := w.calls(c, "long").Session
	if g := w.goesOn(id, 1, 5400); g.Price.String() != "9" || g.Granted != 600 || g.Final == nil {
		t.Fatalf("1.00 is left: %+v", g)
	}
	w.stands(c, "1", "1", "0")
	if told := w.told(id); len(told) != 0 {
		t.Errorf("told %v before there is money", told)
	}
	w.cash(c.ID, "5.00")
	if told := w.told(id); len(told) != 1 || told[0] != charging.Reauthorize {
		t.Errorf("told %v after the top-up", told)
	}
	if g := w.goesOn(id, 2, 600); g.Granted != 1200 || g.Final != nil {
		t.Errorf("asked again: %+v", g)
	}
	w.stands(c, "5", "2", "3")
	if g := w.goesOn(id, 3, 2700); g.Granted != 300 || g.Final == nil {
		t.Errorf("0.50 is left: %+v", g)
	}
	friend := w.connect("calls")
	w.cash(friend.ID, "10.00")
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if err := transfer.Put(ctx, tx, transfer.Policy{Enabled: true, SubscribersDo: true, Minimum: money.NewDecimal(1), Maximum: money.NewDecimal(10)}, "user:owner"); err != nil {
			return err
		}
		_, err := w.SendMoney(ctx, tx, transfer.Order{ID: id7(), From: friend.ID, To: c.ID, Amount: euro("4"), By: "user:friend", Self: true})
		return err
	})
	if told := w.told(id); len(told) != 2 || told[1] != charging.Reauthorize {
		t.Errorf("told %v after the transfer", told)
	}
	w.ends(id, 4, 300)
	w.stands(c, "4", "0", "4")
}

// What a session holds back cannot be given away.
func TestSession_reservedMoneyIsNotTransferred(t *testing.T) {
	t.Parallel()
	w, c := sessionWorld(t)
	friend := w.connect("calls")
	id := w.calls(c, "call").Session // holds 2.00
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return transfer.Put(ctx, tx, transfer.Policy{Enabled: true, SubscribersDo: true, Minimum: money.NewDecimal(1), Maximum: money.NewDecimal(10)}, "user:owner")
	})
	send := func(amount string) error {
		return w.try(func(ctx context.Context, tx tenant.Tx) error {
			_, err := w.SendMoney(ctx, tx, transfer.Order{ID: id7(), From: c.ID, To: friend.ID, Amount: euro(amount), By: "user:x", Self: true})
			return err
		})
	}
	if err := send("8.01"); err == nil {
		t.Error("8.01 of 10.00 were given, 2.00 are held back")
	}
	if err := send("8.00"); err != nil {
		t.Error(err)
	}
	w.stands(c, "2", "2", "0")
	w.ends(id, 1, 600)
	w.stands(c, "1", "0", "1")
}

// Suspended, the asker is told to stop; what it still reports is charged, and
// nothing granted.
func TestSession_suspensionAborts(t *testing.T) {
	t.Parallel()
	w, c := sessionWorld(t)
	id, other := w.calls(c, "call").Session, w.connect("calls")
	w.cash(other.ID, "5.00")
	bystander := w.calls(other, "other").Session
	subscription := w.running(c)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return desk.Suspend(ctx, tx, subscription, desk.Word{Reason: "abroad", By: "clerk"})
	})
	if told := w.told(id); len(told) != 1 || told[0] != charging.Abort {
		t.Errorf("told %v", told)
	}
	if told := w.told(bystander); len(told) != 0 {
		t.Errorf("another's session is told %v", told)
	}
	if g := w.goesOn(id, 1, 600); g.Granted != 0 || g.Price.String() != "1" {
		t.Errorf("suspended: %+v", g)
	}
	w.stands(c, "9", "0", "9")
	if _, err := w.Step(t.Context(), session.Step{Kind: session.Start, Source: "core", Name: "next", Who: usage.Identity{Kind: usage.MSISDN, Value: c.msisdn},
		Reports: []session.Report{{Service: "call", Kind: usage.Voice, Destination: "+4930123456", Ask: true}}}); err == nil {
		w.stands(c, "9", "0", "9") // whatever it was answered, nothing is held
	}
	w.ends(id, 2, 60)
	w.stands(c, "8.9", "0", "8.9")
}

// A plan that changes in mid-session: what was used before goes by the old
// plan, what comes after by the new one.
func TestSession_planChangesUnderIt(t *testing.T) {
	t.Parallel()
	w, c := sessionWorld(t)
	w.publish(`
code: calls-xl
names: {en: Calls XL}
billing: prepaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
usage:
  - {code: calls, names: {en: Calls}, kind: voice, rules: [{code: all, destinations: ["*"], price: "0.04", per: 1 min, increments: {first: 1 s, next: 1 s}}]}
`)
	w.advance(w.day("2026-05-31"))
	change, err := w.changeTo(c, "calls-xl", id7())
	if err != nil {
		t.Fatal(err)
	}
	at := change.TakesEffect.Start(w.Zone).UTC()
	w.advance(at.Add(-5 * time.Minute))
	id := w.calls(c, "night").Session
	if g := w.goesOn(id, 1, 240); g.Price.String() != "0.4" {
		t.Errorf("by the old plan: %+v", g)
	}
	w.stands(c, "9.6", "2", "7.6")
	w.advance(at.Add(2 * time.Minute))
	w.goesOn(id, 2, 120)
	w.advance(at.Add(12 * time.Minute))
	if g := w.goesOn(id, 3, 600); g.Price.String() != "0.4" {
		t.Errorf("by the new plan: %+v", g)
	}
	w.ends(id, 4, 300)
	old := w.text(`select trim_scale(coalesce(sum(c.price), 0))::text from charge as c join offering_version as v on v.id = c.offering_id where c.account_id = $1 and v.code = 'calls'`, c.ID)
	fresh := w.text(`select trim_scale(coalesce(sum(c.price), 0))::text from charge as c join offering_version as v on v.id = c.offering_id where c.account_id = $1 and v.code = 'calls-xl'`, c.ID)
	t.Logf("old plan %s, new plan %s", old, fresh)
	if sum := money.MustDecimal(old).Add(money.MustDecimal(fresh)); fresh == "0" || old == "0" || w.mainOf(c.ID).Add(sum).String() != "10" {
		t.Errorf("old plan %s, new plan %s, left %s", old, fresh, w.mainOf(c.ID))
	}
	w.mustSums()
}

// Usage of a session belongs to the period in which its interim interval ends
// (semantics, late usage): tiers of the new cycle begin anew, and the cycle
// closes though the session is open.
func TestSession_crossesTheCycle(t *testing.T) {
	t.Parallel()
	w, _ := sessionWorld(t)
	w.publish(`
code: tiers
names: {en: Tiers}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
usage:
  - code: data
    names: {en: Data}
    kind: data
    rules: [{code: bytes, destinations: ["*"], tiers: {kind: graduated, bands: [{to: 5 GB, price: "2.00", per: 1 GB}, {price: "0.50", per: 1 GB}]}}]
`)
	c := w.connect("tiers")
	end := w.day("2026-06-01")
	w.advance(end.Add(-time.Hour))
	begun := w.step(session.Step{Kind: session.Start, Source: "core", Name: "always on", Who: usage.Identity{Kind: usage.MSISDN, Value: c.msisdn},
		Reports: []session.Report{{Service: "net", Kind: usage.Data, Ask: true}}})
	surf := func(kind session.Kind, number, gigabytes int64) session.Given {
		return w.step(session.Step{Kind: kind, Session: begun.Session, Number: number, Reports: []session.Report{{Service: "net", Used: gigabytes * 1e9, Ask: kind == session.Update}}}).Services[0]
	}
	w.advance(end.Add(-time.Minute))
	if g := surf(session.Update, 1, 6); g.Price.String() != "10.5" { // 5 at 2.00, 1 at 0.50
		t.Errorf("in May: %+v", g)
	}
	w.advance(end.Add(time.Hour)) // the bill run of May is over, the session open
	if got := w.bills(c); got != "10.5" {
		t.Errorf("May is billed %s", got)
	}
	if g := surf(session.Update, 2, 4); g.Price.String() != "8" { // 4 at 2.00: June's own tiers
		t.Errorf("in June: %+v", g)
	}
	if g := surf(session.Terminate, 3, 2); g.Price.String() != "2.5" { // 1 at 2.00, 1 at 0.50
		t.Errorf("in June: %+v", g)
	}
	w.advance(w.day("2026-07-02"))
	if got := w.bills(c); got != "10.5 10.5" {
		t.Errorf("May and June are billed %s", got)
	}
	w.mustSums()
}

// Two sessions share a balance: the second gets what the first leaves, as its
// last; when the first ends, the second gets more.
func TestSession_twoShareABalance(t *testing.T) {
	t.Parallel()
	w, c := sessionWorld(t)
	first := w.calls(c, "first").Session
	w.goesOn(first, 1, 4200) // 7.00; holds 2.00 of 3.00
	second := w.calls(c, "second")
	if g := second.Services[0]; g.Granted != 600 || g.Final == nil || g.Final.Action != session.EndService {
		t.Errorf("the second got %+v, want 1.00 as the last", g)
	}
	w.stands(c, "3", "3", "0")
	w.ends(first, 2, 300) // 0.50 of 2.00
	if g := w.goesOn(second.Session, 1, 600); g.Granted != 900 || g.Final == nil {
		t.Errorf("then the second got %+v, want the 1.50 that are left", g)
	}
	w.stands(c, "1.5", "1.5", "0")
	w.ends(second.Session, 2, 900)
	w.stands(c, "0", "0", "0")
	if answer, err := w.Step(t.Context(), session.Step{Kind: session.Start, Source: "core", Name: "third", Who: usage.Identity{Kind: usage.MSISDN, Value: c.msisdn},
		Reports: []session.Report{{Service: "call", Kind: usage.Voice, Destination: "+4930123456", Ask: true}}}); err == nil && answer.Granted() {
		t.Errorf("of nothing was granted %+v", answer.Services[0])
	}
}

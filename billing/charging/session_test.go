package charging_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/charging"
	"tollhouse/billing/charging/session"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// payAsYouGo: calls 0.10 a minute by the second, data 1.00 a GB, a message 0.50.
const payAsYouGo = `
code: payg
names: {en: Pay as you go}
billing: prepaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
usage:
  - {code: voice, names: {en: Calls}, kind: voice, rules: [{code: anycall, destinations: ["*"], price: 0.10, per: 1 min, increments: {first: 1 s, next: 1 s}}]}
  - {code: data, names: {en: Data}, kind: data, rules: [{code: anydata, destinations: ["*"], price: 1.00, per: 1 GB}]}
  - {code: message, names: {en: Messages}, kind: message, rules: [{code: anymsg, destinations: ["*"], price: 0.50, per: "1"}]}
`

// twoEuro is a quota of 20 minutes: 2.00 at 0.10.
const twoEuro = 1200

// phones is a world whose quota of calls is worth 2.00.
func phones(t testing.TB) *world {
	w := newWorld(t, payAsYouGo)
	w.quota(func(p *session.Policy) { p.Voice.Units = twoEuro })
	return w
}

func (w *world) quota(change func(p *session.Policy)) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		p, err := charging.GetPolicy(ctx, tx)
		if err != nil {
			return err
		}
		change(&p)
		return charging.PutPolicy(ctx, tx, p)
	})
}

// steps answers requests in one transaction, at an instant.
func (w *world) steps(at time.Time, steps ...session.Step) []charging.Stepped {
	w.t.Helper()
	var done []charging.Stepped
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		tx.At = at
		done, err = w.engine.Steps(ctx, tx, steps)
		return err
	})
	return done
}

// one answers one request that is not refused.
func (w *world) one(at time.Time, step session.Step) session.Answer {
	w.t.Helper()
	done := w.steps(at, step)[0]
	if done.Err != nil {
		w.t.Fatalf("%s %d: %v", step.Kind, step.Number, done.Err)
	}
	return done.Answer
}

// start asks for a call of a customer.
func start(name string, customer int) session.Step {
	return session.Step{Kind: session.Start, Source: "test", Name: name, Who: usage.Identity{Kind: usage.MSISDN, Value: msisdn(customer)},
		Reports: []session.Report{{Service: "call", Kind: usage.Voice, Destination: "+4930123456", Ask: true}}}
}

func update(id uuid.UUID, number, used int64) session.Step {
	return session.Step{Kind: session.Update, Source: "test", Session: id, Number: number, Reports: []session.Report{{Service: "call", Used: used, Ask: true}}}
}

func terminate(id uuid.UUID, number, used int64) session.Step {
	return session.Step{Kind: session.Terminate, Source: "test", Session: id, Number: number, Reports: []session.Report{{Service: "call", Used: used}}}
}

// stands checks what is settled, reserved and available of an account's money.
func (w *world) stands(a account.Account, at time.Time, settled, reserved, available string) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		got, err := charging.Available(ctx, tx, a.ID, at)
		if err != nil {
			return err
		}
		if !got.Value.Equal(money.MustDecimal(settled)) || !got.Reserved.Equal(money.MustDecimal(reserved)) || !got.Available().Equal(money.MustDecimal(available)) {
			w.t.Errorf("settled %s, reserved %s, available %s; want %s, %s, %s", got.Value, got.Reserved, got.Available(), settled, reserved, available)
		}
		return nil
	})
	w.sums()
}

func TestSession_semanticsReservation(t *testing.T) {
	t.Parallel()
	w := phones(t)
	a := w.customers("payg", account.Prepaid, 1, 1)[0]
	w.topUp(a, "10.00")
	at := w.noon(4)
	first, second := w.one(at, start("one", 1)), w.one(at, start("two", 1))
	for _, got := range []session.Answer{first, second} {
		if g := got.Services[0]; g.Granted != twoEuro || g.Final != nil || g.ValidSeconds != 600 {
			t.Errorf("granted %+v", g)
		}
	}
	w.stands(a, at, "10", "4", "6")
	at = at.Add(5 * time.Minute)
	got := w.one(at, update(first.Session, 1, 720)) // 1.20
	if g := got.Services[0]; g.Price.String() != "1.2" || g.Granted != twoEuro {
		t.Errorf("answered %+v", g)
	}
	w.stands(a, at, "8.80", "4", "4.80")
	// the second, granted at noon, falls silent past validity (600 s) and grace (60 s)
	at = w.noon(4).Add(659 * time.Second)
	w.stands(a, at, "8.80", "4", "4.80")
	at = at.Add(time.Second)
	w.stands(a, at, "8.80", "2", "6.80")
	w.one(at, terminate(first.Session, 2, 480)) // 0.80
	w.stands(a, at, "8.00", "0", "8.00")
	late := at.Add(26 * time.Hour)
	for range 2 {
		last := w.one(late, terminate(second.Session, 1, 300)) // 0.50
		if last.Services[0].Price.String() != "0.5" || last.State != session.Closed {
			t.Errorf("answered %+v", last)
		}
		w.stands(a, late, "7.50", "0", "7.50")
	}
}

func TestSession_sameNumberSameAnswer(t *testing.T) {
	t.Parallel()
	w := phones(t)
	a := w.customers("payg", account.Prepaid, 1, 1)[0]
	w.topUp(a, "10.00")
	at := w.noon(4)
	// twice in one transaction, and again later
	both := w.steps(at, start("one", 1), start("one", 1))
	again := w.one(at.Add(time.Hour), start("one", 1))
	if both[0].Err != nil || both[1].Err != nil || both[0].Answer.Repeat || !both[1].Answer.Repeat || !again.Repeat ||
		both[0].Answer.Session != both[1].Answer.Session || again.Session != both[0].Answer.Session {
		t.Fatalf("%+v and %+v", both, again)
	}
	id := again.Session
	w.one(at, update(id, 1, 60))
	for range 3 {
		if got := w.one(at.Add(time.Minute), update(id, 1, 60)); !got.Repeat || got.Services[0].Granted != twoEuro || !got.At.Equal(at) {
			t.Errorf("%+v", got)
		}
	}
	w.stands(a, at, "9.90", "2", "7.90")
	for _, c := range []struct {
		step session.Step
		want error
	}{
		{update(id, 1, 61), session.ErrConflict},
		{terminate(id, 1, 60), session.ErrConflict},
		{update(uuid.New(), 1, 60), session.ErrUnknown},
		{session.Step{Kind: session.Start, Source: "test", Name: "one", Number: 9, Who: start("", 1).Who}, session.ErrConflict},
		{start("three", 7), charging.ErrNotChargeable},
		{session.Step{Kind: session.Update, Session: id, Number: 2, Reports: []session.Report{{Service: "new", Used: 1}}}, session.ErrStep},
	} {
		if got := w.steps(at, c.step)[0]; !errors.Is(got.Err, c.want) {
			t.Errorf("%s %d: %v, want %v", c.step.Kind, c.step.Number, got.Err, c.want)
		}
	}
	w.stands(a, at, "9.90", "2", "7.90")
}

func TestSession_lastQuotaSaysSo(t *testing.T) {
	t.Parallel()
	w := phones(t)
	w.quota(func(p *session.Policy) {
		p.Voice.Final = session.Final{Action: session.Redirect, RedirectTo: "https://example.com/top-up"}
	})
	a := w.customers("payg", account.Prepaid, 1, 1)[0]
	w.topUp(a, "0.30")
	at := w.noon(4)
	got := w.one(at, start("one", 1))
	if g := got.Services[0]; g.Granted != 180 || g.Final == nil || g.Final.RedirectTo != "https://example.com/top-up" {
		t.Errorf("available 0.30 at 0.10 a minute gives %+v, want 180 s with a final action", g)
	}
	w.stands(a, at, "0.30", "0.30", "0")
	if g := w.one(at, start("two", 1)).Services[0]; g.Result != session.NoCredit || g.Granted != 0 || g.Final == nil {
		t.Errorf("a second session is given %+v", g)
	}
	if g := w.one(at, update(got.Session, 1, 180)).Services[0]; g.Result != session.NoCredit || g.Price.String() != "0.3" {
		t.Errorf("after the last %+v", g)
	}
	w.stands(a, at, "0", "0", "0")
	w.topUp(a, "5.00")
	if g := w.one(at, update(got.Session, 2, 0)).Services[0]; g.Result != session.Granted || g.Granted != twoEuro || g.Final != nil {
		t.Errorf("after a top-up %+v", g)
	}
}

func TestSession_manyAtOnceExactlyOneGranted(t *testing.T) {
	t.Parallel()
	w := phones(t)
	a := w.customers("payg", account.Prepaid, 1, 1)[0]
	w.topUp(a, "2.00")
	at := w.noon(4)
	var running sync.WaitGroup
	granted := make(chan int64, 24)
	for i := range 24 {
		running.Add(1)
		go func() {
			defer running.Done()
			_ = w.DB.Write(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
				tx.At = at
				done, err := w.engine.Steps(ctx, tx, []session.Step{start(fmt.Sprint("s", i), 1)})
				if err == nil && done[0].Err == nil {
					granted <- done[0].Answer.Services[0].Granted
				} else {
					t.Error(err, done)
				}
				return err
			})
		}()
	}
	running.Wait()
	close(granted)
	var all []int64
	for g := range granted {
		all = append(all, g)
	}
	slices.Sort(all)
	if len(all) != 24 || all[23] != twoEuro || all[22] != 0 {
		t.Errorf("granted %v, want one quota", all)
	}
	w.stands(a, at, "2.00", "2.00", "0")
}

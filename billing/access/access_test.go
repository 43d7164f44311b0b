package access_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tollhouse/billing/access"
	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const plan = `
code: flat
names: {en: Flat}
billing: postpaid
services: [internet]
currency: EUR
tax: {category: standard, included: true}
prices: {recurring: [{code: monthly, names: {en: Monthly}, amount: "30.00", months: 1, timing: advance, prorate: day}]}
`

// fixture is an account with subscriptions of one service each.
type fixture struct {
	*pgtest.TenantDB
	t             *testing.T
	account       account.Account
	subscriptions []uuid.UUID
	services      []uuid.UUID
}

func newFixture(t *testing.T, kind account.Kind, n int) *fixture {
	t.Helper()
	f := &fixture{TenantDB: pgtest.Tenant(t), t: t}
	offering, err := catalog.Parse([]byte(strings.Replace(plan, "postpaid", string(kind), 1)))
	if err != nil {
		t.Fatal(err)
	}
	f.write(func(ctx context.Context, tx tenant.Tx) error {
		draft, err := catalog.SaveDraft(ctx, tx, offering)
		if err != nil {
			return err
		}
		if _, err := catalog.Publish(ctx, tx, draft.ID, tx.At); err != nil {
			return err
		}
		f.account, f.subscriptions, f.services = connect(ctx, t, tx, kind, draft.ID, nil, n)
		return nil
	})
	return f
}

func connect(ctx context.Context, t *testing.T, tx tenant.Tx, kind account.Kind, offering uuid.UUID, parent *uuid.UUID, n int) (account.Account, []uuid.UUID, []uuid.UUID) {
	t.Helper()
	parties, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: "Siti"}})
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := account.Open(ctx, tx, []account.NewAccount{{PartyID: parties[0].ID, Kind: kind, ParentID: parent}})
	if err != nil {
		t.Fatal(err)
	}
	if kind == account.Prepaid {
		if err := balance.CreateMain(ctx, tx, accounts[0].ID); err != nil {
			t.Fatal(err)
		}
	}
	var wanted []account.NewSubscription
	for range n {
		wanted = append(wanted, account.NewSubscription{AccountID: accounts[0].ID, OfferingID: offering, Services: []account.NewService{{Kind: account.Internet}}})
	}
	made, err := account.Subscribe(ctx, tx, wanted)
	if err != nil {
		t.Fatal(err)
	}
	var subscriptions, services []uuid.UUID
	for _, s := range made {
		subscriptions, services = append(subscriptions, s.ID), append(services, s.Services[0].ID)
	}
	if err := account.Activate(ctx, tx, subscriptions...); err != nil {
		t.Fatal(err)
	}
	return accounts[0], subscriptions, services
}

func (f *fixture) write(fn func(ctx context.Context, tx tenant.Tx) error) {
	f.t.Helper()
	f.Write(f.t, fn)
}

func (f *fixture) of(service uuid.UUID) (r access.Right) {
	f.t.Helper()
	f.Read(f.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		r, err = access.Of(ctx, tx, service)
		return err
	})
	return r
}

func (f *fixture) wants(level access.Level, causes ...access.Cause) {
	f.t.Helper()
	for _, service := range f.services {
		r := f.of(service)
		var got []access.Cause
		for _, reason := range r.Reasons {
			got = append(got, reason.Cause)
		}
		if r.Level != level || !slices.Equal(got, causes) {
			f.t.Errorf("service %s: %s by %v, want %s by %v", service, r.Level, got, level, causes)
		}
	}
}

// confirm is a network that does all it is told.
func (f *fixture) confirm(by string, cause error) {
	f.t.Helper()
	for _, service := range f.services {
		f.write(func(ctx context.Context, tx tenant.Tx) error {
			order, found, err := access.Waiting(ctx, tx, service)
			if err != nil || !found {
				return err
			}
			return access.Tried(ctx, tx, order, access.Receipt{By: by}, cause)
		})
	}
}

func hold(f *fixture, cause access.Cause, level access.Level) access.Hold {
	return access.Hold{AccountID: f.account.ID, Cause: cause, CauseID: f.account.ID, Level: level, By: "test"}
}

func TestOf_theStrongestReasonHoldsAndAllAreNamed(t *testing.T) {
	t.Parallel()
	f := newFixture(t, account.Postpaid, 2)
	f.wants(access.Allowed)
	f.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := access.Put(ctx, tx, hold(f, access.Alert, access.Slowed))
		return err
	})
	f.wants(access.Slowed, access.Alert)
	f.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := access.Put(ctx, tx, hold(f, access.Dunning, access.Walled))
		return err
	})
	f.wants(access.Walled, access.Dunning, access.Alert)
	f.write(func(ctx context.Context, tx tenant.Tx) error {
		return access.Release(ctx, tx, f.account.ID, access.Dunning, f.account.ID, "test")
	})
	f.wants(access.Slowed, access.Alert)
}

// Semantics C, E dunning: a network that can't be reached: "pending cut",
// tried again, not "cut".
func TestTried_pendingUntilTheNetworkSaysSo(t *testing.T) {
	t.Parallel()
	f := newFixture(t, account.Postpaid, 1)
	f.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := access.Put(ctx, tx, hold(f, access.Dunning, access.Cut))
		return err
	})
	for attempt := 1; attempt <= 3; attempt++ {
		f.confirm("", errors.New("NAS does not answer"))
		r := f.of(f.services[0])
		if r.PendingLevel() != access.Cut || r.Intent.Attempts != attempt || r.Intent.Failure != "NAS does not answer" {
			t.Fatalf("attempt %d: %+v", attempt, r.Intent)
		}
	}
	f.confirm("nas-1", nil)
	if r := f.of(f.services[0]); r.PendingLevel() != "" || r.Intent.State != access.IntentConfirmed || r.Intent.ConfirmedBy != "nas-1" {
		t.Errorf("%+v", r.Intent)
	}
}

// An answer to an order that was overtaken meanwhile confirms nothing.
func TestTried_anOvertakenOrderConfirmsNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, account.Postpaid, 1)
	var late access.Order
	f.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		if _, err = access.Put(ctx, tx, hold(f, access.Dunning, access.Cut)); err != nil {
			return err
		}
		late, _, err = access.Waiting(ctx, tx, f.services[0])
		return err
	})
	f.write(func(ctx context.Context, tx tenant.Tx) error {
		if err := access.Release(ctx, tx, f.account.ID, access.Dunning, f.account.ID, "test"); err != nil {
			return err
		}
		return access.Tried(ctx, tx, late, access.Receipt{By: "nas-1"}, nil)
	})
	r := f.of(f.services[0])
	if r.Intent.Generation != 2 || r.PendingLevel() != access.Allowed {
		t.Errorf("%+v", r.Intent)
	}
}

// Who was suspended for two reasons resumes when the last one is gone.
func TestResume_whenTheLastCauseHasEnded(t *testing.T) {
	t.Parallel()
	f := newFixture(t, account.Postpaid, 1)
	s := f.subscriptions[0]
	f.write(func(ctx context.Context, tx tenant.Tx) error {
		if err := access.SuspendOne(ctx, tx, s, "abroad", "user:clerk"); err != nil {
			return err
		}
		_, err := access.Suspend(ctx, tx, hold(f, access.Dunning, access.Cut), s)
		return err
	})
	err := f.DB.Write(t.Context(), f.Ref, func(ctx context.Context, tx tenant.Tx) error { return access.ResumeOne(ctx, tx, s, "user:clerk") })
	if !errors.Is(err, access.ErrHeld) {
		t.Errorf("a clerk resumes what dunning holds: %v", err)
	}
	f.write(func(ctx context.Context, tx tenant.Tx) error {
		return access.Release(ctx, tx, f.account.ID, access.Dunning, f.account.ID, "test")
	})
	f.wants(access.Cut, access.Desk)
	f.write(func(ctx context.Context, tx tenant.Tx) error { return access.ResumeOne(ctx, tx, s, "user:clerk") })
	f.wants(access.Allowed)
}

// What was stopped before us and is told by no hold stays stopped after us.
func TestSuspend_leavesWhatWasStoppedBefore(t *testing.T) {
	t.Parallel()
	f := newFixture(t, account.Postpaid, 1)
	f.write(func(ctx context.Context, tx tenant.Tx) error {
		if err := account.Suspend(ctx, tx, f.subscriptions[0]); err != nil {
			return err
		}
		if _, err := access.Suspend(ctx, tx, hold(f, access.Dunning, access.Cut), f.subscriptions...); err != nil {
			return err
		}
		return access.Release(ctx, tx, f.account.ID, access.Dunning, f.account.ID, "test")
	})
	f.wants(access.Cut, access.Desk)
}

func TestPut_aParentsHoldIsFeltByThoseItPaysFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t, account.Postpaid, 1)
	f.write(func(ctx context.Context, tx tenant.Tx) error {
		s, err := account.GetSubscription(ctx, tx, f.subscriptions[0])
		if err != nil {
			return err
		}
		_, _, children := connect(ctx, t, tx, account.Postpaid, s.OfferingID, &f.account.ID, 1)
		f.services = append(f.services, children...)
		_, err = access.Put(ctx, tx, hold(f, access.Dunning, access.Walled))
		return err
	})
	f.wants(access.Walled, access.Dunning)
	for _, service := range f.services {
		if r := f.of(service); r.PendingLevel() != access.Walled {
			t.Errorf("%+v", r.Intent)
		}
	}
}

func TestOf_anEmptyPrepaidBalanceIsWalled(t *testing.T) {
	t.Parallel()
	f := newFixture(t, account.Prepaid, 1)
	f.wants(access.Walled, access.Empty)
	f.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := balance.Add(ctx, tx, balance.TopUp{ID: uuid.New(), AccountID: f.account.ID, Amount: money.New(money.MustDecimal("5"), money.MustCurrency("EUR")), From: "cash"})
		return err
	})
	f.wants(access.Allowed)
	f.write(func(ctx context.Context, tx tenant.Tx) error {
		return access.PutTerms(ctx, tx, access.Terms{PrepaidEmpty: access.Cut})
	})
	f.wants(access.Allowed)
	if err := f.DB.Write(t.Context(), f.Ref, func(ctx context.Context, tx tenant.Tx) error {
		return access.PutTerms(ctx, tx, access.Terms{PrepaidEmpty: "asleep"})
	}); !errors.Is(err, account.ErrInvalid) {
		t.Errorf("%v", err)
	}
}

func TestPut_refusesWhatIsNoHold(t *testing.T) {
	t.Parallel()
	f := newFixture(t, account.Postpaid, 1)
	past := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, spoil := range map[string]func(*access.Hold){
		"a cause that follows by itself": func(h *access.Hold) { h.Cause = access.Empty },
		"a level that takes nothing":     func(h *access.Hold) { h.Level = access.Allowed },
		"nobody":                         func(h *access.Hold) { h.By = "" },
		"over before it begins":          func(h *access.Hold) { h.Until = &past },
	} {
		h := hold(f, access.Desk, access.Walled)
		spoil(&h)
		err := f.DB.Write(t.Context(), f.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := access.Put(ctx, tx, h)
			return err
		})
		if !errors.Is(err, access.ErrHold) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever is held and released in whatever order: the newest intent asks for
// the level that holds, generations have no gap, and one at most is pending.
func TestSettle_intentsFollowTheLevel(t *testing.T) {
	t.Parallel()
	f := newFixture(t, account.Postpaid, 1)
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			cause := rapid.SampledFrom([]access.Cause{access.Dunning, access.Alert, access.Desk}).Draw(rt, "cause")
			level := rapid.SampledFrom([]access.Level{access.Slowed, access.Walled, access.Cut}).Draw(rt, "level")
			act := rapid.IntRange(0, 2).Draw(rt, "act")
			f.write(func(ctx context.Context, tx tenant.Tx) error {
				switch act {
				case 0:
					_, err := access.Put(ctx, tx, hold(f, cause, level))
					return err
				case 1:
					_, err := access.Suspend(ctx, tx, hold(f, cause, access.Cut), f.subscriptions...)
					return err
				}
				return access.Release(ctx, tx, f.account.ID, cause, f.account.ID, "test")
			})
			if rapid.Bool().Draw(rt, "confirmed") {
				f.confirm("nas", nil)
			}
		}
		f.Read(t, func(ctx context.Context, tx tenant.Tx) error {
			right, err := access.Of(ctx, tx, f.services[0])
			if err != nil {
				return err
			}
			history, err := access.History(ctx, tx, f.account.ID, 200)
			if err != nil {
				return err
			}
			if len(history) == 0 {
				if right.Level != access.Allowed {
					rt.Fatalf("%s and no intent", right.Level)
				}
				return nil
			}
			newest := right.Intent
			if newest.Level != right.Level {
				rt.Fatalf("the level is %s, the newest intent %+v", right.Level, newest)
			}
			for _, i := range history {
				if i.State == access.IntentPending && i.Generation != newest.Generation {
					rt.Fatalf("generation %d is pending, the newest is %d", i.Generation, newest.Generation)
				}
			}
			if len(history) < 200 && len(history) != newest.Generation {
				rt.Fatalf("%d intents, newest generation %d", len(history), newest.Generation)
			}
			return nil
		})
	})
}

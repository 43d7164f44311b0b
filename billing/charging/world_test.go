package charging_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/infra/postgres/pgtest"
)

// postpaidPlan: 0.10 a minute in 60/1 steps, 1.19 a GB.
const postpaidPlan = `
code: talk
names: {en: Talk}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
destinations: [{code: de, prefixes: ["49"]}]
usage:
  - {code: voice, names: {en: Calls}, kind: voice, rules: [{code: anycall, destinations: ["*"], price: 0.10, per: 1 min, increments: {first: 60 s, next: 1 s}}]}
  - {code: data, names: {en: Data}, kind: data, rules: [{code: anydata, destinations: ["*"], price: 1.19, per: 1 GB}]}
`

// bundlePlan is the same with 200 free minutes to Germany and 3 GB a month.
var bundlePlan = strings.Replace(postpaidPlan, "code: talk", "code: bundle", 1) + `
allowances:
  - {code: minutes, names: {en: Minutes}, amount: 200 min, kinds: [voice], destinations: [de], validity_months: 1, priority: 1}
  - {code: data, names: {en: Data}, amount: 3 GB, kinds: [data], validity_months: 1, priority: 1}
`

// prepaidPlan: 5.95 a month with 10 GB; data 1.19 a GB, a message 0.0952.
const prepaidPlan = `
code: prepaid
names: {en: Prepaid}
billing: prepaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
prices: {recurring: [{code: fee, names: {en: Fee}, amount: "5.95", months: 1, timing: advance, prorate: none}]}
allowances: [{code: data, names: {en: Data}, amount: 10 GB, kinds: [data], validity_months: 1, priority: 1}]
usage:
  - {code: data, names: {en: Data}, kind: data, rules: [{code: anydata, destinations: ["*"], price: 1.19, per: 1 GB}]}
  - {code: message, names: {en: Messages}, kind: message, rules: [{code: anymsg, destinations: ["*"], price: 0.0952, per: "1"}]}
`

// world is one operator with an engine, a source and subscribers.
type world struct {
	*pgtest.TenantDB
	t      testing.TB
	engine *charging.Engine
	feed   usage.Feed
	plans  map[string]catalog.Version
}

func newGate(context.Context, tenant.Tx) (*usage.Gate, error) {
	return usage.NewGate([]byte("a key that stays the same for ever"))
}

func newWorld(t testing.TB, plans ...string) *world {
	t.Helper()
	w := &world{TenantDB: pgtest.Tenant(t), t: t, engine: charging.NewEngine(newGate), plans: map[string]catalog.Version{}}
	mapping, err := usage.FindPreset("json-events", "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		w.feed, err = usage.CreateSource(ctx, tx, "switch", mapping)
		return err
	})
	for _, text := range plans {
		w.publish(text)
	}
	return w
}

func (w *world) write(fn func(ctx context.Context, tx tenant.Tx) error) {
	w.t.Helper()
	w.Write(w.t, fn)
}

func (w *world) publish(text string) {
	w.t.Helper()
	offering, err := catalog.Parse([]byte(text))
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		draft, err := catalog.SaveDraft(ctx, tx, offering)
		if err != nil {
			return err
		}
		w.plans[offering.Code], err = catalog.Publish(ctx, tx, draft.ID, tx.At)
		return err
	})
}

// customers connects n of them to a plan, by the numbers +4915100000000 on
// after the given first one.
func (w *world) customers(plan string, kind account.Kind, first, n int) []account.Account {
	w.t.Helper()
	var opened []account.Account
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		parties := make([]account.Party, n)
		for i := range parties {
			parties[i] = account.Party{Kind: account.Individual, Name: fmt.Sprintf("Customer %d", first+i)}
		}
		parties, err := account.AddParties(ctx, tx, parties)
		if err != nil {
			return err
		}
		wanted := make([]account.NewAccount, n)
		for i := range wanted {
			wanted[i] = account.NewAccount{PartyID: parties[i].ID, Kind: kind}
		}
		if opened, err = account.Open(ctx, tx, wanted); err != nil {
			return err
		}
		subscriptions := make([]account.NewSubscription, n)
		for i := range subscriptions {
			subscriptions[i] = account.NewSubscription{
				AccountID: opened[i].ID, OfferingID: w.plans[plan].ID,
				Services: []account.NewService{{Kind: account.Mobile, Identities: []account.Identity{{Kind: account.MSISDN, Value: msisdn(first + i)}}}},
			}
		}
		made, err := account.Subscribe(ctx, tx, subscriptions)
		if err != nil {
			return err
		}
		var ids []uuid.UUID
		for _, s := range made {
			ids = append(ids, s.ID)
		}
		return account.Activate(ctx, tx, ids...)
	})
	return opened
}

func msisdn(n int) string { return fmt.Sprintf("+49151%08d", n) }

func (w *world) topUp(a account.Account, amount string) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := balance.Add(ctx, tx, balance.TopUp{ID: uuid.Must(uuid.NewV7()), AccountID: a.ID,
			Amount: money.New(money.MustDecimal(amount), a.Currency), From: ledger.Cash})
		return err
	})
}

func (w *world) grantCycle(accounts ...account.Account) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		for _, a := range accounts {
			if _, err := w.engine.GrantCycle(ctx, tx, a.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *world) renew(a account.Account) charging.Renewal {
	w.t.Helper()
	var done charging.Renewal
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		done, err = w.engine.Renew(ctx, tx, a.ID)
		return err
	})
	return done
}

// noon is midday of the n-th of May.
func (w *world) noon(day int) time.Time { return time.Date(2026, 5, day, 12, 0, 0, 0, w.Zone).UTC() }

// call is a call of a customer, with a key.
func (w *world) call(key string, customer int, at time.Time, seconds int64) usage.Record {
	return usage.Record{Key: key, Kind: usage.Voice, Identity: usage.Identity{Kind: usage.MSISDN, Value: msisdn(customer)}, Start: at,
		End: at.Add(time.Duration(seconds) * time.Second), Quantity: seconds, Unit: money.Second, Destination: "+4930123456"}
}

func (w *world) data(key string, customer int, at time.Time, bytes int64) usage.Record {
	return usage.Record{Key: key, Kind: usage.Data, Identity: usage.Identity{Kind: usage.MSISDN, Value: msisdn(customer)}, Start: at, End: at,
		Quantity: bytes, Unit: money.Byte}
}

// ingest sends records as one API batch.
func (w *world) ingest(records ...usage.Record) []charging.Outcome {
	w.t.Helper()
	items := make([]usage.Item, len(records))
	for i := range records {
		items[i] = usage.Item{Line: int64(i + 1), Record: &records[i]}
	}
	return w.ingestItems(items...)
}

func (w *world) ingestItems(items ...usage.Item) []charging.Outcome {
	w.t.Helper()
	var outcomes []charging.Outcome
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		outcomes, err = w.engine.Ingest(ctx, tx, charging.Batch{Source: w.feed.ID, Items: items})
		return err
	})
	return outcomes
}

// sums checks the control sums and gives the trial balance by kind and unit.
func (w *world) sums() map[string]string {
	w.t.Helper()
	totals := map[string]string{}
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		report, err := ledger.ControlSums(ctx, tx)
		if err != nil {
			return err
		}
		for _, line := range report.Trial {
			totals[string(line.Kind)+" "+string(line.Unit)] = line.Debit.Sub(line.Credit).String()
		}
		return report.Check()
	})
	return totals
}

// wantSums compares what is named of the trial balance; liabilities are negative.
func (w *world) wantSums(want map[string]string) {
	w.t.Helper()
	got := w.sums()
	for line, amount := range want {
		if got[line] != amount {
			w.t.Errorf("%s is %q, want %q", line, got[line], amount)
		}
	}
}

func wantStatuses(t testing.TB, outcomes []charging.Outcome, want ...charging.Status) {
	t.Helper()
	for i, o := range outcomes {
		if o.Status != want[i] {
			t.Errorf("item %d is %s (%v), want %s", i, o.Status, o.Problem, want[i])
		}
	}
}

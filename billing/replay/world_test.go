package replay_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const tiered = `
code: tiered
names: {en: Tiered}
billing: %s
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
prices: {recurring: [{code: fee, names: {en: Fee}, amount: "3.10", months: 1, timing: advance, prorate: day}]}
usage:
  - code: messages
    names: {en: Messages}
    kind: message
    rules:
      - {code: any, destinations: ["*"], tiers: {kind: graduated, counter: all, bands: [{to: "1000", price: %s, per: "1"}, {price: 0.05, per: "1"}]}}
`

const bundle = `
code: bundle
names: {en: Bundle}
billing: %s
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
destinations: [{code: de, prefixes: ["49"]}, {code: us, prefixes: ["1"]}]
allowances: [{code: minutes, names: {en: Minutes}, amount: 10 min, kinds: [voice], destinations: [de, us], validity_months: 1, priority: 1}]
usage:
  - {code: voice, names: {en: Calls}, kind: voice, rules: [{code: de, destinations: [de], price: %s, per: 1 min}, {code: us, destinations: [us], price: 0.50, per: 1 min}]}
`

// world is one operator with an engine, a source and subscribers.
type world struct {
	*pgtest.TenantDB
	t      testing.TB
	engine *charging.Engine
	feed   usage.Feed
	keys   int
}

func newWorld(t testing.TB) *world {
	t.Helper()
	gate := func(context.Context, tenant.Tx) (*usage.Gate, error) {
		return usage.NewGate([]byte("a key that stays the same for ever"))
	}
	w := &world{TenantDB: pgtest.Tenant(t), t: t, engine: charging.NewEngine(gate)}
	mapping, err := usage.FindPreset("json-events", "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		w.feed, err = usage.CreateSource(ctx, tx, "switch", mapping)
		return err
	})
	return w
}

func (w *world) write(fn func(ctx context.Context, tx tenant.Tx) error) {
	w.t.Helper()
	w.Write(w.t, fn)
}

func (w *world) draft(text string) catalog.Version {
	w.t.Helper()
	offering, err := catalog.Parse([]byte(text))
	if err != nil {
		w.t.Fatal(err)
	}
	var v catalog.Version
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		v, err = catalog.SaveDraft(ctx, tx, offering)
		return err
	})
	return v
}

func (w *world) publish(text string) catalog.Version {
	w.t.Helper()
	v := w.draft(text)
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		v, err = catalog.Publish(ctx, tx, v.ID, tx.At)
		return err
	})
	return v
}

func (w *world) customer(v catalog.Version, kind account.Kind, n int) account.Account {
	w.t.Helper()
	var opened account.Account
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		parties, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: fmt.Sprintf("Customer %d", n), Address: account.Address{City: "Berlin"}}})
		if err != nil {
			return err
		}
		accounts, err := account.Open(ctx, tx, []account.NewAccount{{PartyID: parties[0].ID, Kind: kind}})
		if err != nil {
			return err
		}
		opened = accounts[0]
		made, err := account.Subscribe(ctx, tx, []account.NewSubscription{{AccountID: opened.ID, OfferingID: v.ID,
			Services: []account.NewService{{Kind: account.Mobile, Identities: []account.Identity{{Kind: account.MSISDN, Value: msisdn(n)}}}}}})
		if err != nil {
			return err
		}
		if err := account.Activate(ctx, tx, made[0].ID); err != nil {
			return err
		}
		if kind == account.Prepaid {
			_, err = balance.Add(ctx, tx, balance.TopUp{ID: uuid.Must(uuid.NewV7()), AccountID: opened.ID, Amount: money.New(money.NewDecimal(100), opened.Currency), From: ledger.Cash})
		}
		return err
	})
	return opened
}

func msisdn(n int) string { return fmt.Sprintf("+49151%08d", n) }

func (w *world) may(day int) time.Time { return time.Date(2026, 5, day, 12, 0, 0, 0, w.Zone).UTC() }

func (w *world) messages(n int, at time.Time, quantity int64) usage.Record {
	w.keys++
	return usage.Record{Key: fmt.Sprintf("m%d", w.keys), Kind: usage.Message, Identity: usage.Identity{Kind: usage.MSISDN, Value: msisdn(n)}, Start: at, End: at,
		Quantity: quantity, Unit: money.Event, Destination: "+4930123456"}
}

func (w *world) call(n int, to string, at time.Time, minutes int64) usage.Record {
	w.keys++
	return usage.Record{Key: fmt.Sprintf("c%d", w.keys), Kind: usage.Voice, Identity: usage.Identity{Kind: usage.MSISDN, Value: msisdn(n)}, Start: at,
		End: at.Add(time.Duration(minutes) * time.Minute), Quantity: 60 * minutes, Unit: money.Second, Destination: to}
}

// ingest charges records and gives their ids.
func (w *world) ingest(records ...usage.Record) []uuid.UUID {
	w.t.Helper()
	items := make([]usage.Item, len(records))
	for i := range records {
		items[i] = usage.Item{Line: int64(i + 1), Record: &records[i]}
	}
	ids := make([]uuid.UUID, len(records))
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		outcomes, err := w.engine.Ingest(ctx, tx, charging.Batch{Source: w.feed.ID, Items: items})
		for i, o := range outcomes {
			if o.Status != charging.Accepted {
				w.t.Fatalf("record %d is %s: %v", i, o.Status, o.Problem)
			}
			ids[i] = o.UsageID
		}
		return err
	})
	return ids
}

var (
	may  = calendar.Period{From: calendar.Date{Year: 2026, Month: 5, Day: 1}, To: calendar.Date{Year: 2026, Month: 6, Day: 1}}
	june = calendar.Period{From: may.To, To: calendar.Date{Year: 2026, Month: 7, Day: 1}}
)

func (w *world) closeCycle(cycle calendar.Period) {
	w.t.Helper()
	w.SetClock(w.t, cycle.To.Start(w.Zone).Add(time.Hour))
	var run bill.Run
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		run, err = bill.Start(ctx, tx, cycle.To)
		return err
	})
	for more := true; more; {
		w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
			_, more, err = bill.Closer{}.CloseChunk(ctx, tx, run.ID, 100)
			return err
		})
	}
}

// billed is what an account's charges of a cycle come to, as prices are written.
func (w *world) billed(a account.Account, cycle calendar.Period) string {
	w.t.Helper()
	var sum money.Decimal
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select coalesce(sum(price), 0) from charge where account_id = $1 and cycle_start = $2`, a.ID, cycle.From).Scan(&sum)
	})
	return sum.Fixed(2)
}

func (w *world) sums() {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		report, err := ledger.ControlSums(ctx, tx)
		if err != nil {
			return err
		}
		return report.Check()
	})
}

// propose has a re-rating reckoned.
func (w *world) propose(p replay.Proposal) replay.Rerating {
	w.t.Helper()
	p.By = "user:test"
	var r replay.Rerating
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		r, err = replay.Propose(ctx, tx, p)
		return err
	})
	return w.work(r.ID)
}

// work works a re-rating as far as it goes.
func (w *world) work(id uuid.UUID) (r replay.Rerating) {
	w.t.Helper()
	for again := true; again; {
		var err error
		if again, err = replay.WorkRerating(context.Background(), w.runs, w.engine, id, time.Now); err != nil {
			w.t.Fatal(err)
		}
	}
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		r, err = replay.Get(ctx, tx, id)
		return err
	})
	return r
}

func (w *world) runs(ctx context.Context, fn func(ctx context.Context, tx tenant.Tx) error) error {
	return w.DB.Write(ctx, w.Ref, fn)
}

func (w *world) reads(ctx context.Context, fn func(ctx context.Context, tx tenant.Tx) error) error {
	return w.DB.Read(ctx, w.Ref, fn)
}

func (w *world) apply(r replay.Rerating) replay.Rerating {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := replay.Apply(ctx, tx, r.ID, "wrong price in May", "user:test")
		return err
	})
	return w.work(r.ID)
}

func (w *world) undo(r replay.Rerating) replay.Rerating {
	w.t.Helper()
	var undo replay.Rerating
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		undo, err = replay.UndoApplied(ctx, tx, r.ID, "it was right", "user:test")
		return err
	})
	return w.work(undo.ID)
}

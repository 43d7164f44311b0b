package billing

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/identity"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) {
	// A check is a life of four subscribers on a real database; -rapid.checks
	// asks for more.
	if err := flag.Set("rapid.checks", "10"); err != nil {
		panic(err)
	}
	pgtest.Main(m)
}

const flexPlan = `
code: flex
names: {en: Flex}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
prices:
  one_time: [{code: sim, names: {en: SIM card}, amount: "9.95"}]
  recurring: [{code: monthly, names: {en: Monthly fee}, amount: "12.99", months: 1, timing: advance, prorate: day}]
allowances: [{code: package, names: {en: 3 GB}, amount: 3 GB, kinds: [data], validity_months: 1, priority: 1}]
usage:
  - {code: calls, names: {en: Calls}, kind: voice, rules: [{code: all, destinations: ["*"], price: "0.0999", per: 1 min, increments: {first: 60 s, next: 1 s}}]}
  - code: data
    names: {en: Data}
    kind: data
    rules:
      - code: bytes
        destinations: ["*"]
        tiers: {kind: graduated, bands: [{to: 5 GB, price: "2.00", per: 1 GB}, {price: "0.50", per: 1 GB}]}
`

const prepaidPlan = `
code: prepaid
names: {en: Prepaid}
billing: prepaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
prices: {recurring: [{code: monthly, names: {en: Monthly}, amount: "7.99", months: 1, timing: advance, prorate: none}]}
allowances: [{code: package, names: {en: 2 GB}, amount: 2 GB, kinds: [data], validity_months: 1, priority: 1}]
usage:
  - {code: calls, names: {en: Calls}, kind: voice, rules: [{code: all, destinations: ["*"], price: "0.0952", per: 1 min, increments: {first: 60 s, next: 60 s}}]}
  - {code: data, names: {en: Data}, kind: data, rules: [{code: bytes, destinations: ["*"], price: "2.50", per: 1 GB}]}
`

// plainSealer leaves everything in clear: sealing is shown elsewhere.
type plainSealer struct{}

func (plainSealer) Seal(_ tenant.ID, _ string, clear []byte) ([]byte, error)  { return clear, nil }
func (plainSealer) Open(_ tenant.ID, _ string, sealed []byte) ([]byte, error) { return sealed, nil }

// cards is a provider whose pages always open. Its signatures are words.
type cards struct {
	mu       sync.Mutex
	orders   []payment.CheckoutRequest
	refunds  int
	stored   []payment.StoredCharge
	declines bool // stored cards
	broken   error
	during   func() // while a refund is asked for
	after    func() // when a stored card was charged, before the answer is heard
}

func (c *cards) Checkout(_ context.Context, r payment.CheckoutRequest) (payment.Checkout, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.orders = append(c.orders, r)
	return payment.Checkout{Ref: "cs_" + r.Intent.String(), URL: "https://pay.example/" + r.Intent.String()}, nil
}

func (c *cards) Lookup(context.Context, payment.LookupRequest) (payment.ProviderEvent, error) {
	return payment.ProviderEvent{}, payment.ErrProviderUnavailable
}

func (c *cards) Refund(_ context.Context, r payment.RefundRequest) (payment.ProviderRefund, error) {
	if c.during != nil {
		c.during()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refunds++
	if c.broken != nil {
		return payment.ProviderRefund{}, c.broken
	}
	return payment.ProviderRefund{Ref: "re_" + r.Refund.String(), State: payment.RefundSucceeded}, nil
}

func (c *cards) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = err
}

func (c *cards) ReadEvent(_ context.Context, _ tenant.ID, signature string, body []byte) (e payment.ProviderEvent, err error) {
	switch signature {
	case "right":
		return e, json.Unmarshal(body, &e)
	case "stale":
		return e, payment.ErrWebhookStale
	}
	return e, payment.ErrWebhookSignature
}

// world is one operator's stack, made as a new stack is.
type world struct {
	*pgtest.TenantDB
	*Stack
	t     testing.TB
	cards *cards
	feed  usage.Feed
	plans map[string]uuid.UUID
	made  int // subscribers
	keys  int // of usage
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{TenantDB: pgtest.Tenant(t), t: t, cards: &cards{}, plans: map[string]uuid.UUID{}}
	passwords, err := identity.NewPasswords()
	if err != nil {
		t.Fatal(err)
	}
	authority := identity.New(passwords, plainSealer{}, time.Now)
	host := NewHost(Config{DB: w.DB, Identity: authority, Seal: plainSealer{}, Cards: w.cards, Webhooks: w.cards,
		Inbox: t.TempDir(), PublicURL: "https://tollhouse.example", Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if err := authority.SetUp(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into secret (name, sealed, created_at) values ($1, $2, $3)`,
			UsageHashKey, bytes.Repeat([]byte{3}, 32), tx.At)
		return err
	})
	if w.Stack, err = host.Resolve(t.Context(), w.TenantDB.Ref.Name); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{flexPlan, prepaidPlan} {
		w.publish(text)
	}
	mapping, err := usage.FindPreset("json-events", w.Zone.String())
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
	w.TenantDB.Write(w.t, fn)
}

func (w *world) read(fn func(ctx context.Context, tx tenant.Tx) error) {
	w.t.Helper()
	w.TenantDB.Read(w.t, fn)
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
		w.plans[offering.Code] = draft.ID
		_, err = catalog.Publish(ctx, tx, draft.ID, tx.At)
		return err
	})
}

// customer is a subscriber and the number that usage names.
type customer struct {
	account.Account
	msisdn string
}

// connect takes an order of a plan through the desk.
func (w *world) connect(plan string) customer {
	w.t.Helper()
	w.made++
	c := customer{msisdn: fmt.Sprintf("+4915%09d", w.made)}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		placed, err := w.Desk().Place(ctx, tx, []onboarding.NewOrder{{OfferingID: w.plans[plan], CreatedBy: "desk", Facts: orderFacts(w.made)}})
		if err != nil {
			return err
		}
		done, err := w.Desk().Activate(ctx, tx, placed[0].ID)
		if err != nil {
			return err
		}
		c.Account, err = account.Get(ctx, tx, *done[0].AccountID)
		return err
	})
	return c
}

// orderFacts are all that an order for a mobile plan needs.
func orderFacts(no int) onboarding.Facts {
	return onboarding.Facts{
		"party.kind": "individual", "party.name": fmt.Sprintf("Jonas Petersen %d", no), "party.email": "jonas@post.example",
		"party.birth_date": "1988-07-14", "party.id_document": fmt.Sprintf("L%08d", no), "party.id_verified": "desk",
		"address.street": "Deichstraße 1", "address.postcode": "20459", "address.city": "Hamburg", "address.country": "DE",
		"mobile.msisdn": fmt.Sprintf("+4915%09d", no), "mobile.imsi": fmt.Sprintf("26277%010d", no),
	}
}

func euro(text string) money.Amount {
	return money.New(money.MustDecimal(text), money.MustCurrency("EUR"))
}

func (w *world) key() string { w.keys++; return fmt.Sprint("u", w.keys) }

func (c customer) call(key string, end time.Time, seconds int64) usage.Record {
	return usage.Record{Key: key, Kind: usage.Voice, Identity: usage.Identity{Kind: usage.MSISDN, Value: c.msisdn}, Destination: "+4930123456",
		Start: end.Add(-time.Duration(seconds) * time.Second), End: end, Quantity: seconds, Unit: money.Second}
}

func (c customer) data(key string, end time.Time, bytes int64) usage.Record {
	return usage.Record{Key: key, Kind: usage.Data, Identity: usage.Identity{Kind: usage.MSISDN, Value: c.msisdn}, Start: end, End: end,
		Quantity: bytes, Unit: money.Byte}
}

// ingest sends records as one API batch.
func (w *world) ingest(records ...usage.Record) []charging.Outcome {
	w.t.Helper()
	items := make([]usage.Item, len(records))
	for i := range records {
		items[i] = usage.Item{Line: int64(i + 1), Record: &records[i]}
	}
	var outcomes []charging.Outcome
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		outcomes, err = w.Charging().Ingest(ctx, tx, charging.Batch{Source: w.feed.ID, Items: items})
		return err
	})
	return outcomes
}

// pay books bank money for bills or a top-up.
func (w *world) pay(c customer, purpose payment.Purpose, text string) payment.NewPayment {
	w.t.Helper()
	n := payment.NewPayment{ID: uuid.Must(uuid.NewV7()), AccountID: c.ID, Purpose: purpose, Method: payment.Bank, Amount: euro(text), By: "clerk"}
	w.record(n)
	return n
}

func (w *world) record(n payment.NewPayment) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := w.RecordPayment(ctx, tx, n)
		return err
	})
}

// succeeded is the provider's word that an intent was paid.
func (w *world) event(i payment.Intent, kind payment.EventKind, id string) payment.ProviderEvent {
	return payment.ProviderEvent{Provider: payment.Stripe, ID: id, Type: string(kind), Kind: kind, Created: time.Now().UTC(),
		Tenant: w.Stack.Ref.ID, Intent: i.ID, PaymentRef: "pi_" + i.ID.String(), Amount: i.Amount}
}

func (w *world) deliver(e payment.ProviderEvent, signature string) error {
	body, err := json.Marshal(e)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.ReceiveWebhook(w.t.Context(), signature, body)
}

// work does all that is due now.
func (w *world) work() {
	w.t.Helper()
	if err := w.settle(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) advance(to time.Time) {
	w.t.Helper()
	if err := w.Advance(w.t.Context(), to, nil); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) now() time.Time {
	w.t.Helper()
	at, err := w.Clock(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return at
}

// day is the first instant of a local day.
func (w *world) day(text string) time.Time {
	w.t.Helper()
	d, err := calendar.ParseDate(text)
	if err != nil {
		w.t.Fatal(err)
	}
	return d.Start(w.Zone).UTC()
}

// has is what an account can use now, by code.
func (w *world) has(c customer) map[string]string {
	w.t.Helper()
	values := map[string]string{}
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		buckets, err := balance.List(ctx, tx, c.ID)
		for _, b := range buckets {
			values[b.Code] = b.Value.String()
		}
		return err
	})
	return values
}

// text is one value of the tenant's database.
func (w *world) text(query string, args ...any) (value string) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx tenant.Tx) error { return tx.QueryRow(ctx, query, args...).Scan(&value) })
	return value
}

// sums holds the ledger against the books.
func (w *world) sums() error {
	return w.Stack.Read(w.t.Context(), func(ctx context.Context, tx tenant.Tx) error {
		report, err := ledger.ControlSums(ctx, tx)
		if err != nil {
			return err
		}
		return report.Check()
	})
}

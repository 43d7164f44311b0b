package bill_test

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
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) {
	if isCloser() {
		return
	}
	pgtest.Main(m)
}

const mobile = `
code: mobile
names: {en: Mobil M, id: Mobil M, ru: Мобильный M}
billing: %s
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
prices:
  one_time: [{code: setup, names: {en: Connection}, amount: "9.99"}]
  recurring: [{code: fee, names: {en: "Mobil M, 20 GB"}, amount: "31.00", months: 1, timing: advance, prorate: day}]
allowances: [{code: data20, names: {en: Data included}, amount: 20 GB, kinds: [data], validity_months: 1, priority: 1}]
usage: [{code: calls, names: {en: Calls, ru: Звонки}, kind: voice, rules: [{code: any, destinations: ["*"], price: "0.10", per: 1 min}]}]
`

// world is a tenant with an offering on sale.
type world struct {
	*pgtest.TenantDB
	t        testing.TB
	offering uuid.UUID
	zone     *time.Location
}

func newWorld(t testing.TB, billing account.Kind) *world {
	t.Helper()
	w := &world{TenantDB: pgtest.Tenant(t), t: t}
	w.zone = w.Zone
	o, err := catalog.Parse(fmt.Appendf(nil, mobile, billing))
	if err != nil {
		t.Fatal(err)
	}
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		v, err := catalog.SaveDraft(ctx, tx, o)
		if err != nil {
			return err
		}
		w.offering = v.ID
		_, err = catalog.Publish(ctx, tx, v.ID, tx.At)
		return err
	})
	return w
}

// connected is an account with one subscription.
type connected struct {
	account.Account
	subscription uuid.UUID
}

var first = day("2026-05-01")

func day(text string) calendar.Date {
	d, err := calendar.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}

func (w *world) at(text string) time.Time {
	w.t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", text, w.zone)
	if err != nil {
		w.t.Fatal(err)
	}
	return at
}

func (w *world) clock(text string) { w.t.Helper(); w.SetClock(w.t, w.at(text)) }

// connect opens and activates n accounts with cycles from the first of May.
func (w *world) connect(n int, kind account.Kind) []connected {
	w.t.Helper()
	var made []connected
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		parties := make([]account.Party, n)
		for i := range parties {
			parties[i] = account.Party{
				Kind: account.Individual, Name: fmt.Sprintf("Jonas Petersen %d", i+1), Phone: fmt.Sprintf("+4915112%06d", i),
				Address: account.Address{Street: "Weg 1", Postcode: "20259", City: "Hamburg", Country: "DE"},
			}
		}
		parties, err := account.AddParties(ctx, tx, parties)
		if err != nil {
			return err
		}
		wanted := make([]account.NewAccount, n)
		for i, p := range parties {
			wanted[i] = account.NewAccount{PartyID: p.ID, Kind: kind, Anchor: first}
		}
		accounts, err := account.Open(ctx, tx, wanted)
		if err != nil {
			return err
		}
		subscriptions := make([]account.NewSubscription, n)
		for i, a := range accounts {
			subscriptions[i] = account.NewSubscription{AccountID: a.ID, OfferingID: w.offering, Services: []account.NewService{{
				Kind: account.Mobile, Identities: []account.Identity{{Kind: account.MSISDN, Value: parties[i].Phone}},
			}}}
		}
		held, err := account.Subscribe(ctx, tx, subscriptions)
		if err != nil {
			return err
		}
		ids := make([]uuid.UUID, n)
		for i, s := range held {
			ids[i] = s.ID
			made = append(made, connected{accounts[i], s.ID})
		}
		return account.Activate(ctx, tx, ids...)
	})
	return made
}

// use charges a postpaid account as charging does: a charge row, and its net on
// the unbilled total. The price has 19 % tax inside.
func (w *world) use(c connected, at, price string, seconds int64) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		parts := w.split(price)
		id, err := w.charge(ctx, tx, c, "usage", "calls", "second", w.at(at), parts, seconds, money.Decimal{})
		if err != nil || parts.Net.IsZero() {
			return err
		}
		return ledger.Post(ctx, tx, w.event(ledger.Usage, id, w.at(at)), []ledger.Transfer{{
			Debit: ledger.Of(ledger.Unbilled, c.ID), Credit: ledger.General(ledger.Revenue),
			Amount: parts.Net.Decimal(), Unit: "EUR", AccountID: c.ID,
		}})
	})
}

// pay charges a prepaid account's main bucket.
func (w *world) pay(c connected, bucket uuid.UUID, kind, code, at, price string, quantity int64) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		parts := w.split(price)
		id, err := w.charge(ctx, tx, c, kind, code, "second", w.at(at), parts, quantity, parts.Gross.Decimal())
		if err != nil {
			return err
		}
		return ledger.Post(ctx, tx, w.event(ledger.Usage, id, w.at(at)), []ledger.Transfer{
			{Debit: ledger.Of(ledger.Prepaid, bucket), Credit: ledger.General(ledger.Revenue), Amount: parts.Net.Decimal(), Unit: "EUR", AccountID: c.ID},
			{Debit: ledger.Of(ledger.Prepaid, bucket), Credit: ledger.General(ledger.Tax), Amount: parts.Tax.Decimal(), Unit: "EUR", AccountID: c.ID},
		})
	})
}

func (w *world) split(price string) tax.Parts {
	w.t.Helper()
	a, err := money.Parse(price, money.MustCurrency("EUR"))
	if err != nil {
		w.t.Fatal(err)
	}
	parts, err := tax.Split(a, tax.Rate{Percent: money.NewDecimal(19)}, tax.Inclusive, money.Scale)
	if err != nil {
		w.t.Fatal(err)
	}
	return parts
}

func (w *world) event(kind ledger.EventKind, id uuid.UUID, at time.Time) ledger.Event {
	return ledger.Event{Kind: kind, ID: id, At: at, LegalEntity: w.LegalEntity, Branch: w.Branch}
}

func (w *world) charge(ctx context.Context, tx tenant.Tx, c connected, kind, code, unit string, at time.Time, p tax.Parts, quantity int64, paid money.Decimal) (uuid.UUID, error) {
	id := uuid.Must(uuid.NewV7())
	acc, err := account.Get(ctx, tx, c.ID)
	if err != nil {
		return id, err
	}
	_, err = tx.Exec(ctx, `
		insert into charge (period, id, kind, account_id, subscription_id, offering_id, cycle_start, at, rated_at, line_code,
		                    quantity, unit, price, net, tax, currency, tax_category, paid_from_balance)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 'EUR', 'standard', $16)`,
		ledger.Period(at, w.zone), id, kind, c.ID, c.subscription, w.offering, acc.Cycle.From, at, tx.At, code,
		money.NewDecimal(quantity), unit, p.Gross.Decimal(), p.Net.Decimal(), p.Tax.Decimal(), paid)
	return id, err
}

// allow grants the subscription's 20 GB of a cycle and takes what was used.
func (w *world) allow(c connected, used int64) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		id := uuid.Must(uuid.NewV7())
		from, to := c.Cycle.Instants(w.zone)
		_, err := balance.Grant(ctx, tx, []balance.NewBucket{{
			ID: id, AccountID: c.ID, SubscriptionID: c.subscription, Code: "data20", Unit: money.Byte, Origin: balance.Allowance,
			Amount: money.NewDecimal(20_000_000_000), Priority: 1, ValidFrom: from, ExpiresAt: to, LegalEntity: w.LegalEntity, Branch: w.Branch,
		}})
		if err != nil {
			return err
		}
		return ledger.Post(ctx, tx, w.event(ledger.Usage, id, tx.At), []ledger.Transfer{{
			Debit: ledger.Of(ledger.UnitBucket, id), Credit: ledger.General(ledger.UnitConsumed),
			Amount: money.NewDecimal(used), Unit: money.Byte, AccountID: c.ID,
		}})
	})
}

// run closes all that is due on a day, chunk by chunk, each in a transaction.
func (w *world) run(on string, chunk int) bill.Run {
	w.t.Helper()
	var run bill.Run
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		run, err = bill.Start(ctx, tx, day(on))
		return err
	})
	for more := true; more; {
		w.Write(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
			_, more, err = bill.Closer{}.CloseChunk(ctx, tx, run.ID, chunk)
			return err
		})
	}
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		run, err = bill.GetRun(ctx, tx, run.ID)
		return err
	})
	return run
}

// latest is the account's last document, in full.
func (w *world) latest(c connected) bill.Document {
	w.t.Helper()
	var d bill.Document
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		page, err := bill.List(ctx, tx, c.ID, bill.Cursor{}, 1)
		if err != nil || len(page.Bills) == 0 {
			return fmt.Errorf("%d bills, %w", len(page.Bills), err)
		}
		d, err = bill.GetDocument(ctx, tx, page.Bills[0].ID)
		return err
	})
	return d
}

func (w *world) controlSums() {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		report, err := ledger.ControlSums(ctx, tx)
		if err != nil {
			return err
		}
		return report.Check()
	})
}

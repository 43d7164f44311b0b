package charging_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

func TestIngest_onceOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, postpaidPlan)
	w.customers("talk", account.Postpaid, 1, 1)
	x1 := w.call("x1", 1, w.noon(2), 600) // ten minutes
	wantStatuses(t, w.ingest(x1), charging.Accepted)
	wantStatuses(t, w.ingest(x1), charging.Duplicate)
	wantStatuses(t, w.ingest(w.call("x1", 1, w.noon(2), 660)), charging.Conflict)
	// 1.00 with tax inside is 0.840336134 net
	billed := map[string]string{"unbilled EUR": "0.840336134", "revenue EUR": "-0.840336134"}
	w.wantSums(billed)
	for _, days := range []int{33, 400} {
		w.SetClock(t, w.noon(2).AddDate(0, 0, days))
		wantStatuses(t, w.ingest(x1), charging.Duplicate)
	}
	w.wantSums(billed)
}

func TestIngest_batchIsAnsweredItemByItem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, postpaidPlan)
	w.customers("talk", account.Postpaid, 1, 1)
	items := make([]usage.Item, 100)
	want := make([]charging.Status, 100)
	for i := range items {
		r := w.call(fmt.Sprintf("c%d", i), 1, w.noon(2).Add(time.Duration(i)*time.Minute), 60)
		items[i], want[i] = usage.Item{Line: int64(i + 1), Record: &r}, charging.Accepted
	}
	for _, i := range []int{40, 60, 99} {
		items[i].Record, want[i] = items[3].Record, charging.Duplicate
	}
	items[50] = usage.Item{Line: 51, Problem: &usage.Problem{Field: "quantity", Code: usage.NegativeQuantity, Reason: "-1"}}
	want[50] = charging.Rejected
	wantStatuses(t, w.ingestItems(items...), want...)
	w.sums()
	// the answer was lost: the sender tries again
	for i := range want {
		if want[i] == charging.Accepted {
			want[i] = charging.Duplicate
		}
	}
	wantStatuses(t, w.ingestItems(items...), want...)
	w.wantSums(map[string]string{"unbilled EUR": money.MustDecimal("0.084033613").Mul(money.NewDecimal(96)).String()})
}

func TestIngest_allowanceThenPrice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, bundlePlan)
	a := w.customers("bundle", account.Postpaid, 1, 1)[0]
	w.grantCycle(a)
	w.grantCycle(a) // once per cycle
	outcomes := w.ingest(
		w.call("a", 1, w.noon(2), 150*60), // covered
		w.call("b", 1, w.noon(3), 100*60), // 50 covered, 50 priced: 5.00
		w.call("c", 1, w.noon(4), 61),     // 60/1: 61 s, 0.101666667
	)
	wantStatuses(t, outcomes, charging.Accepted, charging.Accepted, charging.Accepted)
	for i, want := range []string{"0", "5", "0.101666667"} {
		if got := outcomes[i].Price.String(); got != want {
			t.Errorf("call %d costs %s, want %s", i, got, want)
		}
	}
	w.wantSums(map[string]string{"unit_issued second": "12000", "unit_consumed second": "-12000", "unbilled EUR": "4.287114846"})
}

// 1,000 messages at 0.0004, each an event of its own: 0.40, not 1,000 times nothing.
func TestIngest_thousandSmallPricesAddUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, strings.Replace(postpaidPlan, "usage:\n", "usage:\n"+
		"  - {code: message, names: {en: Messages}, kind: message, rules: [{code: anymsg, destinations: ['*'], price: 0.0004, per: '1'}]}\n", 1))
	a := w.customers("talk", account.Postpaid, 1, 1)[0]
	records := make([]usage.Record, 1000)
	for i := range records {
		at := w.noon(2).Add(time.Duration(i) * time.Second)
		records[i] = usage.Record{Key: fmt.Sprint(i), Kind: usage.Message, Unit: money.Event, Quantity: 1, Start: at, End: at,
			Destination: "+4930123456", Identity: usage.Identity{Kind: usage.MSISDN, Value: msisdn(1)}}
	}
	for _, o := range w.ingest(records...) {
		if o.Status != charging.Accepted {
			t.Fatalf("%+v", o)
		}
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		var price, net money.Decimal
		err := tx.QueryRow(ctx, `select sum(price), sum(net) from charge where account_id = $1`, a.ID).Scan(&price, &net)
		// each net is 0.0004 / 1.19 at nine decimals
		if !price.Equal(money.MustDecimal("0.40")) || !net.Equal(money.MustDecimal("0.336134")) {
			t.Errorf("price %s, net %s", price, net)
		}
		return err
	})
	w.sums()
}

func TestIngest_prepaidPaysGross(t *testing.T) {
	t.Parallel()
	w := newWorld(t, prepaidPlan)
	a := w.customers("prepaid", account.Prepaid, 1, 1)[0]
	if got := w.renew(a); len(got.Waiting) != 1 {
		t.Fatalf("renewed without money: %v", got)
	}
	w.topUp(a, "10.00")
	if got := w.renew(a); len(got.Renewed) != 1 {
		t.Fatalf("not renewed: %v", got)
	}
	if got := w.renew(a); len(got.Renewed)+len(got.Waiting) != 0 {
		t.Fatalf("renewed twice: %v", got)
	}
	// 10.00 - 5.95 = 4.05; 10 GB covered, 2 GB at 1.19 leave 1.67
	wantStatuses(t, w.ingest(w.data("d", 1, w.noon(2), 12e9)), charging.Accepted)
	w.wantSums(map[string]string{"prepaid EUR": "-1.67", "revenue EUR": "-7", "tax EUR": "-1.33", "unit_consumed byte": "-10000000000"})
	// what has happened is taken from main, below zero
	wantStatuses(t, w.ingest(w.data("e", 1, w.noon(3), 2e9)), charging.Accepted)
	w.wantSums(map[string]string{"prepaid EUR": "0.71"})
}

func TestIngest_suspendsWithReasonAndRunsAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, postpaidPlan)
	w.customers("talk", account.Postpaid, 1, 1)
	content := w.call("c", 1, w.noon(2), 1)
	content.Kind, content.Unit = usage.Content, money.Event
	outcomes := w.ingest(w.call("a", 1, w.noon(2), 60), w.call("b", 2, w.noon(2), 60), content, w.call("d", 1, w.noon(1).AddDate(0, 0, -3), 60))
	wantStatuses(t, outcomes, charging.Accepted, charging.Suspended, charging.Suspended, charging.Suspended)
	for i, want := range []usage.Reason{"", usage.UnknownSubscriber, usage.NoTariff, usage.UnknownSubscriber} {
		if p := outcomes[i].Problem; p != nil && p.Code != want {
			t.Errorf("item %d: %v, want %s", i, p, want)
		}
	}
	w.SetClock(t, w.noon(1).Add(-36*time.Hour)) // the second customer is connected in time
	w.customers("talk", account.Postpaid, 2, 1)
	w.SetClock(t, w.noon(3))
	for _, want := range []charging.Rerun{{Charged: 1, Waiting: 2}, {Waiting: 2}} {
		w.write(func(ctx context.Context, tx tenant.Tx) error {
			waiting, _, err := usage.ListSuspended(ctx, tx, usage.Search{State: usage.Waiting}, usage.Cursor{}, 10)
			if err != nil {
				return err
			}
			var ids []uuid.UUID
			for _, item := range waiting {
				ids = append(ids, item.ID)
			}
			got, err := w.engine.RerunSuspense(ctx, tx, ids)
			if got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			return err
		})
	}
	w.wantSums(map[string]string{"unbilled EUR": "0.168067226"})
}

func TestIngest_radiusCounters(t *testing.T) {
	t.Parallel()
	const gb = uint64(1e9)
	w := newWorld(t, postpaidPlan)
	w.customers("talk", account.Postpaid, 0, 12)
	session := 0
	packet := func(name string, status usage.Status, hour int, bytes uint64) usage.Record {
		at := w.noon(2).Add(time.Duration(hour) * time.Hour)
		return usage.Record{Key: fmt.Sprint(session, name), Kind: usage.Data, Start: at, End: at, Unit: money.Byte,
			Identity: usage.Identity{Kind: usage.MSISDN, Value: msisdn(session)},
			Counter: &usage.Counter{NAS: fmt.Sprint("nas", session%2), SessionID: fmt.Sprint(session / 2), Status: status,
				InputBytes: bytes, SessionSeconds: uint64(hour+1) * 3600, ReportedAt: at}}
	}
	for _, order := range [][]int{{0, 1, 0, 2}, {0, 2, 1, 0}, {2, 1, 0}} { // in order, stop early, backwards
		for _, together := range []bool{true, false} {
			for range 2 { // two NAS with the same session id: two sessions
				packets := []usage.Record{packet("i1", usage.Interim, 1, 15*gb/10), packet("i2", usage.Interim, 2, 5*gb), packet("s", usage.Stop, 3, 6*gb)}
				var sent []usage.Record
				for _, i := range order {
					sent = append(sent, packets[i])
				}
				if together {
					w.ingest(sent...)
				} else {
					for _, r := range sent {
						w.ingest(r)
					}
				}
				w.ingest(sent...)
				session++
			}
		}
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		for customer := range session {
			var bytes, net money.Decimal
			err := tx.QueryRow(ctx, `
				select sum(c.quantity), sum(c.net) from charge as c
				join service_identity as i on i.service_id = c.service_id and i.value = $1`, msisdn(customer)).Scan(&bytes, &net)
			if err != nil {
				return err
			}
			// 6 GB at 1.19 with 19 % inside
			if !bytes.Equal(money.NewDecimal(6e9)) || !net.Equal(money.NewDecimal(6)) {
				t.Errorf("session %d: %s bytes for %s, want 6000000000 for 6", customer, bytes, net)
			}
		}
		return nil
	})
	w.sums()
}

func TestIngest_poisonedRecordCostsItselfOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, postpaidPlan)
	w.customers("talk", account.Postpaid, 1, 1)
	records := make([]usage.Record, 9)
	want := make([]charging.Status, 9)
	for i := range records {
		records[i], want[i] = w.call(fmt.Sprintf("c%d", i), 1, w.noon(2), 60), charging.Accepted
	}
	records[4].Unit, want[4] = money.Point, charging.Suspended         // no reader lets it through, the table refuses it
	records[6].Origin, want[6] = "a zero byte \x00", charging.Rejected // cannot even be kept
	outcomes := w.ingest(records...)
	wantStatuses(t, outcomes, want...)
	w.wantSums(map[string]string{"unbilled EUR": money.MustDecimal("0.084033613").Mul(money.NewDecimal(7)).String()})
}

// Priority, then earliest expiry, then oldest: 12 GB at 1.00 take the bundle's
// 10 GB, 2.00 of the promotion and nothing of main.
func TestIngest_bucketsInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `
code: order
names: {en: Order}
billing: prepaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
allowances: [{code: bundle, names: {en: Bundle}, amount: 10 GB, kinds: [data], validity_months: 1, priority: 1}]
usage: [{code: data, names: {en: Data}, kind: data, rules: [{code: anydata, destinations: ["*"], price: "1.00", per: 1 GB}]}]
`)
	a := w.customers("order", account.Prepaid, 1, 1)[0]
	w.topUp(a, "20.00")
	w.renew(a)
	promotion := func(code string, kinds string, days int, amount int64) balance.NewBucket {
		return balance.NewBucket{ID: uuid.Must(uuid.NewV7()), AccountID: a.ID, Code: code, Unit: "EUR", Origin: balance.Promotion,
			Amount: money.NewDecimal(amount), Priority: 2, ValidFrom: w.noon(1), ExpiresAt: w.noon(1).AddDate(0, 0, days),
			Filter: []byte(kinds), LegalEntity: a.LegalEntity, Branch: a.Branch}
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := balance.Grant(ctx, tx, []balance.NewBucket{
			promotion("late", `{}`, 40, 5), promotion("soon", `{}`, 20, 5),
			promotion("calls only", `{"kinds": ["voice"]}`, 10, 5), promotion("over", `{}`, 1, 5),
		})
		return err
	})
	wantStatuses(t, w.ingest(w.data("d", 1, w.noon(3), 12e9)), charging.Accepted)
	w.SetClock(t, w.noon(3))
	got := map[string]string{}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		buckets, err := balance.List(ctx, tx, a.ID)
		for _, b := range buckets {
			got[b.Code] = b.Value.String()
		}
		return err
	})
	want := map[string]string{"bundle": "0", "soon": "3", "late": "5", "calls only": "5", "main": "20"}
	if !maps.Equal(got, want) {
		t.Errorf("balances %v, want %v", got, want)
	}
	w.sums()
}

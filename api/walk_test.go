package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
)

const plan = `
code: start
names: {en: Start}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
prices: {recurring: [{code: fee, names: {en: Monthly fee}, amount: "11.90", months: 1, timing: arrears, prorate: none}]}
usage:
  - {code: data, names: {en: Data}, kind: data, rules: [{code: anydata, destinations: ["*"], price: 1.19, per: 1 GB}]}
`

func facts(number int) map[string]string {
	return map[string]string{
		"party.kind": "individual", "party.name": "Ida Example", "party.birth_date": "1990-02-28", "party.email": "ida@example.net",
		"party.id_document": "passport C01X00T47", "party.id_verified": "desk",
		"address.street": "Hafenstrasse 1", "address.postcode": "20457", "address.city": "Hamburg",
		"mobile.msisdn": fmt.Sprintf("+4915510%06d", number), "mobile.imsi": fmt.Sprintf("262011234%06d", number),
	}
}

// publish brings a plan on sale and returns its version's id.
func (w *world) publish(token, text string) string {
	w.t.Helper()
	draft := w.send(request{method: "POST", path: w.path("/offerings"), token: token, key: uuid.NewString(), raw: text, contentType: "application/yaml"}).want(w.t, 201)
	id := draft.text("id")
	w.post(token, w.path("/offerings/"+id+"/publish"), map[string]any{}).want(w.t, 200)
	return id
}

// connect makes a subscriber of the plan and returns its account's id.
func (w *world) connect(token string, number int) string { return w.connectTo(token, "start", number) }

func usageEvent(id string, number int, bytes int64) map[string]any {
	return map[string]any{"id": id, "kind": "data", "identity": map[string]string{"kind": "msisdn", "value": fmt.Sprintf("+4915510%06d", number)},
		"start": "2026-05-01T10:00:00Z", "end": "2026-05-01T10:10:00Z", "quantity": bytes, "unit": "byte"}
}

// eventually asks until the answer is as it should be: jobs take a moment.
func (w *world) eventually(what string, done func() bool) {
	w.t.Helper()
	for range 200 {
		if done() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	w.t.Fatalf("%s did not come to be\n%s", what, w.log)
}

func TestWalk_fromOfferingToPaidBill(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.publish(owner, plan)

	// activation is refused, with the fields named
	order := w.post(owner, w.path("/orders"), map[string]any{"offering": "start", "facts": map[string]string{"party.name": "Ida Example"}}).want(t, 201)
	path := w.path("/orders/" + order.text("id"))
	refused := w.send(request{method: "POST", path: path + "/activate", token: owner, key: uuid.NewString()}).want(t, 422)
	if fields, err := refused.faults(); err != nil || !strings.Contains(strings.Join(fields, " "), "party.birth_date") && !strings.Contains(strings.Join(fields, " "), "party.kind") {
		t.Errorf("the refusal names %v (%v)", fields, err)
	}
	if missing := w.get(owner, path+"/requirements").want(t, 200); missing.at("complete") != false || missing.at("missing", 0, "want") == nil {
		t.Errorf("requirements: %s", missing.raw)
	}
	w.send(request{method: "PATCH", path: path + "/facts", token: owner, key: uuid.NewString(), body: facts(1)}).want(t, 200)
	done := w.send(request{method: "POST", path: path + "/activate", token: owner, key: uuid.NewString()}).want(t, 200)
	account := done.text("account")

	// usage by events: once only, item by item
	w.db.SetClock(t, time.Date(2026, 5, 2, 0, 0, 0, 0, w.db.Zone))
	w.post(owner, w.path("/usage-sources"), map[string]any{"name": "api", "preset": "json-events"}).want(t, 201)
	events := []any{usageEvent("x1", 1, 1e9), usageEvent("x2", 1, 1e9), usageEvent("x1", 1, 1e9), usageEvent("x3", 1, -1), usageEvent("x2", 1, 5e9), usageEvent("x4", 99, 1e9)}
	outcome := w.send(request{method: "POST", path: w.path("/usage-events"), token: owner, body: map[string]any{"source": "api", "events": events}}).want(t, 200)
	for i, want := range []string{"accepted", "accepted", "duplicate", "rejected", "conflict", "suspended"} {
		if got := outcome.text("items", i, "outcome"); got != want {
			t.Errorf("event %d: got %s, want %s: %s", i, got, want, outcome.raw)
		}
	}
	again := w.send(request{method: "POST", path: w.path("/usage-events"), token: owner, body: map[string]any{"source": "api", "events": []any{usageEvent("x1", 1, 11)}}})
	again.want(t, 409)

	// visible at once, with its price and why
	if got := w.get(owner, w.path("/accounts/"+account+"/usage")).want(t, 200).text("items", 0, "price", "amount"); got != "1.19" {
		t.Errorf("price of the usage is %s", got)
	}
	charge := w.get(owner, w.path("/accounts/"+account+"/charges?limit=1")).want(t, 200)
	if charge.at("items", 0, "why", 0) == nil || charge.at("next") == nil {
		t.Errorf("charges: %s", charge.raw)
	}
	rest := w.get(owner, w.path("/accounts/"+account+"/charges?limit=1&cursor="+charge.text("next"))).want(t, 200)
	if rest.at("items", 0, "id") == charge.at("items", 0, "id") || rest.at("items", 0) == nil {
		t.Errorf("second page: %s", rest.raw)
	}
	w.get(owner, w.path("/suspense")).want(t, 200)

	// a file
	sent := w.send(request{method: "POST", path: w.path("/usage-files?source=api&name=more.json"), token: owner, contentType: "text/csv",
		raw: `[{"id":"f1","kind":"data","identity":{"kind":"msisdn","value":"+4915510000001"},"start":"2026-05-01T11:00:00Z","end":"2026-05-01T11:10:00Z","quantity":1000000000,"unit":"byte"}]`}).want(t, 202)
	w.eventually("the file", func() bool {
		return w.get(owner, w.path("/usage-files/"+sent.text("id"))).want(t, 200).text("state") == "done"
	})

	// the clock is moved over the end of the cycle: the bill comes by itself
	w.post(owner, w.path("/clock/advance"), map[string]any{"to": "2026-06-02T00:00:00Z"}).want(t, 200)
	bills := w.get(owner, w.path("/accounts/"+account+"/bills")).want(t, 200)
	if got := bills.text("items", 0, "total", "amount"); got != "15.47" { // 11.90 + 3 × 1.19
		t.Fatalf("bill of %s: %s", got, bills.raw)
	}
	bill := bills.text("items", 0, "id")
	if got := w.get(owner, w.path("/bills/"+bill)).want(t, 200); got.at("lines", 0) == nil {
		t.Errorf("bill: %s", got.raw)
	}
	if pdf := w.get(owner, w.path("/bills/"+bill+"/pdf")).want(t, 200); !strings.HasPrefix(string(pdf.raw), "%PDF-") {
		t.Errorf("no PDF: %.40s", pdf.raw)
	}

	// paid by card and in cash
	intent := w.post(owner, w.path("/payment-intents"), map[string]any{"account": account, "purpose": "bill", "bill": bill}).want(t, 201)
	if !strings.HasPrefix(intent.text("checkout_url"), "https://pay.example/") {
		t.Errorf("intent: %s", intent.raw)
	}
	paid := w.post(owner, w.path("/payments"), map[string]any{"account": account, "amount": map[string]string{"amount": "15.47", "currency": "EUR"}, "method": "cash"}).want(t, 201)
	if paid.text("allocations", 0, "amount", "amount") != "15.47" {
		t.Errorf("payment: %s", paid.raw)
	}
	w.post(owner, w.path("/payments/"+paid.text("id")+"/refunds"), map[string]any{"amount": map[string]string{"amount": "1.00", "currency": "EUR"}, "reason": "goodwill"}).want(t, 201)
	for _, period := range []string{"month:2026-05", "year:2026", "since-last-payment"} {
		w.get(owner, w.path("/accounts/"+account+"/statement?period="+period)).want(t, 200)
	}
	if sums := w.get(owner, w.path("/ledger/control-sums")).want(t, 200); sums.at("equal") != true {
		t.Errorf("control sums: %s", sums.raw)
	}
	w.get(owner, w.path("/ledger/trial-balance")).want(t, 200)
	w.get(owner, w.path("/ledger/transfers?limit=3")).want(t, 200)
}

const prepaid = `
code: prepaid
names: {en: Prepaid}
billing: prepaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
usage:
  - {code: data, names: {en: Data}, kind: data, rules: [{code: anydata, destinations: ["*"], price: 1.19, per: 1 GB}]}
`

// connectTo makes a subscriber of an offering.
func (w *world) connectTo(token, offering string, number int) string {
	w.t.Helper()
	order := w.post(token, w.path("/orders"), map[string]any{"offering": offering, "facts": facts(number)}).want(w.t, 201)
	done := w.send(request{method: "POST", path: w.path("/orders/" + order.text("id") + "/activate"), token: token, key: uuid.NewString()}).want(w.t, 200)
	return done.text("account")
}

func TestOffering_comesBackAsItWent(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	id := w.publish(owner, plan)
	yaml := w.send(request{method: "GET", path: w.path("/offerings/" + id), token: owner, header: map[string]string{"Accept": "application/yaml"}}).want(t, 200)
	if yaml.header.Get("Content-Type") != "application/yaml" {
		t.Errorf("got %s", yaml.header.Get("Content-Type"))
	}
	shown := w.get(owner, w.path("/offerings/"+id)).want(t, 200)
	for name, again := range map[string]request{
		"as YAML": {raw: string(yaml.raw), contentType: "application/yaml"},
		"as JSON": {body: shown.at("document")},
	} {
		again.method, again.path, again.token, again.key = "POST", w.path("/offerings"), owner, uuid.NewString()
		draft := w.send(again).want(t, 201)
		if fmt.Sprint(draft.at("document")) != fmt.Sprint(shown.at("document")) || draft.text("version") != "2" {
			t.Errorf("%s: %s, before %s", name, draft.raw, shown.raw)
		}
		if report := w.send(request{method: "POST", path: w.path("/offerings/" + draft.text("id") + "/check"), token: owner}).want(t, 200); report.at("publishable") != true {
			t.Errorf("check: %s", report.raw)
		}
	}
	w.send(request{method: "POST", path: w.path("/offerings/" + id + "/publish"), token: owner, key: uuid.NewString()}).want(t, 409)
}

func TestSuspense_isFixedAndRunAgain(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	account := w.publishAndConnect(owner)
	w.db.SetClock(t, time.Date(2026, 5, 2, 0, 0, 0, 0, w.db.Zone))
	w.post(owner, w.path("/usage-sources"), map[string]any{"name": "api", "preset": "json-events"}).want(t, 201)
	w.send(request{method: "POST", path: w.path("/usage-events"), token: owner,
		body: map[string]any{"source": "api", "events": []any{usageEvent("a", 98, 1e9), usageEvent("b", 99, 1e9)}}}).want(t, 200)
	waiting := w.get(owner, w.path("/suspense?reason=unknown_subscriber&source=api")).want(t, 200)
	item := waiting.text("items", 0, "id")
	if waiting.at("items", 1) == nil || waiting.text("items", 0, "do") == "" {
		t.Fatalf("waiting: %s", waiting.raw)
	}
	w.post(owner, w.path("/suspense/"+item+"/fix"), map[string]any{"patch": map[string]any{"identity": map[string]string{"kind": "msisdn", "value": "+4915510000001"}}}).want(t, 200)
	done := w.post(owner, w.path("/suspense/rerun"), map[string]any{"reason": "unknown_subscriber"}).want(t, 200)
	if done.text("charged") != "1" || done.text("waiting") != "1" {
		t.Errorf("rerun: %s", done.raw)
	}
	other := w.get(owner, w.path("/suspense")).want(t, 200).text("items", 0, "id")
	w.post(owner, w.path("/suspense/"+other+"/discard"), map[string]any{"reason": "a test call"}).want(t, 200)
	w.post(owner, w.path("/suspense/"+other+"/discard"), map[string]any{"reason": "a test call"}).want(t, 409)
	if used := w.get(owner, w.path("/accounts/"+account+"/usage")).want(t, 200); used.text("items", 0, "price", "amount") != "1.19" {
		t.Errorf("usage: %s", used.raw)
	}
}

func TestBillRun_byHandGoesOnInTheBackground(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	account := w.publishAndConnect(owner)
	w.db.SetClock(t, time.Date(2026, 6, 1, 12, 0, 0, 0, w.db.Zone))
	run := w.post(owner, w.path("/bill-runs"), map[string]any{"cycle_end": "2026-06-01"}).want(t, 202)
	w.eventually("the run", func() bool {
		return w.get(owner, w.path("/bill-runs/"+run.text("id"))).want(t, 200).text("state") == "done"
	})
	w.post(owner, w.path("/bill-runs"), map[string]any{"cycle_end": "2026-06-01"}).want(t, 202)
	bills := w.get(owner, w.path("/accounts/"+account+"/bills")).want(t, 200)
	if bills.text("items", 0, "total", "amount") != "11.9" && bills.text("items", 0, "total", "amount") != "11.90" || bills.at("items", 1) != nil {
		t.Errorf("bills: %s", bills.raw)
	}
	w.get(owner, w.path("/bills?number="+bills.text("items", 0, "number"))).want(t, 200)
	mine := w.accountOf(account)
	subscriber := w.user(w.db, identity.Subscriber, &mine)
	w.get(subscriber, w.path("/bills/"+bills.text("items", 0, "id")+"/pdf")).want(t, 200)
	second := w.accountOf(w.connect(owner, 2))
	stranger := w.user(w.db, identity.Subscriber, &second)
	w.get(stranger, w.path("/bills/"+bills.text("items", 0, "id"))).want(t, 404)
	w.get(stranger, w.path("/bills/"+bills.text("items", 0, "id")+"/pdf")).want(t, 404)
	w.get(stranger, w.path("/bills?number="+bills.text("items", 0, "number"))).want(t, 403)
}

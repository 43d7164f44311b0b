package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing"
	"tollhouse/billing/identity"
	"tollhouse/infra/taxengine"
	"tollhouse/infra/vies"
)

// texas answers as an outside tax engine does, to whoever has its key: 6.25 %
// for the state on each line, rounded to cents.
func texas(t *testing.T, down *atomic.Bool) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var asked struct {
			Reference, Company string
			Lines              []struct{ No int }
		}
		switch err := json.NewDecoder(r.Body).Decode(&asked); {
		case err != nil || r.URL.Path != "/v1/quotes" || asked.Company != "ACME":
			t.Errorf("%s %s: %+v %v", r.Method, r.URL.Path, asked, err)
		case down.Load():
			rw.WriteHeader(http.StatusServiceUnavailable)
		case r.Header.Get("Authorization") != "Bearer first-key":
			rw.WriteHeader(http.StatusUnauthorized)
		default:
			answer := map[string]any{"reference": "q-7"}
			var lines []map[string]any
			for _, l := range asked.Lines {
				lines = append(lines, map[string]any{"no": l.No, "taxes": []map[string]string{{"jurisdiction": "US-TX", "name": "Texas sales tax", "percent": "6.25", "base": "100.00", "amount": "6.25"}}})
			}
			answer["lines"] = lines
			_ = json.NewEncoder(rw).Encode(answer)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// An outside engine is chosen, tried and left by the API; its key is never shown
// and stays when it isn't given again.
func TestTaxEngine_chosenAndTried(t *testing.T) {
	var down atomic.Bool
	server := texas(t, &down)
	w := newWorldWith(t, nil, func(c *billing.Config) {
		c.TaxEngine = &taxengine.Client{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	})
	owner, clerk := w.user(w.db, identity.Owner, nil), w.user(w.db, identity.Clerk, nil)
	at := w.path("/tax-engine")
	if got := w.get(owner, at).want(t, 200); got.at("chosen") != false {
		t.Errorf("nothing chosen: %s", got.raw)
	}
	try := func() response { return w.post(owner, at+"/try", nil) }
	try().want(t, 422)
	engine := map[string]any{"title": "Acme Tax", "base_url": server.URL + "/v1", "company": "ACME", "key": "first-key"}
	w.put(clerk, at, engine).want(t, 403)
	w.put(owner, at, engine).want(t, 422) // prices hold the tax: nobody else can reckon it
	if _, err := w.db.Admin.Exec(t.Context(), `update `+w.db.Ref.Slot.Schema()+`.operator set prices_include_tax = false`); err != nil {
		t.Fatal(err)
	}
	wrong := map[string]any{"title": "Acme Tax", "base_url": "ftp://tax.example", "company": "ACME", "key": "first-key"}
	if fields, err := w.put(owner, at, wrong).want(t, 400).faults(); err != nil || len(fields) != 1 || fields[0] != "base_url" {
		t.Errorf("a wrong address: %v (%v)", fields, err)
	}
	choose := request{method: "PUT", path: at, token: owner, key: uuid.NewString(), body: engine}
	for range 2 {
		if got := w.send(choose).want(t, 200); got.at("chosen") != true || strings.Contains(string(got.raw), "first-key") {
			t.Errorf("chosen: %s", got.raw)
		}
	}
	delete(engine, "key")
	engine["title"] = "Acme"
	w.put(owner, at, engine).want(t, 200)
	if got := w.get(owner, at).want(t, 200); got.text("title") != "Acme" || got.at("key") != nil || strings.Contains(string(got.raw), "first-key") {
		t.Errorf("it reads: %s", got.raw)
	}
	if got := try().want(t, 200); got.text("reference") != "q-7" || got.text("taxes", 0, "jurisdiction") != "US-TX" || got.text("taxes", 0, "amount") != "6.25" {
		t.Errorf("tried: %s", got.raw)
	}
	down.Store(true)
	if _, err := try().want(t, 503).faults(); err != nil {
		t.Errorf("while it is down: %v", err)
	}
	w.send(request{method: "DELETE", path: at, token: owner, key: uuid.NewString()}).want(t, 204)
	if got := w.get(owner, at).want(t, 200); got.at("chosen") != false {
		t.Errorf("after it was left: %s", got.raw)
	}
}

// The register's answer about a customer's VAT id is kept with the customer, and
// so is its silence; who has no such id has nothing to ask about.
func TestTaxIDs_areLookedUpAndKept(t *testing.T) {
	var down atomic.Bool
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		var q map[string]string
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || q["countryCode"] != "DE" || q["vatNumber"] != "136695976" {
			t.Errorf("asked %v %v", q, err)
		}
		if down.Load() {
			rw.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = rw.Write([]byte(`{"requestDate":"2026-05-03T10:00:00Z","valid":true,"requestIdentifier":"WAPI1","name":"ALPHA GmbH","address":"WIEN"}`))
	}))
	t.Cleanup(server.Close)
	w := newWorldWith(t, nil, func(c *billing.Config) { c.TaxIDs = vies.New(server.URL) })
	owner, support := w.user(w.db, identity.Owner, nil), w.user(w.db, identity.Support, nil)
	w.publish(owner, plan)
	person := w.connect(owner, 1)
	w.post(owner, w.path("/accounts/"+person+"/tax-id-checks"), nil).want(t, 422)
	known := facts(2)
	known["party.kind"], known["party.name"], known["party.tax_id"] = "organization", "Alpha GmbH", "DE136695976"
	order := w.post(owner, w.path("/orders"), map[string]any{"offering": "start", "facts": known}).want(t, 201)
	company := w.post(owner, w.path("/orders/"+order.text("id")+"/activate"), nil).want(t, 200).text("account")
	at := w.path("/accounts/" + company + "/tax-id-checks")
	w.post(support, at, nil).want(t, 403)
	ask := request{method: "POST", path: at, token: owner, key: uuid.NewString()}
	first := w.send(ask).want(t, 201)
	if first.text("result") != "valid" || first.text("name") != "ALPHA GmbH" || first.text("reference") != "WAPI1" || first.text("tax_id") != "DE136695976" {
		t.Errorf("the evidence: %s", first.raw)
	}
	if again := w.send(ask).want(t, 201); string(again.raw) != string(first.raw) || asked.Load() != 1 {
		t.Errorf("the same key asks %d times: %s", asked.Load(), again.raw)
	}
	down.Store(true)
	if got := w.post(owner, at, nil).want(t, 201); got.text("result") != "unreachable" || got.at("answered_at") != nil {
		t.Errorf("while nobody answers: %s", got.raw)
	}
	if list := w.get(owner, at).want(t, 200); list.at("items", 1) == nil || list.at("items", 2) != nil {
		t.Errorf("what is kept: %s", list.raw)
	}
	w.get(owner, w.path("/accounts/"+uuid.NewString()+"/tax-id-checks")).want(t, 404)
}

package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/google/uuid"

	"tollhouse/api/nchf"
	"tollhouse/billing/identity"
)

// prepaidNet: data 1.00 a GB, a message 0.50.
const prepaidNet = `
code: net
names: {en: Net}
billing: prepaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
usage:
  - {code: data, names: {en: Data}, kind: data, rules: [{code: anydata, destinations: ["*"], price: 1.00, per: 1 GB}]}
  - {code: message, names: {en: Messages}, kind: message, rules: [{code: anymsg, destinations: ["*"], price: 0.50, per: "1"}]}
`

// core is a 5G core that holds all it sends and gets against the standard's
// document.
type core struct {
	*world
	token    string
	document *openapi3.T
}

func newCore(w *world, token string) *core {
	w.t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(nchf.Document)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := document.Validate(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	return &core{world: w, token: token, document: document}
}

// call sends a request, valid or not, and gives the answer, which must be valid.
func (c *core) call(path string, body map[string]any) response {
	c.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, c.url+"/t/"+c.db.Ref.Name+nchf.Root+path, bytes.NewReader(text))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+c.token)
	ref, act, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	pattern, params := "/chargingdata", map[string]string{}
	if act != "" {
		pattern, params = "/chargingdata/{ChargingDataRef}/"+act, map[string]string{"ChargingDataRef": ref}
	}
	item := c.document.Paths.Value(pattern)
	route := &routers.Route{Spec: c.document, Path: pattern, PathItem: item, Method: http.MethodPost, Operation: item.Post}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	input := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}}
	err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{RequestValidationInput: input,
		Status: answer.StatusCode, Header: answer.Header, Body: io.NopCloser(bytes.NewReader(raw)), Options: input.Options})
	if err != nil {
		c.t.Errorf("%s: the answer is not as the document says: %v\n%s", path, err, raw)
	}
	if answer.StatusCode < 300 {
		r.Body = io.NopCloser(bytes.NewReader(text))
		if err := openapi3filter.ValidateRequest(context.Background(), input); err != nil {
			c.t.Errorf("%s: the request is not as the document says, and was taken: %v", path, err)
		}
	}
	return response{status: answer.StatusCode, header: answer.Header, raw: raw}
}

// request is a ChargingDataRequest of an SMF.
func (c *core) request(number int, subscriber string, usage ...any) map[string]any {
	return map[string]any{"subscriberIdentifier": subscriber, "chargingId": 77,
		"nfConsumerIdentification": map[string]any{"nFName": "0d2bd3f0-6d5c-4f2a-9d6a-0c9f3b7a1e01", "nodeFunctionality": "SMF"},
		"invocationTimeStamp":      "2026-05-01T10:00:00Z", "invocationSequenceNumber": number, "notifyUri": "http://127.0.0.1:9/notify",
		"multipleUnitUsage":             usage,
		"pDUSessionChargingInformation": map[string]any{"chargingId": 77, "pduSessionInformation": map[string]any{"pduSessionID": 5, "dnnId": "internet"}}}
}

// number is a number of an answer; -1 if there is none.
func (r response) number(path ...any) int64 {
	n, is := r.at(path...).(float64)
	if !is {
		return -1
	}
	return int64(n)
}

func asks(group int) map[string]any {
	return map[string]any{"ratingGroup": group, "requestedUnit": map[string]any{}}
}

func used(group int, bytes int64, more bool) map[string]any {
	out := map[string]any{"ratingGroup": group, "usedUnitContainer": []any{map[string]any{"localSequenceNumber": 1, "uplinkVolume": bytes / 4, "downlinkVolume": bytes - bytes/4,
		"triggers": []any{map[string]any{"triggerType": "QUOTA_THRESHOLD", "triggerCategory": "IMMEDIATE_REPORT"}}}}}
	if more {
		out["requestedUnit"] = map[string]any{"totalVolume": 50_000_000}
	}
	return out
}

func (w *world) groups(token string) {
	w.t.Helper()
	var policy map[string]any
	if err := json.Unmarshal(w.get(token, w.path("/charging/policy")).want(w.t, 200).raw, &policy); err != nil {
		w.t.Fatal(err)
	}
	policy["groups"] = []any{map[string]any{"number": 10, "name": "Internet", "kind": "data"}, map[string]any{"number": 20, "name": "SMS", "kind": "message"}}
	w.send(request{method: "PUT", path: w.path("/charging/policy"), token: token, key: uuid.NewString(), body: policy}).want(w.t, 200)
}

func TestNchf_aSessionFromCreateToRelease(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.publish(owner, prepaidNet)
	account := w.connectTo(owner, "net", 1)
	w.post(owner, w.path("/accounts/"+account+"/top-ups"), map[string]any{"amount": map[string]string{"amount": "10.00", "currency": "EUR"}, "method": "cash"}).want(t, 201)
	w.groups(owner)
	key := w.post(owner, w.path("/api-keys"), map[string]any{"name": "smf", "role": "machine"}).want(t, 201).text("secret")
	c := newCore(w, key)

	created := c.call("", c.request(0, "imsi-262011234000001", asks(10), asks(99))).want(t, 201)
	ref := created.header.Get("Location")
	ref = ref[strings.LastIndex(ref, "/"):]
	if created.text("multipleUnitInformation", 0, "resultCode") != "SUCCESS" || created.number("multipleUnitInformation", 0, "grantedUnit", "totalVolume") != 100_000_000 ||
		created.number("multipleUnitInformation", 0, "validityTime") != 3600 || created.text("multipleUnitInformation", 1, "resultCode") != "RATING_FAILED" {
		t.Errorf("created: %s", created.raw)
	}
	again := c.request(0, "imsi-262011234000001", asks(10), asks(99))
	again["retransmissionIndicator"] = true
	if repeated := c.call("", again).want(t, 201); repeated.header.Get("Location") != created.header.Get("Location") {
		t.Errorf("a retransmission made another session")
	}
	for range 2 { // the second is a repeat
		updated := c.call(ref+"/update", c.request(1, "imsi-262011234000001", used(10, 1_000_000_000, true))).want(t, 200)
		if updated.number("multipleUnitInformation", 0, "grantedUnit", "totalVolume") != 50_000_000 {
			t.Errorf("updated: %s", updated.raw)
		}
	}
	listed := w.get(owner, w.path("/accounts/"+account+"/charging-sessions")).want(t, 200)
	if listed.text("balance", "amount") != "9.00" || listed.text("reserved", "amount") != "0.05" || listed.text("available", "amount") != "8.95" || listed.text("items", 0, "state") != "open" {
		t.Errorf("listed: %s", listed.raw)
	}
	c.call(ref+"/release", c.request(2, "imsi-262011234000001", used(10, 500_000_000, false))).want(t, 204)
	c.call(ref+"/release", c.request(2, "imsi-262011234000001", used(10, 500_000_000, false))).want(t, 204)
	listed = w.get(owner, w.path("/accounts/"+account+"/charging-sessions")).want(t, 200)
	if listed.text("balance", "amount") != "8.50" || listed.text("reserved", "amount") != "0.00" || listed.at("items", 0) != nil {
		t.Errorf("after the release: %s", listed.raw)
	}
}

func TestNchf_refusesInTheStandardsWords(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.publish(owner, prepaidNet)
	account := w.connectTo(owner, "net", 1)
	w.groups(owner)
	c := newCore(w, owner)
	subscriber := "msisdn-4915510000001"
	without := func(name string) map[string]any {
		r := c.request(0, subscriber, asks(10))
		delete(r, name)
		return r
	}
	wrong := func(name string, value any) map[string]any {
		r := c.request(0, subscriber, asks(10))
		r[name] = value
		return r
	}
	for name, s := range map[string]struct {
		path   string
		body   map[string]any
		status int
		cause  string
	}{
		"nothing on the balance":     {"", c.request(0, subscriber, asks(10)), 403, nchf.QuotaLimitReached},
		"a stranger":                 {"", c.request(0, "imsi-999999999999999", asks(10)), 404, nchf.UserUnknown},
		"a group that is none":       {"", c.request(0, subscriber, asks(99)), 403, nchf.NotApplicable},
		"no consumer":                {"", without("nfConsumerIdentification"), 400, nchf.MandatoryIEMissing},
		"no number":                  {"", without("invocationSequenceNumber"), 400, nchf.MandatoryIEMissing},
		"no time":                    {"", without("invocationTimeStamp"), 400, nchf.MandatoryIEMissing},
		"no subscriber":              {"", without("subscriberIdentifier"), 400, nchf.MandatoryIEMissing},
		"another kind of subscriber": {"", wrong("subscriberIdentifier", "somebody"), 400, nchf.MandatoryIEIncorrect},
		"no address to notify":       {"", wrong("notifyUri", "ftp://x"), 400, nchf.OptionalIEIncorrect},
		"no time at all":             {"", wrong("invocationTimeStamp", "noon"), 400, nchf.MandatoryIEIncorrect},
		"an unknown reference":       {"/" + uuid.NewString() + "/update", c.request(1, subscriber), 404, nchf.ReferenceUnknown},
		"no reference":               {"/x/release", c.request(1, subscriber), 404, nchf.ReferenceUnknown},
	} {
		if got := c.call(s.path, s.body); got.status != s.status || got.text("cause") != s.cause {
			t.Errorf("%s: %d %s, want %d %s", name, got.status, got.raw, s.status, s.cause)
		}
	}
	if left := w.get(owner, w.path("/accounts/"+account+"/charging-sessions")).want(t, 200); left.at("items", 0) != nil {
		t.Errorf("a refused create leaves %s", left.raw)
	}
	for token, status := range map[string]int{"": 401, "nonsense": 401, w.user(w.db, identity.Marketer, nil): 403} {
		c.token = token
		c.call("", c.request(0, subscriber, asks(10))).want(t, status)
	}
}

func TestNchf_oneTimeEvents(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.publish(owner, prepaidNet)
	account := w.connectTo(owner, "net", 1)
	w.post(owner, w.path("/accounts/"+account+"/top-ups"), map[string]any{"amount": map[string]string{"amount": "0.60", "currency": "EUR"}, "method": "cash"}).want(t, 201)
	w.groups(owner)
	c := newCore(w, owner)
	event := func(kind string, id int, part map[string]any) map[string]any {
		r := c.request(0, "msisdn-4915510000001", part)
		r["oneTimeEvent"], r["oneTimeEventType"], r["chargingId"] = true, kind, id
		return r
	}
	one := map[string]any{"ratingGroup": 20, "requestedUnit": map[string]any{"serviceSpecificUnits": 1}}
	for range 2 { // once, and its repeat
		got := c.call("", event("IEC", 1, one)).want(t, 201)
		if got.number("multipleUnitInformation", 0, "grantedUnit", "serviceSpecificUnits") != 1 {
			t.Errorf("bought: %s", got.raw)
		}
	}
	if got := c.call("", event("IEC", 2, one)); got.status != 403 || got.text("cause") != nchf.QuotaLimitReached {
		t.Errorf("a second message for 0.10: %d %s", got.status, got.raw)
	}
	happened := map[string]any{"ratingGroup": 20, "usedUnitContainer": []any{map[string]any{"localSequenceNumber": 1, "serviceSpecificUnits": 1}}}
	c.call("", event("PEC", 3, happened)).want(t, 201)
	if listed := w.get(owner, w.path("/accounts/"+account+"/charging-sessions")).want(t, 200); listed.text("balance", "amount") != "-0.40" {
		t.Errorf("what has happened is charged: %s", listed.raw)
	}
}

package api

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
)

func TestInput_isRefusedWithItsFieldAndWhatIsRight(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	account := w.publishAndConnect(owner)
	w.post(owner, w.path("/usage-sources"), map[string]any{"name": "api", "preset": "json-events"}).want(t, 201)
	euro := func(amount string) map[string]string { return map[string]string{"amount": amount, "currency": "EUR"} }
	payment := func(amount any) map[string]any {
		return map[string]any{"account": account, "method": "cash", "amount": amount}
	}
	cases := map[string]struct {
		method, path string
		body         any
		raw          string
		contentType  string
		noKey        bool
		status       int
		field        string
	}{
		"form without a boundary":     {path: "/usage-files?source=api", raw: "x", contentType: "multipart/form-data", status: 400, field: "Content-Type"},
		"no key":                      {path: "/payments", body: payment(euro("1.00")), noKey: true, status: 400, field: "Idempotency-Key"},
		"no body":                     {path: "/payments", status: 400, field: "body"},
		"half a JSON":                 {path: "/payments", raw: `{"account":`, status: 400, field: "body"},
		"two JSONs":                   {path: "/payments", raw: `{} {}`, status: 400, field: "body"},
		"a field twice":               {path: "/payments", raw: `{"account": "` + account + `", "method": "cash", "amount": {"amount": "1.00", "amount": "100.00", "currency": "EUR"}}`, status: 400, field: "amount"},
		"a field twice at the door":   {path: "/sign-in", raw: `{"email": "a@example.net", "password": "x", "Password": "y"}`, status: 400, field: "Password"},
		"a batch's source twice":      {path: "/usage-events", raw: `{"source": "api", "source": "other", "events": [{"id": "1"}]}`, status: 400, field: "source"},
		"not UTF-8":                   {path: "/payments", raw: "{\"reference\": \"\xff\"}", status: 400, field: "body"},
		"a zero byte":                 {path: "/payments", raw: `{"account": "` + account + `", "method": "cash", "amount": {"amount": "1.00", "currency": "EUR"}, "reference": "a\u0000b"}`, status: 400, field: "reference"},
		"a zero byte far inside":      {path: "/orders", raw: `{"offering": "start", "facts": {"party.name": "\u0000"}}`, status: 400, field: "facts.party.name"},
		"a zero byte in a key":        {path: "/orders", raw: `{"offering": "start", "facts": {"party\u0000": "x"}}`, status: 400, field: "facts"},
		"a zero byte at the door":     {path: "/sign-in", raw: `{"email": "a\u0000@example.net", "password": "x"}`, status: 400, field: "email"},
		"an escape that is none":      {path: "/payments", raw: `{"account": "` + account + `", "method": "cash", "amount": {"amount": "-1", "currency": "EUR"}, "reference": "a\\u0000b"}`, status: 422, field: "amount"},
		"zero byte in a query":        {method: "GET", path: "/accounts?q=%00", status: 400, field: "q"},
		"query not UTF-8":             {method: "GET", path: "/bills?number=%ff", status: 400, field: "number"},
		"upload to no text":           {path: "/usage-files?source=%ff", raw: "x", status: 400, field: "source"},
		"YAML with a zero byte":       {path: "/offerings", raw: `names: {en: "a\0"}`, contentType: "application/yaml", status: 400, field: "names.en"},
		"half a YAML":                 {path: "/offerings", raw: "names: [a", contentType: "application/yaml", status: 400, field: "body"},
		"another media type":          {path: "/payments", raw: "a=b", contentType: "application/x-www-form-urlencoded", status: 400, field: "Content-Type"},
		"a list for an object":        {path: "/payments", raw: "[]", status: 400, field: "body"},
		"field missing":               {path: "/payments", body: map[string]any{"account": account, "method": "cash"}, status: 400, field: "amount"},
		"field unknown":               {path: "/payments", body: map[string]any{"account": account, "method": "cash", "amount": euro("1.00"), "amounts": 1}, status: 400, field: "amounts"},
		"amount as a number":          {path: "/payments", body: payment(map[string]any{"amount": 1.5, "currency": "EUR"}), status: 400, field: "amount.amount"},
		"amount with a comma":         {path: "/payments", body: payment(euro("1,00")), status: 400, field: "amount.amount"},
		"currency in small":           {path: "/payments", body: payment(map[string]string{"amount": "1", "currency": "eur"}), status: 400, field: "amount.currency"},
		"currency that is none":       {path: "/payments", body: payment(map[string]string{"amount": "1", "currency": "XQQ"}), status: 400, field: "currency"},
		"currency of another":         {path: "/payments", body: payment(map[string]string{"amount": "1", "currency": "USD"}), status: 422, field: "amount"},
		"amount finer than cents":     {path: "/payments", body: payment(euro("1.001")), status: 422, field: "amount"},
		"negative amount":             {path: "/payments", body: payment(euro("-1.00")), status: 422, field: "amount"},
		"method that is none":         {path: "/payments", body: map[string]any{"account": account, "method": "barter", "amount": euro("1")}, status: 400, field: "method"},
		"no account":                  {path: "/payments", body: map[string]any{"account": uuid.NewString(), "method": "cash", "amount": euro("1.00")}, status: 404},
		"no id":                       {method: "GET", path: "/accounts/first", status: 400, field: "account"},
		"limit zero":                  {method: "GET", path: "/accounts?limit=0", status: 400, field: "limit"},
		"limit no number":             {method: "GET", path: "/accounts?limit=many", status: 400, field: "limit"},
		"cursor of nothing":           {method: "GET", path: "/accounts?cursor=!", status: 400, field: "cursor"},
		"statement of no period":      {method: "GET", path: "/accounts/" + account + "/statement", status: 400, field: "period"},
		"statement of year 0":         {method: "GET", path: "/accounts/" + account + "/statement?period=year:0000", status: 400, field: "period"},
		"statement of month 13":       {method: "GET", path: "/accounts/" + account + "/statement?period=month:2026-13", status: 400, field: "period"},
		"password too short":          {path: "/users", body: map[string]any{"email": "a@example.net", "role": "clerk", "password": "short"}, status: 400, field: "password"},
		"no e-mail address":           {path: "/users", body: map[string]any{"email": "somebody", "role": "clerk", "password": password}, status: 400, field: "email"},
		"role of machines":            {path: "/users", body: map[string]any{"email": "a@example.net", "role": "machine", "password": password}, status: 400, field: "role"},
		"subscriber of no account":    {path: "/users", body: map[string]any{"email": "a@example.net", "role": "subscriber", "password": password}, status: 400, field: "role"},
		"fact that is none":           {path: "/orders", body: map[string]any{"offering": "start", "facts": map[string]string{"party.nam": "x"}}, status: 400, field: "party.nam"},
		"offering that is none":       {path: "/orders", body: map[string]any{"offering": "nothing"}, status: 404},
		"offering without a code":     {path: "/offerings", raw: "names: {en: X}", contentType: "application/yaml", status: 400, field: "code"},
		"source named wrong":          {path: "/usage-sources", body: map[string]any{"name": "My PBX", "preset": "json-events"}, status: 400, field: "name"},
		"source named twice":          {path: "/usage-sources", body: map[string]any{"name": "api", "preset": "json-events"}, status: 409, field: "name"},
		"source of nothing":           {path: "/usage-sources", body: map[string]any{"name": "x"}, status: 400, field: "mapping"},
		"mapping with a slip":         {path: "/usage-sources", body: map[string]any{"name": "x", "mapping": map[string]any{"format": "jsn"}}, status: 400},
		"events of no source":         {path: "/usage-events", body: map[string]any{"source": "none", "events": []any{usageEvent("a", 1, 1)}}, status: 404},
		"no events":                   {path: "/usage-events", body: map[string]any{"source": "api", "events": []any{}}, status: 400, field: "events"},
		"file of no source":           {path: "/usage-files?source=none", raw: "x", status: 404},
		"file of nobody":              {path: "/usage-files", raw: "x", status: 400, field: "source"},
		"bill run in the future":      {path: "/bill-runs", body: map[string]any{"cycle_end": "2030-01-01"}, status: 422, field: "cycle_end"},
		"bill run of a day long gone": {path: "/bill-runs", body: map[string]any{"cycle_end": "1970-01-01"}, status: 422, field: "cycle_end"},
		"bill run on no day":          {path: "/bill-runs", body: map[string]any{"cycle_end": "2026-02-30"}, status: 400, field: "cycle_end"},
		"clock backwards":             {path: "/clock/advance", body: map[string]any{"to": "2020-01-01T00:00:00Z"}, status: 422, field: "to"},
		"clock past all measure":      {path: "/clock/advance", body: map[string]any{"to": "2099-01-01T00:00:00Z"}, status: 422, field: "to"},
		"clock to no time":            {path: "/clock/advance", body: map[string]any{"to": "tomorrow"}, status: 400, field: "to"},
		"refund of nothing":           {path: "/payments/" + uuid.NewString() + "/refunds", body: map[string]any{"amount": euro("1.00"), "reason": "x"}, status: 404},
		"return to elsewhere":         {path: "/payment-intents", body: map[string]any{"account": account, "purpose": "bill", "return_url": "https://evil.example/"}, status: 400, field: "return_url"},
		"nothing owed":                {path: "/payment-intents", body: map[string]any{"account": account, "purpose": "bill"}, status: 422, field: "amount"},
		"suspense item that is none":  {path: "/suspense/" + uuid.NewString() + "/discard", body: map[string]any{"reason": "x"}, status: 404},
		"fix of both":                 {path: "/suspense/" + uuid.NewString() + "/fix", body: map[string]any{"raw": "x", "patch": map[string]any{}}, status: 400, field: "body"},
		"path that is none":           {method: "GET", path: "/nothing", status: 404},
		"method that a path has not":  {method: "DELETE", path: "/accounts", status: 405},
		"body above the limit":        {path: "/payments", raw: `{"reference":"` + strings.Repeat("x", defaultMaxBody) + `"}`, status: 413, field: "body"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := request{method: c.method, path: w.path(c.path), token: owner, key: uuid.NewString(), body: c.body, raw: c.raw, contentType: c.contentType}
			if r.method == "" {
				r.method = "POST"
			}
			if c.noKey {
				r.key = ""
			}
			got := w.send(r).want(t, c.status)
			fields, err := got.faults()
			if err != nil {
				t.Error(err)
			}
			if c.field != "" && !slices.Contains(fields, c.field) {
				t.Errorf("named %v, want %s: %s", fields, c.field, got.raw)
			}
		})
	}
	if strings.Contains(w.log.String(), "request failed") {
		t.Errorf("something was not foreseen:\n%s", w.log)
	}
}

func TestSignIn_tellsNothing(t *testing.T) {
	w := newWorld(t)
	w.user(w.db, identity.Owner, nil)
	for _, email := range []string{"nobody@example.net", "x"} {
		w.send(request{method: "POST", path: w.path("/sign-in"), body: map[string]string{"email": email + "@example.net", "password": "wrong password"}}).want(t, 401)
	}
	if strings.Contains(w.log.String(), "wrong password") {
		t.Error("a password is in the log")
	}
}

func TestUpload_overTheLimitIsRefusedAndNotKept(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.post(owner, w.path("/usage-sources"), map[string]any{"name": "api", "preset": "json-events"}).want(t, 201)
	body := strings.Repeat("x", maxTestUpload+1)
	for name, hide := range map[string]bool{"announced": false, "not announced": true} {
		t.Run(name, func(t *testing.T) {
			var reader io.Reader = strings.NewReader(body)
			if hide {
				reader = struct{ io.Reader }{reader}
			}
			r, err := http.NewRequest("POST", w.url+w.path("/usage-files?source=api"), reader)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+owner)
			w.receive(r).want(t, 413)
		})
	}
	if n := w.count(`select count(*) from usage_file`); n != 0 {
		t.Errorf("%d files were kept", n)
	}
}

func TestUpload_sameFileIsOneFileHoweverItIsSent(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.post(owner, w.path("/usage-sources"), map[string]any{"name": "api", "preset": "json-events"}).want(t, 201)
	text := "[" + strings.Repeat(" ", 100) + "]"
	first := w.send(request{method: "POST", path: w.path("/usage-files?source=api&name=a.json"), token: owner, raw: text}).want(t, 202)
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	part, err := writer.CreateFormFile("file", "b.json")
	if err == nil {
		_, err = part.Write([]byte(text))
	}
	if err != nil || writer.Close() != nil {
		t.Fatal(err)
	}
	second := w.send(request{method: "POST", path: w.path("/usage-files?source=api"), token: owner, raw: form.String(), contentType: writer.FormDataContentType()}).want(t, 202)
	if first.text("id") != second.text("id") || first.text("name") != "a.json" {
		t.Errorf("first %s, second %s", first.raw, second.raw)
	}
	w.send(request{method: "POST", path: w.path("/usage-files?source=api"), token: owner, raw: "no form", contentType: "multipart/form-data; boundary=x"}).want(t, 400)
}

func TestTrace_goesThroughLogAndAnswer(t *testing.T) {
	w := newWorld(t)
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	got := w.send(request{method: "GET", path: w.path("/me"), header: map[string]string{"Traceparent": "00-" + trace + "-00f067aa0ba902b7-01"}}).want(t, 401)
	if got.header.Get(traceHeader) != trace || got.text("trace") != trace || !strings.Contains(w.log.String(), trace) {
		t.Errorf("header %q, problem %q", got.header.Get(traceHeader), got.text("trace"))
	}
	for _, wrong := range []string{"", "00-" + zeroTrace + "-00f067aa0ba902b7-01", "ff-" + trace + "-00f067aa0ba902b7-01", "x"} {
		if id := traceID(wrong); len(id) != 32 || id == trace || id == zeroTrace {
			t.Errorf("%q gives %q", wrong, id)
		}
	}
	for _, header := range []string{"X-Content-Type-Options", "Content-Security-Policy", "Cache-Control", "Referrer-Policy"} {
		if got.header.Get(header) == "" {
			t.Errorf("no %s", header)
		}
	}
}

func TestProcess_tellsOfItself(t *testing.T) {
	w := newWorld(t)
	w.get("", "/healthz").want(t, 200)
	w.get("", "/readyz").want(t, 200)
	w.get("", "/try/"+url.PathEscape("anything")).want(t, 404)
	figures := string(w.get("", "/metrics").want(t, 200).raw)
	if !strings.Contains(figures, "tollhouse_http_requests_total") || strings.Contains(figures, w.db.Ref.Name) || strings.Contains(figures, "anything") {
		t.Errorf("figures:\n%s", figures)
	}
}

// A misspelt parameter is named with those that there are: ignored, it would
// give another answer than was asked for. Whose addresses aren't ours, as those
// of providers' webhooks, may have parameters of their own.
func TestInput_parameterThatIsNotKnown(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	for path, want := range map[string]string{"/accounts?stat=active": "state", "/me?x=1": "this operation has none", "/bill-runs?limit=1&cursor=x": "the parameter limit"} {
		got := w.get(owner, w.path(path)).want(t, 400)
		if fields, err := got.faults(); err != nil || len(fields) != 1 || !strings.Contains(path, fields[0]+"=") || !strings.Contains(got.text("errors", 0, "want"), want) {
			t.Errorf("%s: %v %v: %s", path, fields, err, got.raw)
		}
	}
	w.get(owner, w.path("/accounts?state=active&limit=1")).want(t, 200)
	report := w.send(request{method: "POST", path: w.path("/webhooks/sms?from=gateway"), header: map[string]string{"X-Signature": strings.Repeat("0", 64)}, body: map[string]any{"id": "1"}})
	if fields, err := report.faults(); err != nil || slices.Contains(fields, "from") {
		t.Errorf("a gateway's own parameter: %d %v %s", report.status, err, report.raw)
	}
}

// What is no text is no tenant: an absence, not an error of ours.
func TestInput_tenantThatIsNoText(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"%00", "a%00b", "%ff"} {
		w.get("", "/t/"+name+"/v1/me").want(t, 404)
	}
}

// A batch is judged event by event: one with a zero byte does not hold up the rest.
func TestInput_zeroByteCostsOneEvent(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.publishAndConnect(owner)
	w.post(owner, w.path("/usage-sources"), map[string]any{"name": "api", "preset": "json-events"}).want(t, 201)
	got := w.send(request{method: "POST", path: w.path("/usage-events"), token: owner,
		body: map[string]any{"source": "api", "events": []any{usageEvent("a\x00", 1, 1), usageEvent("b", 1, 1)}}}).want(t, 200)
	if got.text("items", 0, "reason") != "nul_byte" || got.text("items", 1, "outcome") != "accepted" {
		t.Errorf("answer %s", got.raw)
	}
}

// A batch of 100 with 3 repeats and 1 invalid: 96 accepted, 3 duplicate, 1
// rejected, item by item. Sent again, its accepted ones are duplicates too.
func TestUsageEvents_batchOfAHundred(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.publishAndConnect(owner)
	w.db.SetClock(t, time.Date(2026, 5, 2, 0, 0, 0, 0, w.db.Zone))
	w.post(owner, w.path("/usage-sources"), map[string]any{"name": "api", "preset": "json-events"}).want(t, 201)
	events, want := make([]any, 100), make([]string, 100)
	for i := range events {
		events[i], want[i] = usageEvent(fmt.Sprintf("e%d", i), 1, 10), "accepted"
	}
	for _, i := range []int{20, 50, 99} {
		events[i], want[i] = events[7], "duplicate"
	}
	events[60], want[60] = usageEvent("e60", 1, -1), "rejected"
	send := func(accepted, duplicates float64) {
		t.Helper()
		got := w.send(request{method: "POST", path: w.path("/usage-events"), token: owner, body: map[string]any{"source": "api", "events": events}}).want(t, 200)
		for i, outcome := range want {
			if got.text("items", i, "outcome") != outcome {
				t.Errorf("event %d: %s, want %s", i, got.text("items", i, "outcome"), outcome)
			}
		}
		if got.at("accepted") != accepted || got.at("duplicates") != duplicates || got.at("rejected") != 1.0 {
			t.Errorf("%v accepted, %v duplicates, %v rejected", got.at("accepted"), got.at("duplicates"), got.at("rejected"))
		}
	}
	send(96, 3)
	for i := range want {
		if want[i] == "accepted" {
			want[i] = "duplicate"
		}
	}
	send(0, 99)
	if n := w.count(`select count(*) from charge where kind = 'usage'`); n != 96 {
		t.Errorf("%d charges", n)
	}
}

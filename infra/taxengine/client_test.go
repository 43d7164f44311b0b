package taxengine

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func sale() tax.Sale {
	return tax.Sale{Account: uuid.MustParse("0199c0de-0000-7000-8000-000000000001"), Customer: "A-1", Document: "bill", Date: calendar.Date{Year: 2026, Month: 5, Day: 31},
		Currency: money.MustCurrency("USD"), Seller: tax.SaleParty{Address: account.Address{City: "Austin", Region: "TX", Country: "US"}, Business: true},
		Buyer: tax.SaleParty{Address: account.Address{Postcode: "78701", Region: "TX", Country: "US"}},
		Lines: []tax.SaleLine{{No: 1, Category: "standard", Service: tax.Telecom, Code: "fee", Day: calendar.Date{Year: 2026, Month: 5, Day: 31}, Amount: money.MustDecimal("31.10")}}}
}

func settings(base string) tax.EngineSettings {
	return tax.EngineSettings{Title: "Acme", BaseURL: base + "/v1/", Company: "ACME", Key: "key-12345"}
}

// standIn answers as an engine does; faults go first, one a request.
type standIn struct {
	t      *testing.T
	faults []func(http.ResponseWriter)
	asked  int
	keys   map[string]bool
	answer string
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked++
	if r.Method != http.MethodPost || r.URL.Path != "/v1/quotes" || r.Header.Get("Authorization") != "Bearer key-12345" {
		s.t.Errorf("%s %s, %q", r.Method, r.URL.Path, r.Header.Get("Authorization"))
	}
	var q map[string]any
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		s.t.Error(err)
	}
	line := q["lines"].([]any)[0].(map[string]any)
	if line["amount"] != "31.1" && line["amount"] != "31.10" || q["company"] != "ACME" || q["date"] != "2026-05-31" || q["reference"] != r.Header.Get("Idempotency-Key") {
		s.t.Errorf("asked %v", q)
	}
	if s.keys == nil {
		s.keys = map[string]bool{}
	}
	s.keys[r.Header.Get("Idempotency-Key")] = true
	if len(s.faults) > 0 {
		fault := s.faults[0]
		s.faults = s.faults[1:]
		fault(w)
		return
	}
	_, _ = w.Write([]byte(s.answer))
}

const right = `{"reference":"q-7","lines":[{"no":1,"taxes":[{"jurisdiction":"US-TX","name":"Texas sales tax","percent":"6.25","base":"31.10","amount":"1.94"}]}]}`

func status(code int, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

func TestQuote_answerIsReadExactly(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(&standIn{t: t, answer: right})
	defer server.Close()
	q, err := (&Client{Allowed: loopback}).Quote(t.Context(), settings(server.URL), sale())
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Check(sale()); err != nil {
		t.Error(err)
	}
	if q.Reference != "q-7" || !q.Lines[0].Taxes[0].Amount.Equal(money.MustDecimal("1.94")) || q.Lines[0].Taxes[0].Jurisdiction != "US-TX" {
		t.Errorf("%+v", q)
	}
}

// What may pass is tried again with the same key; a refusal is not.
func TestQuote_triesAgainAFewTimesOnly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		faults []func(http.ResponseWriter)
		asked  int
		want   error
	}{
		{"once down", []func(http.ResponseWriter){status(503, "")}, 2, nil},
		{"busy", []func(http.ResponseWriter){status(429, `{"code":"busy","message":"later"}`), status(500, "")}, 3, nil},
		{"always down", []func(http.ResponseWriter){status(502, ""), status(502, ""), status(502, "")}, 3, tax.ErrEngineUnavailable},
		{"refused", []func(http.ResponseWriter){status(422, `{"code":"address","message":"unknown postcode"}`)}, 1, tax.ErrEngineRefused},
		{"wrong key", []func(http.ResponseWriter){status(401, "")}, 1, tax.ErrEngineRefused},
		{"elsewhere", []func(http.ResponseWriter){func(w http.ResponseWriter) { w.Header().Set("Location", "http://127.0.0.1:1/"); w.WriteHeader(307) }, status(301, ""), status(301, "")}, 3, tax.ErrEngineUnavailable},
		{"no JSON", []func(http.ResponseWriter){status(200, "<html>")}, 1, tax.ErrEngineAnswer},
		{"an amount missing", []func(http.ResponseWriter){status(200, strings.Replace(right, `,"amount":"1.94"`, "", 1))}, 1, tax.ErrEngineAnswer},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			stand := &standIn{t: t, answer: right, faults: c.faults}
			server := httptest.NewServer(stand)
			defer server.Close()
			_, err := (&Client{Allowed: loopback}).Quote(t.Context(), settings(server.URL), sale())
			if !errors.Is(err, c.want) || c.want == nil && err != nil || stand.asked != c.asked || len(stand.keys) != 1 {
				t.Errorf("%v after %d tries with %d keys", err, stand.asked, len(stand.keys))
			}
			if c.name == "refused" && !strings.Contains(err.Error(), "unknown postcode") {
				t.Errorf("does not say what the engine said: %v", err)
			}
		})
	}
}

// Nobody reaches the host's own network by an engine's address.
func TestQuote_privateAddressIsNotReached(t *testing.T) {
	t.Parallel()
	stand := &standIn{t: t, answer: right}
	server := httptest.NewServer(stand)
	defer server.Close()
	if _, err := (&Client{}).Quote(t.Context(), settings(server.URL), sale()); !errors.Is(err, tax.ErrEngineRefused) || stand.asked != 0 {
		t.Errorf("%v, asked %d times", err, stand.asked)
	}
}

func TestQuote_silentEngineIsNotWaitedForLong(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer server.Close()
	defer close(hang)
	began := time.Now()
	_, err := (&Client{Allowed: loopback}).Quote(t.Context(), settings(server.URL), sale())
	if !errors.Is(err, tax.ErrEngineUnavailable) || time.Since(began) > inAll+2*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

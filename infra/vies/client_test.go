package vies

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tollhouse/billing/tax"
)

func TestLookup_readsWhatTheRegisterWrites(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, answer string
		status       int
		want         tax.Registration
		err          error
		asked        int
	}{
		{"valid", `{"countryCode":"EL","vatNumber":"094259216","requestDate":"2026-05-03T10:00:00.123Z","valid":true,"requestIdentifier":"WAPIAAAAX1","name":"ALPHA\nSA","address":"---"}`, 200,
			tax.Registration{Valid: true, Name: "ALPHA SA", At: time.Date(2026, 5, 3, 10, 0, 0, 123_000_000, time.UTC), Request: "WAPIAAAAX1"}, nil, 1},
		{"not in use", `{"requestDate":"2026-05-03T10:00:00Z","valid":false,"requestIdentifier":"","name":"---","address":"---"}`, 200,
			tax.Registration{At: time.Date(2026, 5, 3, 10, 0, 0, 0, time.UTC)}, nil, 1},
		{"member state is down", `{"actionSucceed":false,"errorWrappers":[{"error":"MS_UNAVAILABLE"}]}`, 500, tax.Registration{}, tax.ErrRegistryUnreachable, 2},
		{"too many at once", `{"actionSucceed":false,"errorWrappers":[{"error":"MS_MAX_CONCURRENT_REQ"}]}`, 200, tax.Registration{}, tax.ErrRegistryUnreachable, 2},
		{"no number of that country", `{"actionSucceed":false,"errorWrappers":[{"error":"INVALID_INPUT"}]}`, 400, tax.Registration{}, nil, 1},
		{"a proxy's page", `<html>`, 502, tax.Registration{}, tax.ErrRegistryUnreachable, 2},
		{"an answer without a date is none", `{"valid":false}`, 200, tax.Registration{}, tax.ErrRegistryUnreachable, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked++
				var q map[string]string
				if err := json.NewDecoder(r.Body).Decode(&q); err != nil || r.URL.Path != "/rest-api/check-vat-number" || r.Method != http.MethodPost {
					t.Errorf("%s %s %v", r.Method, r.URL.Path, err)
				}
				if q["countryCode"] != "EL" || q["vatNumber"] != "094259216" || q["requesterMemberStateCode"] != "DE" || q["requesterNumber"] != "123456788" {
					t.Errorf("asked %v", q)
				}
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.answer))
			}))
			defer server.Close()
			got, err := New(server.URL+"/rest-api/").Lookup(t.Context(), tax.Inquiry{Country: "GR", ID: "EL094259216", AskerCountry: "DE", AskerID: "DE123456788"})
			if !errors.Is(err, c.err) || c.err == nil && err != nil || got != c.want || asked != c.asked {
				t.Errorf("%+v, %v, asked %d times", got, err, asked)
			}
		})
	}
}

func TestLookup_nobodyThereIsNoNo(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	if _, err := New(server.URL).Lookup(t.Context(), tax.Inquiry{Country: "AT", ID: "ATU13585627"}); !errors.Is(err, tax.ErrRegistryUnreachable) {
		t.Errorf("%v", err)
	}
}

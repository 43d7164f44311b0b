package sms_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing"
	"tollhouse/billing/notice"
	"tollhouse/infra/sms"
)

func order(url string) billing.SMSOrder {
	return billing.SMSOrder{ID: uuid.New(), To: "+628123456789", Text: "Kode: 1 & 2", Secret: "s3cret", Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Gateway: notice.Gateway{URL: url + "/send", Fields: map[string]string{"message.to": "{to}", "message.text": "{text}", "from": "{sender}"}, Sender: "KABEL",
			Headers: map[string]string{"Authorization": "Bearer {secret}"}, Success: `"status":"queued"`, Refused: `unknown number`, Reference: `"id":"([^"]+)"`}}
}

func TestSendSMS_asTheSettingsSay(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body map[string]any
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		_ = json.NewDecoder(r.Body).Decode(&body)
		_, _ = w.Write([]byte(`{"status":"queued","id":"abc-1"}`))
	}))
	defer s.Close()
	reference, err := sms.Gateway{}.SendSMS(context.Background(), order(s.URL))
	if err != nil || reference != "abc-1" {
		t.Fatalf("%q, %v", reference, err)
	}
	message, _ := body["message"].(map[string]any)
	if got.Header.Get("Authorization") != "Bearer s3cret" || message["to"] != "+628123456789" || message["text"] != "Kode: 1 & 2" || body["from"] != "KABEL" {
		t.Errorf("%v %v", got.Header, body)
	}
}

func TestSendSMS_inTheAddressAndAsAForm(t *testing.T) {
	t.Parallel()
	var query, form string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		query, form = r.URL.Query().Get("text"), r.PostForm.Get("text")
	}))
	defer s.Close()
	o := order(s.URL)
	o.Gateway = notice.Gateway{URL: s.URL + "/?to={to}&text={text}", Method: "GET", Body: notice.BodyNone}
	if _, err := (sms.Gateway{}).SendSMS(context.Background(), o); err != nil || query != "Kode: 1 & 2" {
		t.Errorf("%q, %v", query, err)
	}
	o.Gateway = notice.Gateway{URL: s.URL, Body: notice.BodyForms, Fields: map[string]string{"to": "{to}", "text": "{text}"}}
	if _, err := (sms.Gateway{}).SendSMS(context.Background(), o); err != nil || form != "Kode: 1 & 2" {
		t.Errorf("%q, %v", form, err)
	}
}

func TestSendSMS_whatIsFinalAndWhatIsNot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status           int
		body             string
		final, recipient bool
	}{
		"taken down":       {503, "down s3cret", false, false},
		"too fast":         {429, "slow", false, false},
		"not let in":       {401, "who", false, false},
		"nonsense":         {400, "no", true, false},
		"no such number":   {200, "unknown number", true, true},
		"not what we want": {200, `{"status":"failed"}`, true, false},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		_, err := sms.Gateway{}.SendSMS(context.Background(), order(s.URL))
		s.Close()
		if err == nil || errors.Is(err, billing.ErrUndeliverable) != c.final || errors.Is(err, billing.ErrRecipient) != c.recipient || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An operator's address must not lead into networks that are not its own.
func TestSendSMS_refusesPrivateNetworks(t *testing.T) {
	t.Parallel()
	called := false
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	defer s.Close()
	o := order(s.URL)
	o.Networks = nil
	if _, err := (sms.Gateway{}).SendSMS(context.Background(), o); err == nil || called {
		t.Errorf("%v, called %t", err, called)
	}
}

package stripe_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stripe/stripe-go/v76/webhook"

	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/infra/stripe"
)

var (
	wall     = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	operator = tenant.ID(uuid.MustParse("0197a000-0000-7000-8000-000000000001"))
	intentID = uuid.MustParse("0197a000-0000-7000-8000-000000000002")
)

// reader has two secrets, as while one is being rotated.
func reader() *stripe.Client {
	keys := func(context.Context, tenant.ID) (stripe.Keys, error) {
		return stripe.Keys{Secret: "sk_test_x", WebhookSecrets: []string{"whsec_new", "whsec_old"}}, nil
	}
	return stripe.New("", keys, func() time.Time { return wall })
}

func sign(body, secret string, at time.Time) string {
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(webhook.ComputeSignature(at, []byte(body), secret)))
}

func intentBody(kind, status string) string {
	return fmt.Sprintf(`{"id":"evt_1","object":"event","api_version":"2023-10-16","type":%q,"created":1780315200,"livemode":false,
		"data":{"object":{"id":"pi_1","object":"payment_intent","status":%q,"amount":4500,"amount_received":4500,"currency":"eur",
		"metadata":{"tollhouse_tenant":%q,"tollhouse_intent":%q}}}}`, kind, status, operator, intentID)
}

func TestReadEvent_acceptsOnlyFreshAndTrueSignatures(t *testing.T) {
	body := intentBody("payment_intent.succeeded", "succeeded")
	good := sign(body, "whsec_new", wall)
	for _, c := range []struct {
		name, header string
		want         error
	}{
		{"current secret", good, nil},
		{"secret being rotated out", sign(body, "whsec_old", wall), nil},
		{"two signatures, second is ours", strings.Replace(sign(body, "whsec_other", wall), "v1=", "v1="+strings.Split(good, "v1=")[1]+",v1=", 1), nil},
		{"unknown schemes beside it", good + ",v0=abc,x", nil},
		{"300 s old", sign(body, "whsec_new", wall.Add(-300*time.Second)), nil},
		{"301 s old", sign(body, "whsec_new", wall.Add(-301*time.Second)), payment.ErrWebhookStale},
		{"301 s ahead", sign(body, "whsec_new", wall.Add(301*time.Second)), payment.ErrWebhookStale},
		{"other secret", sign(body, "whsec_other", wall), payment.ErrWebhookSignature},
		{"empty secret", sign(body, "", wall), payment.ErrWebhookSignature},
		{"other body", sign(body+" ", "whsec_new", wall), payment.ErrWebhookSignature},
		{"time changed", strings.Replace(good, "t=178", "t=179", 1), payment.ErrWebhookSignature},
		{"no header", "", payment.ErrWebhookSignature},
		{"no time", "v1=" + strings.Split(good, "v1=")[1], payment.ErrWebhookSignature},
		{"not hex", fmt.Sprintf("t=%d,v1=zz", wall.Unix()), payment.ErrWebhookSignature},
		{"old scheme only", strings.Replace(good, "v1=", "v0=", 1), payment.ErrWebhookSignature},
	} {
		t.Run(c.name, func(t *testing.T) {
			event, err := reader().ReadEvent(t.Context(), operator, c.header, []byte(body))
			if !errors.Is(err, c.want) {
				t.Fatalf("ReadEvent = %v, want %v", err, c.want)
			}
			if c.want != nil && event != (payment.ProviderEvent{}) {
				t.Fatalf("refused, yet it tells %+v", event)
			}
		})
	}
}

func TestReadEvent_tellsWhatItMeans(t *testing.T) {
	session := fmt.Sprintf(`{"id":"evt_1","object":"event","type":"checkout.session.completed","created":1,"data":{"object":{"id":"cs_1","object":"checkout.session",
		"status":"complete","payment_status":"paid","payment_intent":"pi_1","amount_total":4500,"currency":"eur","metadata":{"tollhouse_tenant":%q,"tollhouse_intent":%q}}}}`, operator, intentID)
	charge := fmt.Sprintf(`{"id":"evt_1","object":"event","type":"charge.refunded","created":1,"data":{"object":{"id":"ch_1","object":"charge",
		"amount":9000,"amount_refunded":4500,"payment_intent":"pi_1","currency":"eur","metadata":{"tollhouse_tenant":%q,"tollhouse_intent":%q}}}}`, operator, intentID)
	for _, c := range []struct {
		name, body string
		want       payment.EventKind
	}{
		{"processing", intentBody("payment_intent.processing", "processing"), payment.EventProcessing},
		{"the type, not the status of today", intentBody("payment_intent.processing", "succeeded"), payment.EventProcessing},
		{"succeeded", intentBody("payment_intent.succeeded", "succeeded"), payment.EventSucceeded},
		{"failed", intentBody("payment_intent.payment_failed", "requires_payment_method"), payment.EventFailed},
		{"canceled", intentBody("payment_intent.canceled", "canceled"), payment.EventCanceled},
		{"session paid", session, payment.EventSucceeded},
		{"refunded", charge, payment.EventRefunded},
	} {
		t.Run(c.name, func(t *testing.T) {
			event, err := reader().ReadEvent(t.Context(), operator, sign(c.body, "whsec_new", wall), []byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if event.Kind != c.want || event.Amount.String() != "45.00 EUR" || event.PaymentRef != "pi_1" ||
				event.Tenant != operator || event.Intent != intentID || event.ID != "evt_1" {
				t.Fatalf("event = %+v", event)
			}
		})
	}
}

func TestReadEvent_leavesOthersAlone(t *testing.T) {
	for name, body := range map[string]string{
		"type we have no use for": `{"id":"evt_1","type":"customer.created","created":1,"data":{"object":{"id":"cus_1"}}}`,
		"not our payment":         `{"id":"evt_1","type":"payment_intent.succeeded","created":1,"data":{"object":{"id":"pi_1","currency":"eur","amount":1,"metadata":{"shop":"1"}}}}`,
	} {
		event, err := reader().ReadEvent(t.Context(), operator, sign(body, "whsec_new", wall), []byte(body))
		if err != nil || !event.Tenant.IsZero() {
			t.Errorf("%s: %+v, %v", name, event, err)
		}
	}
}

func FuzzReadEvent(f *testing.F) {
	f.Add(intentBody("payment_intent.succeeded", "succeeded"))
	f.Add(`{"id":"evt_1","type":"charge.refunded","created":1,"data":{"object":{}}}`)
	f.Add(`{"id":"evt_1","type":"charge.refunded","data":{"object":"ch_1"}}`)
	f.Fuzz(func(t *testing.T, body string) {
		_, err := reader().ReadEvent(t.Context(), operator, sign(body, "whsec_new", wall), []byte(body))
		if err != nil && !errors.Is(err, payment.ErrWebhookMalformed) {
			t.Fatalf("%q: %v", body, err)
		}
	})
}

func FuzzSignatureHeader(f *testing.F) {
	f.Add("t=1,v1=ab")
	f.Add("t=,v1=,v1=00,t")
	f.Fuzz(func(t *testing.T, header string) {
		if _, err := reader().ReadEvent(t.Context(), operator, header, []byte("{}")); err == nil {
			t.Fatalf("%q was accepted", header)
		}
	})
}

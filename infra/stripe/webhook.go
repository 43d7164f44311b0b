package stripe

import (
	"context"
	"crypto/hmac"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"

	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// Tolerance is how far a signature's time may lie from ours, in both
// directions: an old one may be a replay, a future one was not signed now.
const Tolerance = 300 * time.Second

// maxSignatures bounds the work one header can ask for.
const maxSignatures = 16

// ReadEvent proves that a webhook is from the tenant's account at Stripe and
// says what it means. signature is the Stripe-Signature header.
func (c *Client) ReadEvent(ctx context.Context, id tenant.ID, signature string, body []byte) (payment.ProviderEvent, error) {
	keys, err := c.keys(ctx, id)
	if err != nil {
		return payment.ProviderEvent{}, fmt.Errorf("webhook secrets: %w", err)
	}
	if err := verify(signature, body, keys.WebhookSecrets, c.now()); err != nil {
		return payment.ProviderEvent{}, err
	}
	var raw stripego.Event
	if err := json.Unmarshal(body, &raw); err != nil {
		return payment.ProviderEvent{}, fmt.Errorf("%w: %w", payment.ErrWebhookMalformed, err)
	}
	return parseEvent(raw)
}

// verify checks Stripe's scheme, "t=<unix>,v1=<hex>[,v1=<hex>]": an HMAC of
// "<t>.<body>". During a rotation Stripe signs with several secrets, and the
// operator may have told us several. The library's own check reads the global
// clock, so only its arithmetic is used.
// https://docs.stripe.com/webhooks#verify-manually
func verify(header string, body []byte, secrets []string, now time.Time) error {
	signedAt, signatures, err := parseSignature(header)
	if err != nil {
		return err
	}
	if !signedByOne(signedAt, signatures, body, secrets) {
		return payment.ErrWebhookSignature
	}
	if age := now.Sub(signedAt); age > Tolerance || age < -Tolerance {
		return fmt.Errorf("%w: signed %s from now", payment.ErrWebhookStale, age.Truncate(time.Second))
	}
	return nil
}

func signedByOne(at time.Time, signatures [][]byte, body []byte, secrets []string) bool {
	for _, secret := range secrets {
		if secret == "" { // would be a key everybody knows
			continue
		}
		want := webhook.ComputeSignature(at, body, secret)
		for _, got := range signatures {
			if hmac.Equal(want, got) {
				return true
			}
		}
	}
	return false
}

func parseSignature(header string) (at time.Time, signatures [][]byte, err error) {
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			seconds, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return time.Time{}, nil, fmt.Errorf("%w: bad time", payment.ErrWebhookSignature)
			}
			at = time.Unix(seconds, 0)
		case "v1":
			if signature, err := hex.DecodeString(value); err == nil && len(signatures) < maxSignatures {
				signatures = append(signatures, signature)
			}
		}
	}
	if at.IsZero() || len(signatures) == 0 {
		return time.Time{}, nil, fmt.Errorf("%w: t= and v1= are wanted", payment.ErrWebhookSignature)
	}
	return at, signatures, nil
}

package redirect

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tollhouse/billing/payment"
)

// SignatureHeader carries a signature, in both directions.
const SignatureHeader = "Signature"

// Tolerance is how far a signature's time may lie from ours, in both
// directions.
const Tolerance = 300 * time.Second

// Sign makes the header's value for a text.
func Sign(secret string, at time.Time, text string) string {
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac(secret, at.Unix(), text)))
}

func mac(secret string, unix int64, text string) []byte {
	sum := hmac.New(sha256.New, []byte(secret))
	_, _ = fmt.Fprintf(sum, "%d.%s", unix, text) // a hash takes all
	return sum.Sum(nil)
}

// Verify checks a header's value.
func Verify(secret, header, text string, now time.Time) error {
	at, rest, _ := strings.Cut(header, ",")
	unix, err := strconv.ParseInt(strings.TrimPrefix(strings.TrimSpace(at), "t="), 10, 64)
	got, errHex := hex.DecodeString(strings.TrimPrefix(strings.TrimSpace(rest), "v1="))
	if err != nil || errHex != nil || secret == "" || !hmac.Equal(got, mac(secret, unix, text)) {
		return payment.ErrWebhookSignature
	}
	if age := now.Sub(time.Unix(unix, 0)); age > Tolerance || age < -Tolerance {
		return fmt.Errorf("%w: signed %s from now", payment.ErrWebhookStale, age.Truncate(time.Second))
	}
	return nil
}

package standin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// sessionLife is how long a page can be paid on, as at Stripe.
const sessionLife = 24 * time.Hour

// accountID names an account without telling its key.
func accountID(secretKey string) string {
	sum := sha256.Sum256([]byte(secretKey))
	return "acct_" + hex.EncodeToString(sum[:8])
}

type checkoutSession struct {
	ID                string            `json:"id"`
	Account           string            `json:"account"`
	Status            string            `json:"status"` // open, complete, expired
	Amount            int64             `json:"amount"` // Stripe's minor units
	Currency          string            `json:"currency"`
	Description       string            `json:"description"`
	Customer          string            `json:"customer,omitempty"`
	Email             string            `json:"email,omitempty"`
	Locale            string            `json:"locale,omitempty"`
	ClientReferenceID string            `json:"client_reference_id,omitempty"`
	SuccessURL        string            `json:"success_url"`
	CancelURL         string            `json:"cancel_url"`
	Metadata          map[string]string `json:"metadata"`
	IntentDescription string            `json:"intent_description,omitempty"`
	IntentMetadata    map[string]string `json:"intent_metadata"`
	Intent            string            `json:"intent,omitempty"` // made with the first card
	Keep              bool              `json:"keep,omitempty"`   // the card, to be charged while its owner is away
	Mode              string            `json:"mode,omitempty"`   // empty: payment
	SetupIntent       string            `json:"setup_intent,omitempty"`
	Created           time.Time         `json:"created"`
}

func (c *checkoutSession) expires() time.Time { return c.Created.Add(sessionLife) }

// render is the session as the API shows it.
func (c *checkoutSession) render(base string) map[string]any {
	paid, url := "unpaid", any(base+"/c/pay/"+c.ID)
	if c.Status == "complete" {
		paid = "paid"
	}
	mode, amount, currency := "payment", any(c.Amount), any(c.Currency)
	if c.Mode == "setup" {
		mode, paid, amount, currency = "setup", "no_payment_required", nil, nil
	}
	if c.Status != "open" {
		url = nil
	}
	return map[string]any{
		"id": c.ID, "object": "checkout.session", "mode": mode, "setup_intent": orNull(c.SetupIntent), "ui_mode": "hosted",
		"status": c.Status, "payment_status": paid, "url": url, "livemode": false,
		"amount_subtotal": amount, "amount_total": amount, "currency": currency,
		"client_reference_id": orNull(c.ClientReferenceID), "customer": orNull(c.Customer), "customer_email": orNull(c.Email),
		"locale": orNull(c.Locale), "metadata": c.Metadata, "payment_intent": orNull(c.Intent),
		"payment_method_types": []string{"card"},
		"success_url":          c.SuccessURL, "cancel_url": c.CancelURL,
		"created": c.Created.Unix(), "expires_at": c.expires().Unix(),
	}
}

type paymentIntent struct {
	ID          string            `json:"id"`
	Account     string            `json:"account"`
	Session     string            `json:"session"`
	Status      string            `json:"status"`
	Amount      int64             `json:"amount"`
	Refunded    int64             `json:"refunded"`
	Currency    string            `json:"currency"`
	Description string            `json:"description,omitempty"`
	Metadata    map[string]string `json:"metadata"`
	Charge      string            `json:"charge,omitempty"`
	Failure     *cardFailure      `json:"failure,omitempty"`
	Customer    string            `json:"customer,omitempty"`
	Method      string            `json:"method,omitempty"` // a card that is kept
	Created     time.Time         `json:"created"`
}

// cardFailure is why the last attempt did not succeed.
type cardFailure struct {
	Code        string `json:"code"`
	DeclineCode string `json:"decline_code,omitempty"`
	Message     string `json:"message"`
}

func (p *paymentIntent) render() map[string]any {
	received := int64(0)
	if p.Status == "succeeded" {
		received = p.Amount
	}
	var failure any
	if p.Failure != nil {
		failure = map[string]any{"type": "card_error", "code": p.Failure.Code,
			"decline_code": orNull(p.Failure.DeclineCode), "message": p.Failure.Message}
	}
	var keeps any
	if p.Method != "" && p.Session != "" {
		keeps = "off_session"
	}
	return map[string]any{
		"customer": orNull(p.Customer), "payment_method": orNull(p.Method), "setup_future_usage": keeps,
		"id": p.ID, "object": "payment_intent", "status": p.Status, "livemode": false,
		"amount": p.Amount, "amount_received": received, "amount_capturable": 0, "currency": p.Currency,
		"capture_method": "automatic", "confirmation_method": "automatic",
		"description": orNull(p.Description), "metadata": p.Metadata,
		"last_payment_error": failure, "latest_charge": orNull(p.Charge),
		"payment_method_types": []string{"card"}, "created": p.Created.Unix(),
	}
}

// renderCharge is the intent's money as charge events show it.
func (p *paymentIntent) renderCharge() map[string]any {
	return map[string]any{
		"id": p.Charge, "object": "charge", "status": "succeeded", "livemode": false,
		"amount": p.Amount, "amount_captured": p.Amount, "amount_refunded": p.Refunded, "currency": p.Currency,
		"paid": true, "captured": true, "refunded": p.Refunded == p.Amount,
		"description": orNull(p.Description), "metadata": p.Metadata, "payment_intent": p.ID,
		"created": p.Created.Unix(),
	}
}

type refundMade struct {
	ID       string            `json:"id"`
	Account  string            `json:"account"`
	Intent   string            `json:"intent"`
	Charge   string            `json:"charge"`
	Amount   int64             `json:"amount"`
	Currency string            `json:"currency"`
	Reason   string            `json:"reason,omitempty"`
	Metadata map[string]string `json:"metadata"`
	Created  time.Time         `json:"created"`
}

func (r *refundMade) render() map[string]any {
	return map[string]any{
		"id": r.ID, "object": "refund", "status": "succeeded", "amount": r.Amount, "currency": r.Currency,
		"payment_intent": r.Intent, "charge": r.Charge, "reason": orNull(r.Reason), "metadata": r.Metadata,
		"created": r.Created.Unix(),
	}
}

// webhookEvent waits until its receiver has answered 2xx.
type webhookEvent struct {
	ID      string          `json:"id"`
	Account string          `json:"account"`
	Body    json.RawMessage `json:"body"`
	Created time.Time       `json:"created"`
	tries   int
	next    time.Time
	posting bool
}

// storedAnswer is what a repeat under the same idempotency key gets.
type storedAnswer struct {
	ID          string          `json:"id"` // account and key
	Fingerprint string          `json:"fingerprint"`
	Body        json.RawMessage `json:"body"`
	Created     time.Time       `json:"created"`
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

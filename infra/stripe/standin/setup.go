package standin

import (
	"net/http"
	"strings"
	"time"
)

// keptCard is a card that can be charged while its owner is away. What it does
// then stands in the first part of its name.
type keptCard struct {
	ID       string    `json:"id"`
	Account  string    `json:"account"`
	Customer string    `json:"customer"`
	Last4    string    `json:"last4"`
	ExpMonth int       `json:"exp_month"`
	ExpYear  int       `json:"exp_year"`
	Detached bool      `json:"detached,omitempty"`
	Created  time.Time `json:"created"`
}

func (k *keptCard) render() map[string]any {
	customer := k.Customer
	if k.Detached {
		customer = ""
	}
	return map[string]any{
		"id": k.ID, "object": "payment_method", "type": "card", "livemode": false, "customer": orNull(customer), "created": k.Created.Unix(),
		"card": map[string]any{"brand": "visa", "last4": k.Last4, "exp_month": k.ExpMonth, "exp_year": k.ExpYear, "country": "US", "funding": "credit"},
	}
}

// setupIntent is the wish to keep a card without paying.
type setupIntent struct {
	ID       string            `json:"id"`
	Account  string            `json:"account"`
	Status   string            `json:"status"` // requires_payment_method, succeeded
	Customer string            `json:"customer"`
	Method   string            `json:"method,omitempty"`
	Metadata map[string]string `json:"metadata"`
	Failure  *cardFailure      `json:"failure,omitempty"`
	Created  time.Time         `json:"created"`
}

func (i *setupIntent) render(method any) map[string]any {
	var failure any
	if i.Failure != nil {
		failure = map[string]any{"type": "card_error", "code": i.Failure.Code, "decline_code": orNull(i.Failure.DeclineCode), "message": i.Failure.Message}
	}
	return map[string]any{
		"id": i.ID, "object": "setup_intent", "status": i.Status, "usage": "off_session", "livemode": false, "customer": orNull(i.Customer),
		"payment_method": method, "payment_method_types": []string{"card"}, "metadata": i.Metadata, "last_setup_error": failure, "created": i.Created.Unix(),
	}
}

// createSetup opens a page on which a card is kept.
func (s *Server) createSetup(c *call) (any, error) {
	for _, field := range []string{"success_url", "cancel_url"} {
		if !webURL(c.form.Get(field)) {
			return nil, invalid(field, "Not a valid URL")
		}
	}
	customer := c.form.Get("customer")
	if customer == "" && c.form.Get("customer_creation") != "always" {
		return nil, invalid("customer_creation", "A customer is needed to keep a card.")
	}
	if customer == "" {
		customer = newID("cus_")
	}
	intent := &setupIntent{ID: newID("seti_"), Account: c.account, Status: "requires_payment_method", Customer: customer,
		Metadata: c.dictionary("setup_intent_data[metadata]"), Created: c.now}
	session := &checkoutSession{
		ID: newID("cs_test_"), Account: c.account, Status: "open", Mode: "setup", SetupIntent: intent.ID,
		Customer: customer, Email: c.form.Get("customer_email"), Locale: c.form.Get("locale"), ClientReferenceID: c.form.Get("client_reference_id"),
		SuccessURL: c.form.Get("success_url"), CancelURL: c.form.Get("cancel_url"), Metadata: c.dictionary("metadata"), Created: c.now,
	}
	c.change(line{Setup: intent})
	c.change(line{Session: session})
	return session.render(s.url), nil
}

// storeCard ends a page on which a card is kept.
func (s *Server) storeCard(session checkoutSession, form cardForm, now time.Time) (failure *cardFailure, lines []line) {
	intent := *s.store.setups[session.SetupIntent]
	if form.card.failure != nil {
		intent.Failure = form.card.failure
		return intent.Failure, []line{{Setup: &intent}, newEvent("setup_intent.setup_failed", intent.Account, intent.render(nil), now)}
	}
	method := newKept(form, session.Account, session.Customer, now)
	intent.Status, intent.Method, intent.Failure = "succeeded", method.ID, nil
	session.Status = "complete"
	return nil, []line{
		{Kept: method}, {Setup: &intent}, {Session: &session},
		newEvent("payment_method.attached", intent.Account, method.render(), now),
		newEvent("setup_intent.succeeded", intent.Account, intent.render(method.ID), now),
		newEvent("checkout.session.completed", intent.Account, session.render(""), now),
	}
}

func newKept(form cardForm, account, customer string, now time.Time) *keptCard {
	year, month, _ := parseExpiry(form.Expiry)
	return &keptCard{ID: newID(form.card.prefix()), Account: account, Customer: customer, Last4: form.card.last4, ExpMonth: int(month), ExpYear: year, Created: now}
}

// prefix of a kept card's name says what it does later.
func (t testCard) prefix() string {
	switch {
	case t.later:
		return declinedLater
	case t.asks:
		return asksLater
	}
	return "pm_"
}

func (s *Server) getSetup(c *call) (any, error) {
	intent := s.store.setups[c.id]
	if intent == nil || intent.Account != c.account {
		return nil, missing("setup_intent", c.id)
	}
	method := orNull(intent.Method)
	if kept := s.store.kept[intent.Method]; kept != nil && strings.Contains(c.form.Encode(), "expand") {
		method = kept.render()
	}
	return intent.render(method), nil
}

func (s *Server) getMethod(c *call) (any, error) {
	kept := s.store.kept[c.id]
	if kept == nil || kept.Account != c.account {
		return nil, missing("payment_method", c.id)
	}
	return kept.render(), nil
}

func (s *Server) detachMethod(c *call) (any, error) {
	found := s.store.kept[c.id]
	if found == nil || found.Account != c.account {
		return nil, missing("payment_method", c.id)
	}
	kept := *found
	kept.Detached = true
	c.change(line{Kept: &kept})
	return kept.render(), nil
}

// emptyList answers a question for the newest of a kind: who asks wants to know
// whether it may.
func (s *Server) emptyList(c *call) (any, error) {
	return map[string]any{"object": "list", "data": []any{}, "has_more": false, "url": "/v1/" + c.id}, nil
}

// asksLater marks cards whose bank asks its customer when they are charged while
// their owner is away.
const asksLater = "pm_asks_"

var authentication = cardFailure{Code: "authentication_required", DeclineCode: "authentication_required",
	Message: "Your card was declined. This transaction requires authentication."}

func later(method string) *cardFailure {
	switch {
	case strings.HasPrefix(method, declinedLater):
		return &declined
	case strings.HasPrefix(method, asksLater):
		return &authentication
	}
	return nil
}

var errDetached = &apiError{status: http.StatusBadRequest, Type: "invalid_request_error", Code: "resource_missing",
	Message: "The provided PaymentMethod was detached from a Customer and may not be used again."}

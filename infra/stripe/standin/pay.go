package standin

import (
	"errors"
	"time"
)

// errNotPayable means that the page has been paid on, or its time is over.
var errNotPayable = errors.New("session can't be paid on")

var (
	declined = cardFailure{Code: "card_declined", DeclineCode: "generic_decline",
		Message: "Your card was declined."}
	insufficient = cardFailure{Code: "card_declined", DeclineCode: "insufficient_funds",
		Message: "Your card has insufficient funds."}
	unconfirmed = cardFailure{Code: "payment_intent_authentication_failure",
		Message: "We are unable to authenticate your payment method. Please choose a different payment method and try again."}
)

// testCard is what a test number does.
type testCard struct {
	failure *cardFailure
	confirm bool // the bank asks its customer first
	later   bool // pays on the page, and is declined when it is charged later
	asks    bool // pays on the page, and its bank asks when it is charged later
	dispute bool // is taken back as soon as it has paid
	last4   string
}

// testCards are Stripe's public ones: https://docs.stripe.com/testing
var testCards = map[string]testCard{
	"4242424242424242": {last4: "4242"},
	"4000000000000002": {last4: "0002", failure: &declined},
	"4000000000009995": {last4: "9995", failure: &insufficient},
	"4000002500003155": {last4: "3155", confirm: true},
	"4000002760003184": {last4: "3184", confirm: true, asks: true},
	"4000000000000341": {last4: "0341", later: true},
	"4000000000000259": {last4: "0259", dispute: true},
}

// attempt pays on a session with a card. It returns the failure to show, and
// whether the bank asks for confirmation first.
func (s *Server) attempt(sessionID string, form cardForm) (failure *cardFailure, confirm bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session, intent, err := s.payable(sessionID)
	if err != nil {
		return nil, false, err
	}
	card := form.card
	if session.Mode == "setup" {
		failure, lines := s.storeCard(session, form, s.config.Now().UTC())
		return failure, false, s.saveLocked(lines)
	}
	var kept []line
	if session.Keep {
		kept = append(kept, keep(&session, &intent, form, s.config.Now().UTC()))
	}
	switch {
	case card.failure != nil:
		return card.failure, false, s.saveLocked(refuse(session, intent, card.failure, s.config.Now().UTC()))
	case card.confirm:
		intent.Status, intent.Failure = "requires_action", nil
		return nil, true, s.saveLocked(append(kept, line{Intent: &intent}, line{Session: &session}))
	case card.dispute:
		now := s.config.Now().UTC()
		lines := append(kept, settle(session, intent, now)...)
		return nil, false, s.saveLocked(append(lines, dispute(*lines[len(kept)].Intent, now)...))
	default:
		return nil, false, s.saveLocked(append(kept, settle(session, intent, s.config.Now().UTC())...))
	}
}

// confirm ends the bank's question.
func (s *Server) confirm(sessionID string, agreed bool) (failure *cardFailure, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session, intent, err := s.payable(sessionID)
	if err != nil {
		return nil, err
	}
	if intent.Status != "requires_action" {
		return nil, errNotPayable
	}
	now := s.config.Now().UTC()
	if agreed {
		return nil, s.saveLocked(settle(session, intent, now))
	}
	return &unconfirmed, s.saveLocked(refuse(session, intent, &unconfirmed, now))
}

// payable returns copies to change: what is stored changes only when saved.
func (s *Server) payable(sessionID string) (checkoutSession, paymentIntent, error) {
	stored := s.store.sessions[sessionID]
	now := s.config.Now().UTC()
	if stored == nil || stored.Status != "open" || !now.Before(stored.expires()) {
		return checkoutSession{}, paymentIntent{}, errNotPayable
	}
	session := *stored
	if known := s.store.intents[session.Intent]; known != nil {
		return session, *known, nil
	}
	intent := paymentIntent{
		ID: newID("pi_"), Account: session.Account, Session: session.ID, Status: "requires_payment_method",
		Amount: session.Amount, Currency: session.Currency, Description: session.IntentDescription,
		Metadata: session.IntentMetadata, Created: now,
	}
	session.Intent = intent.ID
	return session, intent, nil
}

func settle(session checkoutSession, intent paymentIntent, now time.Time) []line {
	intent.Failure, intent.Charge, intent.Status = nil, newID("ch_"), "processing"
	processing := newEvent("payment_intent.processing", intent.Account, intent.render(), now)
	intent.Status, session.Status = "succeeded", "complete"
	return []line{
		{Intent: &intent}, {Session: &session}, processing, charged(&intent, now),
		newEvent("payment_intent.succeeded", intent.Account, intent.render(), now),
		newEvent("checkout.session.completed", intent.Account, session.render(""), now),
	}
}

// refuse leaves the page open for another card.
func refuse(session checkoutSession, intent paymentIntent, failure *cardFailure, now time.Time) []line {
	intent.Failure, intent.Status = failure, "requires_payment_method"
	return []line{
		{Intent: &intent}, {Session: &session},
		newEvent("payment_intent.payment_failed", intent.Account, intent.render(), now),
	}
}

// expired closes a page whose time is over; nil while it is open.
func (s *Server) expired(stored *checkoutSession, now time.Time) []line {
	if stored.Status != "open" || now.Before(stored.expires()) {
		return nil
	}
	session := *stored
	session.Status = "expired"
	return []line{{Session: &session}, newEvent("checkout.session.expired", session.Account, session.render(""), now)}
}

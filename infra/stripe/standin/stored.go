package standin

import (
	"strings"
	"time"

	"tollhouse/billing/money"
)

// declinedLater marks cards that are declined when they are charged while their
// owner is away.
const declinedLater = "pm_declined_"

// keep gives a card that is paid with its names for later.
func keep(session *checkoutSession, intent *paymentIntent, form cardForm, now time.Time) line {
	if session.Customer == "" {
		session.Customer = newID("cus_")
	}
	kept := newKept(form, session.Account, session.Customer, now)
	intent.Customer, intent.Method = session.Customer, kept.ID
	return line{Kept: kept}
}

// createIntent charges a card that is kept: only confirmed, off session.
func (s *Server) createIntent(c *call) (any, error) {
	amount, err := c.positive("amount")
	if err != nil {
		return nil, err
	}
	currency := strings.ToLower(c.form.Get("currency"))
	if _, err := money.ParseCurrency(strings.ToUpper(currency)); err != nil {
		return nil, invalid("currency", "Invalid currency: "+currency)
	}
	if c.form.Get("confirm") != "true" || c.form.Get("off_session") != "true" {
		return nil, invalid("off_session", "Only off-session payments that are confirmed at once are known here.")
	}
	customer, method := c.form.Get("customer"), c.form.Get("payment_method")
	if !strings.HasPrefix(customer, "cus_") {
		return nil, missing("customer", customer)
	}
	if method != "" && !strings.HasPrefix(method, "pm_") {
		return nil, missing("payment_method", method)
	}
	intent := paymentIntent{
		ID: newID("pi_"), Account: c.account, Status: "requires_payment_method", Amount: amount, Currency: currency,
		Customer: customer, Method: method, Description: c.form.Get("description"), Metadata: c.dictionary("metadata"), Created: c.now,
	}
	if kept := s.store.kept[method]; kept != nil && kept.Detached {
		return nil, errDetached
	}
	if failure := later(method); failure != nil {
		intent.Failure = failure
		refused := intent
		c.change(line{Intent: &refused})
		c.change(newEvent("payment_intent.payment_failed", c.account, intent.render(), c.now))
		return nil, s.refusedCard(c, &intent)
	}
	intent.Charge, intent.Status = newID("ch_"), "succeeded"
	c.change(line{Intent: &intent})
	c.change(charged(&intent, c.now))
	c.change(newEvent("payment_intent.succeeded", c.account, intent.render(), c.now))
	return intent.render(), nil
}

// refusedCard is how Stripe answers: with the intent inside the error.
func (s *Server) refusedCard(c *call, intent *paymentIntent) error {
	if err := s.saveLocked(c.lines); err != nil {
		return err
	}
	c.lines = nil
	return &apiError{status: 402, Type: "card_error", Code: intent.Failure.Code, DeclineCode: intent.Failure.DeclineCode,
		Message: intent.Failure.Message, Intent: intent.render()}
}

package standin

import (
	"net/url"
	"strconv"
	"strings"

	"tollhouse/billing/money"
)

// maxMinor is Stripe's highest limit, the twelve digits of IDR.
const maxMinor = 999_999_999_999

func (s *Server) createSession(c *call) (any, error) {
	switch mode := c.form.Get("mode"); mode {
	case "payment":
	case "setup":
		return s.createSetup(c)
	default:
		return nil, invalid("mode", "Only mode=payment and mode=setup are known here.")
	}
	amount, currency, err := c.lineTotal()
	if err != nil {
		return nil, err
	}
	for _, field := range []string{"success_url", "cancel_url"} {
		if !webURL(c.form.Get(field)) {
			return nil, invalid(field, "Not a valid URL")
		}
	}
	customer, email := c.form.Get("customer"), c.form.Get("customer_email")
	if customer != "" && email != "" {
		return nil, invalid("customer_email", "You may only specify one of these parameters: customer, customer_email.")
	}
	if customer != "" && !strings.HasPrefix(customer, "cus_") {
		return nil, missing("customer", customer)
	}
	session := &checkoutSession{
		ID: newID("cs_test_"), Account: c.account, Status: "open",
		Amount: amount, Currency: currency, Description: c.form.Get(priceField + "[product_data][name]"),
		Customer: customer, Email: email, Locale: c.form.Get("locale"),
		ClientReferenceID: c.form.Get("client_reference_id"),
		SuccessURL:        c.form.Get("success_url"), CancelURL: c.form.Get("cancel_url"),
		Metadata:          c.dictionary("metadata"),
		IntentDescription: c.form.Get("payment_intent_data[description]"),
		IntentMetadata:    c.dictionary("payment_intent_data[metadata]"),
		Keep:              c.form.Get("payment_intent_data[setup_future_usage]") == "off_session",
		Created:           c.now,
	}
	if session.Keep && session.Customer == "" && c.form.Get("customer_creation") != "always" {
		return nil, invalid("payment_intent_data[setup_future_usage]", "A customer is needed to keep a card.")
	}
	c.change(line{Session: session})
	return session.render(s.url), nil
}

const priceField = "line_items[0][price_data]"

func (c *call) lineTotal() (amount int64, currency string, err error) {
	currency = strings.ToLower(c.form.Get(priceField + "[currency]"))
	if _, err := money.ParseCurrency(strings.ToUpper(currency)); err != nil {
		return 0, "", invalid(priceField+"[currency]", "Invalid currency: "+currency)
	}
	unit, err := c.positive(priceField + "[unit_amount]")
	if err != nil {
		return 0, "", err
	}
	quantity, err := c.positive("line_items[0][quantity]")
	if err != nil {
		return 0, "", err
	}
	if unit > maxMinor/quantity {
		return 0, "", &apiError{status: 400, Type: "invalid_request_error", Code: "amount_too_large",
			Param: priceField + "[unit_amount]", Message: "The amount is too large."}
	}
	if c.form.Has("line_items[1][quantity]") {
		return 0, "", invalid("line_items", "Only one line is known here.")
	}
	return unit * quantity, currency, nil
}

func (c *call) positive(field string) (int64, error) {
	n, err := strconv.ParseInt(c.form.Get(field), 10, 64)
	if err != nil || n <= 0 {
		return 0, invalid(field, "Invalid positive integer")
	}
	return n, nil
}

// dictionary gathers field[a]=x, field[b]=y.
func (c *call) dictionary(field string) map[string]string {
	values := map[string]string{}
	for name := range c.form {
		if rest, ok := strings.CutPrefix(name, field+"["); ok {
			values[strings.TrimSuffix(rest, "]")] = c.form.Get(name)
		}
	}
	return values
}

func webURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

func (s *Server) getSession(c *call) (any, error) {
	session := s.store.sessions[c.id]
	if session == nil || session.Account != c.account {
		return nil, missing("checkout.session", c.id)
	}
	if expired := s.expired(session, c.now); expired != nil {
		c.lines = append(c.lines, expired...)
		session = expired[0].Session
	}
	return session.render(s.url), nil
}

func (s *Server) getIntent(c *call) (any, error) {
	intent := s.store.intents[c.id]
	if intent == nil || intent.Account != c.account {
		return nil, missing("payment_intent", c.id)
	}
	return intent.render(), nil
}

// createRefund gives back at once; a test card always takes its money.
func (s *Server) createRefund(c *call) (any, error) {
	id := c.form.Get("payment_intent")
	found := s.store.intents[id]
	if found == nil || found.Account != c.account {
		return nil, missing("payment_intent", id)
	}
	if found.Status != "succeeded" {
		return nil, invalid("payment_intent", "This PaymentIntent does not have a successful charge to refund.")
	}
	intent := *found
	amount := intent.Amount - intent.Refunded
	if c.form.Has("amount") {
		asked, err := c.positive("amount")
		if err != nil {
			return nil, err
		}
		if asked > amount {
			return nil, invalid("amount", "Refund amount is greater than unrefunded amount on charge.")
		}
		amount = asked
	}
	if amount == 0 {
		return nil, &apiError{status: 400, Type: "invalid_request_error", Code: "charge_already_refunded",
			Message: "Charge " + intent.Charge + " has already been refunded."}
	}
	intent.Refunded += amount
	made := &refundMade{
		ID: newID("re_"), Account: c.account, Intent: intent.ID, Charge: intent.Charge, Amount: amount,
		Currency: intent.Currency, Reason: c.form.Get("reason"), Metadata: c.dictionary("metadata"), Created: c.now,
	}
	c.change(line{Intent: &intent})
	c.change(line{Refund: made})
	c.change(newEvent("charge.refunded", c.account, intent.renderCharge(), c.now))
	c.change(line{Movement: &movement{ID: newID("txn_"), Account: c.account, Type: "refund", Amount: -amount, Currency: intent.Currency, Source: made.ID, Created: c.now}})
	return made.render(), nil
}

package standin

import "time"

// disputeFee is what a dispute costs, in minor units.
const disputeFee = 1500

type disputeMade struct {
	ID       string    `json:"id"`
	Account  string    `json:"account"`
	Intent   string    `json:"intent"`
	Charge   string    `json:"charge"`
	Amount   int64     `json:"amount"`
	Currency string    `json:"currency"`
	Status   string    `json:"status"` // needs_response, won, lost
	DueBy    time.Time `json:"due_by"`
	Created  time.Time `json:"created"`
}

func (d *disputeMade) render() map[string]any {
	return map[string]any{
		"id": d.ID, "object": "dispute", "amount": d.Amount, "currency": d.Currency, "charge": d.Charge, "payment_intent": d.Intent,
		"reason": "fraudulent", "status": d.Status, "livemode": false, "metadata": map[string]string{}, "created": d.Created.Unix(),
		"is_charge_refundable": false, "evidence": map[string]any{},
		"evidence_details": map[string]any{"due_by": d.DueBy.Unix(), "has_evidence": false, "past_due": false, "submission_count": 0},
		"balance_transactions": []any{map[string]any{"id": "txn_" + d.ID, "object": "balance_transaction", "amount": -d.Amount, "fee": disputeFee,
			"net": -d.Amount - disputeFee, "currency": d.Currency, "type": "adjustment", "source": d.ID, "status": "available", "created": d.Created.Unix(), "fee_details": []any{}}},
	}
}

// dispute takes a payment back, as its payer's bank does.
func dispute(intent paymentIntent, now time.Time) []line {
	const answerWithin = 7 * 24 * time.Hour
	d := &disputeMade{ID: newID("dp_"), Account: intent.Account, Intent: intent.ID, Charge: intent.Charge, Amount: intent.Amount, Currency: intent.Currency,
		Status: "needs_response", DueBy: now.Add(answerWithin), Created: now}
	return []line{{Dispute: d}, newEvent("charge.dispute.created", d.Account, d.render(), now), {Movement: &movement{ID: "txn_" + d.ID, Account: d.Account,
		Type: "adjustment", Amount: -d.Amount, Fee: disputeFee, Currency: d.Currency, Source: d.ID, Created: now}}}
}

// answerDispute decides at once, as Stripe's test mode does by these words:
// https://docs.stripe.com/testing#evidence
func (s *Server) answerDispute(c *call) (any, error) {
	status := map[string]string{"winning_evidence": "won", "losing_evidence": "lost"}[c.form.Get("evidence[uncategorized_text]")]
	if status == "" {
		return nil, invalid("evidence[uncategorized_text]", "winning_evidence or losing_evidence decides here.")
	}
	return s.closeAs(c, status)
}

func (s *Server) closeDispute(c *call) (any, error) { return s.closeAs(c, "lost") }

func (s *Server) closeAs(c *call, status string) (any, error) {
	found := s.store.disputes[c.id]
	if found == nil || found.Account != c.account {
		return nil, missing("dispute", c.id)
	}
	if found.Status != "needs_response" {
		return nil, invalid("dispute", "This dispute is already closed.")
	}
	d := *found
	d.Status = status
	c.change(line{Dispute: &d})
	c.change(newEvent("charge.dispute.closed", d.Account, d.render(), c.now))
	if status == "won" {
		c.change(line{Movement: &movement{ID: newID("txn_"), Account: d.Account, Type: "adjustment", Amount: d.Amount, Currency: d.Currency, Source: d.ID, Created: c.now}})
	}
	return d.render(), nil
}

// DisputeOf is the name of the dispute of a payment; empty if it has none.
func (s *Server) DisputeOf(intent string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, d := range s.store.disputes {
		if d.Intent == intent {
			return id
		}
	}
	return ""
}

func (s *Server) getDispute(c *call) (any, error) {
	d := s.store.disputes[c.id]
	if d == nil || d.Account != c.account {
		return nil, missing("dispute", c.id)
	}
	return d.render(), nil
}

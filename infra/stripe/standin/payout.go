package standin

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// movement is a change of an account's balance.
type movement struct {
	ID       string    `json:"id"`
	Account  string    `json:"account"`
	Type     string    `json:"type"` // charge, refund, adjustment
	Amount   int64     `json:"amount"`
	Fee      int64     `json:"fee"`
	Currency string    `json:"currency"`
	Source   string    `json:"source"`
	Payout   string    `json:"payout,omitempty"`
	Created  time.Time `json:"created"`
}

// charged is the movement of a payment: 1.4 % and 25 are kept of it.
func charged(intent *paymentIntent, now time.Time) line {
	const perMille, fixed = 14, 25
	return line{Movement: &movement{ID: newID("txn_"), Account: intent.Account, Type: "charge", Amount: intent.Amount, Fee: min(intent.Amount, intent.Amount*perMille/1000+fixed),
		Currency: intent.Currency, Source: intent.Charge, Created: now}}
}

func (s *Server) renderMovement(m *movement) map[string]any {
	source := any(m.Source)
	switch m.Type {
	case "charge":
		for _, i := range s.store.intents {
			if i.Charge == m.Source {
				source = i.renderCharge()
			}
		}
	case "refund":
		if r := s.store.refunds[m.Source]; r != nil {
			source = r.render()
		}
	case "adjustment":
		if d := s.store.disputes[m.Source]; d != nil {
			source = d.render()
		}
	}
	return map[string]any{"id": m.ID, "object": "balance_transaction", "type": m.Type, "amount": m.Amount, "fee": m.Fee, "net": m.Amount - m.Fee, "currency": m.Currency,
		"source": source, "status": "available", "created": m.Created.Unix(), "available_on": m.Created.Unix(), "fee_details": []any{}, "description": nil,
		"reporting_category": m.Type}
}

type payoutMade struct {
	ID       string    `json:"id"`
	Account  string    `json:"account"`
	Amount   int64     `json:"amount"`
	Currency string    `json:"currency"`
	Arrives  time.Time `json:"arrives"`
}

func (p *payoutMade) render() map[string]any {
	return map[string]any{"id": p.ID, "object": "payout", "amount": p.Amount, "currency": p.Currency, "arrival_date": p.Arrives.Unix(), "created": p.Arrives.Unix(),
		"automatic": true, "status": "paid", "livemode": false, "method": "standard", "type": "bank_account", "metadata": map[string]string{}}
}

// listPayouts pays out what has come together since the last time: here each
// question is a day.
func (s *Server) listPayouts(c *call) (any, error) {
	sums := map[string]int64{}
	for _, m := range s.store.movements {
		if m.Account == c.account && m.Payout == "" {
			sums[m.Currency] += m.Amount - m.Fee
		}
	}
	for currency, sum := range sums {
		if sum <= 0 {
			continue
		}
		p := &payoutMade{ID: newID("po_"), Account: c.account, Amount: sum, Currency: currency, Arrives: c.now}
		c.change(line{Payout: p})
		for _, m := range s.store.movements {
			if m.Account == c.account && m.Payout == "" && m.Currency == currency {
				paid := *m
				paid.Payout = p.ID
				c.change(line{Movement: &paid})
			}
		}
	}
	if err := s.saveLocked(c.lines); err != nil {
		return nil, err
	}
	c.lines = nil
	since, _ := strconv.ParseInt(c.form.Get("arrival_date[gte]"), 10, 64)
	var all []*payoutMade
	for _, p := range s.store.payouts {
		if p.Account == c.account && p.Arrives.Unix() >= since {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b *payoutMade) int { return cmp.Or(b.Arrives.Compare(a.Arrives), cmp.Compare(a.ID, b.ID)) })
	data := make([]any, len(all))
	for i, p := range all {
		data[i] = p.render()
	}
	return map[string]any{"object": "list", "data": data, "has_more": false, "url": "/v1/payouts"}, nil
}

func (s *Server) listMovements(c *call) (any, error) {
	var all []*movement
	for _, m := range s.store.movements {
		if m.Account == c.account && m.Payout == c.form.Get("payout") {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b *movement) int { return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID)) })
	data := make([]any, len(all))
	for i, m := range all {
		data[i] = s.renderMovement(m)
	}
	return map[string]any{"object": "list", "data": data, "has_more": false, "url": "/v1/balance_transactions"}, nil
}

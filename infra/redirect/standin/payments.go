package standin

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tollhouse/billing/money"
	"tollhouse/infra/redirect"
)

func (s *Server) create(account Account, _ *http.Request, body []byte) (any, error) {
	var o redirect.Order
	if err := json.Unmarshal(body, &o); err != nil {
		return nil, &problem{http.StatusBadRequest, "body", "The body can't be read."}
	}
	currency, err := money.ParseCurrency(o.Currency)
	if err != nil {
		return nil, &problem{http.StatusBadRequest, "currency", "There is no such currency."}
	}
	amount, err := money.Parse(o.Amount, currency)
	if err != nil || amount.Sign() <= 0 {
		return nil, &problem{http.StatusBadRequest, "amount", "An amount above zero is wanted."}
	}
	if o.Merchant != account.Merchant || o.Reference == "" || o.Minutes <= 0 {
		return nil, &problem{http.StatusBadRequest, "fields", "merchant, reference and minutes are wanted."}
	}
	expires := s.now().UTC().Add(time.Duration(o.Minutes) * time.Minute).Truncate(time.Second)
	id := "lp_" + strings.ToLower(rand.Text())
	p := &made{merchant: account.Merchant, description: o.Description, back: o.ReturnURL, Payment: redirect.Payment{
		ID: id, Reference: o.Reference, Status: "pending", Amount: o.Amount, Currency: o.Currency, ExpiresAt: &expires}}
	switch o.Channel {
	case "qr":
		// a phone that reads it opens the page, as a bank's app would
		p.QR = s.url + "/pay/" + id
	case "va":
		p.Number, p.Bank = fmt.Sprintf("8808%012d", len(s.payments)+1), "Stand-in Bank"
	default:
		p.URL = s.url + "/pay/" + id
	}
	s.payments[id] = p
	return p.Payment, nil
}

func (s *Server) find(account Account, id string) (*made, error) {
	p := s.payments[id]
	if p == nil || p.merchant != account.Merchant {
		return nil, &problem{http.StatusNotFound, "unknown", "There is no such payment."}
	}
	return p, nil
}

func (s *Server) get(account Account, r *http.Request, _ []byte) (any, error) {
	p, err := s.find(account, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return p.Payment, nil
}

func (s *Server) refund(account Account, r *http.Request, body []byte) (any, error) {
	p, err := s.find(account, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	var asked redirect.Refund
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, &problem{http.StatusBadRequest, "body", "The body can't be read."}
	}
	if p.Status != "paid" {
		return nil, &problem{http.StatusUnprocessableEntity, "not_paid", "The payment was not paid."}
	}
	done := redirect.Refund{ID: fmt.Sprintf("%s_r%d", p.ID, len(p.refunds)+1), Reference: asked.Reference, Status: "done", Amount: asked.Amount, Currency: asked.Currency}
	p.refunds = append(p.refunds, done)
	return done, nil
}

// Pay does what a payer does: it pays a payment, found by its id or by the
// number of its virtual account.
func (s *Server) Pay(idOrNumber string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	for _, p := range s.payments {
		if p.ID != idOrNumber && p.Number != idOrNumber {
			continue
		}
		if p.Status != "pending" {
			return fmt.Errorf("payment %s is %s", p.ID, p.Status)
		}
		p.Status = "paid"
		paid := p.Payment
		s.call(p, redirect.Callback{Type: "payment.paid", Payment: &paid})
		return nil
	}
	return fmt.Errorf("no payment %s", idOrNumber)
}

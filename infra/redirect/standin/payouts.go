package standin

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"tollhouse/billing/money"
	"tollhouse/infra/redirect"
)

// feePercent is what the stand-in keeps of a payment.
const feePercent = 1

// paidOut is a payout with whose it is.
type paidOut struct {
	merchant string
	redirect.Payout
}

// listPayouts pays out what was paid and given back since the last time, and
// lists all payouts from a day on.
func (s *Server) listPayouts(account Account, r *http.Request, _ []byte) (any, error) {
	since, err := time.Parse(time.DateOnly, r.PathValue("day"))
	if err != nil {
		return nil, &problem{http.StatusBadRequest, "day", "A day such as 2026-06-01 is wanted."}
	}
	if err := s.payOut(account); err != nil {
		return nil, err
	}
	list := redirect.PayoutList{Payouts: []redirect.Payout{}}
	for _, p := range s.payouts {
		if p.merchant == account.Merchant && p.ArrivesOn >= since.Format(time.DateOnly) {
			list.Payouts = append(list.Payouts, p.Payout)
		}
	}
	return list, nil
}

// payOut makes a payout for each currency of what was not paid out yet.
func (s *Server) payOut(account Account) error {
	var due []*made
	for _, p := range s.payments {
		if p.merchant == account.Merchant && (p.Status == "paid" && !p.sent || len(p.refunds) > p.sentRefunds) {
			due = append(due, p)
		}
	}
	slices.SortFunc(due, func(a, b *made) int { return cmp.Compare(a.ID, b.ID) })
	byCurrency := map[string]*redirect.Payout{}
	sums := map[string]money.Decimal{}
	for _, p := range due {
		out := byCurrency[p.Currency]
		if out == nil {
			out = &redirect.Payout{ID: fmt.Sprintf("po_%s_%d", account.Merchant, len(s.payouts)+len(byCurrency)+1), Currency: p.Currency, ArrivesOn: s.now().UTC().Format(time.DateOnly)}
			byCurrency[p.Currency] = out
		}
		lines, sum, err := p.lines()
		if err != nil {
			return err
		}
		out.Lines, sums[p.Currency] = append(out.Lines, lines...), sums[p.Currency].Add(sum)
		p.sent, p.sentRefunds = true, len(p.refunds)
	}
	for code, out := range byCurrency {
		out.Amount = money.New(sums[code], money.MustCurrency(code)).Text()
		s.payouts = append(s.payouts, paidOut{account.Merchant, *out})
	}
	return nil
}

// lines are what a payment adds to a payout, and their sum less fees.
func (p *made) lines() (lines []redirect.PayoutLine, sum money.Decimal, err error) {
	currency, err := money.ParseCurrency(p.Currency)
	if err != nil {
		return nil, sum, err
	}
	zero := money.Zero(currency).Text()
	if !p.sent {
		amount, err := money.Parse(p.Amount, currency)
		if err != nil {
			return nil, sum, err
		}
		fee, err := amount.Decimal().MulDiv(money.NewDecimal(feePercent), money.NewDecimal(100), currency.DocumentDigits(), money.HalfAwayFromZero)
		if err != nil {
			return nil, sum, err
		}
		lines = append(lines, redirect.PayoutLine{ID: p.ID + "_c", Payment: p.ID, Amount: amount.Text(), Fee: money.New(fee, currency).Text()})
		sum = amount.Decimal().Sub(fee)
	}
	for _, r := range p.refunds[p.sentRefunds:] {
		amount, err := money.Parse(r.Amount, currency)
		if err != nil {
			return nil, sum, err
		}
		back := amount.Decimal().Neg()
		lines = append(lines, redirect.PayoutLine{ID: r.ID, Payment: p.ID, Refund: r.ID, Amount: money.New(back, currency).Text(), Fee: zero})
		sum = sum.Add(back)
	}
	return lines, sum, nil
}

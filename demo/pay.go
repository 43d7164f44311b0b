package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// dues is what a subscriber is to pay at a tick, and how.
type dues struct {
	subscriber
	account uuid.UUID
	purpose payment.Purpose
	amount  money.Amount
	by      payer
}

// pay books what subscribers pay at a tick.
func (o *operator) pay(ctx context.Context, t tick) error {
	var all []account.Found
	if err := o.eachAccount(ctx, func(a account.Found) { all = append(all, a) }); err != nil {
		return err
	}
	byEmail := map[string]subscriber{}
	for _, s := range o.people {
		if s.known() {
			byEmail[s.who.Email] = s
		}
	}
	var due []dues
	err := o.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		for _, a := range all {
			d, err := o.dues(ctx, tx, byEmail[a.Email], a, t)
			if err != nil {
				return err
			}
			if d.amount.Sign() > 0 {
				due = append(due, d)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return o.book(ctx, t, due)
}

func (o *operator) dues(ctx context.Context, tx tenant.Tx, s subscriber, a account.Found, t tick) (dues, error) {
	d := dues{subscriber: s, account: a.ID, purpose: payment.PurposeBill, amount: money.Zero(a.Currency), by: s.pays}
	if a.Kind == account.Prepaid {
		return o.topUp(ctx, tx, d, t)
	}
	if a.Receivable.IsZero() || !paysNow(s, t) {
		return d, nil
	}
	d.amount = money.New(a.Receivable, a.Currency)
	if s.pays == late { // the oldest bill only
		items, err := payment.OpenItems(ctx, tx, a.ID)
		if err != nil {
			return d, err
		}
		if len(items) < 2 {
			return dues{}, nil
		}
		d.amount = items[0].Open
	}
	return d, nil
}

// paysNow: each in the part of the month that suits them.
func paysNow(s subscriber, t tick) bool {
	switch s.pays {
	case byCash:
		return t.part == 0
	case late:
		return t.part == 2
	case debtor:
		return t.part == 1 && t.month < s.stops
	case declined:
		return t.part == 1 && (t.month%4 != 3 || t.month == s.stops)
	default:
		return t.part == 1
	}
}

// topUp decides whether a prepaid subscriber buys credit.
func (o *operator) topUp(ctx context.Context, tx tenant.Tx, d dues, t tick) (dues, error) {
	d.purpose = payment.PurposeTopUp
	if d.by == debtor && t.month >= d.stops {
		return d, nil // has gone
	}
	buckets, err := balance.List(ctx, tx, d.account)
	if err != nil {
		return d, err
	}
	for _, b := range buckets {
		if b.Origin != balance.Main || b.Value.Cmp(o.threshold.Decimal()) >= 0 {
			continue
		}
		steps := []int64{1000, 1500, 2000, 3000}
		d.amount = money.FromMinor(steps[d.index%len(steps)], o.threshold.Currency())
		if missing := b.Value.Neg(); missing.Sign() > 0 { // spent more than was there: by a file that came later
			d.amount = money.New(d.amount.Decimal().Add(missing).Round(2, money.Up), d.amount.Currency())
		}
	}
	return d, nil
}

// bookAtOnce bounds a transaction of payments.
const bookAtOnce = 50

func (o *operator) book(ctx context.Context, t tick, due []dues) error {
	var counter []dues
	for _, d := range due {
		card := d.by == byCard || d.by == declined && t.month == d.stops
		if !card || o.world.Pay == nil {
			counter = append(counter, d)
			continue
		}
		if err := o.payByCard(ctx, t, d); err != nil {
			return fmt.Errorf("card payment of %s: %w", d.who.Email, err)
		}
	}
	// A transaction of many payments takes its locks in the order of ids, as all do.
	slices.SortFunc(counter, func(a, b dues) int { return bytes.Compare(a.account[:], b.account[:]) })
	for len(counter) > 0 {
		part := counter[:min(bookAtOnce, len(counter))]
		counter = counter[len(part):]
		err := o.stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
			for _, d := range part {
				// A tick that was cut off is lived again: what was booked in it stays.
				if _, err := o.stack.RecordPayment(ctx, tx, o.slip(t, d)); err != nil && !errors.Is(err, payment.ErrKeyReused) {
					return fmt.Errorf("payment of %s: %w", d.who.Email, err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if o.world.Pay != nil {
		return o.world.Pay.Drain(ctx)
	}
	return nil
}

// slip is a bank transfer or a receipt; its id makes booking it again harmless.
func (o *operator) slip(t tick, d dues) payment.NewPayment {
	method, reference := payment.Bank, "transfer "
	if d.by == byCash || d.purpose == payment.PurposeTopUp && d.index%3 > 0 {
		method, reference = payment.Cash, "receipt "
	}
	return payment.NewPayment{ID: o.id(t, d), AccountID: d.account, Purpose: d.purpose, Method: method, Amount: d.amount,
		Reference: reference + t.at.Format("20060102") + fmt.Sprintf("-%04d", d.index), By: o.clerk}
}

func (o *operator) id(t tick, d dues) uuid.UUID {
	return uuid.NewSHA1(d.account, []byte(t.at.String()))
}

// payByCard opens the hosted page and types a test card, as the subscriber would.
func (o *operator) payByCard(ctx context.Context, t tick, d dues) error {
	intent, err := o.stack.Checkout(ctx, payment.NewIntent{Key: "demo:" + o.id(t, d).String(), AccountID: d.account, Purpose: d.purpose, Amount: d.amount}, "")
	if errors.Is(err, payment.ErrNothingOwed) || errors.Is(err, payment.ErrKeyReused) {
		return nil
	}
	if err != nil || intent.State != payment.IntentCreated {
		return err
	}
	card := url.Values{"number": {"4242424242424242"}, "expiry": {"12/39"}, "code": {"123"}, "name": {d.who.Name}}
	if d.by == declined {
		card.Set("number", "4000000000000002")
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, intent.CheckoutURL, strings.NewReader(card.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := stay.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	_, err = io.Copy(io.Discard, response.Body)
	if err == nil && response.StatusCode >= http.StatusInternalServerError {
		err = fmt.Errorf("checkout page answered %s", response.Status)
	}
	return err
}

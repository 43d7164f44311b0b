package charging

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/rating"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// ServiceFee is what an operator asks of a prepaid account for a service beside
// its plan, such as a transfer. The amount is what the subscriber pays, with tax.
type ServiceFee struct {
	Account uuid.UUID
	Code    string // of its line on the statement
	Amount  money.Decimal
}

// TakeFee takes a service fee from the account's main balance, and leaves a
// charge with its tax for the statement. ErrInsufficient if what is free there
// does not cover it. It is not repeated by itself: whoever calls it sees to that.
func (e *Engine) TakeFee(ctx context.Context, tx tenant.Tx, f ServiceFee) error {
	s, err := e.beginCycle(ctx, tx, []uuid.UUID{f.Account})
	if err != nil {
		return err
	}
	if err := s.respect(ctx, tx); err != nil {
		return err
	}
	p := s.payers[f.Account]
	if p == nil || p.main == nil || p.main.free().Cmp(f.Amount) < 0 {
		return fmt.Errorf("fee %s of %s: %w", f.Code, f.Amount, ErrInsufficient)
	}
	sub, t, err := s.feePayer(ctx, tx, f.Account)
	if err != nil {
		return err
	}
	category := t.offering.Tax.CategoryOr("")
	rate, err := s.taxRate(p, category, s.day)
	if err != nil {
		return fmt.Errorf("fee %s: %w", f.Code, err)
	}
	parts, err := split(f.Amount, p.currency, rate.Charged(), tax.Inclusive)
	if err != nil {
		return err
	}
	if t.basis == tax.Exclusive {
		parts.price = parts.net // as the offering writes prices
	}
	r := renewal{cycleScene: s, till: newTill(s.scene, tx.At, 1), ids: ledger.NewSequence()}
	id := r.ids.Next()
	due := claim{payer: p, purses: p.money, gross: f.Amount, usable: func(one *purse) bool { return one == p.main }, rates: nil, day: s.day}
	if r.till.shares, err = due.pay(nil); err != nil {
		return err
	}
	why := rating.Explanation{{Op: rating.OpFee, Rule: f.Code, Amount: parts.price}, {Op: rating.OpPay, Bucket: p.main.ID, Unit: p.main.Unit, Amount: f.Amount}}
	r.till.transfers = parts.bookPrepaid(p, r.till.shares, r.till.transfers)
	r.till.post(ledger.Fee, id, p, 0)
	r.charge(sub, p, &fee{kind: OneTimeCharge, code: f.Code, tax: category, cost: parts}, id, why)
	if err := writeCharges(ctx, tx, r.till.charges); err != nil {
		return err
	}
	if err := ledger.PostLocked(ctx, tx, s.zone, r.till.postings); err != nil {
		return err
	}
	return s.watch(ctx, tx, []*payer{p}, r.till.sharing, r.till.charges)
}

// feePayer is the subscription under which an account's service fee stands: the
// oldest that is active, or that was.
func (s *cycleScene) feePayer(ctx context.Context, tx tenant.Tx, account uuid.UUID) (*subscribed, *tariff, error) {
	sub := &subscribed{AccountID: account}
	err := tx.QueryRow(ctx, `
		select id, offering_id from subscription
		where account_id = $1
		order by (state = 'active') desc, created_at, id
		limit 1`, account).Scan(&sub.ID, &sub.OfferingID)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil, fmt.Errorf("account %s has no subscription: %w", account, ErrNoCharge)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("find a subscription of account %s: %w", account, err)
	}
	if t := s.tariffs[sub.OfferingID]; t != nil {
		return sub, t, nil
	}
	found, err := s.tariffsOf(ctx, tx, keys(map[uuid.UUID]bool{sub.OfferingID: true}))
	if err == nil && found[sub.OfferingID] == nil {
		err = fmt.Errorf("offering version %s of subscription %s cannot be used", sub.OfferingID, sub.ID)
	}
	return sub, found[sub.OfferingID], err
}

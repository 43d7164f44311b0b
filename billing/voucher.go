package billing

import (
	"context"
	"errors"

	"tollhouse/billing/agenda"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/billing/voucher"
)

// Vouchers makes, sells and redeems this stack's vouchers.
func (s *Stack) Vouchers() voucher.Desk { return voucher.Desk{Seal: s} }

// RedeemVoucher turns a PIN into balance and renews what waited for it. The try
// is counted first, at the account and at the address it comes from; a right
// PIN makes it forgotten. It spans two transactions: a wrong try must stay
// counted.
func (s *Stack) RedeemVoucher(ctx context.Context, r voucher.Redemption, address string) (payment.Payment, error) {
	if ok, _ := s.host.pins.Allow(address); !ok {
		return payment.Payment{}, voucher.ErrTooMany
	}
	err := s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		return voucher.Count(ctx, tx, r.AccountID, s.host.config.Now())
	})
	if err != nil {
		return payment.Payment{}, err
	}
	var paid payment.Payment
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		if paid, err = s.Vouchers().Redeem(ctx, tx, r); err != nil {
			return err
		}
		return s.toppedUp(ctx, tx, paid.AccountID, paid.Amount, paid.ID)
	})
	if err == nil {
		s.host.pins.Refund(address)
	}
	return paid, err
}

// expireVouchersAtOnce bounds one portion.
const expireVouchersAtOnce = 2_000

func (s *Stack) expireVouchers(ctx context.Context, item agenda.Item) (again bool, err error) {
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		n, err := voucher.Expire(ctx, tx, item.Ref, expireVouchersAtOnce)
		again = n == expireVouchersAtOnce
		if errors.Is(err, voucher.ErrNotFound) {
			return nil
		}
		return err
	})
	return again, err
}

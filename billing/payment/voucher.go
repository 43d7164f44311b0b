package payment

import (
	"context"
	"fmt"

	"tollhouse/billing/tenant"
)

// Voucher is balance that was bought as a voucher: the money came in when the
// voucher was sold, so it cannot be paid back from here.
const Voucher Method = "voucher"

// RecordVoucher books a redeemed voucher as a top-up. Its caller has seen to it
// that the voucher is redeemed in this transaction, once.
func RecordVoucher(ctx context.Context, tx tenant.Tx, n NewPayment) (Payment, error) {
	p, err := lockPayer(ctx, tx, n.AccountID)
	if err != nil {
		return Payment{}, fmt.Errorf("record voucher: %w", err)
	}
	n.Method, n.Purpose = Voucher, PurposeTopUp
	return p.record(ctx, tx, n, nil)
}

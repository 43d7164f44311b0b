package payment

import (
	"context"
	"fmt"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Voucher is balance that was bought as a voucher: the money came in when the
// voucher was sold, so it cannot be paid back from here.
const Voucher Method = "voucher"

// RecordVoucher books a redeemed voucher as a top-up. Its caller has seen to it
// that the voucher is redeemed in this transaction, once. taxed is what its
// sale was taxed with.
func RecordVoucher(ctx context.Context, tx tenant.Tx, n NewPayment, taxed money.Decimal) (Payment, error) {
	p, err := lockPayer(ctx, tx, n.AccountID)
	if err != nil {
		return Payment{}, fmt.Errorf("record voucher: %w", err)
	}
	n.Method, n.Purpose, n.sold = Voucher, PurposeTopUp, taxed
	return p.record(ctx, tx, n, nil)
}

package voucher

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Expire ends up to limit vouchers of a batch whose time is over, for the
// agenda item of kind VoucherExpiry, and says how many it ended; fewer than
// limit means that none is left. What was paid for sold ones becomes breakage.
func Expire(ctx context.Context, tx tenant.Tx, batch uuid.UUID, limit int) (int, error) {
	b, err := lockBatch(ctx, tx, batch)
	if err != nil {
		return 0, err
	}
	if tx.At.Before(b.ExpiresAt) {
		return 0, nil
	}
	var ended, sold int
	var taxed money.Decimal
	// voucher_open finds what is left
	err = tx.QueryRow(ctx, `
		with gone as (
			select id from voucher where batch_id = $1 and state = any ($2) order by id limit $3 for no key update
		), ended as (
			update voucher as v set state = 'expired', ended_at = $4 from gone where v.id = gone.id returning v.sold_at, v.tax
		)
		select count(*), count(sold_at), coalesce(sum(tax), 0) from ended`, batch, sources(Expired), limit, b.ExpiresAt).Scan(&ended, &sold, &taxed)
	if err != nil {
		return 0, fmt.Errorf("expire vouchers of batch %s: %w", b.Code, err)
	}
	lost := b.Value.Decimal().Mul(money.NewDecimal(int64(sold))).Sub(taxed) // what the sale was taxed with is owed
	return ended, b.post(ctx, tx, ledger.Expiry, uuid.Must(uuid.NewV7()), ledger.General(ledger.Vouchers), ledger.General(ledger.Breakage), lost)
}

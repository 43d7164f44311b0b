package voucher

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// Redemption is a PIN that somebody wants turned into an account's balance.
type Redemption struct {
	ID        uuid.UUID // of the command, and of the payment; a repeat gets the same answer
	AccountID uuid.UUID
	PIN       string // as typed
	By        string
	// Note writes down what belongs to it, such as its audit row, in the same
	// transaction; nil: nothing. A repeat notes nothing.
	Note func(ctx context.Context, tx tenant.Tx, paid payment.Payment) error
}

// found is a voucher with what its batch says of it.
type found struct {
	id        uuid.UUID
	code      string
	serial    int
	state     State
	value     money.Amount
	expired   bool
	accountID *uuid.UUID
	paymentID *uuid.UUID
	tax       money.Decimal // that its sale was taxed with
}

// By the unique key of pin_hash. Expiry and sale of the batch wait for the row.
const lockVoucher = `
	select v.id, b.code, v.serial, v.state, b.value, b.currency, b.expires_at <= $2, v.account_id, v.payment_id, v.tax
	from voucher as v
	join voucher_batch as b on b.id = v.batch_id
	where v.pin_hash = $1
	for no key update of v`

// Redeem turns a voucher into balance, once. ErrPIN, ErrUsed, ErrExpired and
// ErrCurrency refuse it; the try was counted before (Count). What waits for
// money is renewed by charging, not here.
func (d Desk) Redeem(ctx context.Context, tx tenant.Tx, r Redemption) (payment.Payment, error) {
	pin, err := ParsePIN(r.PIN)
	if err != nil {
		return payment.Payment{}, err
	}
	key, err := d.readKey(ctx, tx)
	if errors.Is(err, pgx.ErrNoRows) { // no batch was ever made
		return payment.Payment{}, ErrPIN
	}
	if err != nil {
		return payment.Payment{}, err
	}
	currency, err := lockAccount(ctx, tx, r.AccountID)
	if err != nil {
		return payment.Payment{}, err
	}
	v, err := lock(ctx, tx, hashPIN(key, pin))
	if err != nil {
		return payment.Payment{}, err
	}
	if v.paymentID != nil && *v.paymentID == r.ID && v.accountID != nil && *v.accountID == r.AccountID {
		return payment.Get(ctx, tx, r.ID) // the command came again
	}
	if err := v.redeemable(currency); err != nil {
		return payment.Payment{}, err
	}
	paid, err := payment.RecordVoucher(ctx, tx, payment.NewPayment{ID: r.ID, AccountID: r.AccountID, Amount: v.value,
		Reference: Batch{Code: v.code}.Serial(v.serial), By: r.By}, v.tax)
	if err != nil {
		return payment.Payment{}, fmt.Errorf("redeem voucher: %w", err)
	}
	tag, err := tx.Exec(ctx, `
		update voucher set state = 'redeemed', ended_at = $2, account_id = $3, payment_id = $4
		 where id = $1 and state = any ($5)`, v.id, tx.At, r.AccountID, paid.ID, sources(Redeemed))
	if err == nil && tag.RowsAffected() != 1 {
		err = ErrUsed
	}
	if err != nil {
		return payment.Payment{}, fmt.Errorf("redeem voucher: %w", err)
	}
	if r.Note != nil {
		if err := r.Note(ctx, tx, paid); err != nil {
			return payment.Payment{}, err
		}
	}
	return paid, forget(ctx, tx, r.AccountID)
}

// lockAccount comes first in the lock order.
func lockAccount(ctx context.Context, tx tenant.Tx, id uuid.UUID) (money.Currency, error) {
	var currency money.Currency
	err := tx.QueryRow(ctx, `select currency from billing_account where id = $1 and state = 'active' for no key update`, id).Scan(&currency)
	if errors.Is(err, pgx.ErrNoRows) {
		return currency, fmt.Errorf("account %s: %w", id, payment.ErrNotFound)
	}
	if err != nil {
		return currency, fmt.Errorf("lock account %s: %w", id, err)
	}
	return currency, nil
}

func lock(ctx context.Context, tx tenant.Tx, hash []byte) (found, error) {
	var v found
	var value money.Decimal
	var currency money.Currency
	err := tx.QueryRow(ctx, lockVoucher, hash, tx.At).Scan(&v.id, &v.code, &v.serial, &v.state, &value, &currency, &v.expired, &v.accountID, &v.paymentID, &v.tax)
	if errors.Is(err, pgx.ErrNoRows) {
		return found{}, ErrPIN
	}
	if err != nil {
		return found{}, fmt.Errorf("find voucher: %w", err)
	}
	v.value = money.New(value, currency)
	return v, nil
}

// redeemable says why a voucher may not be redeemed. Who holds the PIN of one
// that was used or has expired is told so; one that was not sold, or is
// blocked, is like none.
func (v found) redeemable(currency money.Currency) error {
	switch {
	case v.state == Redeemed:
		return ErrUsed
	case v.state == Expired, v.state == Active && v.expired:
		return ErrExpired
	case !v.state.may(Redeemed):
		return ErrPIN
	case v.value.Currency() != currency:
		return fmt.Errorf("%w: %s, where the account is in %s", ErrCurrency, v.value, currency)
	}
	return nil
}

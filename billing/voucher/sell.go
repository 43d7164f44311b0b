package voucher

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// Range is some vouchers of a batch by their serial numbers, both ends
// included; zeroes mean all.
type Range struct{ First, Last int }

func (r Range) within(count int) (Range, error) {
	if r == (Range{}) {
		r = Range{1, count}
	}
	if r.First < 1 || r.Last < r.First || r.Last > count {
		return r, &account.FieldError{Field: "first", Want: fmt.Sprintf("serial numbers from 1 to %d, the first not after the last", count)}
	}
	return r, nil
}

// Sale is where vouchers go out and money comes in.
type Sale struct {
	ID      uuid.UUID // of the command; a repeat changes nothing
	BatchID uuid.UUID
	Range   Range
	PaidTo  ledger.Kind // Cash or Bank
}

// Sold is what a sale came to.
type Sold struct {
	Count    int
	Paid     money.Amount // by whoever took them
	Discount money.Amount // what that one keeps
}

// Sell makes the vouchers of a range good: from now on they may be redeemed,
// and their value is owed. All or none: a *MoveError names the first that was
// sold before, or is blocked.
func Sell(ctx context.Context, tx tenant.Tx, s Sale) (Sold, error) {
	if s.PaidTo != ledger.Cash && s.PaidTo != ledger.Bank {
		return Sold{}, &account.FieldError{Field: "method", Want: "cash or bank"}
	}
	b, err := lockBatch(ctx, tx, s.BatchID)
	if err != nil {
		return Sold{}, err
	}
	if !tx.At.Before(b.ExpiresAt) {
		return Sold{}, fmt.Errorf("batch %s: %w", b.Code, ErrExpired)
	}
	taxed, err := b.soldTax(ctx, tx)
	if err != nil {
		return Sold{}, err
	}
	n, err := b.move(ctx, tx, s.Range, []State{Made}, Active, `, sold_at = $5, tax = $6::numeric`, tx.At, taxed)
	if err != nil {
		return Sold{}, err
	}
	count := money.NewDecimal(int64(n))
	paid := b.Price.Decimal().Mul(count)
	discount := b.Value.Decimal().Sub(b.Price.Decimal()).Mul(count)
	if err := b.post(ctx, tx, ledger.Voucher, s.ID, ledger.General(s.PaidTo), ledger.General(ledger.Vouchers), paid); err != nil {
		return Sold{}, err
	}
	if err := b.post(ctx, tx, ledger.Voucher, s.ID, ledger.General(ledger.Promotion), ledger.General(ledger.Vouchers), discount); err != nil {
		return Sold{}, err
	}
	if err := b.post(ctx, tx, ledger.Voucher, s.ID, ledger.General(ledger.Vouchers), ledger.General(ledger.Tax), taxed.Mul(count)); err != nil {
		return Sold{}, err
	}
	currency := b.Value.Currency()
	return Sold{Count: n, Paid: money.New(paid, currency), Discount: money.New(discount, currency)}, nil
}

// soldTax is the tax of one voucher that is sold now: of one for a single
// purpose, whose sale is taxed.
func (b Batch) soldTax(ctx context.Context, tx tenant.Tx) (money.Decimal, error) {
	if !b.SinglePurpose {
		return money.Decimal{}, nil
	}
	table, err := tax.Load(ctx, tx)
	if err != nil {
		return money.Decimal{}, err
	}
	zone, err := ledger.Zone(ctx, tx)
	if err != nil {
		return money.Decimal{}, err
	}
	return table.Sold(b.Value, nil, calendar.DateOf(tx.At, zone))
}

// post books one transfer of the batch's; nothing for zero.
func (b Batch) post(ctx context.Context, tx tenant.Tx, kind ledger.EventKind, id uuid.UUID, debit, credit ledger.Account, amount money.Decimal) error {
	if amount.IsZero() {
		return nil
	}
	err := ledger.Post(ctx, tx, ledger.Event{Kind: kind, ID: id, At: tx.At, LegalEntity: b.LegalEntity, Branch: b.Branch},
		[]ledger.Transfer{{Debit: debit, Credit: credit, Amount: amount, Unit: b.Value.Currency().Unit()}})
	if err != nil {
		return fmt.Errorf("book vouchers of batch %s: %w", b.Code, err)
	}
	return nil
}

// Block keeps vouchers from being redeemed, such as stolen ones. What was paid
// for them is still owed: they may be unblocked until they expire.
func Block(ctx context.Context, tx tenant.Tx, batch uuid.UUID, r Range) (int, error) {
	b, err := lockBatch(ctx, tx, batch)
	if err != nil {
		return 0, err
	}
	return b.move(ctx, tx, r, []State{Made, Active}, Blocked, ``)
}

// Unblock gives blocked vouchers the state back that they had.
func Unblock(ctx context.Context, tx tenant.Tx, batch uuid.UUID, r Range) (int, error) {
	b, err := lockBatch(ctx, tx, batch)
	if err != nil {
		return 0, err
	}
	if !tx.At.Before(b.ExpiresAt) {
		return 0, fmt.Errorf("batch %s: %w", b.Code, ErrExpired)
	}
	if r, err = r.within(b.Count); err != nil {
		return 0, err
	}
	if err := b.checkMove(ctx, tx, r, []State{Blocked}, Active); err != nil {
		return 0, err
	}
	tag, err := tx.Exec(ctx, `
		update voucher set state = case when sold_at is null then 'made' else 'active' end
		 where batch_id = $1 and serial between $2 and $3 and state = 'blocked'`, b.ID, r.First, r.Last)
	if err != nil {
		return 0, fmt.Errorf("unblock vouchers of batch %s: %w", b.Code, err)
	}
	return int(tag.RowsAffected()), nil
}

// move takes all vouchers of a range along one arrow, or none.
func (b Batch) move(ctx context.Context, tx tenant.Tx, r Range, from []State, to State, set string, more ...any) (int, error) {
	r, err := r.within(b.Count)
	if err != nil {
		return 0, err
	}
	if err := b.checkMove(ctx, tx, r, from, to); err != nil {
		return 0, err
	}
	args := append([]any{b.ID, r.First, r.Last, string(to)}, more...)
	tag, err := tx.Exec(ctx, `update voucher set state = $4`+set+` where batch_id = $1 and serial between $2 and $3`, args...)
	if err == nil && tag.RowsAffected() != int64(r.Last-r.First+1) {
		err = fmt.Errorf("%d of %d moved", tag.RowsAffected(), r.Last-r.First+1)
	}
	if err != nil {
		return 0, fmt.Errorf("make vouchers of batch %s %s: %w", b.Code, to, err)
	}
	return r.Last - r.First + 1, nil
}

// checkMove locks the range, whose ids rise with its serials, and names the
// first voucher that stands in the way.
func (b Batch) checkMove(ctx context.Context, tx tenant.Tx, r Range, from []State, to State) error {
	allowed := make([]string, len(from))
	for i, s := range from {
		if !s.may(to) {
			panic(fmt.Sprintf("voucher: no arrow from %s to %s", s, to))
		}
		allowed[i] = string(s)
	}
	if _, err := tx.Exec(ctx, `select from voucher where batch_id = $1 and serial between $2 and $3 order by id for no key update`, b.ID, r.First, r.Last); err != nil {
		return fmt.Errorf("lock vouchers of batch %s: %w", b.Code, err)
	}
	refused := &MoveError{To: to}
	err := tx.QueryRow(ctx, `
		select serial, state from voucher
		 where batch_id = $1 and serial between $2 and $3 and state <> all ($4)
		 order by serial limit 1`, b.ID, r.First, r.Last, allowed).Scan(&refused.Serial, &refused.From)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("check vouchers of batch %s: %w", b.Code, err)
	}
	return refused
}

package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// TakenBack is what a payer's bank took back of a payment.
type TakenBack struct {
	Kind      DisputeKind
	Provider  string
	Ref       string // once at the provider
	PaymentID uuid.UUID
	Amount    money.Amount
	Reason    string
	dispute   Dispute // what else is known
}

// TakeBack books money that a payer's bank took back: exactly what the payment
// paid is owed again, with its due dates, and what was not used is gone. The
// same reference again changes nothing. A dispute's money lies in the ledger's
// dispute account until it is decided; a return's leaves the bank at once.
func TakeBack(ctx context.Context, tx tenant.Tx, n TakenBack) (Dispute, error) {
	known, err := oneDispute(ctx, tx, `where provider = $1 and provider_ref = $2`, n.Provider, n.Ref)
	if err == nil {
		if known.PaymentID != n.PaymentID {
			return Dispute{}, fmt.Errorf("%w: dispute %s", ErrKeyReused, n.Ref)
		}
		return known, nil
	}
	if !errors.Is(err, ErrNotFound) {
		return Dispute{}, err
	}
	family, payers, err := lockFamily(ctx, tx, n.PaymentID)
	if err != nil {
		return Dispute{}, fmt.Errorf("take back: %w", err)
	}
	d := n.dispute
	d.ID, d.PaymentID, d.Kind, d.Provider, d.Ref, d.Amount, d.Reason = uuid.Must(uuid.NewV7()), n.PaymentID, n.Kind, n.Provider, n.Ref, n.Amount, n.Reason
	d.State, d.OpenedAt, d.Fee = DisputeOpen, tx.At, money.Zero(n.Amount.Currency())
	if d.parts, err = partsOf(family, n.Amount); err != nil {
		return Dispute{}, err
	}
	to, event := ledger.Dispute, ledger.TakenBack
	if n.Kind != Chargeback {
		d.State, d.ClosedAt = DisputeLost, &tx.At
		if to, err = family[0].Method.place(); err != nil {
			return Dispute{}, err
		}
		event = ledger.Return
	}
	for i := range d.parts {
		p := payers[d.parts[i].Account]
		if err := p.takePart(ctx, tx, &d.parts[i], p.event(tx, event, d.ID), to); err != nil {
			return Dispute{}, fmt.Errorf("take back %s: %w", n.Ref, err)
		}
	}
	if err := d.insert(ctx, tx); err != nil {
		return Dispute{}, err
	}
	return d, d.tell(ctx, tx, family[0], payers)
}

// lockFamily locks the accounts of a payment and of those that its money was
// moved to, by id, and reads them all, the payment first.
func lockFamily(ctx context.Context, tx tenant.Tx, id uuid.UUID) ([]Payment, map[uuid.UUID]payer, error) {
	const tree = `
		with recursive family (id, depth) as (
		    select $1::uuid, 0
		    union all
		    select p.id, f.depth + 1 from payment p join family f on p.origin_id = f.id)
		select f.id, p.account_id from family f join payment p on p.id = f.id order by f.depth, f.id`
	rows, err := tx.Query(ctx, tree, id)
	if err != nil {
		return nil, nil, fmt.Errorf("find payment %s: %w", id, err)
	}
	var ids, accounts []uuid.UUID
	var one, account uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&one, &account}, func() error {
		ids, accounts = append(ids, one), append(accounts, account)
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("find payment %s: %w", id, err)
	}
	if len(ids) == 0 {
		return nil, nil, fmt.Errorf("payment %s: %w", id, ErrNotFound)
	}
	payers, err := lockPayers(ctx, tx, accounts)
	if err != nil {
		return nil, nil, err
	}
	family := make([]Payment, len(ids))
	for i, id := range ids {
		if family[i], err = Get(ctx, tx, id); err != nil {
			return nil, nil, err
		}
	}
	return family, payers, nil
}

// lockPayers locks accounts in the order of their ids.
func lockPayers(ctx context.Context, tx tenant.Tx, ids []uuid.UUID) (map[uuid.UUID]payer, error) {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	payers := map[uuid.UUID]payer{}
	for _, id := range slices.Compact(ids) {
		p, err := lockPayer(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		payers[id] = p
	}
	return payers, nil
}

func accountsOf(parts []takenPart) []uuid.UUID {
	ids := make([]uuid.UUID, len(parts))
	for i, part := range parts {
		ids[i] = part.Account
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}

// partsOf says how much is taken of which payment. RefundError where there is
// less left than was taken back.
func partsOf(family []Payment, amount money.Amount) (parts []takenPart, err error) {
	if amount.Sign() <= 0 || amount.Currency() != family[0].Amount.Currency() {
		return nil, fmt.Errorf("%w: %s", ErrAmount, amount)
	}
	left := amount.Decimal()
	for _, paid := range family {
		part := smaller(left, paid.Refundable().Decimal())
		if part.Sign() <= 0 {
			continue
		}
		left = left.Sub(part)
		taken := takenPart{Payment: paid.ID, Account: paid.AccountID}
		if paid.Purpose == PurposeTopUp {
			taken.Bucket, taken.Balance = paid.BucketID, part
		} else {
			taken.Unapplied = smaller(part, paid.Unapplied.Decimal())
			taken.Applied = []reversal{{Amount: part.Sub(taken.Unapplied)}} // which, is found under the locks
		}
		parts = append(parts, taken)
	}
	if !left.IsZero() {
		return nil, &RefundError{amount, money.New(amount.Decimal().Sub(left), amount.Currency())}
	}
	return parts, nil
}

// takePart takes a part out of its payment. A balance may fall below zero by
// it: the money was spent and never came.
func (p payer) takePart(ctx context.Context, tx tenant.Tx, part *takenPart, event ledger.Event, to ledger.Kind) (err error) {
	if part.Bucket != nil {
		if part.Tax, err = p.untax(ctx, tx, *part.Bucket, part.Balance); err != nil {
			return err
		}
		if err := ledger.Post(ctx, tx, event, append(p.move(ledger.Of(ledger.Prepaid, *part.Bucket), ledger.General(to), part.Balance), p.taxBack(*part.Bucket, part.Tax)...)); err != nil {
			return err
		}
		return chargeBack(ctx, tx, part.Payment, money.Decimal{}, part.Balance)
	}
	if part.Applied, err = p.reverse(ctx, tx, part.Payment, part.Applied[0].Amount); err != nil {
		return err
	}
	if err := chargeBack(ctx, tx, part.Payment, part.Unapplied.Neg(), part.total()); err != nil {
		return err
	}
	if err := p.bookReturn(ctx, tx, event, to, part.Unapplied, part.Applied); err != nil {
		return err
	}
	return p.applyCredit(ctx, tx) // of other payments, for what is owed again
}

// chargeBack moves what is unapplied and what was taken back of a payment.
func chargeBack(ctx context.Context, tx tenant.Tx, id uuid.UUID, unapplied, takenBack money.Decimal) error {
	tag, err := tx.Exec(ctx, `update payment set unapplied = unapplied + $2, charged_back = charged_back + $3 where id = $1`, id, unapplied, takenBack)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows written, want 1", tag.RowsAffected())
	}
	if err != nil {
		return fmt.Errorf("change payment: %w", err)
	}
	return nil
}

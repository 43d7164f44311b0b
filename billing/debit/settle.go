package debit

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bank/pain"
	"tollhouse/billing/bill"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// Record books a payment as the stack does, with what follows from it.
type Record func(ctx context.Context, tx tenant.Tx, n payment.NewPayment) (payment.Payment, error)

// RunOfBatch finds the collection that a bank's batch is of, by the file's or
// the batch's name; ErrNotFound. Of a file as a whole the batch is zero.
func RunOfBatch(ctx context.Context, tx tenant.Tx, name string) (Run, pain.NamedBatch, error) {
	for _, b := range append([]pain.NamedBatch{{Message: name}}, pain.BatchOf(name)...) {
		found, err := runs(ctx, tx, `where message_id = $1`, b.Message)
		if err != nil {
			return Run{}, b, err
		}
		if len(found) > 0 {
			return found[0], b, nil
		}
	}
	return Run{}, pain.NamedBatch{}, ErrNotFound
}

// Pending lists the debits of a batch that are not answered, and their sum.
func Pending(ctx context.Context, tx tenant.Tx, run uuid.UUID, b pain.NamedBatch) ([]Debit, money.Decimal, error) {
	list, err := debits(ctx, tx, `where d.run_id = $1 and d.state = 'pending' and ($2 = '' or d.sequence = $2 and d.scheme = $3) order by d.account_id`, run, b.Sequence, b.Scheme)
	var total money.Decimal
	for _, one := range list {
		total = total.Add(one.Amount.Decimal())
	}
	return list, total, err
}

// Collect makes a pending debit a payment of what it was for. One that has been
// stays as it is.
func Collect(ctx context.Context, tx tenant.Tx, d Debit, record Record) (payment.Payment, error) {
	if _, err := account.Lock(ctx, tx, d.AccountID); err != nil {
		return payment.Payment{}, err
	}
	now, err := ByEndToEnd(ctx, tx, d.EndToEnd)
	if err != nil {
		return payment.Payment{}, err
	}
	if now.PaymentID != nil {
		return payment.Get(ctx, tx, *now.PaymentID)
	}
	if now.State != "pending" {
		return payment.Payment{}, fmt.Errorf("%w: the debit is %s", ErrRunState, now.State)
	}
	items := make([]uuid.UUID, len(d.items))
	for i, item := range d.items {
		items[i] = item.Item
	}
	paid, err := record(ctx, tx, payment.NewPayment{ID: d.ID, AccountID: d.AccountID, Purpose: payment.PurposeBill, Method: payment.Debit, Amount: d.Amount, Bills: items,
		Reference: d.EndToEnd, By: "debit"})
	if err != nil {
		return paid, err
	}
	if err := move(ctx, tx, d.ID, "collected", "", &paid.ID); err != nil {
		return paid, err
	}
	_, err = tx.Exec(ctx, `update payment_method set used_at = $2, details = details - 'amendments' - 'failure' where id = $1`, d.MethodID, tx.At)
	if err != nil {
		return paid, fmt.Errorf("note the use of a mandate: %w", err)
	}
	return paid, finishRun(ctx, tx, d.RunID)
}

func move(ctx context.Context, tx tenant.Tx, id uuid.UUID, state, reason string, paid *uuid.UUID) error {
	tag, err := tx.Exec(ctx, `update debit set state = $2, reason = $3, payment_id = coalesce($4, payment_id), ended_at = $5 where id = $1`, id, state, reason, paid, tx.At)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows written, want 1", tag.RowsAffected())
	}
	if err != nil {
		return fmt.Errorf("move debit: %w", err)
	}
	return nil
}

func finishRun(ctx context.Context, tx tenant.Tx, run uuid.UUID) error {
	_, err := tx.Exec(ctx, `update debit_run set state = 'done' where id = $1 and state in ('made', 'sent')
		and not exists (select from debit where run_id = $1 and state = 'pending')`, run)
	if err != nil {
		return fmt.Errorf("finish collection: %w", err)
	}
	return nil
}

// ending says what a bank's reason for a return means for its mandate:
// https://www.europeanpaymentscouncil.eu, reason codes for SEPA R-transactions.
var ending = map[string]bool{
	"AC01": true, "AC04": true, "AC06": true, "AC13": true, "AG01": true, "MD01": true, "MD02": true, "MD07": true, "RC01": true, "SL01": true, "BE05": true,
	"MD06": true, "AM04": false, "MS02": false, "MS03": false, "AM05": false, "AG02": false, "FF01": false, "DNOR": false, "CNOR": false,
}

// Return takes back what a collected debit paid, charges the operator's fee and
// ends a mandate that can't be used any more. The same return again changes
// nothing.
func Return(ctx context.Context, tx tenant.Tx, d Debit, reason string) (payment.Dispute, error) {
	if _, err := account.Lock(ctx, tx, d.AccountID); err != nil {
		return payment.Dispute{}, err
	}
	now, err := ByEndToEnd(ctx, tx, d.EndToEnd)
	if err != nil {
		return payment.Dispute{}, err
	}
	if now.PaymentID == nil {
		return payment.Dispute{}, fmt.Errorf("%w: the debit is %s", ErrRunState, now.State)
	}
	back, err := payment.TakeBack(ctx, tx, payment.TakenBack{Kind: payment.Returned, Provider: "bank", Ref: now.EndToEnd, PaymentID: *now.PaymentID, Amount: now.Amount, Reason: reason})
	if err != nil || now.State == "returned" {
		return back, err
	}
	if err := move(ctx, tx, now.ID, "returned", reason, nil); err != nil {
		return back, err
	}
	return back, afterwards(ctx, tx, now, reason)
}

// Reject ends a debit that the bank did not collect.
func Reject(ctx context.Context, tx tenant.Tx, d Debit, reason string) error {
	if _, err := account.Lock(ctx, tx, d.AccountID); err != nil {
		return err
	}
	now, err := ByEndToEnd(ctx, tx, d.EndToEnd)
	if err != nil || now.State == "rejected" {
		return err
	}
	if now.State != "pending" {
		return fmt.Errorf("%w: the debit is %s", ErrRunState, now.State)
	}
	if err := move(ctx, tx, now.ID, "rejected", reason, nil); err != nil {
		return err
	}
	if err := finishRun(ctx, tx, now.RunID); err != nil {
		return err
	}
	return afterwards(ctx, tx, now, reason)
}

// afterwards does what follows from a debit that failed.
func afterwards(ctx context.Context, tx tenant.Tx, d Debit, reason string) error {
	laid, err := payment.GetPolicy(ctx, tx)
	if err != nil {
		return err
	}
	then := payment.ThenReturned
	if ending[reason] {
		then = payment.ThenNoMandate
		if err := payment.EndMethod(ctx, tx, d.AccountID, d.MethodID); err != nil && !errors.Is(err, payment.ErrNotFound) {
			return err
		}
	}
	if fee := laid.Debit.ReturnFee; fee.Sign() > 0 {
		_, err := bill.AddItem(ctx, tx, bill.Item{Account: d.AccountID, Kind: bill.ItemCharge, Code: "debit_return", Category: laid.Debit.TaxCategory,
			Words: map[string]string{"en": "Returned direct debit", "id": "Debit langsung yang dikembalikan", "ru": "Возврат прямого дебета"},
			Price: money.New(fee, d.Amount.Currency()), Cause: bill.Cause{Kind: "debit_return", ID: d.ID}, By: "debit"})
		if err != nil {
			return fmt.Errorf("charge for a returned debit: %w", err)
		}
	}
	return payment.TellFailure(ctx, tx, payment.Failure{Intent: payment.Intent{AccountID: d.AccountID, Amount: d.Amount, Failure: reason}, Then: then})
}

// Answered applies what a bank says of a file before it collects.
func Answered(ctx context.Context, tx tenant.Tx, a pain.Answer) (rejected int, err error) {
	list := a.Debits
	if a.Status == "RJCT" && len(list) == 0 {
		r, batch, err := RunOfBatch(ctx, tx, a.MessageID)
		if err != nil {
			return 0, err
		}
		pending, _, err := Pending(ctx, tx, r.ID, batch)
		if err != nil {
			return 0, err
		}
		for _, d := range pending {
			list = append(list, pain.AnsweredDebit{EndToEnd: d.EndToEnd, Status: "RJCT", Reason: a.Reason})
		}
	}
	for _, one := range list {
		if one.Status != "RJCT" {
			continue
		}
		d, err := ByEndToEnd(ctx, tx, one.EndToEnd)
		if err != nil {
			return rejected, fmt.Errorf("debit %s: %w", one.EndToEnd, err)
		}
		if err := Reject(ctx, tx, d, one.Reason); err != nil {
			return rejected, err
		}
		rejected++
	}
	return rejected, nil
}

package bill

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/event"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Why a bill cannot be voided.
var (
	// ErrVoidForbidden: the operator's rules allow no bill to be voided.
	ErrVoidForbidden = errors.New("bills are not voided here: a credit note corrects them")
	// ErrSent: whoever has got a bill gets a credit note.
	ErrSent = errors.New("the bill was sent: a credit note corrects it")
	// ErrHasMoney: a bill that was paid, credited, written off or taken from a
	// balance has moved money since.
	ErrHasMoney = errors.New("money has moved on the document since it was issued: a credit note corrects it")
)

// Voiding asks for a bill to be voided.
type Voiding struct {
	BillID uuid.UUID
	Again  bool // its lines go onto the account's next bill; else they are given up
	Reason string
	By     string
}

// Cancel voids a final bill that nobody was sent and nobody paid, as far as
// the operator's rules go. It keeps its number, so the series keeps no gap; the
// ledger takes back what it posted, and tax and receivable with it. Voiding it
// again changes nothing. It takes its locks in the order account,
// subscriptions, open items.
func Cancel(ctx context.Context, tx tenant.Tx, v Voiding) error {
	reason, err := checkReason(v.Reason)
	if err != nil {
		return err
	}
	a, head, err := lockAccountOf(ctx, tx, v.BillID)
	if err != nil {
		return err
	}
	if head.State == Void {
		return nil
	}
	next, err := head.State.To(Void)
	if err != nil {
		return fmt.Errorf("void bill %s: %w", head.Number, err)
	}
	if _, err := tx.Exec(ctx, `select id from open_item where bill_id = $1 order by id for no key update`, head.ID); err != nil {
		return fmt.Errorf("void bill %s: lock open items: %w", head.Number, err)
	}
	if err := Voidable(ctx, tx, head); err != nil {
		return fmt.Errorf("void bill %s: %w", head.Number, err)
	}
	if !head.Total.IsZero() {
		if err := takeBack(ctx, tx, a, head); err != nil {
			return fmt.Errorf("void bill %s: %w", head.Number, err)
		}
	}
	done, err := tx.Exec(ctx, `update bill set state = $2, voided_at = $3, void_reason = $4 where id = $1 and state = $5`, head.ID, next, tx.At, reason, head.State)
	if err != nil {
		return fmt.Errorf("void bill %s: %w", head.Number, err)
	}
	if done.RowsAffected() != 1 {
		return fmt.Errorf("void bill %s: %d rows written", head.Number, done.RowsAffected())
	}
	if v.Again {
		if err := billAgain(ctx, tx, head, v.By); err != nil {
			return fmt.Errorf("bill %s again: %w", head.Number, err)
		}
	} else if err := giveUpShares(ctx, tx, head); err != nil {
		return fmt.Errorf("void bill %s: %w", head.Number, err)
	}
	return RecordEvent(ctx, tx, event.BillVoided, nil, head.ID)
}

// Money has moved where less is open than was asked for, or an allocation was
// ever made: one that was reversed has a story that the document belongs to.
const movedSince = `
	select exists (select from open_item i where i.bill_id = $1 and (i.open <> i.amount
	                  or exists (select from payment_allocation p where p.open_item_id = i.id)
	                  or exists (select from write_off w where w.open_item_id = i.id)))
	    or exists (select from bill n where n.corrects = $1 and n.state = 'final')
	    or exists (select from bill_item d where d.of_bill = $1 and d.bill_id is not null),
	       exists (select from bill b left join bill_run r on r.id = b.run_id where b.id = $1 and (b.sent_at is not null or r.told_through >= b.id))`

// Voidable says whether a document may be voided as things stand: nil,
// ErrVoidForbidden, ErrHasMoney or ErrSent. One over nothing always may. Cancel
// looks again, under locks.
func Voidable(ctx context.Context, tx tenant.Tx, head Bill) error {
	if head.Total.IsZero() {
		return nil
	}
	if !head.Kind.asks() {
		return ErrHasMoney
	}
	rules, err := GetRules(ctx, tx)
	if err != nil {
		return err
	}
	var moved, sent bool
	if err := tx.QueryRow(ctx, movedSince, head.ID).Scan(&moved, &sent); err != nil {
		return fmt.Errorf("look whether bill %s may be voided: %w", head.Number, err)
	}
	switch {
	case rules.Void == VoidNever:
		return ErrVoidForbidden
	case moved:
		return ErrHasMoney
	case sent && rules.Void == VoidUnsent:
		return ErrSent
	}
	return nil
}

// takeBack posts the reverse of what the document posted. What came from usage
// is taken from revenue, because its charges belong to a cycle that is closed;
// of deferred fees, what is not deferred any more is too.
func takeBack(ctx context.Context, tx tenant.Tx, a account.Account, head Bill) error {
	rows, err := tx.Query(ctx, `
		select debit, debit_id, credit, credit_id, amount, legal_entity, branch
		  from ledger_transfer
		 where account_id = $1 and at = $2 and event_id = $3 and event in ('bill', 'debit_note')`, a.ID, head.ClosedAt, head.ID)
	if err != nil {
		return fmt.Errorf("read what it posted: %w", err)
	}
	event := ledger.Event{Kind: ledger.Void, ID: head.ID, At: tx.At}
	var posted []ledger.Transfer
	var debit, credit ledger.Account
	var debitID, creditID *uuid.UUID
	var amount money.Decimal
	_, err = pgx.ForEachRow(rows, []any{&debit.Kind, &debitID, &credit.Kind, &creditID, &amount, &event.LegalEntity, &event.Branch}, func() error {
		debit.ID, credit.ID = idOf(debitID), idOf(creditID)
		posted = append(posted, ledger.Transfer{Debit: debit, Credit: credit, Amount: amount})
		return nil
	})
	if err != nil {
		return fmt.Errorf("read what it posted: %w", err)
	}
	held, err := lockDeferred(ctx, tx, posted)
	if err != nil {
		return err
	}
	post := &poster{account: a.ID, unit: head.Total.Currency().Unit()}
	for _, t := range posted {
		other := t.Credit
		if other.Kind == ledger.Receivable { // a line below zero was posted the other way round
			other, t.Amount = t.Debit, t.Amount.Neg()
		}
		switch other.Kind {
		case ledger.Unbilled, ledger.Rounding:
			other = ledger.General(ledger.Revenue)
		case ledger.Deferred:
			part := t.Amount
			if held[other.ID].Cmp(part) < 0 {
				part = held[other.ID]
			}
			post.move(other, ledger.Of(ledger.Receivable, a.ID), part)
			held[other.ID] = held[other.ID].Sub(part)
			t.Amount, other = t.Amount.Sub(part), ledger.General(ledger.Revenue)
		}
		post.move(other, ledger.Of(ledger.Receivable, a.ID), t.Amount)
	}
	if err := ledger.Post(ctx, tx, event, post.transfers); err != nil {
		return err
	}
	// what was to be deducted of an advance bill, or given back of a line, is not any more
	if _, err := tx.Exec(ctx, `delete from bill_item where of_bill = $1 and bill_id is null`, head.ID); err != nil {
		return fmt.Errorf("drop what waits: %w", err)
	}
	if err := closeItems(ctx, tx, head.ID); err != nil {
		return err
	}
	return reviewDebt(ctx, tx, a.ID)
}

func idOf(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}

// lockDeferred reads and locks what is deferred of the subscriptions that
// transfers name.
func lockDeferred(ctx context.Context, tx tenant.Tx, transfers []ledger.Transfer) (map[uuid.UUID]money.Decimal, error) {
	var ids []uuid.UUID
	for _, t := range transfers {
		for _, side := range []ledger.Account{t.Debit, t.Credit} {
			if side.Kind == ledger.Deferred {
				ids = append(ids, side.ID)
			}
		}
	}
	held := map[uuid.UUID]money.Decimal{}
	rows, err := tx.Query(ctx, `select id, deferred from subscription where id = any ($1) order by id for no key update`, ids)
	if err != nil {
		return nil, fmt.Errorf("read deferred fees: %w", err)
	}
	var id uuid.UUID
	var deferred money.Decimal
	_, err = pgx.ForEachRow(rows, []any{&id, &deferred}, func() error {
		held[id] = deferred
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read deferred fees: %w", err)
	}
	return held, nil
}

// closeItems ends what a void document asks for: nothing of it is open.
func closeItems(ctx context.Context, tx tenant.Tx, billID uuid.UUID) error {
	if _, err := tx.Exec(ctx, `update open_item set open = 0, `+KeepPast(2)+` where bill_id = $1`, billID, tx.At); err != nil {
		return fmt.Errorf("end what is open: %w", err)
	}
	return nil
}

// billAgain puts a void bill's lines onto the account's next bill: items that
// it had taken wait again, everything else becomes an item.
func billAgain(ctx context.Context, tx tenant.Tx, head Bill, by string) error {
	if _, err := tx.Exec(ctx, `update bill_item set bill_id = null where bill_id = $1`, head.ID); err != nil {
		return fmt.Errorf("free its items: %w", err)
	}
	d, err := GetDocument(ctx, tx, head.ID)
	if err != nil {
		return err
	}
	var items []Item
	for _, l := range d.Lines {
		if l.Price.IsZero() || l.Kind == ItemLine || l.Kind == Allowance {
			continue
		}
		kind := ItemCharge
		if l.Price.Sign() < 0 {
			kind = ItemCredit
		}
		items = append(items, Item{
			Account: head.AccountID, Subscription: l.Subscription, Kind: kind, Code: l.Code, Words: map[string]string{d.Locale.Language: l.Description},
			Period: l.Period, Price: l.Price, Category: l.Category, By: by,
			From:  Source{Deferred: l.Kind == Recurring && l.Subscription != uuid.Nil && l.Period.To.After(head.Cycle.To)},
			Cause: Cause{"void", uuid.NewSHA1(head.ID, fmt.Appendf(nil, "%d", l.No))},
		})
	}
	_, err = AddItems(ctx, tx, items)
	return err
}

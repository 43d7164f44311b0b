package bill

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// NewCredit asks for a credit note: of chosen lines, of a gross amount, or,
// with neither, of all that is left of the bill.
type NewCredit struct {
	ID     uuid.UUID // of the command, and of the note: a repeat changes nothing; Nil takes a new one
	BillID uuid.UUID
	Lines  []CreditLine
	Gross  money.Amount
	Reason string
	By     string
}

// CreditLine is a line of the bill to be credited.
type CreditLine struct {
	No     int
	Amount *money.Amount // as the bill writes prices (Document.Basis); nil: all that is left
}

// Note is a note with what became of its money.
type Note struct {
	Bill
	Corrects uuid.UUID
	Applied  money.Amount // of a credit note: taken off what was due on the bill
	Credit   money.Amount // of a credit note: left to the customer, as credit
	Reason   string
}

// Why a note cannot be written.
var (
	ErrNotCreditable = errors.New("only a bill, a debit note or an advance bill that is final can be corrected by a note")
	ErrNoteLine      = errors.New("the bill has no such line to correct")
	ErrNoteAmount    = errors.New("a note's amount is above zero, in the units of the bill")
	ErrNoteReason    = errors.New("a note needs a reason")
	ErrNoteID        = errors.New("the id belongs to another document")
	// ErrCredited is wrapped by CreditError.
	ErrCredited = errors.New("more than is left to credit")
)

// CreditError refuses more than is left of a bill or of one of its lines.
type CreditError struct{ Asked, Left money.Amount }

func (e *CreditError) Error() string {
	return fmt.Sprintf("%v: %s asked, %s left", ErrCredited, e.Asked, e.Left)
}

func (e *CreditError) Unwrap() error { return ErrCredited }

// ErrDebitLine refuses an additional charge that nobody could read or tax.
var ErrDebitLine = errors.New("an additional charge has a description and a tax category")

// maxReason bounds a reason, which is printed.
const maxReason = 500

// Credit writes a credit note. What it gives is taken off what is open on the
// bill, the part due first before the others; what is more than that is the
// customer's credit. Money that was paid is not moved: see payment.RefundNote.
// It takes its locks in the order account, subscriptions, open items, number
// series.
func Credit(ctx context.Context, tx tenant.Tx, n NewCredit) (Note, error) {
	w, known, err := beginNote(ctx, tx, n.ID, n.BillID, KindCreditNote, n.Reason)
	if err != nil || known != nil {
		return w.told(known), err
	}
	left, err := GetCreditable(ctx, tx, n.BillID)
	if err != nil {
		return Note{}, err
	}
	shares, err := left.sharesOf(n)
	if err != nil {
		return Note{}, fmt.Errorf("credit %s: %w", left.Document.Number, err)
	}
	w.noteOf(left.Document)
	for i, s := range shares {
		w.doc.Lines = append(w.doc.Lines, s.printed(i+1, w.doc.Basis))
	}
	if err := w.sum(left.Document); err != nil {
		return Note{}, err
	}
	if w.doc.Total.Decimal().Equal(left.Left.Decimal()) { // the last note takes what the bill was rounded by
		w.doc.Rounding = left.Document.Rounding
		if w.doc.Total, err = w.doc.Total.Add(w.doc.Rounding); err != nil {
			return Note{}, err
		}
	}
	if w.doc.Total.Sign() <= 0 {
		return Note{}, fmt.Errorf("credit %s: %w", left.Document.Number, ErrNoteAmount)
	}
	deferred, err := w.deferredOf(ctx, tx, shares)
	if err != nil {
		return Note{}, err
	}
	items, err := lockItems(ctx, tx, n.BillID)
	if err != nil {
		return Note{}, err
	}
	if err := w.issue(ctx, tx); err != nil {
		return Note{}, err
	}
	if err := w.postCredit(ctx, tx, deferred); err != nil {
		return Note{}, err
	}
	if err := takeSharesBack(ctx, tx, w.profile.Zone, n.BillID, w.doc.ID, w.account.ID, w.sharedLines()); err != nil {
		return Note{}, err
	}
	if w.corrected == KindAdvance {
		if err := undeduct(ctx, tx, n.BillID, w.doc.Lines); err != nil {
			return Note{}, err
		}
	}
	applied, err := gift{
		id: w.doc.ID, account: w.account, method: "credit_note", amount: w.doc.Total.Decimal(), reference: w.doc.Number, by: n.By,
		entity: w.seller.id, branch: w.branch,
	}.give(ctx, tx, items)
	if err != nil {
		return Note{}, err
	}
	return w.note(applied), w.tell(ctx, tx)
}

// printed is the note's line for a share of a bill's line.
func (s creditShare) printed(no int, basis tax.Basis) Line {
	l := s.line.Line
	l.No, l.Corrects = no, s.line.No
	currency := l.Net.Currency()
	if !s.net.Equal(l.Net.Decimal()) || !s.tax.Equal(l.Tax.Decimal()) { // a part of it is no longer so many minutes
		l.Quantity, l.Unit, l.Events = money.NewDecimal(1), UnitFee, 0
	}
	l.Net, l.Tax = money.New(s.net, currency), money.New(s.tax, currency)
	l.Price = l.Net
	if basis == tax.Inclusive {
		l.Price = money.New(s.gross(), currency)
	}
	return l
}

// deferredOf says what of the shares is still deferred, by subscription: fees
// charged ahead that no closed cycle has earned. It locks the subscriptions.
func (w *noteWriter) deferredOf(ctx context.Context, tx tenant.Tx, shares []creditShare) (map[uuid.UUID]money.Decimal, error) {
	wanted := map[uuid.UUID]money.Decimal{}
	var ids []uuid.UUID
	for _, s := range shares {
		l := s.line
		if l.Subscription == uuid.Nil || l.Period.To.IsZero() || l.Kind != Recurring && l.Kind != Discount || !l.Period.To.After(w.account.Cycle.From) {
			continue
		}
		unearned := l.Net.Decimal()
		if w.account.Cycle.From.After(l.Period.From) {
			var err error
			unearned, err = unearned.MulDiv(money.NewDecimal(int64(w.account.Cycle.From.DaysUntil(l.Period.To))),
				money.NewDecimal(int64(l.Period.From.DaysUntil(l.Period.To))), money.Scale, money.Down)
			if err != nil {
				return nil, err
			}
		}
		if s.net.Abs().Cmp(unearned.Abs()) < 0 {
			unearned = s.net
		}
		if _, known := wanted[l.Subscription]; !known {
			ids = append(ids, l.Subscription)
		}
		wanted[l.Subscription] = wanted[l.Subscription].Add(unearned)
	}
	deferred := map[uuid.UUID]money.Decimal{}
	if len(ids) == 0 {
		return deferred, nil
	}
	rows, err := tx.Query(ctx, `select id, deferred from subscription where id = any ($1) order by id for no key update`, ids)
	if err != nil {
		return nil, fmt.Errorf("read deferred fees: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id uuid.UUID
		var held money.Decimal
		if err := rows.Scan(&id, &held); err != nil {
			return nil, fmt.Errorf("read deferred fees: %w", err)
		}
		if want := wanted[id]; want.Sign() > 0 {
			deferred[id] = want
			if held.Cmp(want) < 0 {
				deferred[id] = held
			}
		}
	}
	return deferred, rows.Err()
}

// postCredit posts a credit note: what it gives is the customer's, against the
// deferred fees, the revenue and the tax that the bill brought.
func (w *noteWriter) postCredit(ctx context.Context, tx tenant.Tx, deferred map[uuid.UUID]money.Decimal) error {
	post := &poster{account: w.account.ID, unit: w.doc.Currency.Unit()}
	credit, revenue := ledger.Of(ledger.CustomerCredit, w.account.ID), w.doc.Net.Decimal()
	for _, id := range slices.SortedFunc(maps.Keys(deferred), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }) {
		post.move(ledger.Of(ledger.Deferred, id), credit, deferred[id])
		revenue = revenue.Sub(deferred[id])
	}
	post.move(w.income(), credit, revenue)
	post.move(ledger.General(ledger.Tax), credit, w.doc.Tax.Decimal())
	post.move(ledger.General(ledger.Rounding), credit, w.doc.Rounding.Decimal())
	if err := ledger.Post(ctx, tx, w.event(ledger.CreditNote, w.doc.ID), post.transfers); err != nil {
		return fmt.Errorf("post credit note %s: %w", w.doc.Number, err)
	}
	return nil
}

// income is where the corrected document's net stands: an advance bill's is no
// revenue yet.
func (w *noteWriter) income() ledger.Account {
	if w.corrected == KindAdvance {
		return ledger.General(ledger.Advance)
	}
	return ledger.General(ledger.Revenue)
}

// checkReason trims a reason and refuses one that nobody could print.
func checkReason(reason string) (string, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" || len([]rune(reason)) > maxReason {
		return "", ErrNoteReason
	}
	return reason, nil
}

// lockAccountOf locks the account of a document and reads whose it is.
func lockAccountOf(ctx context.Context, tx tenant.Tx, id uuid.UUID) (account.Account, Bill, error) {
	head, err := Get(ctx, tx, id)
	if err != nil {
		return account.Account{}, Bill{}, err
	}
	a, err := account.Lock(ctx, tx, head.AccountID)
	if err != nil {
		return account.Account{}, Bill{}, err
	}
	head, err = Get(ctx, tx, id) // as it is under the lock
	return a, head, err
}

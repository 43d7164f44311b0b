package bill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/account"
	"tollhouse/billing/event"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// noteWriter writes one document outside a run: a note or an advance bill. It
// holds the account's lock.
type noteWriter struct {
	account   account.Account
	profile   account.Profile
	seller    Seller
	numbers   numbering
	branch    uuid.UUID
	corrected Kind
	at        time.Time
	doc       Document
}

// beginNote locks the account of the bill to be corrected. known is the note
// that an earlier command of the same id wrote.
func beginNote(ctx context.Context, tx tenant.Tx, id, billID uuid.UUID, kind Kind, reason string) (w *noteWriter, known *Note, err error) {
	w = &noteWriter{at: tx.At}
	if reason, err = checkReason(reason); err != nil {
		return w, nil, err
	}
	a, head, err := lockAccountOf(ctx, tx, billID)
	if err != nil {
		return w, nil, err
	}
	if id != uuid.Nil {
		if known, err = repeatedNote(ctx, tx, id, billID, kind); err != nil || known != nil {
			return w, known, err
		}
	} else {
		id = uuid.Must(uuid.NewV7())
	}
	if head.State != Final || !head.Kind.asks() {
		return w, nil, fmt.Errorf("%s %s: %w", head.Kind, head.Number, ErrNotCreditable)
	}
	w.account, w.corrected = a, head.Kind
	w.doc.ID, w.doc.Kind, w.doc.Reason = id, kind, reason
	return w, nil, w.load(ctx, tx, billID)
}

// load reads for whom and where a document is issued: as the bill that it
// corrects, or as the account says.
func (w *noteWriter) load(ctx context.Context, tx tenant.Tx, billID uuid.UUID) (err error) {
	if w.profile, err = account.GetProfile(ctx, tx); err != nil {
		return err
	}
	if w.numbers, err = loadNumbering(ctx, tx, w.profile.Name); err != nil {
		return err
	}
	entity, branch := w.account.LegalEntity, w.account.Branch
	if billID != uuid.Nil {
		if err := tx.QueryRow(ctx, `select legal_entity, branch from bill where id = $1`, billID).Scan(&entity, &branch); err != nil {
			return fmt.Errorf("read seller: %w", err)
		}
	}
	w.branch, w.seller.id = branch, entity
	if err := tx.QueryRow(ctx, `select is_default from legal_entity where id = $1`, entity).Scan(&w.seller.isDefault); err != nil {
		return fmt.Errorf("read seller: %w", err)
	}
	return nil
}

// repeatedNote finds the note of a repeated command; nil where there is none.
func repeatedNote(ctx context.Context, tx tenant.Tx, id, billID uuid.UUID, kind Kind) (*Note, error) {
	n, err := GetNote(ctx, tx, id)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if n.Kind != kind || n.Corrects != billID {
		return nil, fmt.Errorf("%s %s: %w", n.Kind, n.Number, ErrNoteID)
	}
	return &n, nil
}

// noteOf makes the document one that corrects another: it has its parties,
// period and way to write prices.
func (w *noteWriter) noteOf(d Document) {
	id, kind, reason := w.doc.ID, w.doc.Kind, w.doc.Reason
	w.doc = d
	w.doc.ID, w.doc.Kind, w.doc.Reason, w.doc.State = id, kind, reason, Final
	w.doc.Corrects = &Corrected{ID: d.ID, Number: d.Number, Issued: d.Issued}
	w.doc.Lines, w.doc.Taxes, w.doc.Notes, w.doc.Withheld, w.doc.Quote, w.doc.Rounding = nil, nil, nil, nil, nil, money.Zero(d.Currency)
	w.doc.PaidBefore, w.doc.Due = money.Zero(d.Currency), money.Zero(d.Currency)
}

// sum adds up the lines: by rate, in the order and by the names of the bill's
// own taxes. Where several taxes are on a line each has its share of the bill's.
func (w *noteWriter) sum(bill Document) error {
	d := &w.doc
	net, part := money.Zero(d.Currency), money.Zero(d.Currency)
	for first := 0; first < len(bill.Taxes); {
		group := bill.groupFrom(first)
		first += len(group)
		base, sum, found := money.Decimal{}, money.Decimal{}, false
		for _, l := range d.Lines {
			if of := bill.GroupOf(l); len(of) > 0 && of[0].Position == group[0].Position && of[0].Category == group[0].Category && of[0].Percent.Equal(group[0].Percent) {
				base, sum, found = base.Add(l.Net.Decimal()), sum.Add(l.Tax.Decimal()), true
			}
		}
		if !found {
			continue
		}
		shares, err := shareTaxes(group, money.New(sum, d.Currency))
		if err != nil {
			return err
		}
		before := money.New(base, d.Currency)
		for i, t := range group {
			t.Base, t.Tax = money.New(base, d.Currency), shares[i]
			if t.OnEarlier {
				t.Base = before
			}
			before = money.New(before.Decimal().Add(t.Tax.Decimal()), d.Currency)
			d.Taxes = append(d.Taxes, t)
		}
		net, part = money.New(net.Decimal().Add(base), d.Currency), money.New(part.Decimal().Add(sum), d.Currency)
	}
	d.Net, d.Tax, d.Total = net, part, money.New(net.Decimal().Add(part.Decimal()), d.Currency)
	return nil
}

// groupFrom is the group of taxes that begins at a place.
func (d *Document) groupFrom(first int) []TaxLine {
	end := first + 1
	for end < len(d.Taxes) && d.Taxes[first].Group > 0 && d.Taxes[end].Group == d.Taxes[first].Group {
		end++
	}
	return d.Taxes[first:end]
}

// shareTaxes shares a group's tax over its taxes as the bill had them.
func shareTaxes(group []TaxLine, sum money.Amount) ([]money.Amount, error) {
	weights, none := make([]money.Decimal, len(group)), true
	for i, t := range group {
		weights[i] = t.Tax.Decimal().Abs()
		none = none && weights[i].IsZero()
	}
	if len(group) == 1 || none {
		shares := make([]money.Amount, len(group))
		for i := range shares {
			shares[i] = money.Zero(sum.Currency())
		}
		shares[0] = sum
		return shares, nil
	}
	return sum.Split(weights, sum.Currency().DocumentDigits())
}

func (w *noteWriter) event(kind ledger.EventKind, id uuid.UUID) ledger.Event {
	return ledger.Event{Kind: kind, ID: id, At: w.at, LegalEntity: w.seller.id, Branch: w.branch}
}

// issue numbers the document and stores it as final. The series' lock is held
// for the document's own rows only.
func (w *noteWriter) issue(ctx context.Context, tx tenant.Tx) error {
	closed := w.profile.LocalDate(w.at)
	s := Series{w.seller.id, w.doc.Kind, closed.Year}
	taken, err := take(ctx, tx, s, 1, closed)
	if err != nil {
		return err
	}
	w.doc.Number, w.doc.Issued, w.doc.DueDate = w.numbers.text(w.seller, s, taken.first), taken.issued, taken.issued
	w.doc.Reference = w.doc.Number
	if w.doc.Kind.asks() {
		w.doc.DueDate = taken.issued.AddDays(w.profile.PaymentTermDays)
	}
	return w.store(ctx, tx, s.Year, taken.first)
}

const insertDocument = `
	insert into bill (id, account_id, kind, state, series_year, series_no, number, cycle_start, cycle_end, issue_date, due_date, currency,
	                  net, tax, rounding, total, paid_before, due, facts, legal_entity, branch, closed_at, corrects)
	values ($1, $2, $3, 'final', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)`

func (w *noteWriter) store(ctx context.Context, tx tenant.Tx, year int, no int64) error {
	d := &w.doc
	facts, err := json.Marshal(factsOf(*d))
	if err != nil {
		return fmt.Errorf("facts of %s: %w", d.Number, err)
	}
	var corrects *uuid.UUID
	if d.Corrects != nil {
		corrects = &d.Corrects.ID
	}
	var batch pgx.Batch
	batch.Queue(insertDocument, d.ID, w.account.ID, d.Kind, year, no, d.Number, d.Period.From, d.Period.To, d.Issued, d.DueDate, d.Currency,
		d.Net.Decimal(), d.Tax.Decimal(), d.Rounding.Decimal(), d.Total.Decimal(), d.PaidBefore.Decimal(), d.Due.Decimal(), facts, w.seller.id, w.branch, w.at, corrects)
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("store %s: %w", d.Number, noteRefusal(err))
	}
	rows := newDetailRows(1, len(d.Lines))
	rows.add(d)
	if err := rows.write(ctx, tx); err != nil {
		return fmt.Errorf("store %s: %w", d.Number, err)
	}
	return nil
}

// noteRefusal names the refusal of an id that another document has.
func noteRefusal(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23505" && pg.ConstraintName == "bill_pkey" {
		return ErrNoteID
	}
	return err
}

// note tells what was written.
func (w *noteWriter) note(applied money.Decimal) Note {
	d := &w.doc
	n := Note{
		Bill: Bill{ID: d.ID, AccountID: w.account.ID, Kind: d.Kind, State: Final, Number: d.Number, Cycle: d.Period, Issued: d.Issued, DueDate: d.DueDate,
			Total: d.Total, PaidBefore: d.PaidBefore, Due: d.Due, Open: d.Due, ClosedAt: w.at},
		Applied: money.New(applied, d.Currency), Credit: money.Zero(d.Currency), Reason: d.Reason,
	}
	if d.Kind == KindCreditNote {
		n.Credit = money.New(d.Total.Decimal().Sub(applied), d.Currency)
	}
	if d.Corrects != nil {
		n.Corrects = d.Corrects.ID
	}
	return n
}

// told is the note of a repeated command, or none.
func (w *noteWriter) told(known *Note) Note {
	if known == nil {
		return Note{}
	}
	return *known
}

// tell tells programs of others of the document, and of what it does to the
// bill that it corrects.
func (w *noteWriter) tell(ctx context.Context, tx tenant.Tx) error {
	if err := RecordEvent(ctx, tx, event.BillFinalized, nil, w.doc.ID); err != nil || w.doc.Corrects == nil {
		return err
	}
	what := event.BillCredited
	if w.doc.Kind == KindDebitNote {
		what = event.BillDebited
	}
	return RecordEvent(ctx, tx, what, func(d *event.BillData) {
		d.NoteID, d.NoteNumber, d.NoteTotal = &w.doc.ID, w.doc.Number, &w.doc.Total
	}, w.doc.Corrects.ID)
}

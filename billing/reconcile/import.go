package reconcile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/bank"
	"tollhouse/billing/bank/statement"
	"tollhouse/billing/calendar"
	"tollhouse/billing/debit"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

var (
	// ErrNotFound means that there is no such statement, entry or payout.
	ErrNotFound = errors.New("no such statement or entry")
	// ErrEntryState means that an entry was decided on already, or was not.
	ErrEntryState = errors.New("the entry's state does not allow that")
	// ErrParts means that what is to be made of an entry does not sum to it.
	ErrParts = errors.New("the parts do not make up the entry")
	// ErrForm means that no form of statements has this name.
	ErrForm = errors.New("no form of statements has this name")
)

// Desk reads statements and books what they tell.
type Desk struct {
	Record debit.Record // books a payment with all that follows from it
}

// Balance is a statement held against its entries and our books.
type Balance struct {
	Entries    money.Decimal  `json:"entries"`              // what they sum to
	Expected   *money.Decimal `json:"expected,omitempty"`   // opening and entries; nil: no balances in the file
	Repeated   int            `json:"repeated,omitempty"`   // entries that another statement had already
	Difference *money.Decimal `json:"difference,omitempty"` // of closing from expected
}

// Statement is one that was read.
type Statement struct {
	ID               uuid.UUID
	Account          string
	Reference        string
	Format           string
	Currency         money.Currency
	From, To         calendar.Date
	Opening, Closing *money.Decimal
	Balance          Balance
	Entries          int
	Unclear          int
	FileName         string
	ImportedBy       string
	ImportedAt       time.Time
}

// Upload is a file that somebody brings.
type Upload struct {
	Name string
	Form string // of delimited files, by the operator's name for it; empty: camt
	By   string
}

// Parse reads a file as it says it is.
func Parse(ctx context.Context, tx tenant.Tx, u Upload, file io.Reader) ([]statement.Statement, error) {
	if u.Form == "" {
		return statement.ReadCamt(file)
	}
	laid, err := payment.GetPolicy(ctx, tx)
	if err != nil {
		return nil, err
	}
	form, known := laid.Delimited[u.Form]
	if !known {
		return nil, fmt.Errorf("%w: %q", ErrForm, u.Form)
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return nil, err
	}
	read, err := FormOf(form, profile.Currency)
	if err != nil {
		return nil, err
	}
	s, err := statement.ReadDelimited(file, read)
	return []statement.Statement{s}, err
}

// FormOf is a declared form as files are read by it. own is the operator's
// currency, for a form that names none.
func FormOf(d payment.Delimited, own money.Currency) (f statement.Form, err error) {
	currency := own
	if d.Currency != "" {
		if currency, err = money.ParseCurrency(d.Currency); err != nil {
			return f, err
		}
	}
	return statement.Form{Separator: []rune(d.Separator)[0], Skip: d.Skip, Date: d.Date, Comma: d.Comma, Account: d.Account, Currency: currency, Day: d.Columns.Date,
		Amount: d.Columns.Amount, Debit: d.Columns.Debit, Party: d.Columns.Party, IBAN: d.Columns.IBAN, Text: d.Columns.Text, Reference: d.Columns.Reference}, nil
}

// Import keeps a statement and books what is sure. One that was read before is
// returned as it is; entries that another statement had are passed over.
func (d *Desk) Import(ctx context.Context, tx tenant.Tx, s statement.Statement, u Upload) (Statement, error) {
	if known, err := oneStatement(ctx, tx, `where s.account = $1 and s.reference = $2`, s.Account, s.ID); err == nil {
		return known, nil
	} else if !errors.Is(err, ErrNotFound) {
		return Statement{}, err
	}
	balance := Balance{Entries: s.Sum()}
	if s.Opening != nil && s.Closing != nil {
		expected := s.Opening.Add(balance.Entries)
		difference := s.Closing.Sub(expected)
		balance.Expected, balance.Difference = &expected, &difference
	}
	id := uuid.Must(uuid.NewV7())
	tag, err := tx.Exec(ctx, `
		insert into bank_statement (id, account, reference, format, currency, day_from, day_to, opening, closing, balance, entries, file_name, legal_entity, imported_by, imported_at)
		select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, l.id, $13, $14
		  from legal_entity l where l.is_default`,
		id, s.Account, s.ID, s.Format, s.Currency, s.From, s.To, s.Opening, s.Closing, balance, len(s.Entries), u.Name, u.By, tx.At)
	if err == nil && tag.RowsAffected() != 1 {
		err = account.ErrNotSetUp
	}
	if err != nil {
		return Statement{}, fmt.Errorf("keep statement %s: %w", s.ID, err)
	}
	entries, repeated, err := keep(ctx, tx, id, s)
	if err != nil {
		return Statement{}, err
	}
	if repeated > 0 {
		balance.Repeated = repeated
		if _, err := tx.Exec(ctx, `update bank_statement set balance = $2 where id = $1`, id, balance); err != nil {
			return Statement{}, fmt.Errorf("keep statement %s: %w", s.ID, err)
		}
	}
	if err := d.match(ctx, tx, entries); err != nil {
		return Statement{}, fmt.Errorf("match statement %s: %w", s.ID, err)
	}
	return oneStatement(ctx, tx, `where s.id = $1`, id)
}

func keep(ctx context.Context, tx tenant.Tx, id uuid.UUID, s statement.Statement) (entries []Entry, repeated int, err error) {
	for n, e := range s.Entries {
		one := Entry{ID: uuid.Must(uuid.NewV7()), StatementID: id, Account: s.Account, No: n + 1, Ref: e.Ref, Booked: e.Booked, Amount: money.New(e.Amount, s.Currency), Kind: string(e.Kind),
			Party: cut(e.Party, 140), IBAN: cut(e.IBAN, 40), Structured: cut(e.Structured, 60), EndToEnd: cut(e.EndToEnd, 60), Batch: cut(e.Batch, 60), Reason: cut(e.Reason, 20), Text: cut(e.Text, 500), State: Unclear}
		tag, err := tx.Exec(ctx, `
			insert into bank_entry (id, statement_id, account, no, ref, booked_on, amount, currency, kind, party, party_iban, structured, end_to_end, batch, reason, text, state)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 'unclear')
			on conflict (account, ref) do nothing`,
			one.ID, id, one.Account, one.No, one.Ref, one.Booked, e.Amount, s.Currency, one.Kind, one.Party, one.IBAN, one.Structured, one.EndToEnd, one.Batch, one.Reason, one.Text)
		if err != nil {
			return nil, 0, fmt.Errorf("keep entry %d: %w", n+1, err)
		}
		if tag.RowsAffected() == 0 {
			repeated++
			continue
		}
		entries = append(entries, one)
	}
	return entries, repeated, nil
}

func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}

const selectStatement = `select s.id, s.account, s.reference, s.format, s.currency, s.day_from, s.day_to, s.opening, s.closing, s.balance, s.entries,
	(select count(*) from bank_entry e where e.statement_id = s.id and e.state = 'unclear'), s.file_name, s.imported_by, s.imported_at from bank_statement s `

func statements(ctx context.Context, tx tenant.Tx, where string, args ...any) ([]Statement, error) {
	rows, err := tx.Query(ctx, selectStatement+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read statements: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Statement, err error) {
		err = row.Scan(&s.ID, &s.Account, &s.Reference, &s.Format, &s.Currency, &s.From, &s.To, &s.Opening, &s.Closing, &s.Balance, &s.Entries, &s.Unclear, &s.FileName, &s.ImportedBy, &s.ImportedAt)
		s.ImportedAt = s.ImportedAt.UTC()
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("read statements: %w", err)
	}
	return found, nil
}

func oneStatement(ctx context.Context, tx tenant.Tx, where string, args ...any) (Statement, error) {
	found, err := statements(ctx, tx, where, args...)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Statement{}, err
	}
	return found[0], nil
}

// Statements lists the newest.
func Statements(ctx context.Context, tx tenant.Tx, limit int) ([]Statement, error) {
	return statements(ctx, tx, `order by s.imported_at desc, s.id desc limit $1`, min(max(limit, 1), 200))
}

// GetStatement reads one; ErrNotFound.
func GetStatement(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Statement, error) {
	return oneStatement(ctx, tx, `where s.id = $1`, id)
}

// Books is the ledger's bank account beside what the bank says.
type Books struct {
	Ledger  money.Amount // what the ledger's bank account holds
	Bank    *money.Amount
	Unclear money.Amount // entries that nobody has decided on
	// Difference of both, without the unclear: what came to the ledger without a
	// statement, or what stood on the account before the first.
	Difference *money.Amount
}

// HoldAgainstLedger compares the newest closing balances with the ledger.
func HoldAgainstLedger(ctx context.Context, tx tenant.Tx, c money.Currency) (b Books, err error) {
	var held, unclear money.Decimal
	var closing *money.Decimal
	err = tx.QueryRow(ctx, `
		select coalesce((select sum(amount) from ledger_transfer where debit = 'bank' and unit = $1), 0)
		     - coalesce((select sum(amount) from ledger_transfer where credit = 'bank' and unit = $1), 0),
		       coalesce((select sum(amount) from bank_entry where state in ('unclear', 'ignored') and currency = $1), 0),
		       (select sum(n.closing) from (select distinct on (account) closing from bank_statement
		           where closing is not null and currency = $1 order by account, day_to desc, imported_at desc) n)`, c.Code()).Scan(&held, &unclear, &closing)
	if err != nil {
		return b, fmt.Errorf("hold the bank against the ledger: %w", err)
	}
	b.Ledger, b.Unclear = money.New(held, c), money.New(unclear, c)
	if closing != nil {
		at, difference := money.New(*closing, c), money.New(closing.Sub(held).Sub(unclear), c)
		b.Bank, b.Difference = &at, &difference
	}
	return b, nil
}

// seller reads whose books a general posting belongs to.
func seller(ctx context.Context, tx tenant.Tx, kind ledger.EventKind, id uuid.UUID) (ledger.Event, error) {
	e := ledger.Event{Kind: kind, ID: id, At: tx.At}
	err := tx.QueryRow(ctx, `select b.legal_entity, b.id from branch b where b.is_default`).Scan(&e.LegalEntity, &e.Branch)
	if errors.Is(err, pgx.ErrNoRows) {
		return e, account.ErrNotSetUp
	}
	return e, err
}

// tokens are what of a text may be a number of ours, without what people put
// between.
func tokens(e Entry) (all []string) {
	seen := map[string]bool{}
	add := func(text string) {
		if text = plainNumber(text); len(text) >= 3 && len(text) <= 40 && !seen[text] {
			seen[text], all = true, append(all, text)
		}
	}
	if bank.ValidReference(e.Structured) {
		add(bank.Plain(e.Structured)[4:])
	}
	for _, text := range []string{e.Text, e.EndToEnd, e.Structured} {
		for _, word := range words(text) {
			add(word)
			if bank.ValidReference(word) {
				add(bank.Plain(word)[4:])
			}
		}
	}
	return all
}

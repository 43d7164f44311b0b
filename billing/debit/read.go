package debit

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/bank/pain"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tell"
	"tollhouse/billing/tenant"
)

const selectRun = `select id, message_id, version, state, collect_on, count, total, currency, creditor, created_by, created_at, sent_at from debit_run `

func scanRun(row pgx.CollectableRow) (r Run, err error) {
	var total money.Decimal
	var currency money.Currency
	err = row.Scan(&r.ID, &r.MessageID, &r.Version, &r.State, &r.CollectOn, &r.Count, &total, &currency, &r.Creditor, &r.CreatedBy, &r.CreatedAt, &r.SentAt)
	r.Total, r.CreatedAt = money.New(total, currency), r.CreatedAt.UTC()
	return r, err
}

func runs(ctx context.Context, tx tenant.Tx, where string, args ...any) ([]Run, error) {
	rows, err := tx.Query(ctx, selectRun+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read collections: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanRun)
	if err != nil {
		return nil, fmt.Errorf("read collections: %w", err)
	}
	return found, nil
}

// Runs lists the newest collections.
func Runs(ctx context.Context, tx tenant.Tx, limit int) ([]Run, error) {
	return runs(ctx, tx, `order by created_at desc, id desc limit $1`, min(max(limit, 1), 200))
}

// GetRun reads a collection; ErrNotFound if there is none.
func GetRun(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Run, error) {
	found, err := runs(ctx, tx, `where id = $1`, id)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Run{}, err
	}
	return found[0], nil
}

// Debit is one collection from an account.
type Debit struct {
	ID            uuid.UUID
	RunID         uuid.UUID
	AccountID     uuid.UUID
	AccountNumber string
	Name          string
	MethodID      uuid.UUID
	EndToEnd      string
	Sequence      string
	Scheme        string
	Amount        money.Amount
	State         string
	PaymentID     *uuid.UUID
	Reason        string
	Attempt       int
	CreatedAt     time.Time
	items         []itemPart
}

const selectDebit = `select d.id, d.run_id, d.account_id, a.number, p.name, d.method_id, d.end_to_end, d.sequence, d.scheme, d.amount, d.currency, d.state, d.payment_id, d.reason,
	d.attempt, d.created_at, d.items
	from debit d join billing_account a on a.id = d.account_id join party p on p.id = a.party_id `

func debits(ctx context.Context, tx tenant.Tx, where string, args ...any) ([]Debit, error) {
	rows, err := tx.Query(ctx, selectDebit+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read debits: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Debit, err error) {
		var amount money.Decimal
		var currency money.Currency
		err = row.Scan(&d.ID, &d.RunID, &d.AccountID, &d.AccountNumber, &d.Name, &d.MethodID, &d.EndToEnd, &d.Sequence, &d.Scheme, &amount, &currency, &d.State, &d.PaymentID, &d.Reason,
			&d.Attempt, &d.CreatedAt, &d.items)
		d.Amount, d.CreatedAt = money.New(amount, currency), d.CreatedAt.UTC()
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("read debits: %w", err)
	}
	return found, nil
}

// Of lists the debits of a collection.
func Of(ctx context.Context, tx tenant.Tx, run uuid.UUID) ([]Debit, error) {
	return debits(ctx, tx, `where d.run_id = $1 order by d.id`, run)
}

// OfAccount lists the newest debits of an account.
func OfAccount(ctx context.Context, tx tenant.Tx, id uuid.UUID, limit int) ([]Debit, error) {
	return debits(ctx, tx, `where d.account_id = $1 order by d.created_at desc, d.id desc limit $2`, id, min(max(limit, 1), 200))
}

// ByEndToEnd finds a debit by the reference that banks carry; ErrNotFound.
func ByEndToEnd(ctx context.Context, tx tenant.Tx, ref string) (Debit, error) {
	found, err := debits(ctx, tx, `where d.end_to_end = $1`, ref)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Debit{}, err
	}
	return found[0], nil
}

// File writes the collection for the bank. From then on it counts as sent.
func (d *Desk) File(ctx context.Context, tx tenant.Tx, run uuid.UUID, w io.Writer) error {
	r, err := GetRun(ctx, tx, run)
	if err != nil {
		return err
	}
	if r.State == Cancelled {
		return fmt.Errorf("%w: it was cancelled", ErrRunState)
	}
	list, err := Of(ctx, tx, run)
	if err != nil {
		return err
	}
	c := pain.Collection{Version: r.Version, MessageID: r.MessageID, Created: r.CreatedAt, On: r.CollectOn, Creditor: r.Creditor}
	for _, one := range list {
		if one.State == "cancelled" {
			continue
		}
		line, err := d.line(ctx, tx, one)
		if err != nil {
			return err
		}
		c.Debits = append(c.Debits, line)
	}
	if r.State == Made {
		if _, err := tx.Exec(ctx, `update debit_run set state = 'sent', sent_at = $2 where id = $1 and state = 'made'`, run, tx.At); err != nil {
			return fmt.Errorf("send collection: %w", err)
		}
	}
	return c.Write(w)
}

func (d *Desk) line(ctx context.Context, tx tenant.Tx, one Debit) (pain.Debit, error) {
	m, err := payment.GetMethod(ctx, tx, one.MethodID)
	if err != nil {
		return pain.Debit{}, err
	}
	var sealed []byte
	if err := tx.QueryRow(ctx, `select iban from payment_method where id = $1 and iban is not null`, m.ID).Scan(&sealed); err != nil {
		return pain.Debit{}, fmt.Errorf("account number of mandate %s: %w", m.MandateReference, err)
	}
	iban, err := d.Seal.Unseal(payment.SealName(m.ID), sealed)
	if err != nil {
		return pain.Debit{}, fmt.Errorf("account number of mandate %s: %w", m.MandateReference, err)
	}
	numbers := make([]string, len(one.items))
	for i, item := range one.items {
		numbers[i] = item.Number
	}
	line := pain.Debit{EndToEnd: one.EndToEnd, Amount: one.Amount, Mandate: m.MandateReference, Signed: *m.MandateDate, Sequence: one.Sequence, Scheme: one.Scheme, Name: m.Holder, IBAN: string(iban),
		BIC: m.BIC, Text: strings.Join(numbers, " ")}
	for _, a := range m.Details.Amendments {
		if line.OldMandate == "" {
			line.OldMandate = a.OldReference
		}
		line.OtherIBAN, line.OldCreditor = line.OtherIBAN || a.OtherAccount, line.OldCreditor+a.OldCreditor
	}
	return line, nil
}

// Cancel ends a collection whose file was not sent.
func Cancel(ctx context.Context, tx tenant.Tx, run uuid.UUID) error {
	tag, err := tx.Exec(ctx, `update debit_run set state = 'cancelled' where id = $1 and state = 'made'`, run)
	if err != nil {
		return fmt.Errorf("cancel collection: %w", err)
	}
	if tag.RowsAffected() == 0 {
		r, err := GetRun(ctx, tx, run)
		if err != nil || r.State == Cancelled {
			return err
		}
		return fmt.Errorf("%w: it is %s", ErrRunState, r.State)
	}
	_, err = tx.Exec(ctx, `update debit set state = 'cancelled', ended_at = $2 where run_id = $1 and state = 'pending'`, run, tx.At)
	if err != nil {
		return fmt.Errorf("cancel collection: %w", err)
	}
	return nil
}

// announce tells a payer before the day.
func announce(ctx context.Context, tx tenant.Tx, r Run, c candidate) error {
	return tell.Account(ctx, tx, c.account, announced, func(to tell.Reader) []string {
		return []string{"amount", to.Money(money.New(c.total, r.Total.Currency())), "day", to.FormatDate(r.CollectOn), "account", c.method.MaskedIBAN,
			"mandate", c.method.MandateReference, "creditor", r.Creditor.ID}
	})
}

var announced = tell.Wordings{
	"en": {Subject: "We will collect {amount} on {day}", Body: "On {day} we will collect {amount} from your account {account} by direct debit. Mandate {mandate}, our creditor identifier {creditor}."},
	"id": {Subject: "Kami akan menagih {amount} pada {day}", Body: "Pada {day} kami akan menagih {amount} dari rekening Anda {account} dengan debit langsung. Mandat {mandate}, identitas kreditur kami {creditor}."},
	"ru": {Subject: "{day} мы спишем {amount}", Body: "{day} мы спишем {amount} с вашего счёта {account} прямым дебетом. Мандат {mandate}, наш идентификатор кредитора {creditor}."},
}

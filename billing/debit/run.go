package debit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/bank/pain"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// RunState is how far a file of debits has come.
type RunState string

// States of a run.
const (
	Made      RunState = "made"
	Sent      RunState = "sent"
	Done      RunState = "done"
	Cancelled RunState = "cancelled"
)

var (
	// ErrRunState is returned for a move the table does not allow.
	ErrRunState = errors.New("the collection can't move there")
	// ErrNothingDue means that no account with a mandate owes anything by the day.
	ErrNothingDue = errors.New("nothing is to be collected by that day")
	// ErrNotFound means that there is no such collection or debit.
	ErrNotFound = errors.New("no such collection")
	// ErrDay means a day on which the bank can't collect any more.
	ErrDay = errors.New("the day is too early, or money does not move on it")
)

// Run is a file of debits.
type Run struct {
	ID        uuid.UUID
	MessageID string
	Version   string
	State     RunState
	CollectOn calendar.Date
	Count     int
	Total     money.Amount
	Creditor  pain.Creditor
	CreatedBy string
	CreatedAt time.Time
	SentAt    *time.Time
}

// NewRun asks for a collection.
type NewRun struct {
	ID        uuid.UUID     // of the command
	CollectOn calendar.Date // zero: the first day that can be
	By        string
}

// candidate is an account to collect from.
type candidate struct {
	account uuid.UUID
	method  payment.StoredMethod
	items   []itemPart
	total   money.Decimal
	attempt int
}

// itemPart is an open item that a debit is for.
type itemPart struct {
	Item   uuid.UUID     `json:"item"`
	Number string        `json:"number"`
	Amount money.Decimal `json:"amount"`
}

// Earliest is the first day on which a collection that is made today can be: the
// payer is told in time, the bank gets the file in time, and money moves.
func Earliest(today calendar.Date, p payment.DebitPolicy) calendar.Date {
	by := pain.AddBusinessDays(today, p.LeadDays)
	if told := today.AddDays(p.NoticeDays); told.After(by) {
		by = told
	}
	return pain.NextBusinessDay(by)
}

// most bounds a file.
const most = 20_000

// Make collects what is open and due by a day from every account with a mandate
// that can be used, and tells the payers. ErrNoCreditor, ErrDay and
// ErrNothingDue refuse it; the same id again gives the same run.
func (d *Desk) Make(ctx context.Context, tx tenant.Tx, n NewRun) (Run, error) {
	if known, err := GetRun(ctx, tx, n.ID); err == nil {
		return known, nil
	}
	laid, err := payment.GetPolicy(ctx, tx)
	if err != nil {
		return Run{}, err
	}
	if laid.Debit.CreditorID == "" {
		return Run{}, ErrNoCreditor
	}
	zone, err := ledger.Zone(ctx, tx)
	if err != nil {
		return Run{}, err
	}
	today := calendar.DateOf(tx.At, zone)
	earliest := Earliest(today, laid.Debit)
	if n.CollectOn.IsZero() {
		n.CollectOn = earliest
	}
	if n.CollectOn.Before(earliest) || !pain.BusinessDay(n.CollectOn) {
		return Run{}, fmt.Errorf("%w: the first is %s", ErrDay, earliest)
	}
	found, err := candidates(ctx, tx, n.CollectOn, laid.Debit.Retries)
	if err != nil {
		return Run{}, err
	}
	if len(found) == 0 {
		return Run{}, ErrNothingDue
	}
	return d.write(ctx, tx, n, laid.Debit, found)
}

const selectCandidates = `
	select m.id, a.id, sum(o.open),
	       json_agg(json_build_object('item', o.id, 'number', coalesce(b.number, o.number), 'amount', o.open::text) order by o.due_date, o.id),
	       (select count(*) from debit x where x.account_id = a.id and x.state = 'returned'
	           and x.created_at > coalesce((select max(y.created_at) from debit y where y.account_id = a.id and y.state = 'collected'), '-infinity'))
	  from payment_method m
	  join billing_account a on a.id = m.account_id
	  join open_item o on o.account_id = a.id and o.open > 0 and o.due_date <= $1
	  left join bill b on b.id = o.bill_id
	 where m.kind = 'sepa_debit' and m.state = 'active' and m.auto_pay and m.iban is not null and a.currency = 'EUR'
	   and not exists (select from debit p where p.account_id = a.id and p.state = 'pending')
	   and m.id = (select x.id from payment_method x where x.account_id = a.id and x.kind = 'sepa_debit' and x.state = 'active' and x.auto_pay and x.iban is not null
	                order by x.created_at desc, x.id desc limit 1)
	 group by m.id, a.id
	 order by a.id
	 limit $2`

func candidates(ctx context.Context, tx tenant.Tx, on calendar.Date, retries int) (all []candidate, err error) {
	rows, err := tx.Query(ctx, selectCandidates, on, most)
	if err != nil {
		return nil, fmt.Errorf("find what to collect: %w", err)
	}
	type row struct {
		method, account uuid.UUID
		total           money.Decimal
		items           []itemPart
		returned        int
	}
	found, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (one row, err error) {
		err = r.Scan(&one.method, &one.account, &one.total, &one.items, &one.returned)
		return one, err
	})
	if err != nil {
		return nil, fmt.Errorf("find what to collect: %w", err)
	}
	for _, one := range found {
		m, err := payment.GetMethod(ctx, tx, one.method)
		if err != nil {
			return nil, err
		}
		if Lapsed(m, on) || one.returned > retries {
			continue
		}
		all = append(all, candidate{one.account, m, one.items, one.total, one.returned + 1})
	}
	return all, nil
}

func (d *Desk) write(ctx context.Context, tx tenant.Tx, n NewRun, p payment.DebitPolicy, found []candidate) (Run, error) {
	for _, c := range found { // in the order of their ids
		if _, err := account.Lock(ctx, tx, c.account); err != nil {
			return Run{}, err
		}
	}
	eur := money.MustCurrency("EUR")
	r := Run{ID: n.ID, MessageID: "TH" + strings.ToUpper(strings.ReplaceAll(n.ID.String(), "-", ""))[:30], Version: p.Version, State: Made, CollectOn: n.CollectOn, Count: len(found),
		Creditor: pain.Creditor{Name: p.Name, ID: p.CreditorID, IBAN: p.IBAN, BIC: p.BIC}, CreatedBy: n.By, CreatedAt: tx.At}
	var total money.Decimal
	rows := make([][]any, len(found))
	for i, c := range found {
		sequence := "RCUR"
		if c.method.UsedAt == nil {
			sequence = "FRST"
		}
		total = total.Add(c.total)
		id := uuid.Must(uuid.NewV7())
		rows[i] = []any{id, r.ID, c.account, c.method.ID, strings.ToUpper(strings.ReplaceAll(id.String(), "-", "")), sequence, cmp.Or(c.method.Details.Scheme, pain.Core), c.total, "EUR", "pending", c.items, c.attempt, tx.At}
	}
	r.Total = money.New(total, eur)
	_, err := tx.Exec(ctx, `
		insert into debit_run (id, message_id, version, state, collect_on, currency, count, total, creditor, legal_entity, created_by, created_at)
		select $1, $2, $3, $4, $5, $6, $7, $8, $9, l.id, $10, $11 from legal_entity l where l.is_default`,
		r.ID, r.MessageID, r.Version, r.State, r.CollectOn, "EUR", r.Count, total, r.Creditor, r.CreatedBy, tx.At)
	if err != nil {
		return Run{}, fmt.Errorf("make collection: %w", err)
	}
	columns := []string{"id", "run_id", "account_id", "method_id", "end_to_end", "sequence", "scheme", "amount", "currency", "state", "items", "attempt", "created_at"}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"debit"}, columns, pgx.CopyFromRows(rows)); err != nil {
		return Run{}, fmt.Errorf("make collection: %w", err)
	}
	for _, c := range found {
		if err := announce(ctx, tx, r, c); err != nil {
			return Run{}, err
		}
	}
	return r, nil
}

package collection

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/access"
	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// MaxPage bounds how many rows are read at once.
const MaxPage = 200

// BoardQuery chooses cases: those that are open, the most overdue first.
type BoardQuery struct {
	Ladder, Step string
	Level        access.Level
	Held         *Held
	DueOn        *calendar.Date // whose next step comes by then
	Risk, Tag    string         // of the account
	Party        account.PartyKind
	Text         string // part of the account's number or name
	Skip, Limit  int
}

// boardTables are what a query of the board looks at.
const boardTables = `dunning_case c join billing_account a on a.id = c.account_id join party p on p.id = a.party_id`

// where are the query's conditions with their values.
func (q BoardQuery) where() (where string, values []any) {
	conditions, args := []string{`c.state = 'open'`}, []any(nil)
	add := func(condition string, value any) {
		args = append(args, value)
		conditions = append(conditions, fmt.Sprintf(condition, len(args)))
	}
	if q.Ladder != "" {
		add(`c.ladder = $%d`, q.Ladder)
	}
	if q.Step != "" {
		add(`c.step = $%d`, strings.TrimPrefix(q.Step, "-"))
	}
	if q.Level != "" {
		add(`c.level = $%d`, string(q.Level))
	}
	if q.Held != nil {
		add(`c.held = $%d`, string(*q.Held))
	}
	if q.DueOn != nil {
		add(`c.next_on <= $%d and c.next_step <> ''`, *q.DueOn)
	}
	if q.Text != "" {
		add(`(a.number = $%[1]d or lower(p.name) like '%%' || lower($%[1]d) || '%%')`, q.Text)
	}
	if q.Risk != "" {
		add(`a.risk = $%d`, q.Risk)
	}
	if q.Tag != "" {
		add(`$%d = any (a.tags)`, q.Tag)
	}
	if q.Party != "" {
		add(`p.kind = $%d`, string(q.Party))
	}
	return strings.Join(conditions, " and "), args
}

// Row is a case on the board.
type Row struct {
	Case
	Number  string
	Name    string
	Days    int // overdue
	Balance money.Amount
}

// Board lists open cases.
func Board(ctx context.Context, tx tenant.Tx, q BoardQuery) ([]Row, error) {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return nil, err
	}
	where, args := q.where()
	rows, err := tx.Query(ctx, `select `+caseColumns+`, a.number, p.name, a.receivable from `+boardTables+`
		where `+where+fmt.Sprintf(` order by c.oldest_due, c.account_id limit %d offset %d`, min(max(q.Limit, 1), MaxPage), max(q.Skip, 0)), args...)
	if err != nil {
		return nil, fmt.Errorf("read board: %w", err)
	}
	today := profile.LocalDate(tx.At)
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Row, err error) {
		var owes money.Decimal
		err = row.Scan(append(r.scanInto(), &r.Number, &r.Name, &owes)...)
		r.OpenedAt, r.ReviewedAt, r.Balance = r.OpenedAt.UTC(), r.ReviewedAt.UTC(), money.New(owes, r.Currency)
		r.Days = r.OldestDue.DaysUntil(today)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("read board: %w", err)
	}
	return list, nil
}

// Column is how many cases stand at a step, and what is overdue there.
type Column struct {
	Ladder, Step string // no step: none was taken yet
	Level        access.Level
	Currency     money.Currency
	Cases        int
	Overdue      money.Decimal
}

// Age is what is owed by how long it is overdue.
type Age struct {
	From, To int // days; To 0: any more
	Currency money.Currency
	Accounts int
	Items    int
	Open     money.Decimal
}

// Coming is what comes on a day if nothing is paid.
type Coming struct {
	On       calendar.Date
	Step     string
	Currency money.Currency
	Cases    int
	Overdue  money.Decimal
}

// Overview are the figures of the board.
type Overview struct {
	Columns []Column
	Ages    []Age
	Coming  []Coming
}

const selectColumns = `select ladder, step, level, currency, count(*), sum(overdue) from dunning_case where state = 'open'
	group by ladder, step, level, currency order by ladder, level, step, currency`

// Not overdue is an age as well: all of it together is what is owed.
const selectAges = `
	select n.from_day, n.to_day, o.currency, count(distinct o.account_id), count(*), sum(o.open)
	from open_item o
	join (values (-1000000, 0), (1, 30), (31, 60), (61, 90), (91, 1000000)) as n (from_day, to_day) on $1::date - o.due_date between n.from_day and n.to_day
	where o.open > 0
	group by n.from_day, n.to_day, o.currency order by o.currency, n.from_day`

const selectComing = `select greatest(next_on, $1::date), next_step, currency, count(*), sum(overdue) from dunning_case
	where state = 'open' and next_step <> '' and held = '' and next_on <= $1::date + 30
	group by 1, next_step, currency order by 1, next_step, currency`

// Figures reads the board's figures. They agree with the open items: the ages
// are made of these.
func Figures(ctx context.Context, tx tenant.Tx) (o Overview, err error) {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return o, err
	}
	rows, err := tx.Query(ctx, selectColumns)
	if err == nil {
		o.Columns, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Column])
	}
	if err != nil {
		return o, fmt.Errorf("read columns: %w", err)
	}
	today := profile.LocalDate(tx.At)
	rows, err = tx.Query(ctx, selectAges, today)
	if err == nil {
		o.Ages, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Age])
	}
	if err != nil {
		return o, fmt.Errorf("read ages: %w", err)
	}
	for i := range o.Ages {
		a := &o.Ages[i]
		a.From = max(a.From, 0)
		if a.To == 1_000_000 {
			a.To = 0
		}
	}
	rows, err = tx.Query(ctx, selectComing, today)
	if err == nil {
		o.Coming, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Coming])
	}
	if err != nil {
		return o, fmt.Errorf("read what comes: %w", err)
	}
	return o, nil
}

// Taking is a step that was taken.
type Taking struct {
	ID      uuid.UUID
	CaseID  uuid.UUID
	ItemID  uuid.UUID
	Number  string // of the bill
	Step    string
	Action  Action
	Planned calendar.Date
	Done    calendar.Date
	At      time.Time
	Version int
	Open    string // of the debt then
	Fee     string
}

// Story is how an account was followed.
type Story struct {
	Cases        []Case
	Steps        []Taking
	Arrangements []Arrangement
}

// Tell reads an account's story, newest first.
func Tell(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (s Story, err error) {
	rows, err := tx.Query(ctx, `select `+caseColumns+` from dunning_case c where c.account_id = $1 order by c.opened_at desc, c.id limit $2`, accountID, MaxPage)
	if err == nil {
		s.Cases, err = pgx.CollectRows(rows, scanCase)
	}
	if err != nil {
		return s, fmt.Errorf("read cases: %w", err)
	}
	rows, err = tx.Query(ctx, `select s.id, s.case_id, s.item_id, coalesce(b.number, o.number), s.step, s.action, s.planned_on, s.done_on, s.done_at, s.version, s.detail
		from dunning_step s join open_item o on o.id = s.item_id left join bill b on b.id = o.bill_id
		where s.account_id = $1 order by s.done_at desc, s.id desc limit $2`, accountID, MaxPage)
	if err == nil {
		s.Steps, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (t Taking, err error) {
			var text json.RawMessage
			var d stepDetail
			err = row.Scan(&t.ID, &t.CaseID, &t.ItemID, &t.Number, &t.Step, &t.Action, &t.Planned, &t.Done, &t.At, &t.Version, &text)
			if err == nil {
				err = json.Unmarshal(text, &d)
			}
			t.At, t.Open, t.Fee = t.At.UTC(), d.Open, d.Fee
			return t, err
		})
	}
	if err != nil {
		return s, fmt.Errorf("read steps: %w", err)
	}
	rows, err = tx.Query(ctx, `select `+arrangementColumns+` from dunning_arrangement r where r.account_id = $1 order by r.created_at desc, r.id desc limit $2`, accountID, MaxPage)
	if err == nil {
		s.Arrangements, err = pgx.CollectRows(rows, scanArrangement)
	}
	if err != nil {
		return s, fmt.Errorf("read arrangements: %w", err)
	}
	return s, nil
}

// OpenCase reads the open case of an account; found is false where there is none.
func OpenCase(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (c Case, found bool, err error) {
	rows, err := tx.Query(ctx, `select `+caseColumns+` from dunning_case c where c.account_id = $1 and c.state = 'open'`, accountID)
	if err != nil {
		return Case{}, false, fmt.Errorf("read case: %w", err)
	}
	c, err = pgx.CollectExactlyOneRow(rows, scanCase)
	if errors.Is(err, pgx.ErrNoRows) {
		return Case{}, false, nil
	}
	return c, err == nil, err
}

// Standing is by what an account is told apart.
type Standing struct {
	Tags []string
	Risk string // low, normal or high
}

// maxTags and maxTag bound an account's tags.
const (
	maxTags = 20
	maxTag  = 40
)

// GetStanding reads an account's tags and risk.
func GetStanding(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (s Standing, err error) {
	err = tx.QueryRow(ctx, `select tags, risk from billing_account where id = $1`, accountID).Scan(&s.Tags, &s.Risk)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, fmt.Errorf("account %s: %w", accountID, ErrNotFound)
	}
	return s, err
}

// PutStanding changes an account's tags and risk; its ladder follows.
func (c *Collector) PutStanding(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, s Standing) error {
	if s.Risk != "low" && s.Risk != "normal" && s.Risk != "high" {
		return &account.FieldError{Field: "risk", Want: "low, normal or high"}
	}
	if len(s.Tags) > maxTags {
		return &account.FieldError{Field: "tags", Want: "at most 20 tags"}
	}
	for _, t := range s.Tags {
		if strings.TrimSpace(t) == "" || len(t) > maxTag {
			return &account.FieldError{Field: "tags", Want: "tags of 1 to 40 characters"}
		}
	}
	if _, err := account.Lock(ctx, tx, accountID); err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, `update billing_account set tags = $2, risk = $3 where id = $1`, accountID, append([]string{}, s.Tags...), s.Risk)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows written, want 1", tag.RowsAffected())
	}
	if err != nil {
		return fmt.Errorf("save standing of account %s: %w", accountID, err)
	}
	return c.Review(ctx, tx, accountID)
}

// HoldMany keeps steps back for many accounts; those that are held already stay so.
func (c *Collector) HoldMany(ctx context.Context, tx tenant.Tx, n NewHold, accounts ...uuid.UUID) (held int, err error) {
	for _, id := range accounts {
		one := n
		one.ID, one.AccountID, one.ItemID = uuid.NewSHA1(n.ID, id[:]), id, uuid.Nil
		_, err := c.Hold(ctx, tx, one)
		if errors.Is(err, ErrArranged) {
			continue
		}
		if err != nil {
			return held, err
		}
		held++
	}
	return held, nil
}

// HandedOver lists what was handed over to an agency, for its file.
type HandedOver struct {
	Number, Name, Email, Phone, Address, Bills string
	On, OldestDue                              calendar.Date
	Overdue                                    money.Amount
}

// ForAgency lists open cases that were handed over.
func ForAgency(ctx context.Context, tx tenant.Tx) ([]HandedOver, error) {
	rows, err := tx.Query(ctx, `
		select a.number, p.name, p.email, p.phone,
		       concat_ws(', ', p.address ->> 'street', p.address ->> 'postcode', p.address ->> 'city', p.address ->> 'country'),
		       coalesce((select string_agg(coalesce(b.number, o.number), ' ' order by o.due_date) from open_item o left join bill b on b.id = o.bill_id where o.account_id = a.id and o.open > 0), ''),
		       c.handed_over, c.oldest_due, c.overdue, c.currency
		from dunning_case c join billing_account a on a.id = c.account_id join party p on p.id = a.party_id
		where c.state = 'open' and c.handed_over is not null order by c.handed_over, a.number limit 10000`)
	if err != nil {
		return nil, fmt.Errorf("read what was handed over: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h HandedOver, err error) {
		var overdue money.Decimal
		var currency money.Currency
		err = row.Scan(&h.Number, &h.Name, &h.Email, &h.Phone, &h.Address, &h.Bills, &h.On, &h.OldestDue, &overdue, &currency)
		h.Overdue = money.New(overdue, currency)
		return h, err
	})
	if err != nil {
		return nil, fmt.Errorf("read what was handed over: %w", err)
	}
	return list, nil
}

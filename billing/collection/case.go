package collection

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/access"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// CaseState is how far a case is.
type CaseState string

// The states of a case.
const (
	Open   CaseState = "open"
	Closed CaseState = "closed"
)

// Case is an account that is followed for what is overdue.
type Case struct {
	ID         uuid.UUID
	AccountID  uuid.UUID
	State      CaseState
	Ladder     string
	Currency   money.Currency
	Overdue    money.Decimal
	OldestDue  calendar.Date
	Level      access.Level
	Step       string // the last one taken
	StepOn     *calendar.Date
	NextStep   string // that comes if nothing is paid
	NextOn     *calendar.Date
	Held       Held
	CutID      *uuid.UUID // of the suspension that stands
	CutOn      *calendar.Date
	HandedOver *calendar.Date
	OpenedAt   time.Time
	ReviewedAt time.Time
	ClosedAt   *time.Time
	ClosedWhy  string
}

// Errors of cases.
var (
	ErrNotFound = errors.New("no such account or case in collection")
	// ErrNoPolicy means that the operator has laid down no ladders.
	ErrNoPolicy = errors.New("no ladders are laid down")
)

const caseColumns = `c.id, c.account_id, c.state, c.ladder, c.currency, c.overdue, c.oldest_due, c.level, c.step, c.step_on, c.next_step, c.next_on, c.held,
	c.cut_id, c.cut_on, c.handed_over, c.opened_at, c.reviewed_at, c.closed_at, c.closed_why`

func (c *Case) scanInto() []any {
	return []any{&c.ID, &c.AccountID, &c.State, &c.Ladder, &c.Currency, &c.Overdue, &c.OldestDue, &c.Level, &c.Step, &c.StepOn, &c.NextStep, &c.NextOn, &c.Held,
		&c.CutID, &c.CutOn, &c.HandedOver, &c.OpenedAt, &c.ReviewedAt, &c.ClosedAt, &c.ClosedWhy}
}

func scanCase(row pgx.CollectableRow) (c Case, err error) {
	err = row.Scan(c.scanInto()...)
	c.OpenedAt, c.ReviewedAt = c.OpenedAt.UTC(), c.ReviewedAt.UTC()
	return c, err
}

const saveCases = `
	insert into dunning_case (id, account_id, state, ladder, currency, overdue, oldest_due, level, step, step_on, next_step, next_on, held, cut_id, cut_on, handed_over,
	                          opened_at, reviewed_at, closed_at, closed_why)
	select n.id, n.account_id, n.state, n.ladder, n.currency, n.overdue, n.oldest_due, n.level, n.step, n.step_on, n.next_step, n.next_on, n.held,
	       nullif(n.cut_id, '00000000-0000-0000-0000-000000000000'), n.cut_on, n.handed_over, $1::timestamptz, $1::timestamptz, case when n.state = 'closed' then $1::timestamptz end, n.closed_why
	from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::numeric[], $8::date[], $9::text[], $10::text[], $11::date[], $12::text[], $13::date[],
	            $14::text[], $15::uuid[], $16::date[], $17::date[], $18::text[])
	     as n (id, account_id, state, ladder, currency, overdue, oldest_due, level, step, step_on, next_step, next_on, held, cut_id, cut_on, handed_over, closed_why)
	order by n.account_id
	on conflict (id) do update set state = excluded.state, ladder = excluded.ladder, overdue = excluded.overdue, oldest_due = excluded.oldest_due, level = excluded.level,
	    step = excluded.step, step_on = excluded.step_on, next_step = excluded.next_step, next_on = excluded.next_on, held = excluded.held,
	    cut_id = excluded.cut_id, cut_on = excluded.cut_on, handed_over = excluded.handed_over, reviewed_at = excluded.reviewed_at,
	    closed_at = excluded.closed_at, closed_why = excluded.closed_why
	where dunning_case.state = 'open'`

// save stores cases as they stand now. Their accounts are locked.
func save(ctx context.Context, tx tenant.Tx, cases []*Case) error {
	if len(cases) == 0 {
		return nil
	}
	n := len(cases)
	ids, accounts, cuts := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]uuid.UUID, n)
	states, ladders, currencies, levels, steps := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	nexts, helds, whys := make([]string, n), make([]string, n), make([]string, n)
	overdue := make([]money.Decimal, n)
	oldest := make([]calendar.Date, n)
	stepsOn, nextsOn, cutsOn, handed := make([]*calendar.Date, n), make([]*calendar.Date, n), make([]*calendar.Date, n), make([]*calendar.Date, n)
	for i, c := range cases {
		ids[i], accounts[i], states[i], ladders[i], currencies[i] = c.ID, c.AccountID, string(c.State), c.Ladder, c.Currency.Code()
		overdue[i], oldest[i], levels[i], steps[i], stepsOn[i] = c.Overdue, c.OldestDue, string(c.Level), c.Step, c.StepOn
		nexts[i], nextsOn[i], helds[i], cutsOn[i], handed[i], whys[i] = c.NextStep, c.NextOn, string(c.Held), c.CutOn, c.HandedOver, c.ClosedWhy
		if c.CutID != nil {
			cuts[i] = *c.CutID
		}
	}
	tag, err := tx.Exec(ctx, saveCases, tx.At, ids, accounts, states, ladders, currencies, overdue, oldest, levels, steps, stepsOn, nexts, nextsOn, helds, cuts, cutsOn, handed, whys)
	if err == nil && int(tag.RowsAffected()) != n {
		err = fmt.Errorf("%d rows written, want %d", tag.RowsAffected(), n)
	}
	if err != nil {
		return fmt.Errorf("save cases: %w", err)
	}
	return nil
}

package collection

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/access"
	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/event"
	"tollhouse/billing/money"
	"tollhouse/billing/notice"
	"tollhouse/billing/tell"
	"tollhouse/billing/tenant"
)

// stepRow is a step taken for one debt.
type stepRow struct {
	id, caseID, account, item uuid.UUID
	step                      string
	action                    Action
	planned, done             calendar.Date
	version                   int
	detail                    stepDetail
}

// stepDetail is what is worth knowing of a step later.
type stepDetail struct {
	Open   string `json:"open"`             // of the debt then
	Number string `json:"number,omitempty"` // of the bill
	Fee    string `json:"fee,omitempty"`
}

// take takes the steps that are due: each once for all debts that it is due for.
// Of several that tell something only the last one speaks.
func (r *reviewer) take(c *Case, d *Debtor, v *verdict) {
	var said *Step
	for i := range v.steps {
		s := &v.steps[i]
		act := uuid.Must(uuid.NewV7())
		fee := s.step.Fee.In(d.Currency)
		for n, debt := range s.debts {
			row := stepRow{id: uuid.Must(uuid.NewV7()), caseID: c.ID, account: d.AccountID, item: debt.ItemID, step: s.step.Code, action: s.step.Action,
				planned: s.planned[n], done: r.today, version: r.policy.Version, detail: stepDetail{Open: debt.Open.String(), Number: debt.Number}}
			if n == 0 {
				row.id = act
				if fee.Sign() > 0 {
					row.detail.Fee = fee.String()
				}
			}
			r.steps = append(r.steps, row)
		}
		if fee.Sign() > 0 && d.Kind == account.Postpaid {
			r.items = append(r.items, bill.Item{Account: d.AccountID, Kind: bill.ItemLateFee, Code: "dunning." + s.step.Code, Words: feeWords, Price: money.New(fee, d.Currency),
				Cause: bill.Cause{Kind: "dunning_step", ID: act}, By: byDunning})
		}
		if s.step.Action == Agency {
			today := r.today
			c.HandedOver = &today
		}
		today := r.today
		c.Step, c.StepOn = s.step.Code, &today
		r.record(event.DunningStep, c, d, v, s.step.Code, "")
		if len(s.step.Channels) > 0 {
			said = s.step
		}
	}
	if said != nil {
		r.tell(d, v, said.template(), said.Channels, said.Fee.In(d.Currency))
	}
}

// byDunning is who acts.
const byDunning = "system:dunning"

var (
	feeWords       = map[string]string{"en": "Fee for a late payment", "id": "Biaya keterlambatan", "ru": "Плата за просрочку"}
	reconnectWords = map[string]string{"en": "Reconnection", "id": "Penyambungan kembali", "ru": "Повторное подключение"}
	creditWords    = map[string]string{"en": "Credit for suspended days", "id": "Kredit hari penghentian", "ru": "Возврат за дни приостановки"}
)

// template is the kind of message of a step.
func (s *Step) template() notice.Kind {
	if s.Template != "" {
		return s.Template
	}
	return map[Action]notice.Kind{Remind: notice.DunningReminder, Fee: notice.DunningFee, Slow: notice.DunningSlow, Wall: notice.DunningWall,
		Suspend: notice.DunningSuspend, Terminate: notice.DunningTerminate, Agency: notice.DunningAgency}[s.Action]
}

// tell writes to an account by a template.
func (r *reviewer) tell(d *Debtor, v *verdict, kind notice.Kind, channels []notice.Channel, fee money.Decimal) {
	amount, oldest, nextOn := money.New(v.overdue, d.Currency), v.oldest, v.nextOn
	var numbers []string
	for _, debt := range v.debts {
		numbers = append(numbers, debt.Number)
	}
	next := v.step(v.nextStep)
	r.letters = append(r.letters, tell.Letter{AccountID: d.AccountID, Kind: kind, Channels: channels, Values: func(to tell.Reader) map[string]string {
		values := map[string]string{"amount": to.Money(amount), "bills": strings.Join(numbers, ", ")}
		if !oldest.IsZero() {
			values["due"] = to.FormatDate(oldest)
		}
		if next != nil {
			values["next_step"], values["next_day"] = next.Title(to.Language), to.FormatDate(nextOn)
		}
		if fee.Sign() > 0 {
			values["fee"] = to.Money(money.New(fee, d.Currency))
		}
		return values
	}})
}

func (v *verdict) step(code string) *Step {
	if v.ladder == nil {
		return nil
	}
	return v.ladder.step(code)
}

func (l *Ladder) step(code string) *Step {
	for i := range l.Steps {
		if l.Steps[i].Code == code {
			return &l.Steps[i]
		}
	}
	return nil
}

// turn lets access follow the level: up, down, and what a reconnect costs.
func (r *reviewer) turn(ctx context.Context, tx tenant.Tx, c *Case, d *Debtor, v *verdict) error {
	before := c.Level
	ends := false
	for i := range v.steps {
		ends = ends || v.steps[i].step.Action == Terminate
	}
	if before == v.level && !ends {
		return nil
	}
	subscriptions, err := subscriptionsOf(ctx, tx, d.AccountID)
	if err != nil {
		return err
	}
	hold := access.Hold{AccountID: d.AccountID, Cause: access.Dunning, CauseID: c.ID, Level: v.level, By: byDunning}
	stopped, err := access.Change(ctx, tx, hold, subscriptions...)
	if err != nil {
		return err
	}
	if len(stopped) > 0 && r.hooks.Stop != nil {
		if err := r.hooks.Stop(ctx, tx, stopped...); err != nil {
			return err
		}
	}
	c.Level = v.level
	switch {
	case v.level == access.Cut && c.CutID == nil && len(stopped) > 0:
		id, today := uuid.Must(uuid.NewV7()), r.today
		c.CutID, c.CutOn = &id, &today
	case v.level != access.Cut && c.CutID != nil:
		if err := r.reconnect(ctx, tx, c, d, v, true); err != nil {
			return err
		}
	}
	if ends {
		if c.CutID != nil {
			if err := r.reconnect(ctx, tx, c, d, v, false); err != nil {
				return err
			}
		}
		for _, id := range subscriptions {
			if err := r.hooks.Terminate(ctx, tx, id); err != nil {
				return fmt.Errorf("terminate subscription %s: %w", id, err)
			}
		}
		return nil
	}
	if len(subscriptions) > 0 {
		r.tellTurn(d, v, before)
	}
	return nil
}

// tellTurn tells of a level that has changed without a step that told of it.
func (r *reviewer) tellTurn(d *Debtor, v *verdict, before access.Level) {
	if len(v.steps) > 0 {
		return
	}
	if before.Stronger(v.level) {
		if v.level == access.Allowed {
			r.tell(d, v, notice.Reconnected, nil, money.Decimal{})
		}
		return
	}
	kind := map[access.Level]notice.Kind{access.Slowed: notice.DunningSlow, access.Walled: notice.DunningWall, access.Cut: notice.DunningSuspend}[v.level]
	if kind != "" {
		r.tell(d, v, kind, nil, money.Decimal{})
	}
}

// reconnect ends a suspension: what it costs, and what its days give back.
func (r *reviewer) reconnect(ctx context.Context, tx tenant.Tx, c *Case, d *Debtor, v *verdict, charges bool) error {
	cut, since := *c.CutID, *c.CutOn
	c.CutID, c.CutOn = nil, nil
	if d.Kind != account.Postpaid {
		return nil
	}
	ladder := v.ladder
	if ladder == nil {
		ladder = r.policy.ladderOf(d)
	}
	if charges && ladder != nil {
		if fee := ladder.ReconnectFee.In(d.Currency); fee.Sign() > 0 {
			r.items = append(r.items, bill.Item{Account: d.AccountID, Kind: bill.ItemReconnect, Code: "reconnect", Words: reconnectWords,
				Price: money.New(fee, d.Currency), Cause: bill.Cause{Kind: "dunning_cut", ID: cut}, By: byDunning})
		}
	}
	credits, err := r.credits(ctx, tx, d, cut, calendar.Period{From: since, To: r.today})
	r.items = append(r.items, credits...)
	return err
}

// suspended is a subscription that a case had stopped, with what its fees go by.
type suspended struct {
	ID, Account, Offering uuid.UUID
	cycles                calendar.Cycle
	currency              money.Currency
	activated             *time.Time
}

// credits are what the days of a suspension give back, by each price of which
// the offering says so: the share of its period, rounded for each.
func (r *reviewer) credits(ctx context.Context, tx tenant.Tx, d *Debtor, cut uuid.UUID, days calendar.Period) ([]bill.Item, error) {
	if !days.From.Before(days.To) {
		return nil, nil
	}
	stopped, err := r.stoppedBy(ctx, tx, d)
	if err != nil {
		return nil, err
	}
	offerings := map[uuid.UUID]catalog.Offering{}
	var items []bill.Item
	for i := range stopped {
		s := &stopped[i]
		if _, known := offerings[s.Offering]; !known {
			if offerings[s.Offering], err = catalog.LoadVersion(ctx, tx, s.Offering); err != nil {
				return nil, err
			}
		}
		o := offerings[s.Offering]
		for _, price := range o.Prices.Recurring {
			if !price.CreditSuspended {
				continue
			}
			for _, one := range shares(price, price.Cycle(s.cycles), days, s.currency.DocumentDigits()) {
				items = append(items, bill.Item{Account: s.Account, Subscription: s.ID, Kind: bill.ItemSuspensionCredit, Code: price.Code, Words: creditWords,
					Period: one.days, Price: money.New(one.amount.Neg(), s.currency), Category: o.Tax.CategoryOr(price.TaxCategory),
					Cause: bill.Cause{Kind: "suspension", ID: uuid.NewSHA1(cut, []byte(s.ID.String()+price.Code+one.days.From.String()))}, By: byDunning})
			}
		}
	}
	return items, nil
}

// share is what some days of a price's period cost.
type share struct {
	days   calendar.Period
	amount money.Decimal
}

func shares(price catalog.RecurringPrice, cycle calendar.Cycle, days calendar.Period, digits int32) (found []share) {
	for p := cycle.Containing(days.From); p.From.Before(days.To); p = cycle.Containing(p.To) {
		part := p
		if days.From.After(part.From) {
			part.From = days.From
		}
		if days.To.Before(part.To) {
			part.To = days.To
		}
		amount, err := price.Amount.MulDiv(money.NewDecimal(int64(part.Days())), money.NewDecimal(int64(p.Days())), digits, money.HalfAwayFromZero)
		if err == nil && amount.Sign() > 0 {
			found = append(found, share{part, amount})
		}
	}
	return found
}

const insertSteps = `
	insert into dunning_step (id, case_id, account_id, item_id, step, action, planned_on, done_on, done_at, version, detail)
	select n.id, n.case_id, n.account_id, n.item_id, n.step, n.action, n.planned_on, n.done_on, $1, n.version, n.detail
	from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::date[], $9::date[], $10::integer[], $11::jsonb[])
	     as n (id, case_id, account_id, item_id, step, action, planned_on, done_on, version, detail)`

// saveSteps keeps what was done. dunning_step_item_id_step_key refuses a second
// time, should anything above fail.
func saveSteps(ctx context.Context, tx tenant.Tx, rows []stepRow) error {
	if len(rows) == 0 {
		return nil
	}
	n := len(rows)
	ids, cases, accounts, items := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]uuid.UUID, n), make([]uuid.UUID, n)
	steps, actions, details := make([]string, n), make([]string, n), make([]string, n)
	planned, done, versions := make([]calendar.Date, n), make([]calendar.Date, n), make([]int, n)
	for i, s := range rows {
		text, err := json.Marshal(s.detail)
		if err != nil {
			return err
		}
		ids[i], cases[i], accounts[i], items[i], steps[i], actions[i], details[i] = s.id, s.caseID, s.account, s.item, s.step, string(s.action), string(text)
		planned[i], done[i], versions[i] = s.planned, s.done, s.version
	}
	tag, err := tx.Exec(ctx, insertSteps, tx.At, ids, cases, accounts, items, steps, actions, planned, done, versions, details)
	if err == nil && int(tag.RowsAffected()) != n {
		err = fmt.Errorf("%d rows written, want %d", tag.RowsAffected(), n)
	}
	if err != nil {
		return fmt.Errorf("keep steps: %w", err)
	}
	return nil
}

package collection

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/access"
	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/event"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tell"
	"tollhouse/billing/tenant"
)

// Hooks are what lies outside: the stack knows them.
type Hooks struct {
	// Stop is called for subscriptions that were just suspended.
	Stop func(ctx context.Context, tx tenant.Tx, subscriptions ...uuid.UUID) error
	// Terminate ends a subscription for good.
	Terminate func(ctx context.Context, tx tenant.Tx, subscription uuid.UUID) error
	// PayPage is the address of a link to pay, by its token.
	PayPage func(token string) string
}

// Collector follows accounts that owe.
type Collector struct{ hooks Hooks }

// New makes a collector.
func New(hooks Hooks) *Collector { return &Collector{hooks} }

// progress is how far a day's review has come: kept in its agenda item.
type progress struct {
	Day   calendar.Date `json:"day"`
	After uuid.UUID     `json:"after"`
}

// Day works a portion of the day's review; again says that more is left. When
// all is done the next day's stands on the agenda.
func (c *Collector) Day(ctx context.Context, tx tenant.Tx, item agenda.Item, limit int) (again bool, err error) {
	r, err := c.begin(ctx, tx, true)
	if errors.Is(err, ErrNoPolicy) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var p progress
	if err := item.Read(&p); err != nil {
		return false, err
	}
	if p.Day != r.today {
		p = progress{Day: r.today}
	}
	accounts, err := candidates(ctx, tx, r.today, p.After, limit)
	if err != nil {
		return false, err
	}
	if len(accounts) == 0 {
		return false, schedule(ctx, tx, &r.policy.Policy)
	}
	if err := r.review(ctx, tx, accounts); err != nil {
		return false, err
	}
	p.After = accounts[len(accounts)-1]
	return true, agenda.Keep(ctx, tx, item.ID, p)
}

// Review looks at accounts now, because what they owe, or what was agreed, has
// changed. It takes no step.
func (c *Collector) Review(ctx context.Context, tx tenant.Tx, accounts ...uuid.UUID) error {
	r, err := c.begin(ctx, tx, false)
	if errors.Is(err, ErrNoPolicy) {
		return nil
	}
	if err != nil {
		return err
	}
	return r.review(ctx, tx, accounts)
}

// reviewer is one portion of a review.
type reviewer struct {
	*Collector
	policy  Edition
	today   calendar.Date
	profile account.Profile
	off     daysOff
	takes   bool

	cases   []*Case
	steps   []stepRow
	letters []tell.Letter
	events  []event.Event
	items   []bill.Item
}

func (c *Collector) begin(ctx context.Context, tx tenant.Tx, takes bool) (*reviewer, error) {
	policy, err := Current(ctx, tx)
	if err != nil {
		return nil, err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return nil, err
	}
	holidays, err := policy.holidays(ctx, tx)
	if err != nil {
		return nil, err
	}
	return &reviewer{Collector: c, policy: policy, today: profile.LocalDate(tx.At), profile: profile, off: policy.daysOff(holidays), takes: takes}, nil
}

// review decides on accounts under their locks and does what follows.
func (r *reviewer) review(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID) error {
	if err := lockAccounts(ctx, tx, accounts); err != nil {
		return err
	}
	debtors, err := load(ctx, tx, accounts)
	if err != nil {
		return err
	}
	for _, d := range debtors {
		v := r.policy.decide(d, r.today, r.off, r.takes)
		if v.held == Free && (len(v.steps) > 0 || v.nextOn == r.today) { // only then it matters what is being collected
			pending, err := payment.PendingDebits(ctx, tx, d.AccountID)
			if err != nil {
				return err
			}
			if d.Pending = pending.Decimal(); d.Pending.Sign() > 0 {
				v = r.policy.decide(d, r.today, r.off, r.takes)
			}
		}
		if err := r.follow(ctx, tx, d, &v); err != nil {
			return fmt.Errorf("account %s: %w", d.AccountID, err)
		}
	}
	return r.write(ctx, tx)
}

// follow does for one account what was decided.
func (r *reviewer) follow(ctx context.Context, tx tenant.Tx, d *Debtor, v *verdict) error {
	for _, e := range v.ended {
		if err := r.endArrangement(ctx, tx, e); err != nil {
			return err
		}
	}
	c := d.Case
	worth := v.ladder != nil && len(v.debts) > 0 && v.held != TooLittle
	if c == nil {
		if !worth {
			return nil
		}
		c = &Case{ID: uuid.Must(uuid.NewV7()), AccountID: d.AccountID, State: Open, Currency: d.Currency, Level: access.Allowed}
		r.record(event.DunningStarted, c, d, v, "", "")
	}
	held := c.Held
	c.note(v)
	r.take(c, d, v)
	if err := r.turn(ctx, tx, c, d, v); err != nil {
		return err
	}
	if v.held != held && v.held != Free && v.held != TooLittle {
		r.record(event.DunningHeld, c, d, v, "", string(v.held))
	}
	if len(v.debts) == 0 || v.ladder == nil {
		c.State, c.NextOn, c.NextStep, c.Held, c.ClosedWhy = Closed, nil, "", Free, r.why(d, v)
		c.CutID, c.CutOn = nil, nil
		r.record(event.DunningResolved, c, d, v, "", c.ClosedWhy)
	}
	r.cases = append(r.cases, c)
	return nil
}

func (r *reviewer) why(d *Debtor, v *verdict) string {
	switch {
	case v.ladder == nil:
		return "no_ladder"
	case len(d.Debts) > 0:
		return "not_overdue"
	}
	return "paid"
}

// note keeps what the verdict says of a case.
func (c *Case) note(v *verdict) {
	c.Overdue, c.Held, c.NextStep, c.NextOn = v.overdue, v.held, v.nextStep, nil
	if v.ladder != nil {
		c.Ladder = v.ladder.Code
	}
	if !v.oldest.IsZero() || c.OldestDue.IsZero() {
		c.OldestDue = v.oldest
	}
	if !v.nextOn.IsZero() {
		on := v.nextOn
		c.NextOn = &on
	}
}

// write stores what was gathered for all accounts of the portion.
func (r *reviewer) write(ctx context.Context, tx tenant.Tx) error {
	if err := save(ctx, tx, r.cases); err != nil {
		return err
	}
	if err := saveSteps(ctx, tx, r.steps); err != nil {
		return err
	}
	if _, err := bill.AddItems(ctx, tx, r.items); err != nil {
		return err
	}
	if err := r.link(ctx, tx); err != nil {
		return err
	}
	if err := tell.Many(ctx, tx, r.letters); err != nil {
		return err
	}
	return event.RecordMany(ctx, tx, r.events)
}

// link gives the letters their links to pay.
func (r *reviewer) link(ctx context.Context, tx tenant.Tx) error {
	var accounts []uuid.UUID
	seen := map[uuid.UUID]bool{}
	for _, l := range r.letters {
		if !seen[l.AccountID] {
			seen[l.AccountID] = true
			accounts = append(accounts, l.AccountID)
		}
	}
	if len(accounts) == 0 || r.hooks.PayPage == nil {
		return nil
	}
	tokens, err := payment.CreateAccountLinks(ctx, tx, "system:dunning", accounts...)
	if err != nil {
		return err
	}
	for i := range r.letters {
		if token := tokens[r.letters[i].AccountID]; token != "" {
			r.letters[i].Link = r.hooks.PayPage(token)
		}
	}
	return nil
}

func (r *reviewer) record(kind event.Type, c *Case, d *Debtor, v *verdict, step, reason string) {
	data := event.DunningData{ID: c.ID, AccountID: d.AccountID, State: string(c.State), Step: step, Overdue: money.New(v.overdue, d.Currency), Reason: reason}
	if !v.oldest.IsZero() {
		oldest := v.oldest
		data.OldestDue = &oldest
	}
	if v.ladder != nil && step != "" {
		for i := range v.ladder.Steps {
			if v.ladder.Steps[i].Code == step {
				data.Action = string(v.ladder.Steps[i].Action)
			}
		}
	}
	r.events = append(r.events, event.Event{Type: kind, ObjectID: c.ID, AccountID: d.AccountID, Data: data})
}

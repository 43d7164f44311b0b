package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/agenda"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Moved is a bucket that a transaction has moved.
type Moved struct {
	AccountID      uuid.UUID
	BucketID       uuid.UUID
	SubscriptionID uuid.UUID // Nil: of the whole account
	Code           string
	Unit           money.Unit
	Main           bool
	Allowance      bool // what a plan includes, and may be used up
	Initial        money.Decimal
	Before, After  money.Decimal
}

// Charged is what a transaction has charged a subscription for its use.
type Charged struct {
	AccountID      uuid.UUID
	SubscriptionID uuid.UUID
	Offering       uuid.UUID // its version
	Line           string
	Cycle          calendar.Date // in which it is billed
	Amount         money.Decimal // with tax
	Currency       money.Currency
}

// Crossing is a threshold that was crossed, or counted towards.
type Crossing struct {
	Rule           *Rule
	AccountID      uuid.UUID
	SubscriptionID uuid.UUID
	Subject        string
	Reached        money.Decimal // of money spent: what this transaction adds
	Threshold      money.Decimal
	Unit           money.Unit
	Terms          Terms
}

// Terms are what else is to be said of a crossing.
type Terms struct {
	Measure   Measure       `json:"measure"`
	Bucket    uuid.UUID     `json:"bucket,omitzero"`
	Code      string        `json:"code,omitempty"` // of the allowance
	Percent   money.Decimal `json:"percent,omitzero"`
	Offer     string        `json:"offer,omitempty"`
	Suspended bool          `json:"suspended,omitempty"` // by us, and so to be resumed
}

// Find compares what was with what is. It is pure; day is the operator's day.
func (r *Rules) Find(moved []Moved, charged []Charged, day calendar.Date) []Crossing {
	if r.None() {
		return nil
	}
	var found []Crossing
	for i := range r.rules {
		rule := &r.rules[i]
		switch rule.Measure {
		case Balance:
			found = r.findBalances(found, rule, moved, charged, day)
		case Allowance:
			found = r.findAllowances(found, rule, moved, charged)
		case Spend:
			found = r.addSpent(found, rule, charged)
		}
	}
	return found
}

// findBalances: a crossing is told once a day, however often a balance goes up
// and down around the value.
func (r *Rules) findBalances(found []Crossing, rule *Rule, moved []Moved, charged []Charged, day calendar.Date) []Crossing {
	for i := range moved {
		m := &moved[i]
		if !m.Main || string(m.Unit) != rule.Currency || m.Before.Cmp(rule.Value) < 0 || m.After.Cmp(rule.Value) >= 0 ||
			!r.concerns(rule, offeringsOf(charged, m)) {
			continue
		}
		found = append(found, Crossing{Rule: rule, AccountID: m.AccountID, Subject: day.String(), Reached: m.After, Threshold: rule.Value, Unit: m.Unit,
			SubscriptionID: onlySubscription(charged, m.AccountID), Terms: Terms{Measure: Balance, Bucket: m.BucketID, Offer: rule.Offer}})
	}
	return found
}

// findAllowances compares what was used of the initial contents, multiplied
// and not divided, so that nothing is rounded.
func (r *Rules) findAllowances(found []Crossing, rule *Rule, moved []Moved, charged []Charged) []Crossing {
	hundred := money.NewDecimal(100)
	for i := range moved {
		m := &moved[i]
		if !m.Allowance || m.Initial.Sign() <= 0 || len(rule.Allowances) > 0 && !slices.Contains(rule.Allowances, m.Code) {
			continue
		}
		threshold := m.Initial.Mul(rule.Value)
		used := func(left money.Decimal) money.Decimal { return m.Initial.Sub(left).Mul(hundred) }
		if used(m.Before).Cmp(threshold) >= 0 || used(m.After).Cmp(threshold) < 0 || !r.concerns(rule, offeringsOf(charged, m)) {
			continue
		}
		found = append(found, Crossing{Rule: rule, AccountID: m.AccountID, SubscriptionID: m.SubscriptionID, Subject: m.BucketID.String(),
			Reached: m.After, Threshold: m.Initial, Unit: m.Unit, Terms: Terms{Measure: Allowance, Bucket: m.BucketID, Code: m.Code, Percent: rule.Value, Offer: rule.Offer}})
	}
	return found
}

// addSpent sums what a subscription spent in a cycle, by rule.
func (r *Rules) addSpent(found []Crossing, rule *Rule, charged []Charged) []Crossing {
	at := map[string]int{}
	for i := range charged {
		c := &charged[i]
		if c.Amount.IsZero() || c.Currency.Code() != rule.Currency || len(rule.Lines) > 0 && !slices.Contains(rule.Lines, c.Line) ||
			!r.concerns(rule, []uuid.UUID{c.Offering}) {
			continue
		}
		subject := c.SubscriptionID.String() + "/" + c.Cycle.String()
		if n, known := at[subject]; known {
			found[n].Reached = found[n].Reached.Add(c.Amount)
			continue
		}
		at[subject] = len(found)
		found = append(found, Crossing{Rule: rule, AccountID: c.AccountID, SubscriptionID: c.SubscriptionID, Subject: subject, Reached: c.Amount,
			Threshold: rule.Value, Unit: c.Currency.Unit(), Terms: Terms{Measure: Spend, Offer: rule.Offer}})
	}
	return found
}

// offeringsOf are the offerings whose use moved a bucket, as far as the
// transaction knows.
func offeringsOf(charged []Charged, m *Moved) []uuid.UUID {
	var ids []uuid.UUID
	for i := range charged {
		c := &charged[i]
		if c.AccountID == m.AccountID && (m.SubscriptionID == uuid.Nil || m.SubscriptionID == c.SubscriptionID) && !slices.Contains(ids, c.Offering) {
			ids = append(ids, c.Offering)
		}
	}
	return ids
}

// onlySubscription is the one whose use moved an account's balance; Nil where
// there are several, or none.
func onlySubscription(charged []Charged, accountID uuid.UUID) (one uuid.UUID) {
	for i := range charged {
		if c := &charged[i]; c.AccountID == accountID && c.SubscriptionID != one {
			if one != uuid.Nil {
				return uuid.Nil
			}
			one = c.SubscriptionID
		}
	}
	return one
}

// alert_account_id_rule_subject_key says once. Their accounts are locked, so a
// conflict has been committed before. A row that is counted towards is raised
// by whoever takes it over its threshold.
const keep = `
	insert into alert as a (id, rule, account_id, subscription_id, subject, action, state, reached, threshold, unit, terms, at)
	select n.id, n.rule, n.account_id, nullif(n.subscription_id, '00000000-0000-0000-0000-000000000000'::uuid), n.subject, n.action,
	       case when n.counts and n.reached < n.threshold then 'counting' else 'raised' end, n.reached, n.threshold, n.unit, n.terms, $1
	from unnest($2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::boolean[], $9::numeric[], $10::numeric[], $11::text[], $12::jsonb[])
	     as n (id, rule, account_id, subscription_id, subject, action, counts, reached, threshold, unit, terms)
	order by n.account_id, n.rule, n.subject
	on conflict (account_id, rule, subject) do update
	set reached = a.reached + excluded.reached,
	    threshold = case when a.state = 'counting' then excluded.threshold else a.threshold end,
	    action = case when a.state = 'counting' then excluded.action else a.action end,
	    state = case when a.state = 'counting' and a.reached + excluded.reached >= excluded.threshold then 'raised' else a.state end,
	    at = case when a.state = 'counting' then excluded.at else a.at end
	where excluded.terms ->> 'measure' = 'spend'
	returning a.id, a.state = 'raised' and a.at = $1`

// Watch keeps the crossings that a transaction has brought about and puts what
// follows on the agenda. It is called with all that a transaction has moved and
// charged, the accounts locked.
func (r *Rules) Watch(ctx context.Context, tx tenant.Tx, moved []Moved, charged []Charged, day calendar.Date) error {
	found := r.Find(moved, charged, day)
	if len(found) == 0 {
		return nil
	}
	n := len(found)
	ids, rules, accounts, subscriptions := make([]uuid.UUID, n), make([]string, n), make([]uuid.UUID, n), make([]uuid.UUID, n)
	subjects, actions, counts := make([]string, n), make([]string, n), make([]bool, n)
	reached, thresholds, units, terms := make([]money.Decimal, n), make([]money.Decimal, n), make([]string, n), make([]string, n)
	for i := range found {
		c := &found[i]
		text, err := json.Marshal(c.Terms)
		if err != nil {
			return fmt.Errorf("keep alert %s: %w", c.Rule.Code, err)
		}
		ids[i], rules[i], accounts[i], subscriptions[i] = uuid.Must(uuid.NewV7()), c.Rule.Code, c.AccountID, c.SubscriptionID
		subjects[i], actions[i], counts[i] = c.Subject, string(c.Rule.Action), c.Rule.Measure == Spend
		reached[i], thresholds[i], units[i], terms[i] = c.Reached, c.Threshold, string(c.Unit), string(text)
	}
	rows, err := tx.Query(ctx, keep, tx.At, ids, rules, accounts, subscriptions, subjects, actions, counts, reached, thresholds, units, terms)
	if err != nil {
		return fmt.Errorf("keep alerts: %w", err)
	}
	var raised []uuid.UUID
	var id uuid.UUID
	var is bool
	_, err = pgx.ForEachRow(rows, []any{&id, &is}, func() error {
		if is {
			raised = append(raised, id)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep alerts: %w", err)
	}
	for _, id := range raised {
		if err := agenda.Add(ctx, tx, agenda.Item{Kind: agenda.Alert, Ref: id, DueAt: tx.At}); err != nil {
			return err
		}
	}
	return nil
}

package collection

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
	"tollhouse/billing/calendar"
	"tollhouse/billing/event"
	"tollhouse/billing/money"
	"tollhouse/billing/notice"
	"tollhouse/billing/tell"
	"tollhouse/billing/tenant"
)

// Errors of arrangements.
var (
	// ErrNothingOverdue means that there is nothing to agree on.
	ErrNothingOverdue = errors.New("nothing is overdue")
	// ErrPromise refuses a promise that the ladder does not allow.
	ErrPromise = errors.New("this can't be promised")
	// ErrPromises means that too many promises were made lately.
	ErrPromises = errors.New("too many promises were made lately")
	// ErrPlan refuses a plan whose instalments don't fit.
	ErrPlan = errors.New("the instalments have to add up to what is overdue, their days in order and to come")
	// ErrArranged means that there is one of the kind already.
	ErrArranged = errors.New("there is such an arrangement already")
	// ErrOver means that the arrangement is over.
	ErrOver = errors.New("the arrangement is over")
	// ErrItem means that the account owes nothing under this.
	ErrItem = errors.New("the account owes nothing under this")
)

// NewPromise is a promise to pay.
type NewPromise struct {
	ID         uuid.UUID // of the command: a repeat changes nothing
	AccountID  uuid.UUID
	Amount     money.Amount // zero: all that is overdue
	Until      calendar.Date
	Reason     string
	By         string
	Subscriber bool // it is the subscriber's own
}

// Promise takes a promise to pay: until its day no step is taken, and where the
// ladder says so services are given back.
func (c *Collector) Promise(ctx context.Context, tx tenant.Tx, n NewPromise) (Arrangement, error) {
	s, err := c.scene(ctx, tx, n.ID, n.AccountID)
	if err != nil || s.known != nil {
		return s.repeated(err)
	}
	rule, err := s.mayPromise(ctx, tx, n.Subscriber)
	if err != nil {
		return Arrangement{}, err
	}
	amount := n.Amount.Decimal()
	if amount.IsZero() {
		amount = s.overdue
	}
	if n.Amount.Currency() != (money.Currency{}) && n.Amount.Currency() != s.debtor.Currency {
		return Arrangement{}, money.ErrCurrencyMismatch
	}
	least := s.overdue
	if rule.Percent > 0 {
		if least, err = s.overdue.MulDiv(money.NewDecimal(int64(rule.Percent)), money.NewDecimal(100), s.debtor.Currency.DocumentDigits(), money.HalfAwayFromZero); err != nil {
			return Arrangement{}, err
		}
	}
	switch {
	case n.Until.Before(s.today) || n.Until.After(s.today.AddDays(rule.Days)):
		return Arrangement{}, fmt.Errorf("%w: the day lies between today and %s", ErrPromise, s.today.AddDays(rule.Days))
	case amount.Cmp(least) < 0 || amount.Cmp(s.overdue) > 0:
		return Arrangement{}, fmt.Errorf("%w: the amount lies between %s and %s", ErrPromise, least, s.overdue)
	}
	a := Arrangement{ID: s.id, AccountID: n.AccountID, Kind: Promise, Amount: &amount, Until: &n.Until, Reason: n.Reason, By: n.By}
	if err := s.agree(ctx, tx, c, &a); err != nil {
		return Arrangement{}, err
	}
	return a, s.tell(ctx, tx, c, notice.PromiseTaken, amount, &n.Until)
}

// MayPromise says what an account may promise now; an error that wraps
// ErrPromise, ErrPromises, ErrNothingOverdue or ErrArranged says why it may not.
func (c *Collector) MayPromise(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, subscriber bool) (PromiseRule, money.Amount, error) {
	s, err := c.look(ctx, tx, accountID)
	if err != nil {
		return PromiseRule{}, money.Amount{}, err
	}
	rule, err := s.mayPromise(ctx, tx, subscriber)
	return rule, money.New(s.overdue, s.debtor.Currency), err
}

// NewPlan is a plan to pay by instalments.
type NewPlan struct {
	ID          uuid.UUID
	AccountID   uuid.UUID
	Instalments []Instalment
	Reason      string
	By          string
}

// MakePlan agrees on instalments for all that is overdue. While they come in
// time that counts as not overdue; when one does not, the ladder goes on.
func (c *Collector) MakePlan(ctx context.Context, tx tenant.Tx, n NewPlan) (Arrangement, error) {
	s, err := c.scene(ctx, tx, n.ID, n.AccountID)
	if err != nil || s.known != nil {
		return s.repeated(err)
	}
	if s.overdue.Sign() <= 0 {
		return Arrangement{}, ErrNothingOverdue
	}
	var sum money.Decimal
	before := s.today.AddDays(-1)
	for _, i := range n.Instalments {
		if i.Amount.Sign() <= 0 || i.Amount.Digits() > s.debtor.Currency.DocumentDigits() || !i.On.After(before) {
			return Arrangement{}, ErrPlan
		}
		sum, before = sum.Add(i.Amount), i.On
	}
	if len(n.Instalments) == 0 || len(n.Instalments) > maxInstalments || !sum.Equal(s.overdue) {
		return Arrangement{}, fmt.Errorf("%w: %s is overdue, the instalments are %s", ErrPlan, s.overdue, sum)
	}
	last := before
	a := Arrangement{ID: s.id, AccountID: n.AccountID, Kind: Plan, Until: &last, Instalments: n.Instalments, Reason: n.Reason, By: n.By}
	if err := s.agree(ctx, tx, c, &a); err != nil {
		return Arrangement{}, err
	}
	return a, s.tell(ctx, tx, c, notice.PlanAgreed, sum, &last)
}

// maxInstalments bounds a plan.
const maxInstalments = 60

// NewHold keeps steps back: of an account, or for one thing that it owes.
type NewHold struct {
	ID        uuid.UUID
	AccountID uuid.UUID
	ItemID    uuid.UUID      // what is disputed: an open item or its bill; Nil: the whole account
	Until     *calendar.Date // the last day; nil: until somebody ends it
	Reason    string
	By        string
}

// Hold keeps steps back: a dispute for one bill, which then counts as not
// overdue, or a hold of the account.
func (c *Collector) Hold(ctx context.Context, tx tenant.Tx, n NewHold) (Arrangement, error) {
	s, err := c.scene(ctx, tx, n.ID, n.AccountID)
	if err != nil || s.known != nil {
		return s.repeated(err)
	}
	switch {
	case n.Reason == "":
		return Arrangement{}, &account.FieldError{Field: "reason", Want: "why no step is taken"}
	case n.Until != nil && n.Until.Before(s.today):
		return Arrangement{}, &account.FieldError{Field: "until", Want: "a day that is not over"}
	}
	a := Arrangement{ID: s.id, AccountID: n.AccountID, Kind: Hold, Until: n.Until, Reason: n.Reason, By: n.By}
	if n.ItemID != uuid.Nil {
		item, open, err := itemOf(ctx, tx, n.AccountID, n.ItemID)
		if err != nil {
			return Arrangement{}, err
		}
		a.Kind, a.Items, a.Base = Dispute, []uuid.UUID{item}, open
	}
	return a, s.agree(ctx, tx, c, &a)
}

func itemOf(ctx context.Context, tx tenant.Tx, accountID, id uuid.UUID) (item uuid.UUID, open money.Decimal, err error) {
	err = tx.QueryRow(ctx, `select id, open from open_item where account_id = $1 and (id = $2 or bill_id = $2) and open > 0 order by due_date, id limit 1`, accountID, id).Scan(&item, &open)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, open, ErrItem
	}
	return item, open, err
}

// End ends an arrangement because a person says so; the account is reviewed.
func (c *Collector) End(ctx context.Context, tx tenant.Tx, accountID, id uuid.UUID, by string) (Arrangement, error) {
	if _, err := account.Lock(ctx, tx, accountID); err != nil {
		return Arrangement{}, err
	}
	a, err := arrangement(ctx, tx, id)
	if err == nil && a.AccountID != accountID {
		err = fmt.Errorf("arrangement %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Arrangement{}, err
	}
	if !a.State.may(Ended) {
		return Arrangement{}, fmt.Errorf("arrangement %s, %s: %w", id, a.State, ErrOver)
	}
	if err := a.moveTo(ctx, tx, Ended, by); err != nil {
		return Arrangement{}, err
	}
	return a, c.Review(ctx, tx, accountID)
}

// endArrangement is the end of one that a review has found.
func (r *reviewer) endArrangement(ctx context.Context, tx tenant.Tx, e ending) error {
	a := e.arrangement
	if err := a.moveTo(ctx, tx, e.to, byDunning); err != nil {
		return err
	}
	kind := map[ArrangementKind]notice.Kind{Promise: notice.PromiseBroken, Plan: notice.PlanBroken}[a.Kind]
	if e.to != Broken || kind == "" {
		return nil
	}
	amount, until := a.Base, a.Until
	if a.Amount != nil {
		amount = *a.Amount
	}
	currency, err := account.Get(ctx, tx, a.AccountID)
	if err != nil {
		return err
	}
	r.letters = append(r.letters, tell.Letter{AccountID: a.AccountID, Kind: kind, Values: func(to tell.Reader) map[string]string {
		return map[string]string{"amount": to.Money(money.New(amount, currency.Currency)), "until": to.FormatDate(*until)}
	}})
	return nil
}

// moveTo is the only way to a new state.
func (a *Arrangement) moveTo(ctx context.Context, tx tenant.Tx, to ArrangementState, by string) error {
	if !a.State.may(to) {
		return fmt.Errorf("arrangement %s, %s: %w", a.ID, a.State, ErrOver)
	}
	tag, err := tx.Exec(ctx, `update dunning_arrangement set state = $2, ended_at = $3, ended_by = $4 where id = $1 and state = 'active'`, a.ID, string(to), tx.At, by)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows written, want 1", tag.RowsAffected())
	}
	if err != nil {
		return fmt.Errorf("end arrangement %s: %w", a.ID, err)
	}
	at := tx.At
	a.State, a.EndedAt, a.EndedBy = to, &at, by
	return nil
}

func arrangement(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Arrangement, error) {
	rows, err := tx.Query(ctx, `select `+arrangementColumns+` from dunning_arrangement r where r.id = $1`, id)
	if err != nil {
		return Arrangement{}, fmt.Errorf("read arrangement %s: %w", id, err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanArrangement)
	if errors.Is(err, pgx.ErrNoRows) {
		return Arrangement{}, fmt.Errorf("arrangement %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Arrangement{}, fmt.Errorf("read arrangement %s: %w", id, err)
	}
	return a, nil
}

// scene is an account, locked, as somebody wants to agree on something with it.
type scene struct {
	id      uuid.UUID
	known   *Arrangement // of a repeated command
	today   calendar.Date
	debtor  *Debtor
	ladder  *Ladder
	items   []uuid.UUID // overdue, that count
	overdue money.Decimal
}

func (s *scene) repeated(err error) (Arrangement, error) {
	if err != nil {
		return Arrangement{}, err
	}
	return *s.known, nil
}

func (c *Collector) scene(ctx context.Context, tx tenant.Tx, id, accountID uuid.UUID) (*scene, error) {
	if _, err := account.Lock(ctx, tx, accountID); err != nil {
		return nil, err
	}
	if id != uuid.Nil {
		known, err := arrangement(ctx, tx, id)
		if err == nil && known.AccountID == accountID {
			return &scene{known: &known}, nil
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
	} else {
		id = uuid.Must(uuid.NewV7())
	}
	s, err := c.look(ctx, tx, accountID)
	if err == nil {
		s.id = id
	}
	return s, err
}

// look reads what an account owes and by which ladder it is followed.
func (c *Collector) look(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (*scene, error) {
	r, err := c.begin(ctx, tx, false)
	if err != nil {
		return nil, err
	}
	debtors, err := load(ctx, tx, []uuid.UUID{accountID})
	if err != nil {
		return nil, err
	}
	if len(debtors) == 0 {
		return nil, fmt.Errorf("account %s: %w", accountID, ErrNotFound)
	}
	v := r.policy.decide(debtors[0], r.today, r.off, false)
	s := &scene{today: r.today, debtor: debtors[0], ladder: v.ladder, overdue: v.overdue}
	for _, debt := range v.debts {
		s.items = append(s.items, debt.ItemID)
	}
	return s, nil
}

func (s *scene) mayPromise(ctx context.Context, tx tenant.Tx, subscriber bool) (PromiseRule, error) {
	switch {
	case s.overdue.Sign() <= 0:
		return PromiseRule{}, ErrNothingOverdue
	case s.ladder == nil || s.ladder.Promise == nil || subscriber && !s.ladder.Promise.BySubscriber:
		return PromiseRule{}, fmt.Errorf("%w: the operator takes no promises here", ErrPromise)
	}
	for i := range s.debtor.Agreed {
		if kind := s.debtor.Agreed[i].Kind; kind == Promise || kind == Plan {
			return PromiseRule{}, ErrArranged
		}
	}
	rule := *s.ladder.Promise
	var made int
	since := tx.At.Add(-time.Duration(rule.PerDays) * 24 * time.Hour)
	err := tx.QueryRow(ctx, `select count(*) from dunning_arrangement where account_id = $1 and kind = 'promise' and created_at > $2`, s.debtor.AccountID, since).Scan(&made)
	if err != nil {
		return PromiseRule{}, fmt.Errorf("count promises: %w", err)
	}
	if made >= rule.Times {
		return PromiseRule{}, fmt.Errorf("%w: %d in %d days", ErrPromises, rule.Times, rule.PerDays)
	}
	return rule, nil
}

// endOver ends a hold whose last day has passed: where nothing was overdue, no
// review has done so, and it is not to stand in the way of a new one.
func (s *scene) endOver(ctx context.Context, tx tenant.Tx, kind ArrangementKind) error {
	if kind != Hold {
		return nil
	}
	_, err := tx.Exec(ctx, `update dunning_arrangement set state = 'ended', ended_at = $2, ended_by = 'system'
		where account_id = $1 and kind = 'hold' and state = 'active' and until_on < $3`, s.debtor.AccountID, tx.At, s.today)
	if err != nil {
		return fmt.Errorf("end what is over: %w", err)
	}
	return nil
}

// agree stores an arrangement and lets it take effect.
func (s *scene) agree(ctx context.Context, tx tenant.Tx, c *Collector, a *Arrangement) error {
	a.State, a.At = ArrangementActive, tx.At
	if a.Kind == Promise || a.Kind == Plan {
		a.Items, a.Base = s.items, s.overdue
	}
	text, err := json.Marshal(append([]Instalment{}, a.Instalments...))
	if err != nil {
		return err
	}
	if err := s.endOver(ctx, tx, a.Kind); err != nil {
		return err
	}
	items := append([]uuid.UUID{}, a.Items...)
	_, err = tx.Exec(ctx, `insert into dunning_arrangement (id, account_id, kind, state, amount, until_on, items, base, instalments, reason, created_by, created_at)
		values ($1, $2, $3, 'active', $4, $5, $6, $7, $8, $9, $10, $11)`, a.ID, a.AccountID, string(a.Kind), a.Amount, a.Until, items, a.Base, text, a.Reason, a.By, a.At)
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) && pg.Code == "23505" {
		return ErrArranged
	}
	if err != nil {
		return fmt.Errorf("store %s: %w", a.Kind, err)
	}
	if a.Kind == Promise {
		data := event.DunningData{ID: a.ID, AccountID: a.AccountID, State: string(a.State), Overdue: money.New(s.overdue, s.debtor.Currency), PromisedFor: a.Until, Reason: a.Reason}
		if s.debtor.Case != nil {
			data.ID = s.debtor.Case.ID
		}
		if err := event.Record(ctx, tx, event.Event{Type: event.DunningPromised, ObjectID: data.ID, AccountID: a.AccountID, Data: data}); err != nil {
			return err
		}
	}
	return c.Review(ctx, tx, a.AccountID)
}

func (s *scene) tell(ctx context.Context, tx tenant.Tx, c *Collector, kind notice.Kind, amount money.Decimal, until *calendar.Date) error {
	r := reviewer{Collector: c, letters: []tell.Letter{{AccountID: s.debtor.AccountID, Kind: kind, Values: func(to tell.Reader) map[string]string {
		return map[string]string{"amount": to.Money(money.New(amount, s.debtor.Currency)), "until": to.FormatDate(*until)}
	}}}}
	return r.write(ctx, tx)
}

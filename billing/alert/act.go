package alert

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/access"
	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/event"
	"tollhouse/billing/money"
	"tollhouse/billing/notice"
	"tollhouse/billing/tell"
	"tollhouse/billing/tenant"
)

// State is how far a crossing is.
type State string

// The states of a crossing.
const (
	Counting State = "counting" // not crossed yet
	Raised   State = "raised"
	Told     State = "told"
	Held     State = "held" // slowed or cut
	Ended    State = "ended"
)

// moves is the one table of what may follow what.
var moves = map[State][]State{
	Counting: {Raised},
	Raised:   {Told, Held, Ended},
	Told:     {Ended},
	Held:     {Ended},
	Ended:    {},
}

// may says whether the table allows a move.
func (s State) may(to State) bool { return slices.Contains(moves[s], to) }

// Alert is a crossing as stored.
type Alert struct {
	ID             uuid.UUID
	Rule           string
	AccountID      uuid.UUID
	SubscriptionID *uuid.UUID
	Action         Action
	State          State
	Reached        money.Decimal
	Threshold      money.Decimal
	Unit           money.Unit
	Terms          Terms
	At             time.Time
	EndedAt        *time.Time
}

// Errors of this package.
var (
	// ErrNotFound means that the account has no such alert.
	ErrNotFound = errors.New("no such alert")
	// ErrEnded means that the alert is over, or holds nothing.
	ErrEnded = errors.New("the alert holds nothing that could be released")
)

const columns = `id, rule, account_id, subscription_id, action, state, reached, threshold, unit, terms, at, ended_at`

func scan(row pgx.CollectableRow) (Alert, error) {
	var a Alert
	var terms json.RawMessage
	err := row.Scan(&a.ID, &a.Rule, &a.AccountID, &a.SubscriptionID, &a.Action, &a.State, &a.Reached, &a.Threshold, &a.Unit, &terms, &a.At, &a.EndedAt)
	if err == nil {
		err = json.Unmarshal(terms, &a.Terms)
	}
	a.At = a.At.UTC()
	return a, err
}

func query(ctx context.Context, tx tenant.Tx, what, where string, args ...any) ([]Alert, error) {
	rows, err := tx.Query(ctx, `select `+columns+` from alert where `+where, args...)
	if err == nil {
		var list []Alert
		if list, err = pgx.CollectRows(rows, scan); err == nil {
			return list, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", what, err)
}

// lock locks an alert after its account.
func lock(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Alert, error) {
	found, err := query(ctx, tx, "find alert", `id = $1`, id)
	if err != nil || len(found) == 0 {
		return Alert{}, errors.Join(err, missing(id, len(found)))
	}
	if _, err := account.Lock(ctx, tx, found[0].AccountID); err != nil {
		return Alert{}, err
	}
	found, err = query(ctx, tx, "lock alert", `id = $1 for update`, id)
	if err != nil || len(found) == 0 {
		return Alert{}, errors.Join(err, missing(id, len(found)))
	}
	return found[0], nil
}

func missing(id uuid.UUID, n int) error {
	if n > 0 {
		return nil
	}
	return fmt.Errorf("alert %s: %w", id, ErrNotFound)
}

// Act does what a raised alert asks for: the work of its agenda item. Where the
// item comes again, at the end of what it holds, that is released. A repeat
// changes nothing.
func Act(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
	a, err := lock(ctx, tx, id)
	if errors.Is(err, ErrNotFound) {
		return nil // its account was taken away
	}
	if err != nil {
		return err
	}
	switch a.State {
	case Raised:
		return a.act(ctx, tx)
	case Held:
		return a.release(ctx, tx, "job:cycle")
	}
	return nil
}

func (a *Alert) act(ctx context.Context, tx tenant.Tx) error {
	if err := a.record(ctx, tx); err != nil {
		return err
	}
	to := Told
	if a.Action == Slow || a.Action == Cut {
		to = Held
		if err := a.hold(ctx, tx); err != nil {
			return err
		}
	}
	if err := a.moveTo(ctx, tx, to, ""); err != nil {
		return err
	}
	return a.tell(ctx, tx)
}

// record tells programs of others.
func (a *Alert) record(ctx context.Context, tx tenant.Tx) error {
	return event.Record(ctx, tx, event.Event{Type: event.ThresholdReached, ObjectID: a.ID, AccountID: a.AccountID, Data: event.ThresholdData{
		ID: a.ID, Rule: a.Rule, AccountID: a.AccountID, SubscriptionID: a.SubscriptionID, Action: string(a.Action),
		Reached: a.Reached.String(), Threshold: a.Threshold.String(), Unit: string(a.Unit), At: a.At,
	}})
}

// hold slows what is to be slowed and stops what is to be cut, and puts the end
// of that on the agenda: with the cycle.
func (a *Alert) hold(ctx context.Context, tx tenant.Tx) error {
	if a.Action == Cut {
		cut, err := a.targets(ctx, tx, account.SubscriptionActive)
		if err != nil {
			return err
		}
		if len(cut) > 0 {
			if _, err := access.Suspend(ctx, tx, a.held(access.Cut), cut...); err != nil {
				return err
			}
			a.Terms.Suspended = true
		}
	} else if _, err := access.Put(ctx, tx, a.held(access.Slowed)); err != nil {
		return err
	}
	holder, err := account.Get(ctx, tx, a.AccountID)
	if err != nil {
		return err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	end := holder.Cycle.To.Start(profile.Zone).UTC()
	if !end.After(tx.At) { // the cycle is over and not closed yet
		end = holder.Cycles(profile.AnchorPolicy).Containing(calendar.DateOf(tx.At, profile.Zone)).To.Start(profile.Zone).UTC()
	}
	return agenda.Add(ctx, tx, agenda.Item{Kind: agenda.Alert, Ref: a.ID, DueAt: end})
}

// held is what the alert holds back of its subscription, or of all of the account.
func (a *Alert) held(level access.Level) access.Hold {
	return access.Hold{AccountID: a.AccountID, SubscriptionID: a.SubscriptionID, Cause: access.Alert, CauseID: a.ID, Level: level, By: "job:alert"}
}

// targets are the subscriptions that an alert is about, in a state: one, or all
// of its account.
func (a *Alert) targets(ctx context.Context, tx tenant.Tx, state account.SubscriptionState) ([]uuid.UUID, error) {
	all, err := account.Subscriptions(ctx, tx, a.AccountID)
	if err != nil {
		return nil, err
	}
	var ids []uuid.UUID
	for _, s := range all {
		if s.State == state && (a.SubscriptionID == nil || *a.SubscriptionID == s.ID) {
			ids = append(ids, s.ID)
		}
	}
	return ids, nil
}

// release ends what is held. A subscription that somebody has resumed, or
// ended, meanwhile stays as it is; one that was suspended before too.
func (a *Alert) release(ctx context.Context, tx tenant.Tx, by string) error {
	if err := access.Release(ctx, tx, a.AccountID, access.Alert, a.ID, cmp.Or(by, "job:alert")); err != nil {
		return err
	}
	return a.moveTo(ctx, tx, Ended, by)
}

// moveTo is the only way to a new state.
func (a *Alert) moveTo(ctx context.Context, tx tenant.Tx, to State, by string) error {
	if !a.State.may(to) {
		return fmt.Errorf("%w: %s, which cannot become %s", ErrEnded, a.State, to)
	}
	terms, err := json.Marshal(a.Terms)
	if err != nil {
		return fmt.Errorf("save alert %s: %w", a.ID, err)
	}
	var ended *time.Time
	if to == Ended {
		ended = &tx.At
	}
	tag, err := tx.Exec(ctx, `update alert set state = $2, terms = $3, ended_at = $4, ended_by = $5 where id = $1`, a.ID, string(to), terms, ended, by)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows written, want 1", tag.RowsAffected())
	}
	if err != nil {
		return fmt.Errorf("save alert %s: %w", a.ID, err)
	}
	a.State, a.EndedAt = to, ended
	return nil
}

// Confirm releases what an alert holds, because the subscriber wants to go on,
// or a clerk for it. ErrEnded if it holds nothing any more.
func Confirm(ctx context.Context, tx tenant.Tx, accountID, id uuid.UUID, by string) (Alert, error) {
	a, err := lock(ctx, tx, id)
	if err != nil {
		return Alert{}, err
	}
	if a.AccountID != accountID {
		return Alert{}, fmt.Errorf("alert %s: %w", id, ErrNotFound)
	}
	if a.State != Held {
		return Alert{}, fmt.Errorf("alert %s: %w", id, ErrEnded)
	}
	return a, a.release(ctx, tx, by)
}

// Relieve releases what an account's balance holds, once it is above the
// threshold again. Whoever adds money calls it; the account is locked.
func Relieve(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) error {
	held, err := query(ctx, tx, "read held alerts", `
		account_id = $1 and state = 'held' and terms ->> 'measure' = 'balance'
		and threshold <= (select b.value from bucket as b where b.id = (terms ->> 'bucket')::uuid)
		order by id for update`, accountID)
	if err != nil {
		return err
	}
	for i := range held {
		if err := held[i].release(ctx, tx, "job:topup"); err != nil {
			return err
		}
	}
	return nil
}

// List reads an account's crossings, newest first; those only counted towards
// are not among them.
func List(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, limit int) ([]Alert, error) {
	return query(ctx, tx, "list alerts", `account_id = $1 and state <> 'counting' order by at desc, id desc limit $2`, accountID, min(max(limit, 1), 200))
}

// HeldOf says what is held of a subscription: what the network asks before it
// lets use through.
func HeldOf(ctx context.Context, tx tenant.Tx, subscription uuid.UUID) ([]Alert, error) {
	return query(ctx, tx, "read held alerts", `
		state = 'held' and (subscription_id = $1 or subscription_id is null and account_id = (select account_id from subscription where id = $1))
		order by at`, subscription)
}

// kinds are the messages of the measures.
var kinds = map[Measure]notice.Kind{Balance: notice.BalanceLow, Allowance: notice.AllowanceUsed, Spend: notice.SpendReached}

func (a *Alert) tell(ctx context.Context, tx tenant.Tx) error {
	allowance, offer, err := a.names(ctx, tx)
	if err != nil {
		return err
	}
	return tell.Many(ctx, tx, []tell.Letter{{AccountID: a.AccountID, Kind: kinds[a.Terms.Measure], Values: func(r tell.Reader) map[string]string {
		return map[string]string{"reached": r.Quantity(a.Reached, a.Unit), "threshold": r.Quantity(a.Threshold, a.Unit), "percent": r.FormatNumber(a.Terms.Percent),
			"code": allowance(r.Language), "offer": offer(r.Language), "more": follows(r.Language, a.Action, offer(r.Language))}
	}}})
}

// names are what people call the allowance and the option that a crossing is
// about; their codes where those are not there any more.
func (a *Alert) names(ctx context.Context, tx tenant.Tx) (allowance, offer func(language string) string, err error) {
	called := func(code string, names catalog.Names) func(string) string {
		return func(language string) string { return cmp.Or(names.In(language), code) }
	}
	allowance, offer = called(a.Terms.Code, nil), called(a.Terms.Offer, nil)
	if a.Terms.Code != "" && a.SubscriptionID != nil {
		s, err := account.GetSubscription(ctx, tx, *a.SubscriptionID)
		if err != nil {
			return nil, nil, err
		}
		o, err := catalog.LoadVersion(ctx, tx, s.OfferingID)
		if err != nil {
			return nil, nil, err
		}
		for i := range o.Allowances {
			if o.Allowances[i].Code == a.Terms.Code {
				allowance = called(a.Terms.Code, o.Allowances[i].Names)
			}
		}
	}
	if a.Terms.Offer != "" {
		o, err := catalog.Current(ctx, tx, a.Terms.Offer, tx.At)
		switch {
		case err == nil:
			offer = called(a.Terms.Offer, o.Offering.Names)
		case !errors.Is(err, catalog.ErrNotFound):
			return nil, nil, err
		}
	}
	return allowance, offer, nil
}

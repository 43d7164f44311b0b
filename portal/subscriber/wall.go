package subscriber

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing/access"
	"tollhouse/billing/calendar"
	"tollhouse/billing/collection"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// wallView is why services are held back, and what helps.
type wallView struct {
	Title, More, Promised, Refused string
	Pays                           bool
	Lead                           string // of a promise; empty: none is taken
	Until                          ui.Field
	Action, Key                    string
}

// wallFacts are what the note is made of.
type wallFacts struct {
	level    access.Level // by dunning, or by an empty balance
	empty    bool
	found    bool // there is a case
	debt     collection.Case
	rule     *collection.PromiseRule
	amount   money.Amount
	promised *calendar.Date
}

func loadWall(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, collector *collection.Collector) (w wallFacts, err error) {
	rights, err := access.OfAccounts(ctx, tx, accountID)
	if err != nil {
		return w, err
	}
	for _, right := range rights {
		for _, reason := range right.Reasons {
			switch reason.Cause {
			case access.Dunning:
				w.level = access.Strongest(w.level, reason.Level)
			case access.Empty:
				w.empty = true
			}
		}
	}
	if w.debt, w.found, err = collection.OpenCase(ctx, tx, accountID); err != nil || !w.found {
		return w, err
	}
	story, err := collection.Tell(ctx, tx, accountID)
	if err != nil {
		return w, err
	}
	if i := slices.IndexFunc(story.Arrangements, func(a collection.Arrangement) bool {
		return a.Kind == collection.Promise && a.State == collection.ArrangementActive
	}); i >= 0 {
		w.promised = story.Arrangements[i].Until
	}
	rule, amount, err := collector.MayPromise(ctx, tx, accountID, true)
	if err == nil {
		w.rule, w.amount = &rule, amount
	}
	return w, ignoreRefusal(err)
}

// ignoreRefusal lets through what is no reason against a promise.
func ignoreRefusal(err error) error {
	for _, known := range []error{collection.ErrNothingOverdue, collection.ErrPromise, collection.ErrPromises, collection.ErrArranged, collection.ErrNoPolicy} {
		if errors.Is(err, known) {
			return nil
		}
	}
	return err
}

// wallOf words the note; nil where nothing is held back and nothing overdue.
func wallOf(v *web.Visit, w wallFacts) *wallView {
	r := v.Reader
	out := &wallView{Action: v.URL("promise"), Key: newKey()}
	switch {
	case w.level.Stronger(access.Allowed):
		out.Title = r.T("wall." + string(w.level))
	case w.empty:
		out.Title = r.T("wall.empty")
		return out
	case w.found && (w.rule != nil || w.promised != nil):
		out.Title = r.T("due.title")
	default:
		return nil
	}
	if w.found {
		out.Pays = true
		out.More = r.T("wall.more", "amount", r.Money(money.New(w.debt.Overdue, w.debt.Currency)), "date", r.Date(w.debt.OldestDue))
	}
	if w.promised != nil {
		out.Promised = r.T("wall.promised", "date", r.Date(*w.promised))
	}
	if w.rule != nil {
		out.Lead = r.T("wall.promise.lead", "amount", r.Money(w.amount), "date", r.Date(r.Today.AddDays(w.rule.Days)))
		out.Until = ui.Field{ID: "until", Label: r.T("col.until"), Kind: "date", Value: r.Today.AddDays(w.rule.Days).String()}
	}
	if v.Query("promise") == "not" {
		out.Refused = r.T("wall.promise.not")
	}
	return out
}

// sendPromise takes the subscriber's own promise to pay.
func sendPromise(v *web.Visit) error {
	until, err := calendar.ParseDate(v.Form("until"))
	if err != nil {
		return v.Redirect(v.URL("", "promise", "not"))
	}
	err = writeOwn(v, "makePromise", map[string]any{"until": until.String()}, func(ctx context.Context, tx tenant.Tx) error {
		_, err := v.Stack.Collection().Promise(ctx, tx, collection.NewPromise{ID: parseID(v.Form("key")), AccountID: v.Who.AccountID, Until: until, By: v.Who.Actor(), Subscriber: true})
		return err
	})
	if err != nil && ignoreRefusal(err) == nil {
		return v.Redirect(v.URL("", "promise", "not"))
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("", "promise", "taken"))
}

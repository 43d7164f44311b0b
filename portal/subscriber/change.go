package subscriber

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/migration"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// changeView is a change of a plan that the operator has planned.
type changeView struct{ Title, More, Href string }

// comingChange is such a change with what it is from and to.
type comingChange struct {
	migration.Coming
	from, to catalog.Offering
	day      calendar.Date // on which this subscription changes
}

// comingChanges reads the changes that the visitor was told of.
func comingChanges(ctx context.Context, tx tenant.Tx, v *web.Visit) ([]comingChange, error) {
	list, err := migration.ComingFor(ctx, tx, v.Who.AccountID)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	a, err := account.Get(ctx, tx, v.Who.AccountID)
	if err != nil {
		return nil, err
	}
	changes := make([]comingChange, len(list))
	for i, one := range list {
		c := comingChange{Coming: one}
		s, err := account.GetSubscription(ctx, tx, one.Subscription)
		if err != nil {
			return nil, err
		}
		both, err := catalog.LoadVersions(ctx, tx, []uuid.UUID{s.OfferingID, one.To})
		if err != nil {
			return nil, err
		}
		c.from, c.to, c.day = both[s.OfferingID], both[one.To], one.StartsOn
		if cycle := a.Cycles(v.Profile.AnchorPolicy).Containing(one.StartsOn); cycle.From != one.StartsOn {
			c.day = cycle.To
		}
		changes[i] = c
	}
	return changes, nil
}

func (c comingChange) view(v *web.Visit) changeView {
	r := v.Reader
	return changeView{
		Title: r.T("sales.change.title", "plan", c.from.Names.In(r.Locale.Language), "date", r.Date(c.day)),
		More:  r.T("sales.change.price", "before", priceWords(r, c.from), "after", priceWords(r, c.to)),
		Href:  v.URL("changes/" + c.ID.String() + "/" + c.Subscription.String()),
	}
}

// showChange tells what a planned change brings, and lets the subscriber stay.
func showChange(v *web.Visit) error {
	r := v.Reader
	s := confirmView{Page: pageOf(v, sectionHome, r.T("sales.change")), Key: newKey(), Back: v.URL("")}
	err := read(v, func(ctx context.Context, tx tenant.Tx) error {
		changes, err := comingChanges(ctx, tx, v)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(changes, func(c comingChange) bool {
			return c.ID == parseID(v.Param("migration")) && c.Subscription == parseID(v.Param("subscription"))
		})
		if i < 0 {
			return account.ErrNotFound
		}
		c := changes[i]
		view, before, after := c.view(v), optionWords(r, c.from), optionWords(r, c.to)
		s.Title, s.Action = view.Title, view.Href
		s.Rows = [][2]string{{r.T("sales.change.before"), before.Price}, {r.T("sales.change.after"), after.Price}}
		for _, line := range before.Brings {
			if !slices.Contains(after.Brings, line) {
				s.Rows = append(s.Rows, [2]string{r.T("sales.change.goes"), line})
			}
		}
		for _, line := range after.Brings {
			if !slices.Contains(before.Brings, line) {
				s.Rows = append(s.Rows, [2]string{r.T("sales.change.comes"), line})
			}
		}
		if c.Reason != "" {
			s.More = append(s.More, c.Reason)
		}
		s.More = append(s.More, r.T("sales.change.more", "date", r.Date(c.day)))
		s.Choices = []ui.Choice{{Value: "stay", Label: r.T("sales.change.stay")}}
		return nil
	})
	if err != nil {
		return err
	}
	return v.Show(http.StatusOK, confirmPage(s))
}

// stayAsIs lets a subscription out of a planned change.
func stayAsIs(v *web.Visit) error {
	err := onceOwn(v, "migration.opt_out", map[string]any{"migration": v.Param("migration")}, func(ctx context.Context, tx tenant.Tx) error {
		one, err := ownSubscription(ctx, tx, v, parseID(v.Param("subscription")))
		if err != nil {
			return err
		}
		return migration.OptOut(ctx, tx, parseID(v.Param("migration")), one.ID, "subscriber")
	})
	if errors.Is(err, migration.ErrNotFound) || errors.Is(err, migration.ErrNotMember) {
		err = account.ErrNotFound
	}
	if errors.Is(err, migration.ErrRuns) {
		return showHome(v, http.StatusUnprocessableEntity, &refusal{v.Reader.T("sales.change"), v.Reader.T("sales.change.late")}, nil)
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("", "done", "stays"))
}

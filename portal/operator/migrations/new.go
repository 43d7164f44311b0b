package migrations

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/migration"
	"tollhouse/billing/money"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// newView is the form, and what a plan would do once it has been looked at.
type newView struct {
	list, action, key        string
	to, from, day, days, why ui.Field
	versions                 []ui.Choice
	sold                     []soldVersion
	faults                   []ui.Fault
	effects                  []effectRow
	told, difference         string
}

// soldVersion is a version that may be moved.
type soldVersion struct {
	field  ui.Field
	ticked bool
}

type effectRow struct{ name, subscriptions, before, after, difference string }

const usualNotice = 30

func showNew(v *web.Visit) error { return answerNew(v, http.StatusOK, nil, nil) }

// wanted reads the form. A number or a day that is none is refused by the domain.
func wanted(v *web.Visit) migration.New {
	n := migration.New{ID: command.ID(v), To: parseID(v.Form("to")), Reason: strings.TrimSpace(v.Form("reason")), By: v.Who.Actor()}
	for _, id := range v.Fields()["from"] {
		n.From = append(n.From, parseID(id))
	}
	n.StartsOn, _ = calendar.ParseDate(v.Form("starts_on"))
	days, err := strconv.Atoi(strings.TrimSpace(v.Form("notice_days")))
	if n.NoticeDays = days; err != nil {
		n.NoticeDays = -1
	}
	return n
}

func answerNew(v *web.Visit, status int, effects []migration.Effect, refused error) error {
	r := v.Reader
	page := &newView{list: v.Console("migrations"), action: v.Console("migrations/new"), key: command.NewKey()}
	sent := v.Form("csrf") != ""
	kept := func(name, otherwise string) string {
		if sent {
			return v.Form(name)
		}
		return otherwise
	}
	page.to = ui.Field{ID: "to", Label: r.T("sales.mig.to"), Value: kept("to", v.Query("to"))}
	page.from = ui.Field{ID: "from", Label: r.T("sales.mig.from")}
	page.day = ui.Field{ID: "starts_on", Label: r.T("sales.mig.starts"), Hint: r.T("sales.mig.starts.hint"), Kind: "date", Value: kept("starts_on", r.Today.AddDays(usualNotice+1).String())}
	page.days = ui.Field{ID: "notice_days", Label: r.T("sales.mig.notice"), InputMode: "numeric", MaxLength: "3", Value: kept("notice_days", strconv.Itoa(usualNotice))}
	page.why = ui.Field{ID: "reason", Label: r.T("sales.mig.reason"), Hint: r.T("sales.mig.reason.hint"), MaxLength: "300", Value: kept("reason", ""), Optional: true}
	page.refuse(r, refused)
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error { return page.load(ctx, tx, v) })
	if err != nil {
		return err
	}
	page.addEffects(r, v.Profile.Currency, effects)
	if status != http.StatusOK {
		page.faults = ui.FaultsOf(page.to, page.from, page.day, page.days)
	}
	return v.Show(status, newPage(frame.Of(v, frame.Migrations, r.T("sales.mig.new")), page))
}

// refuse puts the domain's refusal beside its field.
func (p *newView) refuse(r ui.Reader, refused error) {
	var wrong *migration.PlanError
	field := ""
	switch {
	case refused == nil:
		return
	case errors.As(refused, &wrong):
		field = wrong.Field
	case errors.Is(refused, catalog.ErrNotFound):
		field = "to"
	}
	for _, f := range []*ui.Field{&p.to, &p.from, &p.day, &p.days} {
		if f.ID == field {
			f.Error = r.T("sales.mig.want." + field)
		}
	}
}

func (p *newView) load(ctx context.Context, tx tenant.Tx, v *web.Visit) error {
	r := v.Reader
	versions, err := replay.Versions(ctx, tx)
	if err != nil {
		return err
	}
	p.versions = []ui.Choice{{Label: r.T("sales.mig.choose")}}
	for _, one := range versions {
		id := one.ID.String()
		name := r.T("sales.mig.version", "name", one.Names.In(r.Locale.Language), "version", strconv.Itoa(one.Version))
		if one.State == string(catalog.Published) {
			p.versions = append(p.versions, ui.Choice{Value: id, Label: name, Chosen: id == p.to.Value})
		}
		if one.Sold {
			p.sold = append(p.sold, soldVersion{ui.Field{ID: "from-" + id, Name: "from", Value: id, Label: name}, slices.Contains(v.Fields()["from"], id)})
		}
	}
	return nil
}

func (p *newView) addEffects(r ui.Reader, c money.Currency, effects []migration.Effect) {
	var n int64
	all := money.Decimal{}
	signed := func(d money.Decimal) string {
		text := r.Money(money.New(d, c))
		if d.Sign() > 0 {
			return "+" + text
		}
		return text
	}
	for _, e := range effects {
		n, all = n+e.Subscriptions, all.Add(e.Difference)
		p.effects = append(p.effects, effectRow{e.Code + " " + strconv.Itoa(e.Version), count(r, e.Subscriptions), r.Money(money.New(e.Before, c)), r.Money(money.New(e.After, c)), signed(e.Difference)})
	}
	if len(effects) > 0 {
		p.told, p.difference = r.N("sales.mig.would", n), r.T("sales.mig.would.price", "amount", signed(all))
	}
}

// plan shows first what a migration would do, and keeps it when that is confirmed.
func plan(v *web.Visit) error {
	n := wanted(v)
	if v.Form("confirmed") == "" || v.Form("again") != "" {
		var effects []migration.Effect
		err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
			effects, err = migration.Preview(ctx, tx, n)
			return err
		})
		if refusable(err) {
			return answerNew(v, http.StatusUnprocessableEntity, nil, err)
		}
		if err != nil {
			return err
		}
		return answerNew(v, http.StatusOK, effects, nil)
	}
	c := &command.Command{Action: "planMigration", Object: "migration", ID: n.ID, Detail: map[string]any{"to": n.To, "from": n.From, "starts_on": n.StartsOn.String(), "notice_days": n.NoticeDays, "reason": n.Reason}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		m, err := migration.Plan(ctx, tx, n)
		return v.Console("migrations/"+m.ID.String(), "done", "planned"), err
	}
	next, err := command.CarryOut(v, c)
	if refusable(err) {
		return answerNew(v, http.StatusUnprocessableEntity, nil, err)
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}

func refusable(err error) bool {
	return errors.Is(err, migration.ErrPlan) || errors.Is(err, catalog.ErrNotFound)
}

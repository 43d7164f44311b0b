package replays

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// reratingView is one re-rating as it is drawn.
type reratingView struct {
	list, here, key              string
	tone                         ui.Tone
	state                        string
	job                          *ui.Job
	error                        string
	verdict                      []string
	facts                        [][2]string
	stats                        []ui.Stat
	accounts                     []partRow
	changes                      []changeRow
	only                         string // the account that the charges are narrowed to
	all, first, next             string
	mayApply, mayCancel, mayUndo bool
	reason                       ui.Field
	openApply, openUndo          bool
	undoneBy, undoes             string
	waits                        bool
	effect                       string
}

type partRow struct {
	number, href, narrow, name, charges, net, tax, state, problem string
	tone                                                          ui.Tone
}

type changeRow struct {
	at, account, href, what, quantity, old, new, net, note string
	problem                                                string
	steps                                                  []string
}

func showRerating(v *web.Visit) error { return answerRerating(v, http.StatusOK, "", "") }

// answerRerating shows a re-rating; fault is what is wrong with the reason in
// the dialog that was refused.
func answerRerating(v *web.Visit, status int, dialog, fault string) error {
	r := v.Reader
	id, narrow, at := parseID(v.Param("rerating")), parseID(v.Query("account")), pageAt(v)
	var one replay.Rerating
	var totals []replay.Total
	var parts []replay.AccountPart
	var changes []replay.ChargeChange
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if one, err = replay.Get(ctx, tx, id); err != nil {
			return err
		}
		if totals, err = replay.Totals(ctx, tx, id); err != nil {
			return err
		}
		if parts, err = replay.Accounts(ctx, tx, id, 0, 10); err != nil {
			return err
		}
		changes, err = replay.Changes(ctx, tx, id, narrow, false, at, rowsAPage+1)
		return err
	})
	if err != nil {
		return err
	}
	here := "corrections/" + id.String()
	may := v.May(identity.ReratingWrite)
	page := &reratingView{
		list: v.Console("corrections"), here: v.Console(here), key: command.NewKey(), tone: toneOf(one.State), state: r.T("replay.state." + string(one.State)), error: one.Error,
		mayApply: may && one.State == replay.Ready && one.Charges > 0, mayCancel: may && (one.State == replay.Asked || one.State == replay.Running || one.State == replay.Ready),
		mayUndo: may && one.State == replay.Applied && one.Action != replay.Undo && one.UndoneBy == uuid.Nil,
		reason:  ui.Field{ID: "reason", Label: r.T("replay.reason"), Hint: r.T("replay.reason.hint"), MaxLength: "500", Value: v.Form("reason"), Error: fault},
	}
	page.waits = one.Waits && one.State == replay.Ready
	page.openApply, page.openUndo = dialog == "apply", dialog == "undo"
	if one.State.Working() {
		j := reratingJob(r, &one)
		j.Again = v.Console(here + "/progress")
		page.job = &j
	}
	page.addFacts(v, &one)
	page.addTotals(r, &one, totals)
	page.addRows(v, here, parts, changes, narrow, at)
	return v.Show(status, reratingPage(frame.Of(v, frame.Corrections, r.T("replay.action."+string(one.Action))), page))
}

func reratingJob(r ui.Reader, one *replay.Rerating) ui.Job {
	key := "replay.rerating.working"
	if one.State == replay.Applying {
		key = "replay.rerating.applying"
	}
	return job(r, one.ID, r.T(key), "", one.AccountsDone, one.Accounts, r.T("replay.since", "at", r.Short(one.AskedAt)))
}

func showReratingProgress(v *web.Visit) error {
	var one replay.Rerating
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		one, err = replay.Get(ctx, tx, parseID(v.Param("rerating")))
		return err
	})
	if err != nil {
		return err
	}
	if !one.State.Working() {
		return v.Reload()
	}
	j := reratingJob(v.Reader, &one)
	j.Again = v.Console("corrections/" + one.ID.String() + "/progress")
	return v.Show(http.StatusOK, ui.JobProgress(v.Reader, j))
}

func (p *reratingView) addFacts(v *web.Visit, one *replay.Rerating) {
	r := v.Reader
	p.facts = [][2]string{{r.T("replay.days"), r.Date(one.Choice.Days.From) + " – " + r.Date(one.Choice.Days.To.AddDays(-1))}}
	add := func(key, value string) {
		if value != "" {
			p.facts = append(p.facts, [2]string{r.T(key), value})
		}
	}
	if one.Cause != uuid.Nil {
		add("replay.cause", r.T("replay.cause.plan", "date", r.Date(one.Choice.Days.From)))
	}
	if one.Choice.Subscription != uuid.Nil {
		add("replay.subscription", one.Choice.Subscription.String())
	}
	add("replay.trial.plan", one.Choice.Offering)
	add("replay.prefix", one.Choice.Prefix)
	if len(one.Choice.Uses) > 0 {
		add("replay.uses", count(r, int64(len(one.Choice.Uses))))
	}
	if one.Decks == replay.DecksPresent {
		add("replay.decks", r.T("replay.decks.present"))
	}
	add("replay.asked", r.Short(one.AskedAt))
	if one.AppliedAt != nil {
		add("replay.applied.at", r.Short(*one.AppliedAt))
	}
	add("replay.reason", one.Reason)
	if one.UndoneBy != uuid.Nil {
		p.undoneBy = v.Console("corrections/" + one.UndoneBy.String())
	}
	if one.Undoes != uuid.Nil {
		p.undoes = v.Console("corrections/" + one.Undoes.String())
	}
}

func (p *reratingView) addTotals(r ui.Reader, one *replay.Rerating, totals []replay.Total) {
	if one.State == replay.Ready && one.Charges == 0 {
		p.verdict = append(p.verdict, r.T("replay.nothing"))
	}
	for _, t := range totals {
		amount := func(d money.Decimal) string { return r.Money(money.New(d, t.Currency)) }
		stat := func(key string, d money.Decimal) ui.Stat {
			return ui.Stat{Key: r.T(key), Value: amount(d), Exact: r.Exact(money.New(d, t.Currency))}
		}
		gross := t.Net.Add(t.Tax)
		key := "replay.effect.even"
		switch gross.Sign() {
		case -1:
			key = "replay.effect.back"
		case 1:
			key = "replay.effect.more"
		}
		p.effect = r.T(key, "amount", amount(gross.Abs()), "accounts", count(r, t.Accounts-t.Refused), "charges", count(r, t.Charges))
		p.verdict = append(p.verdict, p.effect)
		if t.Refused > 0 {
			p.verdict = append(p.verdict, r.T("replay.refused", "n", count(r, t.Refused)))
		}
		if t.Problems > 0 {
			p.verdict = append(p.verdict, r.T("replay.problems", "n", count(r, t.Problems)))
		}
		p.stats = append(p.stats,
			stat("replay.given", t.Returned), stat("replay.demanded", t.Demanded), stat("replay.net", t.Net), stat("replay.tax", t.Tax))
	}
}

func (p *reratingView) addRows(v *web.Visit, here string, parts []replay.AccountPart, changes []replay.ChargeChange, narrow uuid.UUID, at int) {
	r := v.Reader
	for _, a := range parts {
		tone := ui.Info
		switch a.State {
		case "applied":
			tone = ui.OK
		case "refused":
			tone = ui.Warn
		}
		if a.Account == narrow {
			p.only = a.Number
		}
		p.accounts = append(p.accounts, partRow{
			number: a.Number, href: v.Console("subscribers/" + a.Account.String()), narrow: v.Console(here, "account", a.Account.String()) + "#charges", name: a.Name,
			charges: count(r, a.Charges), net: r.Money(a.Net), tax: r.Money(a.Tax), state: r.T("replay.part." + a.State), tone: tone, problem: a.Problem,
		})
	}
	if narrow != uuid.Nil {
		p.all = v.Console(here) + "#charges"
	}
	pairs := []string{}
	if narrow != uuid.Nil {
		pairs = []string{"account", narrow.String()}
	}
	if at > 0 {
		p.first = v.Console(here, pairs...) + "#charges"
	}
	if len(changes) > rowsAPage {
		changes = changes[:rowsAPage]
		p.next = v.Console(here, append(pairs, "at", strconv.Itoa(at+rowsAPage))...) + "#charges"
	}
	for _, c := range changes {
		row := changeRow{
			at: r.DateTime(c.At), account: c.Number, href: v.Console("subscribers/" + c.Account.String()), what: r.T("replay.use."+c.Kind) + " " + c.Destination,
			quantity: r.Quantity(money.NewDecimal(c.Quantity), c.Unit), old: r.Cost(c.Old), new: r.Cost(c.New), net: r.Exact(c.Net), problem: c.Problem, steps: c.Why.Lines(),
		}
		switch {
		case c.Voids > 0:
			row.note = r.T("replay.note.voids", "quantity", r.Quantity(money.NewDecimal(c.Voids), c.Unit))
		case !c.Chosen:
			row.note = r.T("replay.note.follows")
		}
		p.changes = append(p.changes, row)
	}
}

func apply(v *web.Visit) error {
	return act(v, "applyRerating", "apply", func(ctx context.Context, tx tenant.Tx, id uuid.UUID) (replay.Rerating, error) {
		return replay.Apply(ctx, tx, id, v.Form("reason"), v.Who.Actor())
	})
}

func undo(v *web.Visit) error {
	return act(v, "undoRerating", "undo", func(ctx context.Context, tx tenant.Tx, id uuid.UUID) (replay.Rerating, error) {
		return replay.UndoApplied(ctx, tx, id, v.Form("reason"), v.Who.Actor())
	})
}

func cancel(v *web.Visit) error {
	return act(v, "cancelRerating", "", func(ctx context.Context, tx tenant.Tx, id uuid.UUID) (replay.Rerating, error) {
		return replay.Cancel(ctx, tx, id)
	})
}

// act carries a command on a re-rating out and leads to what it made of it.
func act(v *web.Visit, action, dialog string, do func(context.Context, tenant.Tx, uuid.UUID) (replay.Rerating, error)) error {
	id := parseID(v.Param("rerating"))
	c := &command.Command{Action: action, Object: "rerating", ID: id, Detail: map[string]any{"reason": v.Form("reason")}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		one, err := do(ctx, tx, id)
		return v.Console("corrections/" + one.ID.String()), err
	}
	next, err := command.CarryOut(v, c)
	if errors.Is(err, replay.ErrChoice) {
		return answerRerating(v, http.StatusUnprocessableEntity, dialog, v.Reader.T("replay.fault.reason"))
	}
	if errors.Is(err, replay.ErrState) || errors.Is(err, replay.ErrUndone) {
		return v.Lead(v.Console("corrections/" + id.String())) // it shows what has become of it
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}

// inDialog gives a field an id of its own in one of the page's dialogs.
func inDialog(f ui.Field, dialog string) ui.Field {
	f.Name, f.ID = f.ID, dialog+"-"+f.ID
	return f
}

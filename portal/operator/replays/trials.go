package replays

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// trialsView is the list of trials with the form that asks for one.
type trialsView struct {
	rows     []trialRow
	next     string
	form     *trialForm
	faults   []ui.Fault
	mayWrite bool
}

type trialRow struct {
	href, code, days, state, asked, more string
	tone                                 ui.Tone
}

// trialForm asks what is to be tried on whose usage.
type trialForm struct {
	action, key                                    string
	version, from, last, plan, branch, kind, place ui.Field
	spentFrom, spentTo, decks                      ui.Field
	versions, plans, branches, kinds, deckChoices  []ui.Choice
}

func (f *trialForm) fields() []ui.Field {
	return []ui.Field{f.version, f.from, f.last, f.plan, f.branch, f.kind, f.place, f.spentFrom, f.spentTo}
}

func showTrials(v *web.Visit) error { return answerTrials(v, http.StatusOK, v.Query("version"), nil) }

// offerTrial leads from an offer to the form, with its draft chosen, or else
// its latest version.
func offerTrial(v *web.Visit) error {
	var versions []replay.Version
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		versions, err = replay.Versions(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, one := range versions {
		if one.Code == v.Param("code") {
			return v.Redirect(v.Console("trials", "version", one.ID.String()))
		}
	}
	return catalog.ErrNotFound
}

func answerTrials(v *web.Visit, status int, version string, refused error) error {
	r := v.Reader
	page := &trialsView{mayWrite: v.May(identity.OfferingWrite)}
	after := parseID(v.Query("after"))
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		trials, err := replay.ListTrials(ctx, tx, uuid.Nil, after, rowsAPage+1)
		if err != nil {
			return err
		}
		if len(trials) > rowsAPage {
			trials = trials[:rowsAPage]
			page.next = v.Console("trials", "after", trials[rowsAPage-1].ID.String())
		}
		for _, t := range trials {
			page.rows = append(page.rows, trialRow{
				href: v.Console("trials/" + t.ID.String()), code: t.Document.Names.In(r.Locale.Language), days: r.Date(t.Days.From) + " – " + r.Date(t.Days.To.AddDays(-1)),
				tone: toneOf(t.State), state: r.T("replay.state." + string(t.State)), asked: r.Short(t.AskedAt), more: differenceWords(r, &t),
			})
		}
		page.form, err = newTrialForm(ctx, tx, v, version)
		return err
	})
	if err != nil {
		return err
	}
	if field, message := faultOf(r, refused); field != "" {
		page.form.refuse(field, message)
		page.faults = ui.FaultsOf(page.form.fields()...)
	} else if refused != nil {
		page.faults = []ui.Fault{{Message: r.T("replay.busy")}}
	}
	return v.Show(status, trialsPage(frame.Of(v, frame.Trials, r.T("con.nav.trials")), page))
}

func newTrialForm(ctx context.Context, tx tenant.Tx, v *web.Visit, version string) (*trialForm, error) {
	r := v.Reader
	month := lastMonth(r)
	kept := func(name, otherwise string) string {
		if v.Form("key") != "" {
			return v.Form(name)
		}
		return otherwise
	}
	f := &trialForm{action: v.Console("trials"), key: command.NewKey()}
	f.version = ui.Field{ID: "offering_version", Label: r.T("replay.trial.version"), Value: kept("offering_version", version)}
	f.from = ui.Field{ID: "from", Label: r.T("replay.from"), Kind: "date", Value: kept("from", month.From.String())}
	f.last = ui.Field{ID: "last", Label: r.T("replay.last"), Kind: "date", Value: kept("last", month.To.AddDays(-1).String())}
	f.plan = ui.Field{ID: "offering", Label: r.T("replay.trial.plan"), Value: kept("offering", ""), Optional: true}
	f.branch = ui.Field{ID: "branch", Label: r.T("replay.by.branch"), Value: kept("branch", ""), Optional: true}
	f.kind = ui.Field{ID: "kind", Label: r.T("replay.by.kind"), Value: kept("kind", ""), Optional: true}
	f.place = ui.Field{ID: "place", Label: r.T("replay.by.place"), Value: kept("place", ""), Optional: true, MaxLength: "200"}
	f.spentFrom = ui.Field{ID: "spent_from", Label: r.T("replay.trial.spent.from", "currency", v.Profile.Currency.Code()), Value: kept("spent_from", ""), Optional: true, InputMode: "decimal"}
	f.spentTo = ui.Field{ID: "spent_to", Label: r.T("replay.trial.spent.to", "currency", v.Profile.Currency.Code()), Value: kept("spent_to", ""), Optional: true, InputMode: "decimal"}
	f.decks, f.deckChoices = decksField(r, kept("decks", string(replay.DecksThen)))
	versions, err := replay.Versions(ctx, tx)
	if err != nil {
		return nil, err
	}
	f.plans, f.branches = []ui.Choice{{Label: r.T("replay.all")}}, []ui.Choice{{Label: r.T("replay.all")}}
	seen := map[string]bool{}
	for _, one := range versions {
		name := one.Names.In(r.Locale.Language)
		f.versions = append(f.versions, ui.Choice{Value: one.ID.String(), Chosen: f.version.Value == one.ID.String(),
			Label: r.T("replay.version", "name", name, "version", count(r, int64(one.Version)), "state", r.T("replay.offer."+one.State))})
		if !seen[one.Code] && one.Sold {
			seen[one.Code] = true
			f.plans = append(f.plans, ui.Choice{Value: one.Code, Label: name, Chosen: f.plan.Value == one.Code})
		}
	}
	branches, err := account.Branches(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, b := range branches {
		f.branches = append(f.branches, ui.Choice{Value: b.ID.String(), Label: b.Name, Chosen: f.branch.Value == b.ID.String()})
	}
	f.kinds = []ui.Choice{{Label: r.T("replay.all")}}
	for _, kind := range []string{"prepaid", "postpaid"} {
		f.kinds = append(f.kinds, ui.Choice{Value: kind, Label: r.T("replay.kind." + kind), Chosen: f.kind.Value == kind})
	}
	return f, nil
}

func (f *trialForm) refuse(field, message string) {
	for _, one := range []*ui.Field{&f.version, &f.from, &f.last, &f.plan, &f.branch, &f.kind, &f.place, &f.spentFrom, &f.spentTo, &f.decks} {
		if one.ID == field {
			one.Error = message
		}
	}
}

func askTrial(v *web.Visit) error {
	wanted := replay.NewTrial{Offering: parseID(v.Form("offering_version")), Days: daysOf(v), Decks: replay.Decks(v.Form("decks")), By: v.Who.Actor(), Segment: replay.Segment{
		Offering: v.Form("offering"), Branch: parseID(v.Form("branch")), Kind: v.Form("kind"), Place: strings.TrimSpace(v.Form("place")),
	}}
	from, err := amountOf(v, "spent_from")
	if err == nil && from != nil {
		wanted.Segment.Spent.From = *from
	}
	if err == nil {
		wanted.Segment.Spent.To, err = amountOf(v, "spent_to")
	}
	if err != nil {
		return answerTrials(v, http.StatusUnprocessableEntity, "", err)
	}
	c := &command.Command{Action: "createTrial", Object: "trial", Detail: map[string]any{"offering_version": wanted.Offering.String(), "from": wanted.Days.From.String(), "to": wanted.Days.To.String()}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		t, err := replay.AskTrial(ctx, tx, wanted)
		if err != nil {
			return "", err
		}
		c.ID = t.ID
		return v.Console("trials/" + t.ID.String()), nil
	}
	next, err := command.CarryOut(v, c)
	if errors.Is(err, replay.ErrChoice) || errors.Is(err, replay.ErrBusy) {
		return answerTrials(v, http.StatusUnprocessableEntity, "", err)
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}

// amountOf reads an amount of a form; nil where none was typed.
func amountOf(v *web.Visit, field string) (*money.Decimal, error) {
	typed := strings.TrimSpace(v.Form(field))
	if typed == "" {
		return nil, nil
	}
	amount, err := ui.ParseAmount(typed, v.Profile.Currency, v.Reader.Locale)
	if err != nil {
		return nil, &replay.ChoiceError{Field: field, Want: "an amount"}
	}
	d := amount.Decimal()
	return &d, nil
}

func cancelTrial(v *web.Visit) error {
	id := parseID(v.Param("trial"))
	c := &command.Command{Action: "cancelTrial", Object: "trial", ID: id}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := replay.CancelTrial(ctx, tx, id)
		return v.Console("trials/" + id.String()), err
	}
	next, err := command.CarryOut(v, c)
	if errors.Is(err, replay.ErrState) {
		return v.Lead(v.Console("trials/" + id.String())) // it has ended by itself
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}

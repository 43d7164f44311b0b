package replays

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// reratingsView is the list of corrections, the form that proposes one and the
// window for late usage.
type reratingsView struct {
	rows     []reratingRow
	next     string
	form     *reratingForm
	window   *windowForm
	faults   []ui.Fault
	done     string
	mayWrite bool
}

type reratingRow struct {
	href, what, days, state, asked, reason string
	tone                                   ui.Tone
}

type reratingForm struct {
	action, key                                                           string
	what, from, last, account, offering, prefix, file, uses, under, decks ui.Field
	actions, offerings, versions, deckChoices                             []ui.Choice
}

type windowForm struct {
	action, key, waiting, suspense string
	days                           ui.Field
	may                            bool
}

func (f *reratingForm) each(do func(*ui.Field)) {
	for _, one := range []*ui.Field{&f.what, &f.from, &f.last, &f.account, &f.offering, &f.prefix, &f.file, &f.uses, &f.under, &f.decks} {
		do(one)
	}
}

func showReratings(v *web.Visit) error { return answerReratings(v, http.StatusOK, nil, "") }

func answerReratings(v *web.Visit, status int, refused error, windowFault string) error {
	r := v.Reader
	page := &reratingsView{mayWrite: v.May(identity.ReratingWrite)}
	if v.Query("done") == "window" {
		page.done = r.T("replay.window.done")
	}
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		list, err := replay.List(ctx, tx, parseID(v.Query("after")), rowsAPage+1)
		if err != nil {
			return err
		}
		if len(list) > rowsAPage {
			list = list[:rowsAPage]
			page.next = v.Console("corrections", "after", list[rowsAPage-1].ID.String())
		}
		for i := range list {
			page.rows = append(page.rows, reratingRowOf(v, &list[i]))
		}
		if page.form, err = newReratingForm(ctx, tx, v); err != nil {
			return err
		}
		page.window, err = newWindowForm(ctx, tx, v, windowFault)
		return err
	})
	if err != nil {
		return err
	}
	if field, message := faultOf(r, refused); field != "" {
		page.form.each(func(one *ui.Field) {
			if one.ID == field {
				one.Error = message
				page.faults = append(page.faults, ui.Fault{Field: one.ID, Message: message})
			}
		})
	} else if refused != nil {
		page.faults = []ui.Fault{{Message: r.T("replay.busy")}}
	}
	if windowFault != "" {
		page.faults = append(page.faults, ui.Fault{Field: "correction_days", Message: windowFault})
	}
	return v.Show(status, reratingsPage(frame.Of(v, frame.Corrections, r.T("con.nav.corrections")), page))
}

func reratingRowOf(v *web.Visit, one *replay.Rerating) reratingRow {
	r := v.Reader
	row := reratingRow{
		href: v.Console("corrections/" + one.ID.String()), what: r.T("replay.action." + string(one.Action)),
		days: r.Date(one.Choice.Days.From) + " – " + r.Date(one.Choice.Days.To.AddDays(-1)), tone: toneOf(one.State),
		state: r.T("replay.state." + string(one.State)), asked: r.Short(one.AskedAt), reason: one.Reason,
	}
	if one.Cause != uuid.Nil && one.Reason == "" {
		row.reason = r.T("replay.cause.plan", "date", r.Date(one.Choice.Days.From))
	}
	return row
}

func newReratingForm(ctx context.Context, tx tenant.Tx, v *web.Visit) (*reratingForm, error) {
	r := v.Reader
	month := lastMonth(r)
	kept := func(name, otherwise string) string {
		if v.Form("key") != "" {
			return v.Form(name)
		}
		if asked := v.Query(name); asked != "" {
			return asked
		}
		return otherwise
	}
	f := &reratingForm{action: v.Console("corrections"), key: command.NewKey()}
	f.what = ui.Field{ID: "action", Label: r.T("replay.action"), Value: kept("action", string(replay.PriceAgain))}
	f.from = ui.Field{ID: "from", Label: r.T("replay.from"), Kind: "date", Value: kept("from", month.From.String())}
	f.last = ui.Field{ID: "last", Label: r.T("replay.last"), Kind: "date", Value: kept("last", month.To.AddDays(-1).String())}
	f.account = ui.Field{ID: "account", Label: r.T("replay.account"), Hint: r.T("replay.account.hint"), Value: kept("account", ""), Optional: true, Mono: true}
	f.offering = ui.Field{ID: "offering", Label: r.T("replay.trial.plan"), Value: kept("offering", ""), Optional: true}
	f.prefix = ui.Field{ID: "prefix", Label: r.T("replay.prefix"), Hint: r.T("replay.prefix.hint"), Value: kept("prefix", ""), Optional: true, Mono: true, InputMode: "tel"}
	f.file = ui.Field{ID: "file", Label: r.T("replay.file"), Hint: r.T("replay.file.hint"), Value: kept("file", ""), Optional: true, Mono: true}
	f.uses = ui.Field{ID: "uses", Label: r.T("replay.uses"), Hint: r.T("replay.uses.hint"), Value: kept("uses", ""), Optional: true, Mono: true}
	f.under = ui.Field{ID: "offering_version", Label: r.T("replay.under"), Hint: r.T("replay.under.hint"), Value: kept("offering_version", ""), Optional: true}
	f.decks, f.deckChoices = decksField(r, kept("decks", string(replay.DecksThen)))
	for _, action := range []replay.Action{replay.PriceAgain, replay.TakeBack} {
		f.actions = append(f.actions, ui.Choice{Value: string(action), Label: r.T("replay.action." + string(action)), Hint: r.T("replay.action." + string(action) + ".hint"), Chosen: f.what.Value == string(action)})
	}
	f.offerings, f.versions = []ui.Choice{{Label: r.T("replay.all")}}, []ui.Choice{{Label: r.T("replay.under.own")}}
	versions, err := replay.Versions(ctx, tx)
	seen := map[string]bool{}
	for _, one := range versions {
		if !one.Sold {
			continue
		}
		name := one.Names.In(r.Locale.Language)
		if !seen[one.Code] {
			seen[one.Code] = true
			f.offerings = append(f.offerings, ui.Choice{Value: one.Code, Label: name, Chosen: f.offering.Value == one.Code})
		}
		f.versions = append(f.versions, ui.Choice{Value: one.ID.String(), Chosen: f.under.Value == one.ID.String(),
			Label: r.T("replay.version", "name", name, "version", count(r, int64(one.Version)), "state", r.T("replay.offer."+one.State))})
	}
	return f, err
}

func newWindowForm(ctx context.Context, tx tenant.Tx, v *web.Visit, fault string) (*windowForm, error) {
	r := v.Reader
	days, err := account.CorrectionDays(ctx, tx)
	if err != nil {
		return nil, err
	}
	waiting, err := usage.CountWaiting(ctx, tx)
	value := strconv.Itoa(days)
	if fault != "" {
		value = v.Form("correction_days")
	}
	return &windowForm{
		action: v.Console("corrections/window"), key: command.NewKey(), may: v.May(identity.SettingsWrite),
		waiting: count(r, waiting[usage.PastWindow]), suspense: v.ConsoleFor(identity.SuspenseRead, "suspense", "reason", string(usage.PastWindow)),
		days: ui.Field{ID: "correction_days", Label: r.T("replay.window.days"), Hint: r.T("replay.window.hint"), Value: value, InputMode: "numeric", Error: fault},
	}, err
}

func propose(v *web.Visit) error {
	wanted := replay.Proposal{
		Action: replay.Action(v.Form("action")), Offering: parseID(v.Form("offering_version")), Decks: replay.Decks(v.Form("decks")), By: v.Who.Actor(),
		Choice: replay.Choice{Days: daysOf(v), Offering: v.Form("offering"), Prefix: strings.TrimSpace(v.Form("prefix")), File: parseID(strings.TrimSpace(v.Form("file")))},
	}
	var err error
	if wanted.Choice.Uses, err = usesOf(v.Form("uses")); err == nil && len(wanted.Choice.Uses) > 0 {
		wanted.Choice.Days = calendar.Period{} // the uses say their days
	}
	if text := strings.TrimSpace(v.Form("file")); err == nil && text != "" && wanted.Choice.File == uuid.Nil {
		err = &replay.ChoiceError{Field: "file", Want: "a file's id"}
	}
	if err != nil {
		return answerReratings(v, http.StatusUnprocessableEntity, err, "")
	}
	c := &command.Command{Action: "createRerating", Object: "rerating", Detail: map[string]any{"action": string(wanted.Action)}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		if number := strings.TrimSpace(v.Form("account")); number != "" {
			if wanted.Choice.Account, err = replay.AccountOf(ctx, tx, number); err != nil {
				return "", err
			}
		}
		one, err := replay.Propose(ctx, tx, wanted)
		if err != nil {
			return "", err
		}
		c.ID = one.ID
		return v.Console("corrections/" + one.ID.String()), nil
	}
	next, err := command.CarryOut(v, c)
	if errors.Is(err, replay.ErrChoice) || errors.Is(err, replay.ErrBusy) {
		return answerReratings(v, http.StatusUnprocessableEntity, err, "")
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}

// usesOf reads lines of "month/id" or "month/id quantity", as the usage page's
// addresses name a use.
func usesOf(text string) ([]replay.Piece, error) {
	wrong := &replay.ChoiceError{Field: "uses", Want: "a month and an id in each line"}
	var pieces []replay.Piece
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		month, id, found := strings.Cut(words[0], "/")
		period, err := calendar.ParseDate(month)
		if !found || err != nil || parseID(id) == uuid.Nil || len(words) > 2 {
			return nil, wrong
		}
		piece := replay.Piece{ID: parseID(id), Period: period}
		if len(words) == 2 {
			if piece.Quantity, err = strconv.ParseInt(words[1], 10, 64); err != nil || piece.Quantity <= 0 {
				return nil, wrong
			}
		}
		pieces = append(pieces, piece)
	}
	return pieces, nil
}

func changeWindow(v *web.Visit) error {
	days, err := strconv.Atoi(strings.TrimSpace(v.Form("correction_days")))
	if err != nil {
		days = -1
	}
	c := &command.Command{Action: "setCorrectionWindow", Detail: map[string]any{"days": days}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		return v.Console("corrections", "done", "window"), account.PutCorrectionDays(ctx, tx, days)
	}
	next, err := command.CarryOut(v, c)
	if errors.Is(err, account.ErrInvalid) {
		return answerReratings(v, http.StatusUnprocessableEntity, nil, v.Reader.T("replay.window.fault"))
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}

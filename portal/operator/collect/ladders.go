package collect

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog/document"
	"tollhouse/billing/collection"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

func showLadders(v *web.Visit) error { return answerLadders(v, http.StatusOK, "", nil, nil) }

// answerLadders shows the ladders as tables and as the text to edit. faults are
// what is wrong with the text that was sent; outlook is what it would do.
func answerLadders(v *web.Visit, status int, text string, faults []string, outlook *table) error {
	r := v.Reader
	var now collection.Edition
	var editions []collection.Edition
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if now, err = policyOf(ctx, tx); err != nil {
			return err
		}
		editions, err = collection.Editions(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	d := &view{crumb: r.T("con.nav.collection"), crumbTo: v.Console("collection"), factsTitle: r.T("col.versions"), links: []link{{r.T("ladder.title"), v.Console("collection/ladders/form")}}}
	if v.Query("done") != "" {
		d.done = r.T("col.done." + doneWord(v.Query("done")))
	}
	if now.Version == 0 {
		now.Policy = collection.Default(v.Profile.Currency)
		d.facts = append(d.facts, fact{r.T("col.version.none"), r.T("col.nopolicy")})
	}
	for _, e := range editions {
		d.facts = append(d.facts, fact{r.T("col.version", "n", strconv.Itoa(e.Version)), r.DateTime(e.At)})
	}
	if outlook != nil {
		d.tables = append(d.tables, *outlook)
	}
	for i := range now.Ladders {
		d.tables = append(d.tables, ladderTable(v, &now.Ladders[i]))
	}
	if text == "" {
		yaml, err := now.YAML()
		if err != nil {
			return err
		}
		text = string(yaml)
	}
	edit := control{Field: ui.Field{ID: "document", Label: r.T("col.document"), Hint: r.T("col.document.hint"), Value: text, Error: strings.Join(faults, " · "), Mono: true}, rows: "28"}
	f := newForm("edit", r.T("col.edit"), v.Console("collection/ladders"), r.T("col.lay"), edit,
		field(v, "account", "col.preview.account", "", true, ""), field(v, "due", "col.preview.due", "date", true, ""), field(v, "amount", "col.preview.amount", "", true, ""))
	f.effect, f.more = r.T("col.edit.lead"), [][2]string{{"preview", r.T("col.preview.do")}}
	if !v.May(identity.SettingsWrite) {
		f.more, f.quiet = nil, true
	} else {
		d.wide = append(d.wide, f)
	}
	if len(faults) > 0 {
		d.refused = r.T("col.refused")
		d.blame(f)
	}
	return v.Show(status, page(frame.Of(v, frame.Collection, r.T("col.ladders")), d))
}

func ladderTable(v *web.Visit, l *collection.Ladder) table {
	r, language := v.Reader, v.Reader.Locale.Language
	t := table{id: "ladder-" + l.Code, title: l.Names.In(language), nums: "-n--", heads: []string{r.T("col.step"), r.T("col.after"), r.T("col.action"), r.T("col.channels")}}
	for i := range l.Steps {
		s := &l.Steps[i]
		var ways []string
		for _, c := range s.Channels {
			ways = append(ways, r.T("admin.message.channel."+string(c)))
		}
		t.rows = append(t.rows, []cell{{text: s.Title(language), sub: s.Code}, {text: number(v, s.AfterDays)}, {text: s.Action.Title(language)}, {text: strings.Join(ways, ", ")}})
	}
	return t
}

// putLadders lays them down, or shows what they would do.
func putLadders(v *web.Visit) error {
	text := v.Form("document")
	policy, err := collection.Parse([]byte(text))
	if faults := faultsOf(err); len(faults) > 0 {
		return answerLadders(v, http.StatusUnprocessableEntity, text, faults, nil)
	}
	if err != nil {
		return err
	}
	if v.Form("act") == "preview" {
		return previewLadders(v, text, policy)
	}
	c := &command.Command{Action: "putDunningPolicy", Object: "operator", Detail: map[string]any{"ladders": len(policy.Ladders)}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := collection.Put(ctx, tx, policy, v.Who.Actor())
		return v.Console("collection/ladders", "done", "saved"), err
	}
	next, err := command.CarryOut(v, c)
	if wrong := (*account.FieldError)(nil); errors.As(err, &wrong) {
		return answerLadders(v, http.StatusUnprocessableEntity, text, []string{wrong.Error()}, nil)
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}

// maxFaults bounds what is told beside the text.
const maxFaults = 10

func faultsOf(err error) (faults []string) {
	var wrong *document.InvalidError
	if !errors.As(err, &wrong) {
		return nil
	}
	for i, f := range wrong.Findings {
		if i == maxFaults {
			break
		}
		faults = append(faults, f.String())
	}
	return faults
}

// previewLadders shows what the text would do with an account, by which day.
func previewLadders(v *web.Visit, text string, policy collection.Policy) error {
	r := v.Reader
	var sample *collection.Sample
	if due, err := calendar.ParseDate(trimmed(v, "due")); err == nil {
		amount, err := money.ParseDecimal(strings.ReplaceAll(trimmed(v, "amount"), ",", "."))
		if err != nil {
			amount = money.NewDecimal(100)
		}
		sample = &collection.Sample{Due: due, Amount: amount}
	}
	var outlook collection.Outlook
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		a, err := account.ByNumber(ctx, tx, trimmed(v, "account"))
		if err != nil {
			return err
		}
		outlook, err = collection.Preview(ctx, tx, policy, a.ID, sample)
		return err
	})
	if errors.Is(err, account.ErrNotFound) {
		return answerLadders(v, http.StatusUnprocessableEntity, text, []string{r.T("col.preview.noaccount")}, nil)
	}
	if err != nil {
		return err
	}
	t := table{id: "outlook", title: r.T("col.preview"), heads: []string{r.T("col.day"), r.T("col.step"), r.T("col.access"), r.T("col.items")}, none: r.T("col.planned.none"), more: r.T("col.planned.none.more")}
	for _, p := range outlook.Planned {
		t.rows = append(t.rows, []cell{{text: r.Date(p.On)}, {text: stepTitle(v, &policy, outlook.Ladder, p.Step)}, {tone: tones[p.Level], text: r.T("col.level." + string(p.Level))}, {text: strings.Join(p.Numbers, ", ")}})
	}
	return answerLadders(v, http.StatusOK, text, nil, &t)
}

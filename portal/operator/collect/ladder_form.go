package collect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/catalog/document"
	"tollhouse/billing/collection"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// The form of the ladders is the document they are: each field bears the path
// that the document's findings name, such as ladders[0].steps[2].after_days. The
// whole goes along in a hidden field, so that what no field shows is not lost.

// ladderForm is the sheet while it is edited.
type ladderForm struct {
	ui.ConsolePage
	key, whole, refused, text string // text is the address of the ladders as a text
	may                       bool
	faults                    []ui.Fault
	head                      []control // of all ladders
	ladders                   []ladderPart
}

type ladderPart struct {
	at     string // its path: ladders[0]
	index  string
	title  string
	fields []control
	steps  []stepPart
	last   bool // it can't be removed: it is the only one
}

type stepPart struct {
	at, index, title string
	fields           []control
	first, last      bool
	only             bool
}

// ladderEditor draws a policy; wrong says what is wrong at a path.
type ladderEditor struct {
	v     *web.Visit
	wrong map[string]string
}

func editLadders(v *web.Visit) error {
	var now collection.Edition
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		now, err = policyOf(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	if now.Version == 0 {
		now.Policy = collection.Default(v.Profile.Currency)
	}
	return answerForm(v, http.StatusOK, now.Policy, nil)
}

func answerForm(v *web.Visit, status int, p collection.Policy, findings []document.Finding) error {
	r := v.Reader
	whole, err := json.Marshal(p)
	if err != nil {
		return err
	}
	f := ladderForm{ConsolePage: frame.Of(v, frame.Collection, r.T("ladder.title")), key: command.NewKey(), whole: string(whole), may: v.May(identity.SettingsWrite), text: v.Console("collection/ladders")}
	e := ladderEditor{v, map[string]string{}}
	for _, one := range findings {
		e.wrong[fieldAt(one.Path)] = one.Message
	}
	f.head = []control{e.field("time", "ladder.time", "ladder.time.hint", p.Time, true), e.field("calendar", "ladder.calendar", "ladder.calendar.hint", p.Calendar, true),
		e.field("days_off", "ladder.days_off", "ladder.days_off.hint", strings.Join(p.DaysOff, ", "), true)}
	for i := range p.Ladders {
		part := e.ladder(i, &p.Ladders[i])
		part.last = len(p.Ladders) == 1
		f.ladders = append(f.ladders, part)
	}
	for _, one := range findings {
		f.faults = append(f.faults, ui.Fault{Field: fieldAt(one.Path), Message: one.String()})
	}
	if len(findings) > 0 {
		f.refused = r.T("col.refused")
	}
	return v.Show(status, ladderPage(f))
}

// fieldAt is the field that shows a path.
func fieldAt(path string) string {
	for _, whole := range []string{".fee", ".minimum", ".reconnect_fee", ".channels", ".names", ".tags", ".risk"} {
		if at := strings.Index(path, whole); at >= 0 {
			path = path[:at+len(whole)]
			if whole == ".names" {
				path += ".en"
			}
			break
		}
	}
	if path != "" && (strings.HasSuffix(path, "]") || !strings.ContainsAny(path, ".[") && path == "ladders") {
		return path + ".code"
	}
	return path
}

func (e ladderEditor) field(at, label, hint, value string, optional bool) control {
	c := control{Field: ui.Field{ID: at, Label: e.v.Reader.T(label), Value: value, Optional: optional, Autocomplete: "off", MaxLength: "400", Error: e.wrong[at]}}
	if hint != "" {
		c.Hint = e.v.Reader.T(hint)
	}
	return c
}

func (e ladderEditor) choose(at, label, value string, choices ...ui.Choice) control {
	c := e.field(at, label, "", value, true)
	for i := range choices {
		choices[i].Chosen = choices[i].Value == value
	}
	c.Optional, c.choices = false, choices
	return c
}

func (e ladderEditor) tick(at, label string, ticked bool) control {
	c := e.field(at, label, "", "", true)
	c.box, c.ticked = true, ticked
	return c
}

func (e ladderEditor) number(at, label string, n int) control {
	value := ""
	if n > 0 {
		value = strconv.Itoa(n)
	}
	c := e.field(at, label, "", value, true)
	c.InputMode = "numeric"
	return c
}

// amount shows the operator's currency; amounts in others stay as they are.
func (e ladderEditor) amount(at, label string, a collection.Amounts) control {
	value := ""
	if d, given := a[e.v.Profile.Currency.Code()]; given {
		value = d.String()
	}
	c := e.field(at, label, "", value, true)
	c.Label += ", " + e.v.Profile.Currency.Code()
	c.InputMode = "decimal"
	return c
}

func (e ladderEditor) names(at string, names catalog.Names) []control {
	var list []control
	for _, language := range []string{"en", "id", "ru"} {
		c := e.field(at+".names."+language, "ladder.name."+language, "", names[language], true)
		c.Lang = language
		list = append(list, c)
	}
	return list
}

func (e ladderEditor) moves(at string, value collection.Move, none bool) control {
	r := e.v.Reader
	var choices []ui.Choice
	if none {
		choices = append(choices, ui.Choice{Label: r.T("ladder.move.as")})
	}
	for _, one := range []collection.Move{collection.Next, collection.Previous, collection.Stay} {
		choices = append(choices, ui.Choice{Value: string(one), Label: r.T("ladder.move." + string(one))})
	}
	return e.choose(at+".move", "ladder.move", string(value), choices...)
}

func (e ladderEditor) ladder(i int, l *collection.Ladder) ladderPart {
	r, at := e.v.Reader, fmt.Sprintf("ladders[%d]", i)
	p := ladderPart{at: at, index: strconv.Itoa(i), title: l.Names.In(r.Locale.Language)}
	if p.title == "" {
		p.title = r.T("ladder.new")
	}
	p.fields = append([]control{e.field(at+".code", "ladder.code", "ladder.code.hint", l.Code, false)}, e.names(at, l.Names)...)
	p.fields = append(p.fields,
		e.choose(at+".segment.party", "ladder.party", string(l.Segment.Party), ui.Choice{Label: r.T("ladder.party.any")},
			ui.Choice{Value: string(account.Individual), Label: r.T("ladder.party.individual")}, ui.Choice{Value: string(account.Organization), Label: r.T("ladder.party.organization")}),
		e.field(at+".segment.tags", "ladder.tags", "ladder.tags.hint", strings.Join(l.Segment.Tags, ", "), true),
		e.field(at+".segment.risk", "ladder.risk", "ladder.risk.hint", strings.Join(l.Segment.Risk, ", "), true),
		e.amount(at+".minimum", "ladder.minimum", l.Minimum), e.amount(at+".reconnect_fee", "ladder.reconnect", l.ReconnectFee), e.moves(at, l.Move, true))
	promise := collection.PromiseRule{}
	if l.Promise != nil {
		promise = *l.Promise
	}
	p.fields = append(p.fields, e.number(at+".promise.days", "ladder.promise.days", promise.Days), e.number(at+".promise.times", "ladder.promise.times", promise.Times),
		e.number(at+".promise.per_days", "ladder.promise.per_days", promise.PerDays), e.number(at+".promise.percent", "ladder.promise.percent", promise.Percent),
		e.tick(at+".promise.restores", "ladder.promise.restores", promise.Restores), e.tick(at+".promise.by_subscriber", "ladder.promise.own", promise.BySubscriber))
	for j := range l.Steps {
		step := e.step(at, j, &l.Steps[j])
		step.first, step.last, step.only = j == 0, j == len(l.Steps)-1, len(l.Steps) == 1
		p.steps = append(p.steps, step)
	}
	return p
}

// dunningGroup are the templates that a step may send.
const dunningGroup = "dunning"

var actions = []collection.Action{collection.Remind, collection.Fee, collection.Slow, collection.Wall, collection.Suspend, collection.Terminate, collection.Agency}

func (e ladderEditor) step(within string, j int, s *collection.Step) stepPart {
	r, at := e.v.Reader, fmt.Sprintf("%s.steps[%d]", within, j)
	p := stepPart{at: at, index: strconv.Itoa(j), title: strconv.Itoa(j+1) + ". " + s.Title(r.Locale.Language)}
	var does, words []ui.Choice
	for _, a := range actions {
		does = append(does, ui.Choice{Value: string(a), Label: a.Title(r.Locale.Language)})
	}
	words = append(words, ui.Choice{Label: r.T("ladder.template.usual")})
	for _, t := range notice.Templates() {
		if t.Group == dunningGroup {
			words = append(words, ui.Choice{Value: string(t.Kind), Label: r.T("admin.message." + string(t.Kind))})
		}
	}
	days := e.number(at+".after_days", "ladder.after", s.AfterDays)
	days.Value, days.Optional = strconv.Itoa(s.AfterDays), false
	p.fields = []control{e.field(at+".code", "ladder.code", "", s.Code, false), days, e.choose(at+".action", "ladder.action", string(s.Action), does...), e.choose(at+".template", "ladder.template", string(s.Template), words...),
		e.amount(at+".fee", "ladder.fee", s.Fee), e.amount(at+".minimum", "ladder.step.minimum", s.Minimum), e.number(at+".wait_days", "ladder.wait", s.WaitDays), e.moves(at, s.Move, true)}
	for _, c := range ladderChannels {
		box := e.tick(at+".channels."+string(c), "", slices.Contains(s.Channels, c))
		box.Label = r.T("admin.message.channel." + string(c))
		p.fields = append(p.fields, box)
	}
	p.fields = append(p.fields, e.names(at, s.Names)...)
	return p
}

var ladderChannels = []notice.Channel{notice.Mail, notice.SMS, notice.Portal, notice.Letter}

// overlay writes what was typed over the document; faults are what can't be read.
func overlay(p *collection.Policy, fields url.Values, currency money.Currency) (faults []document.Finding) {
	o := typed{fields, currency, &faults}
	p.Time, p.Calendar, p.DaysOff = o.text("time"), o.text("calendar"), o.list("days_off")
	for i := range p.Ladders {
		l, at := &p.Ladders[i], fmt.Sprintf("ladders[%d]", i)
		l.Code, l.Names, l.Move = o.text(at+".code"), o.names(at), collection.Move(o.text(at+".move"))
		l.Segment.Party, l.Segment.Tags, l.Segment.Risk = account.PartyKind(o.text(at+".segment.party")), o.list(at+".segment.tags"), o.list(at+".segment.risk")
		l.Minimum, l.ReconnectFee = o.amounts(at+".minimum", l.Minimum), o.amounts(at+".reconnect_fee", l.ReconnectFee)
		promise := collection.PromiseRule{Days: o.number(at + ".promise.days"), Times: o.number(at + ".promise.times"), PerDays: o.number(at + ".promise.per_days"), Percent: o.number(at + ".promise.percent"),
			Restores: o.text(at+".promise.restores") != "", BySubscriber: o.text(at+".promise.by_subscriber") != ""}
		if l.Promise = nil; promise != (collection.PromiseRule{}) {
			l.Promise = &promise
		}
		for j := range l.Steps {
			s, at := &l.Steps[j], fmt.Sprintf("%s.steps[%d]", at, j)
			s.Code, s.Names, s.AfterDays, s.WaitDays = o.text(at+".code"), o.names(at), o.number(at+".after_days"), o.number(at+".wait_days")
			s.Action, s.Template, s.Move = collection.Action(o.text(at+".action")), notice.Kind(o.text(at+".template")), collection.Move(o.text(at+".move"))
			s.Fee, s.Minimum = o.amounts(at+".fee", s.Fee), o.amounts(at+".minimum", s.Minimum)
			s.Channels = nil
			for _, c := range ladderChannels {
				if o.text(at+".channels."+string(c)) != "" {
					s.Channels = append(s.Channels, c)
				}
			}
		}
	}
	return faults
}

// typed reads fields by their paths.
type typed struct {
	fields   url.Values
	currency money.Currency
	faults   *[]document.Finding
}

func (o typed) text(at string) string { return strings.TrimSpace(o.fields.Get(at)) }

func (o typed) list(at string) []string { return listOf(o.text(at)) }

func (o typed) names(at string) catalog.Names {
	names := catalog.Names{}
	for _, language := range []string{"en", "id", "ru"} {
		if name := o.text(at + ".names." + language); name != "" {
			names[language] = name
		}
	}
	if len(names) == 0 {
		return nil
	}
	return names
}

func (o typed) wrong(at, message string) {
	*o.faults = append(*o.faults, document.Finding{Path: at, Message: message})
}

func (o typed) number(at string) int {
	text := o.text(at)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 10_000 {
		o.wrong(at, "a whole number is wanted")
	}
	return n
}

func (o typed) amounts(at string, known collection.Amounts) collection.Amounts {
	amounts := collection.Amounts{}
	for code, d := range known {
		if code != o.currency.Code() {
			amounts[code] = d
		}
	}
	if text := o.text(at); text != "" {
		d, err := money.ParseDecimal(strings.ReplaceAll(text, ",", "."))
		if err != nil || d.Sign() < 0 {
			o.wrong(at, "an amount such as 5.00 is wanted")
		}
		amounts[o.currency.Code()] = d
	}
	if len(amounts) == 0 {
		return nil
	}
	return amounts
}

// reshape adds, removes or moves a ladder or a step, as a button says:
// add-ladder, remove-ladder.0, add-step.0, remove-step.0.2, up.0.2, down.0.2.
func reshape(p *collection.Policy, act string) bool {
	parts := strings.Split(act, ".")
	at := func(n, below int) (int, bool) {
		if n >= len(parts) {
			return 0, false
		}
		i, err := strconv.Atoi(parts[n])
		return i, err == nil && i >= 0 && i < below
	}
	if parts[0] == "add-ladder" {
		one := collection.Default(money.MustCurrency("EUR")).Ladders[0]
		one.Code, one.Names, one.Minimum, one.Segment.Party = fmt.Sprintf("ladder-%d", len(p.Ladders)+1), catalog.Names{"en": "New ladder"}, nil, account.Organization
		p.Ladders = slices.Insert(p.Ladders, 0, one) // one for everybody stands last
		return true
	}
	i, is := at(1, len(p.Ladders))
	if !is {
		return false
	}
	l := &p.Ladders[i]
	switch parts[0] {
	case "remove-ladder":
		p.Ladders = slices.Delete(p.Ladders, i, i+1)
		return true
	case "add-step":
		after := 3
		if n := len(l.Steps); n > 0 {
			after = l.Steps[n-1].AfterDays + 3
		}
		l.Steps = append(l.Steps, collection.Step{Code: fmt.Sprintf("step-%d", len(l.Steps)+1), AfterDays: after, Action: collection.Remind, Channels: []notice.Channel{notice.Mail}})
		return true
	}
	j, is := at(2, len(l.Steps))
	if !is {
		return false
	}
	switch parts[0] {
	case "remove-step":
		l.Steps = slices.Delete(l.Steps, j, j+1)
	case "up":
		return swapSteps(l.Steps, j-1, j)
	case "down":
		return swapSteps(l.Steps, j, j+1)
	default:
		return false
	}
	return true
}

// swapSteps lets two steps trade their places, and not their days: the first is
// taken first.
func swapSteps(steps []collection.Step, i, j int) bool {
	if i < 0 || j >= len(steps) {
		return false
	}
	steps[i], steps[j] = steps[j], steps[i]
	steps[i].AfterDays, steps[j].AfterDays = steps[j].AfterDays, steps[i].AfterDays
	return true
}

// putForm lays the sheet down, or changes its shape and shows it again.
func putForm(v *web.Visit) error {
	var p collection.Policy
	if err := json.Unmarshal([]byte(v.Form("whole")), &p); err != nil || len(p.Ladders) > 20 {
		return v.Redirect(v.Console("collection/ladders/form"))
	}
	faults := overlay(&p, v.Fields(), v.Profile.Currency)
	if act := v.Form("act"); act != "save" {
		if !reshape(&p, act) {
			return answerForm(v, http.StatusUnprocessableEntity, p, faults)
		}
		return answerForm(v, http.StatusOK, p, nil)
	}
	if len(faults) > 0 {
		return answerForm(v, http.StatusUnprocessableEntity, p, faults)
	}
	text, err := p.YAML()
	if err != nil {
		return err
	}
	policy, err := collection.Parse(text)
	var wrong *document.InvalidError
	if errors.As(err, &wrong) {
		for i := range wrong.Findings {
			wrong.Findings[i].Line = 0 // of a text that nobody sees
		}
		return answerForm(v, http.StatusUnprocessableEntity, p, wrong.Findings)
	}
	if err != nil {
		return err
	}
	c := &command.Command{Action: "putDunningPolicy", Object: "operator", Detail: map[string]any{"ladders": len(policy.Ladders)}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := collection.Put(ctx, tx, policy, v.Who.Actor())
		return v.Console("collection/ladders", "done", "saved"), err
	}
	next, err := command.CarryOut(v, c)
	if field := (*account.FieldError)(nil); errors.As(err, &field) {
		return answerForm(v, http.StatusUnprocessableEntity, p, []document.Finding{{Path: field.Field, Message: field.Want}})
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}

package collect

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/access"
	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/collection"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/notice"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

func itoa(n int) string { return strconv.Itoa(n) }

func skipOf(v *web.Visit) int {
	n, err := strconv.Atoi(v.Query("skip"))
	if err != nil {
		return 0
	}
	return min(max(n, 0), 1_000_000)
}

func isNoPolicy(err error) bool { return errors.Is(err, collection.ErrNoPolicy) }

// dossier is what the page of one account shows.
type dossier struct {
	account  account.Account
	party    account.Party
	standing collection.Standing
	story    collection.Story
	policy   collection.Edition
	outlook  collection.Outlook
	rights   []access.Right
	history  []access.Intent
	items    []payment.OpenItem
	bad      []notice.BadContact
}

func loadDossier(v *web.Visit) (d dossier, err error) {
	id, err := uuid.Parse(v.Param("account"))
	if err != nil {
		return d, account.ErrNotFound
	}
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if d.account, err = account.Get(ctx, tx, id); err != nil {
			return err
		}
		if d.party, err = account.GetParty(ctx, tx, d.account.PartyID); err != nil {
			return err
		}
		if d.standing, err = collection.GetStanding(ctx, tx, id); err != nil {
			return err
		}
		if d.story, err = collection.Tell(ctx, tx, id); err != nil {
			return err
		}
		if d.rights, err = access.OfAccounts(ctx, tx, id); err != nil {
			return err
		}
		if d.history, err = access.History(ctx, tx, id, 20); err != nil {
			return err
		}
		if d.items, err = payment.OpenItems(ctx, tx, id); err != nil {
			return err
		}
		if d.party.Email != "" || d.party.Phone != "" {
			if d.bad, err = notice.BadContacts(ctx, tx, d.party.Email, d.party.Phone); err != nil {
				return err
			}
		}
		if d.policy, err = policyOf(ctx, tx); err != nil || d.policy.Version == 0 {
			return err
		}
		d.outlook, err = collection.Preview(ctx, tx, d.policy.Policy, id, nil)
		return err
	})
	return d, err
}

func showAccount(v *web.Visit) error { return answerAccount(v, http.StatusOK, "", "", "") }

// answerAccount shows an account's story; a refused form says why beside the
// field that is named.
func answerAccount(v *web.Visit, status int, refused, at, fault string) error {
	in, err := loadDossier(v)
	if err != nil {
		return err
	}
	r, here := v.Reader, v.Console("subscribers/"+in.account.ID.String()+"/collection")
	d := &view{crumb: in.party.Name, crumbTo: v.Console("subscribers/" + in.account.ID.String()), refused: refused, factsTitle: r.T("col.standing")}
	if v.Query("done") != "" {
		d.done = r.T("col.done." + doneWord(v.Query("done")))
	}
	level := access.Allowed
	for _, right := range in.rights {
		level = access.Strongest(level, right.Level)
	}
	d.tone, d.state = tones[level], r.T("col.level."+string(level))
	d.facts = in.facts(v)
	d.tables = append(d.tables, in.plannedTable(v), in.servicesTable(v), in.arrangementsTable(v, here), in.stepsTable(v), in.networkTable(v))
	if v.May(identity.PaymentWrite) {
		d.forms = append(d.forms, in.actForms(v, here, at, fault)...)
	}
	if v.May(identity.AccountWrite) {
		d.forms = append(d.forms, in.standingForm(v, here, at, fault))
		for _, i := range in.history {
			if i.State == access.IntentPending {
				f := newForm("retry", r.T("col.network.retry"), here+"/retry", r.T("col.network.retry.do"))
				f.quiet, f.effect = true, r.T("col.network.pending")
				d.forms = append(d.forms, f)
				break
			}
		}
	}
	d.blame(d.forms...)
	return v.Show(status, page(frame.Of(v, frame.Subscribers, r.T("col.account.title", "name", in.party.Name)), d))
}

func (in *dossier) amount(d money.Decimal) money.Amount { return money.New(d, in.account.Currency) }

func (in *dossier) facts(v *web.Visit) []fact {
	r := v.Reader
	facts := []fact{{r.T("col.number"), in.account.Number}, {r.T("col.owes"), r.Money(in.amount(in.account.Receivable))}}
	for i := range in.story.Cases {
		c := &in.story.Cases[i]
		if c.State != collection.Open {
			continue
		}
		facts = append(facts, fact{r.T("col.overdue"), r.Money(in.amount(c.Overdue))}, fact{r.T("col.since"), r.Date(c.OldestDue)}, fact{r.T("col.ladder"), c.Ladder})
		if c.Held != "" {
			facts = append(facts, fact{r.T("col.held"), r.T("col.held." + string(c.Held))})
		}
	}
	risk := r.T("col.risk." + in.standing.Risk)
	if len(in.standing.Tags) > 0 {
		risk += " · " + strings.Join(in.standing.Tags, ", ")
	}
	facts = append(facts, fact{r.T("col.risk"), risk})
	for _, b := range in.bad {
		facts = append(facts, fact{r.T("col.bad"), b.Address + ": " + b.Reason})
	}
	return facts
}

func (in *dossier) plannedTable(v *web.Visit) table {
	r := v.Reader
	t := table{id: "planned", title: r.T("col.planned"), heads: []string{r.T("col.day"), r.T("col.step"), r.T("col.access"), r.T("col.items")}, none: r.T("col.planned.none"), more: r.T("col.planned.none.more")}
	for _, p := range in.outlook.Planned {
		t.rows = append(t.rows, []cell{{text: r.Date(p.On)}, {text: stepTitle(v, &in.policy.Policy, in.outlook.Ladder, p.Step)},
			{tone: tones[p.Level], text: r.T("col.level." + string(p.Level))}, {text: strings.Join(p.Numbers, ", ")}})
	}
	return t
}

func (in *dossier) servicesTable(v *web.Visit) table {
	r := v.Reader
	t := table{id: "services", title: r.T("col.services"), heads: []string{r.T("col.service"), r.T("col.access"), r.T("col.why")}, none: r.T("col.services.none")}
	for _, right := range in.rights {
		var why []string
		for _, reason := range right.Reasons {
			text := r.T("col.cause." + string(reason.Cause))
			if reason.Words != "" {
				text += " (" + reason.Words + ")"
			}
			if !slices.Contains(why, text) { // each overdue bill is a reason of its own
				why = append(why, text)
			}
		}
		one := cell{tone: tones[right.Level], text: r.T("col.level." + string(right.Level))}
		if pending := right.PendingLevel(); pending != "" {
			one.sub = r.T("col.pending." + string(pending))
		}
		t.rows = append(t.rows, []cell{{text: r.T("kind." + right.Kind)}, one, {text: strings.Join(why, "; ")}})
	}
	return t
}

var arrangementTones = map[collection.ArrangementState]ui.Tone{collection.ArrangementActive: ui.Info, collection.Kept: ui.OK, collection.Broken: ui.Bad, collection.Ended: ui.Off}

func (in *dossier) arrangementsTable(v *web.Visit, here string) table {
	r := v.Reader
	t := table{id: "arrangements", title: r.T("col.arrangements"), nums: "--n---", none: r.T("col.arrangements.none"),
		heads: []string{r.T("col.kind"), r.T("col.state"), r.T("col.amount"), r.T("col.until"), r.T("col.reason"), ""}}
	for i := range in.story.Arrangements {
		a := &in.story.Arrangements[i]
		amount := "–"
		if a.Amount != nil {
			amount = r.Money(in.amount(*a.Amount))
		} else if a.Kind == collection.Plan {
			amount = r.Money(in.amount(a.Base))
		}
		row := []cell{{text: r.T("col.kind." + string(a.Kind)), sub: r.DateTime(a.At)}, {tone: arrangementTones[a.State], text: r.T("col.arrangement." + string(a.State))},
			{text: amount}, {text: day(v, a.Until)}, {text: a.Reason}, {text: ""}}
		if a.State == collection.ArrangementActive && v.May(identity.PaymentWrite) {
			f := newForm("", "", here+"/"+a.ID.String()+"/end", r.T("col.end"))
			f.quiet = true
			row[5] = cell{act: &f}
		}
		t.rows = append(t.rows, row)
	}
	return t
}

func (in *dossier) stepsTable(v *web.Visit) table {
	r := v.Reader
	t := table{id: "steps", title: r.T("col.steps"), heads: []string{r.T("col.day"), r.T("col.step"), r.T("col.items"), r.T("col.open")}, nums: "---n", none: r.T("col.steps.none")}
	for _, s := range in.story.Steps {
		open, err := money.ParseDecimal(s.Open)
		written := s.Open
		if err == nil {
			written = r.Money(in.amount(open))
		}
		t.rows = append(t.rows, []cell{{text: r.Date(s.Done)}, {text: stepTitle(v, &in.policy.Policy, "", s.Step)}, {text: s.Number}, {text: written}})
	}
	return t
}

var intentTones = map[access.IntentState]ui.Tone{access.IntentPending: ui.Info, access.IntentConfirmed: ui.OK, access.IntentOvertaken: ui.Off}

func (in *dossier) networkTable(v *web.Visit) table {
	r := v.Reader
	t := table{id: "network", title: r.T("col.network"), heads: []string{r.T("col.when"), r.T("col.access"), r.T("col.state"), r.T("col.confirmed")}, none: r.T("col.network.none")}
	for _, i := range in.history {
		by := i.ConfirmedBy
		if i.State == access.IntentPending {
			by = i.Failure
		}
		t.rows = append(t.rows, []cell{{text: r.DateTime(i.At)}, {tone: tones[i.Level], text: r.T("col.level." + string(i.Level))},
			{tone: intentTones[i.State], text: r.T("col.intent." + string(i.State))}, {text: by}})
	}
	return t
}

// actForms are what a clerk may agree on.
func (in *dossier) actForms(v *web.Visit, here, at, fault string) []form {
	r := v.Reader
	wrong := func(id string) string {
		if id == at {
			return fault
		}
		return ""
	}
	promise := newForm("promise", r.T("col.kind.promise"), here+"/promise", r.T("col.promise.do"),
		field(v, "promise_until", "col.until", "date", false, wrong("promise_until")), field(v, "promise_amount", "col.promise.amount", "", true, wrong("promise_amount")))
	promise.effect = r.T("col.promise.lead")
	plan := newForm("plan", r.T("col.kind.plan"), here+"/plan", r.T("col.plan.do"))
	plan.effect = r.T("col.plan.lead")
	plan.fields = []control{{Field: ui.Field{ID: "instalments", Label: r.T("col.plan.instalments"), Hint: r.T("col.plan.hint"), Value: v.Form("instalments"), Error: wrong("instalments"), Mono: true}, rows: "4"}}
	hold := newForm("hold", r.T("col.hold"), here+"/hold", r.T("col.hold.do"))
	choices := []ui.Choice{{Value: "", Label: r.T("col.hold.account"), Chosen: v.Form("item") == ""}}
	for _, o := range in.items {
		choices = append(choices, ui.Choice{Value: o.ID.String(), Label: r.T("col.hold.bill", "number", o.Number, "amount", r.Money(o.Open)), Chosen: v.Form("item") == o.ID.String()})
	}
	hold.fields = []control{{Field: ui.Field{ID: "item", Label: r.T("col.hold.what")}, choices: choices}, field(v, "hold_reason", "col.reason", "", false, wrong("hold_reason")),
		field(v, "hold_until", "col.until", "date", true, wrong("hold_until"))}
	return []form{promise, plan, hold}
}

func (in *dossier) standingForm(v *web.Visit, here, at, fault string) form {
	r := v.Reader
	tags := control{Field: ui.Field{ID: "tags", Label: r.T("col.tags"), Hint: r.T("col.tags.hint"), Value: strings.Join(in.standing.Tags, ", "), Optional: true}}
	if at == "tags" {
		tags.Error, tags.Value = fault, v.Form("tags")
	}
	var risks []ui.Choice
	for _, risk := range []string{"low", "normal", "high"} {
		risks = append(risks, ui.Choice{Value: risk, Label: r.T("col.risk." + risk), Chosen: in.standing.Risk == risk})
	}
	f := newForm("standing", r.T("col.standing.change"), here+"/standing", r.T("col.save"), tags, control{Field: ui.Field{ID: "risk", Label: r.T("col.risk")}, choices: risks})
	f.effect = r.T("col.standing.lead")
	return f
}

// send carries out what a form of an account asks for; a refusal of the domain
// is told beside a field.
func send(v *web.Visit, action, done, at string, detail map[string]any, do func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error) error {
	id, err := uuid.Parse(v.Param("account"))
	if err != nil {
		return account.ErrNotFound
	}
	c := &command.Command{Action: action, Object: "account", ID: id, Detail: detail}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		if _, err := account.Get(ctx, tx, id); err != nil {
			return "", err
		}
		return v.Console("subscribers/"+id.String()+"/collection", "done", done), do(ctx, tx, id)
	}
	next, err := command.CarryOut(v, c)
	if words := refusalOf(v, err); words != "" {
		return answerAccount(v, http.StatusUnprocessableEntity, v.Reader.T("col.refused"), at, words)
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}

// refusalOf words what the domain refuses; empty for what is no refusal.
func refusalOf(v *web.Visit, err error) string {
	for known, key := range map[error]string{
		collection.ErrNothingOverdue: "nothing", collection.ErrPromise: "promise", collection.ErrPromises: "promises", collection.ErrPlan: "plan",
		collection.ErrArranged: "arranged", collection.ErrOver: "over", collection.ErrItem: "item", collection.ErrNoPolicy: "nopolicy", account.ErrInvalid: "field",
		money.ErrCurrencyMismatch: "field", money.ErrSyntax: "field",
	} {
		if errors.Is(err, known) {
			return v.Reader.T("col.refused." + key)
		}
	}
	return ""
}

func promise(v *web.Visit) error {
	until, err := calendar.ParseDate(trimmed(v, "promise_until"))
	if err != nil {
		return answerAccount(v, http.StatusUnprocessableEntity, v.Reader.T("col.refused"), "promise_until", v.Reader.T("col.day.missing"))
	}
	text := trimmed(v, "promise_amount")
	return send(v, "makePromise", "promise", "promise_until", map[string]any{"until": until.String()}, func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
		n := collection.NewPromise{ID: command.ID(v), AccountID: id, Until: until, By: v.Who.Actor()}
		if text != "" {
			owner, err := account.Get(ctx, tx, id)
			if err != nil {
				return err
			}
			if n.Amount, err = money.Parse(strings.ReplaceAll(text, ",", "."), owner.Currency); err != nil {
				return err
			}
		}
		_, err := v.Stack.Collection().Promise(ctx, tx, n)
		return err
	})
}

func plan(v *web.Visit) error {
	var parts []collection.Instalment
	for _, line := range strings.Split(strings.ReplaceAll(v.Form("instalments"), "\r\n", "\n"), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		on, err := calendar.ParseDate(words[0])
		var amount money.Decimal
		if err == nil && len(words) == 2 {
			amount, err = money.ParseDecimal(strings.ReplaceAll(words[1], ",", "."))
		}
		if err != nil || len(words) != 2 {
			return answerAccount(v, http.StatusUnprocessableEntity, v.Reader.T("col.refused"), "instalments", v.Reader.T("col.plan.hint"))
		}
		parts = append(parts, collection.Instalment{On: on, Amount: amount})
	}
	return send(v, "makePaymentPlan", "plan", "instalments", map[string]any{"instalments": len(parts)}, func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
		_, err := v.Stack.Collection().MakePlan(ctx, tx, collection.NewPlan{ID: command.ID(v), AccountID: id, Instalments: parts, By: v.Who.Actor()})
		return err
	})
}

func hold(v *web.Visit) error {
	reason := trimmed(v, "hold_reason")
	if reason == "" {
		return answerAccount(v, http.StatusUnprocessableEntity, v.Reader.T("col.refused"), "hold_reason", v.Reader.T("col.reason.missing"))
	}
	until, bad := optionalDay(v, "hold_until")
	if bad {
		return answerAccount(v, http.StatusUnprocessableEntity, v.Reader.T("col.refused"), "hold_until", v.Reader.T("col.day.missing"))
	}
	item, _ := uuid.Parse(v.Form("item")) // none: the account
	return send(v, "holdCollection", "hold", "hold_until", map[string]any{"reason": reason}, func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
		_, err := v.Stack.Collection().Hold(ctx, tx, collection.NewHold{ID: command.ID(v), AccountID: id, ItemID: item, Until: until, Reason: reason, By: v.Who.Actor()})
		return err
	})
}

func endArrangement(v *web.Visit) error {
	one, err := uuid.Parse(v.Param("arrangement"))
	if err != nil {
		return collection.ErrNotFound
	}
	return send(v, "endArrangement", "ended", "", map[string]any{"arrangement": one}, func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
		_, err := v.Stack.Collection().End(ctx, tx, id, one, v.Who.Actor())
		return err
	})
}

func putStanding(v *web.Visit) error {
	s := collection.Standing{Risk: v.Form("risk")}
	for _, tag := range strings.Split(v.Form("tags"), ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			s.Tags = append(s.Tags, tag)
		}
	}
	return send(v, "putStanding", "standing", "tags", map[string]any{"risk": s.Risk, "tags": len(s.Tags)}, func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
		return v.Stack.Collection().PutStanding(ctx, tx, id, s)
	})
}

func retryNetwork(v *web.Visit) error {
	return send(v, "retryAccess", "retried", "", nil, func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
		_, err := access.Retry(ctx, tx, id)
		return err
	})
}

package collect

import (
	"context"
	"encoding/csv"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/access"
	"tollhouse/billing/calendar"
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

// pageSize is how many cases one page lists.
const pageSize = 50

// tones of levels: what is taken away hurts, what is only late wants a look.
var tones = map[access.Level]ui.Tone{access.Allowed: ui.OK, access.Slowed: ui.Warn, access.Walled: ui.Warn, access.Cut: ui.Bad}

func showBoard(v *web.Visit) error { return answerBoard(v, http.StatusOK, "", "", "") }

// answerBoard shows the cases; fault and allFault are what is wrong with the
// forms that hold those of a page, and all.
func answerBoard(v *web.Visit, status int, refused, fault, allFault string) error {
	r := v.Reader
	q := boardQuery(func(name string) string { return strings.TrimSpace(v.Query(name)) })
	if allFault != "" {
		q = boardQuery(func(name string) string { return trimmed(v, "where_"+name) })
	}
	q.Skip, q.Limit = skipOf(v), pageSize+1
	found := 0
	var o collection.Overview
	var rows []collection.Row
	var policy collection.Edition
	var letters []notice.Stored
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if o, err = collection.Figures(ctx, tx); err != nil {
			return err
		}
		if rows, err = collection.Board(ctx, tx, q); err != nil {
			return err
		}
		if found, err = collection.Count(ctx, tx, q); err != nil {
			return err
		}
		if letters, err = notice.Letters(ctx, tx, 1000); err != nil {
			return err
		}
		policy, err = policyOf(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	d := &view{refused: refused, stats: boardStats(v, o)}
	if v.Query("done") != "" {
		d.done = r.T("col.done." + doneWord(v.Query("done")))
	}
	if v.May(identity.SettingsRead) {
		d.links = append(d.links, link{r.T("ladder.title"), v.Console("collection/ladders/form")}, link{r.T("col.ladders"), v.Console("collection/ladders")})
	}
	if v.May(identity.PaymentRead) {
		d.links = append(d.links, link{r.T("col.agency"), v.Console("collection/agency.csv")})
	}
	if policy.Version == 0 {
		d.refused = r.T("col.nopolicy")
	}
	d.tables = append(d.tables, casesTable(v, &policy.Policy, rows, q), columnsTable(v, &policy.Policy, o), agesTable(v, o), comingTable(v, &policy.Policy, o))
	d.forms = append(d.forms, findForm(v, &policy.Policy, q))
	if v.May(identity.PaymentWrite) {
		if len(rows) > 0 {
			d.forms = append(d.forms, bulkForm(v, rows, fault))
			if found > len(rows) || len(filterOf(q)) > 0 || allFault != "" {
				d.forms = append(d.forms, allForm(v, q, found, allFault))
			}
		}
		if len(letters) > 0 {
			f := newForm("letters", r.N("col.letters", int64(len(letters)), "n", number(v, len(letters))), v.Console("collection/letters"), r.T("col.letters.posted"))
			f.effect, f.quiet = r.T("col.letters.lead"), true
			f.hidden = [][2]string{{"through", letters[len(letters)-1].ID.String()}}
			d.forms = append(d.forms, f)
			d.links = append(d.links, link{r.T("col.letters.file"), v.Console("collection/letters.csv")})
		}
	}
	d.blame(d.forms...)
	return v.Show(status, page(frame.Of(v, frame.Collection, r.T("con.nav.collection")), d))
}

// doneWord keeps addresses from naming any text.
func doneWord(word string) string {
	switch word {
	case "held", "posted", "saved", "promise", "plan", "hold", "ended", "standing", "retried", "ours", "sent", "cleared":
		return word
	}
	return "saved"
}

func policyOf(ctx context.Context, tx tenant.Tx) (collection.Edition, error) {
	e, err := collection.Current(ctx, tx)
	if err != nil && !isNoPolicy(err) {
		return e, err
	}
	return e, nil
}

func boardStats(v *web.Visit, o collection.Overview) []ui.Stat {
	r := v.Reader
	cases, cut := 0, 0
	sums := map[string]money.Amount{}
	var order []string
	for _, c := range o.Columns {
		cases += c.Cases
		if c.Level == access.Cut {
			cut += c.Cases
		}
	}
	for _, a := range o.Ages {
		if a.From == 0 {
			continue
		}
		code := a.Currency.Code()
		if _, known := sums[code]; !known {
			sums[code], order = money.Zero(a.Currency), append(order, code)
		}
		sums[code] = money.New(sums[code].Decimal().Add(a.Open), a.Currency)
	}
	var overdue []string
	for _, code := range order {
		overdue = append(overdue, r.Money(sums[code]))
	}
	if len(overdue) == 0 {
		overdue = []string{r.Money(money.Zero(v.Profile.Currency))}
	}
	return []ui.Stat{{Key: r.T("col.stat.cases"), Value: number(v, cases)}, {Key: r.T("col.stat.overdue"), Value: strings.Join(overdue, " · ")}, {Key: r.T("col.stat.cut"), Value: number(v, cut)}}
}

// stepTitle is what people call a step.
func stepTitle(v *web.Visit, p *collection.Policy, ladder, code string) string {
	if code == "" {
		return v.Reader.T("col.step.none")
	}
	for i := range p.Ladders {
		if p.Ladders[i].Code != ladder && ladder != "" {
			continue
		}
		for j := range p.Ladders[i].Steps {
			if s := &p.Ladders[i].Steps[j]; s.Code == code {
				return s.Title(v.Reader.Locale.Language)
			}
		}
	}
	return code
}

func casesTable(v *web.Visit, p *collection.Policy, rows []collection.Row, q collection.BoardQuery) table {
	r := v.Reader
	t := table{id: "cases", title: r.T("col.cases"), nums: "-nn---", none: r.T("col.cases.none"), more: r.T("col.cases.none.more"),
		heads: []string{r.T("col.who"), r.T("col.overdue"), r.T("col.days"), r.T("col.step"), r.T("col.access"), r.T("col.next")}}
	if q.Skip > 0 {
		t.first = v.Console("collection", filterOf(q)...)
	}
	if len(rows) > pageSize {
		rows = rows[:pageSize]
		t.next = v.Console("collection", append(filterOf(q), "skip", itoa(q.Skip+pageSize))...)
	}
	for i := range rows {
		c := &rows[i]
		next := "–"
		sub := ""
		if c.NextStep != "" && c.NextOn != nil {
			next, sub = r.Date(*c.NextOn), stepTitle(v, p, c.Ladder, c.NextStep)
		}
		if c.Held != "" {
			sub = r.T("col.held." + string(c.Held))
		}
		t.rows = append(t.rows, []cell{
			{text: c.Name, sub: c.Number, href: v.Console("subscribers/" + c.AccountID.String() + "/collection")},
			{text: r.Money(money.New(c.Overdue, c.Currency))}, {text: number(v, c.Days)},
			{text: stepTitle(v, p, c.Ladder, c.Step), sub: dayOrNone(v, c.StepOn)}, {tone: tones[c.Level], text: r.T("col.level." + string(c.Level))}, {text: next, sub: sub},
		})
	}
	return t
}

func dayOrNone(v *web.Visit, d *calendar.Date) string {
	if d == nil {
		return ""
	}
	return v.Reader.Date(*d)
}

func columnsTable(v *web.Visit, p *collection.Policy, o collection.Overview) table {
	r := v.Reader
	t := table{id: "columns", title: r.T("col.columns"), nums: "--nn", none: r.T("col.cases.none"), heads: []string{r.T("col.step"), r.T("col.access"), r.T("col.count"), r.T("col.overdue")}}
	for _, c := range o.Columns {
		t.rows = append(t.rows, []cell{{text: stepTitle(v, p, c.Ladder, c.Step), sub: c.Ladder, href: v.Console("collection", "step", c.Step, "level", string(c.Level))},
			{tone: tones[c.Level], text: r.T("col.level." + string(c.Level))}, {text: number(v, c.Cases)}, {text: r.Money(money.New(c.Overdue, c.Currency))}})
	}
	return t
}

func agesTable(v *web.Visit, o collection.Overview) table {
	r := v.Reader
	t := table{id: "ages", title: r.T("col.ages"), nums: "-nnn", none: r.T("col.ages.none"), heads: []string{r.T("col.age"), r.T("col.accounts"), r.T("col.items"), r.T("col.open")}}
	for _, a := range o.Ages {
		name := r.T("col.age.none")
		switch {
		case a.From > 0 && a.To > 0:
			name = r.T("col.age.between", "from", number(v, a.From), "to", number(v, a.To))
		case a.From > 0:
			name = r.T("col.age.over", "from", number(v, a.From-1))
		}
		t.rows = append(t.rows, []cell{{text: name}, {text: number(v, a.Accounts)}, {text: number(v, a.Items)}, {text: r.Money(money.New(a.Open, a.Currency))}})
	}
	return t
}

func comingTable(v *web.Visit, p *collection.Policy, o collection.Overview) table {
	r := v.Reader
	t := table{id: "coming", title: r.T("col.coming"), nums: "--nn", none: r.T("col.coming.none"), heads: []string{r.T("col.day"), r.T("col.step"), r.T("col.count"), r.T("col.overdue")}}
	for _, c := range o.Coming {
		t.rows = append(t.rows, []cell{{text: r.Date(c.On)}, {text: stepTitle(v, p, "", c.Step)}, {text: number(v, c.Cases)}, {text: r.Money(money.New(c.Overdue, c.Currency))}})
	}
	return t
}

func findForm(v *web.Visit, p *collection.Policy, q collection.BoardQuery) form {
	r := v.Reader
	f := newForm("find", r.T("col.find"), v.Console("collection"), r.T("col.find.do"))
	f.get = true
	levels := []ui.Choice{{Value: "", Label: r.T("col.level.any"), Chosen: q.Level == ""}}
	for _, l := range []access.Level{access.Allowed, access.Slowed, access.Walled, access.Cut} {
		levels = append(levels, ui.Choice{Value: string(l), Label: r.T("col.level." + string(l)), Chosen: q.Level == l})
	}
	f.fields = []control{{Field: ui.Field{ID: "q", Label: r.T("col.find.who"), Value: q.Text, Optional: true}}, {Field: ui.Field{ID: "level", Label: r.T("col.access")}, choices: levels}}
	f.fields = append(f.fields, segmentFields(v, p, q)...)
	if q.Step != "" {
		f.hidden = [][2]string{{"step", q.Step}}
	}
	return f
}

func bulkForm(v *web.Visit, rows []collection.Row, fault string) form {
	r := v.Reader
	if len(rows) > pageSize {
		rows = rows[:pageSize]
	}
	f := newForm("bulk", r.N("col.bulk", int64(len(rows)), "n", number(v, len(rows))), v.Console("collection/hold"), r.T("col.hold.do"),
		field(v, "reason", "col.reason", "", false, fault), field(v, "until", "col.until", "date", true, ""))
	f.effect = r.T("col.bulk.lead")
	for i := range rows {
		f.hidden = append(f.hidden, [2]string{"account", rows[i].AccountID.String()})
	}
	return f
}

func holdListed(v *web.Visit) error {
	reason := trimmed(v, "reason")
	until, bad := optionalDay(v, "until")
	if reason == "" || bad {
		return answerBoard(v, http.StatusUnprocessableEntity, v.Reader.T("col.refused"), v.Reader.T("col.reason.missing"), "")
	}
	var accounts []uuid.UUID
	for _, text := range v.Fields()["account"] {
		if id, err := uuid.Parse(text); err == nil && len(accounts) < pageSize {
			accounts = append(accounts, id)
		}
	}
	c := &command.Command{Action: "holdCollection", Object: "operator", Detail: map[string]any{"reason": reason, "accounts": len(accounts)}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := v.Stack.Collection().HoldMany(ctx, tx, collection.NewHold{ID: command.ID(v), Until: until, Reason: reason, By: v.Who.Actor()}, accounts...)
		return v.Console("collection", "done", "held"), err
	}
	next, err := command.CarryOut(v, c)
	if err != nil {
		return err
	}
	return v.Lead(next)
}

// optionalDay reads a day that may be missing; bad says that it is none.
func optionalDay(v *web.Visit, id string) (d *calendar.Date, bad bool) {
	text := trimmed(v, id)
	if text == "" {
		return nil, false
	}
	one, err := calendar.ParseDate(text)
	return &one, err != nil
}

// sendAgency is the file for a collection agency.
func sendAgency(v *web.Visit) error {
	var list []collection.HandedOver
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		list, err = collection.ForAgency(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	rows := [][]string{{"account", "name", "email", "phone", "address", "bills", "handed_over", "oldest_due", "overdue", "currency"}}
	for _, h := range list {
		rows = append(rows, []string{h.Number, h.Name, h.Email, h.Phone, h.Address, h.Bills, h.On.String(), h.OldestDue.String(), h.Overdue.Text(), h.Overdue.Currency().Code()})
	}
	return sendCSV(v, "agency.csv", rows)
}

// sendLetters is the list of letters to print.
func sendLetters(v *web.Visit) error {
	var list []notice.Stored
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		list, err = notice.Letters(ctx, tx, 1000)
		return err
	})
	if err != nil {
		return err
	}
	rows := [][]string{{"id", "to", "kind", "subject", "text"}}
	for _, m := range list {
		rows = append(rows, []string{m.ID.String(), m.To, string(m.Kind), m.Subject, m.Body})
	}
	return sendCSV(v, "letters.csv", rows)
}

// sendCSV answers with a file. What a sheet would take for a formula is kept a
// text.
func sendCSV(v *web.Visit, name string, rows [][]string) error {
	var out strings.Builder
	w := csv.NewWriter(&out)
	for _, row := range rows {
		for i := range row {
			if row[i] != "" && strings.ContainsRune("=+-@\t\r", rune(row[i][0])) {
				row[i] = "'" + row[i]
			}
		}
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	return v.Download(name, "text/csv; charset=utf-8", []byte(out.String()))
}

// postLetters notes that those that were listed have been posted.
func postLetters(v *web.Visit) error {
	through, err := uuid.Parse(v.Form("through"))
	if err != nil {
		return answerBoard(v, http.StatusUnprocessableEntity, v.Reader.T("col.refused"), "", "")
	}
	c := &command.Command{Action: "postLetters", Object: "operator", Detail: map[string]any{"through": through}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		list, err := notice.Letters(ctx, tx, 1000)
		if err != nil {
			return "", err
		}
		var ids []uuid.UUID
		for _, m := range list {
			ids = append(ids, m.ID)
			if m.ID == through {
				break
			}
		}
		_, err = notice.Posted(ctx, tx, ids...)
		return v.Console("collection", "done", "posted"), err
	}
	next, err := command.CarryOut(v, c)
	if err != nil {
		return err
	}
	return v.Lead(next)
}

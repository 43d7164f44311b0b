package books

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/report"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// daysShown is how many days the list goes back.
const daysShown = 31

type dayRow struct {
	href, day, state, at string
	tone                 ui.Tone
	after                string
}

func days(v *web.Visit) error {
	r := v.Reader
	var states []report.DayState
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		states, err = report.Days(ctx, tx, r.Today.AddDays(-1), daysShown)
		return err
	})
	if err != nil {
		return err
	}
	var rows []dayRow
	for _, d := range states {
		row := dayRow{href: v.Console("reports/days/" + d.Day.String()), day: r.Date(d.Day), state: r.T("books.day.open"), tone: ui.Info}
		if d.SignedBy != "" {
			row.state, row.tone, row.at = r.T("books.day.signed"), ui.OK, r.Short(*d.SignedAt)
			if !d.Sound {
				row.state, row.tone = r.T("books.day.unsound"), ui.Warn
			}
			if d.After > 0 {
				row.after = r.N("books.day.after", int64(d.After))
				row.tone = ui.Warn
			}
		}
		rows = append(rows, row)
	}
	return v.Show(http.StatusOK, daysPage(frame.Of(v, frame.Reports, r.T("books.days")), tabs(v, "days"), rows))
}

// dayView is one day: its control sums, its lines and what came after.
type dayView struct {
	list, action, key string
	state             string
	tone              ui.Tone
	by, refused, done string
	checks            []checkRow
	lines, after      []lineRow
	note              ui.Field
	mustNote          bool
}

type checkRow struct {
	rule, unit, ledger, books, state string
	tone                             ui.Tone
}

type lineRow struct{ account, currency, debit, credit string }

func day(v *web.Visit) error { return answerDay(v, http.StatusOK, "") }

func answerDay(v *web.Visit, status int, refused string) error {
	r := v.Reader
	at, err := calendar.ParseDate(v.Param("day"))
	if err != nil {
		return account.ErrNotFound
	}
	if _, err := v.Stack.SumUp(v.Context(), sumUpAtMost); err != nil {
		return err
	}
	var d report.DayClose
	var chart report.Chart
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if chart, err = report.GetChart(ctx, tx); err != nil {
			return err
		}
		if d, err = report.GetDay(ctx, tx, at); err != nil || d.SignedBy == "" {
			return err
		}
		d.SignedBy, err = whoIs(ctx, tx, v, d.SignedBy)
		return err
	})
	if err != nil {
		return err
	}
	p := &dayView{list: v.Console("reports/days"), refused: refused, state: r.T("books.day.open"), tone: ui.Info, mustNote: !d.Sound(),
		note: ui.Field{ID: "note", Label: r.T("books.day.note"), Hint: r.T("books.day.note.hint"), Optional: d.Sound(), Value: v.Form("note"), MaxLength: "1000"}}
	if v.Query("done") == "signed" {
		p.done = r.T("books.done.signed")
	}
	switch {
	case d.SignedBy != "":
		p.state, p.tone, p.by = r.T("books.day.signed"), ui.OK, r.T("books.day.by", "who", d.SignedBy, "at", r.DateTime(d.SignedAt))
		if d.Note != "" {
			p.by += " " + d.Note
		}
	case at.Before(r.Today) && v.May(identity.RefundWrite):
		p.action, p.key = v.Console("reports/days/"+at.String()), command.NewKey()
	}
	for _, c := range d.Checks {
		row := checkRow{rule: ruleWords(r, c.Rule), unit: c.Unit, ledger: r.Number(c.Ledger), books: r.Number(c.Books), state: r.T("books.check.holds"), tone: ui.OK}
		if !c.Holds() {
			row.state, row.tone = r.T("books.check.differs"), ui.Bad
		}
		p.checks = append(p.checks, row)
	}
	p.lines, p.after = lines(r, chart, d.Sums), lines(r, chart, d.After)
	return v.Show(status, dayPage(frame.Of(v, frame.Reports, r.Date(at)), p))
}

var unworded = regexp.MustCompile(`[^a-z]+`)

// ruleWords says what two sides of the books are held against each other; a rule
// that nobody wrote words for has its name.
func ruleWords(r ui.Reader, rule string) string {
	key := "books.sum." + strings.Trim(unworded.ReplaceAllString(rule, "-"), "-")
	if words := r.T(key); words != key {
		return words
	}
	return rule
}

func lines(r ui.Reader, chart report.Chart, sums []report.Sum) []lineRow {
	var rows []lineRow
	for _, s := range sums {
		currency, err := money.ParseCurrency(s.Unit)
		if err != nil {
			continue // a commodity
		}
		figure := func(d money.Decimal) string { return r.Locale.FormatFigure(money.New(d, currency).RoundToDocument()) }
		rows = append(rows, lineRow{lineName(r, chart, s.Kind), s.Unit, figure(s.Debit), figure(s.Credit)})
	}
	return rows
}

func lineName(r ui.Reader, chart report.Chart, kind ledger.Kind) string {
	name := report.Word(r.Locale.Language, "kind."+string(kind))
	if own := chart[kind]; own.Number != "" {
		if own.Name != "" {
			name = own.Name
		}
		return own.Number + " " + name
	}
	return name
}

// whoIs is an actor by name, as far as it is a user.
func whoIs(ctx context.Context, tx tenant.Tx, v *web.Visit, actor string) (string, error) {
	const user = "user:"
	if len(actor) <= len(user) || actor[:len(user)] != user {
		return actor, nil
	}
	id, err := uuid.Parse(actor[len(user):])
	if err != nil {
		return actor, nil
	}
	u, err := v.Authority().GetUser(ctx, tx, id)
	if errors.Is(err, identity.ErrUserNotFound) {
		return actor, nil
	}
	if err != nil || u.Name == "" {
		return u.Email, err
	}
	return u.Name, nil
}

func signOff(v *web.Visit) error {
	at, err := calendar.ParseDate(v.Param("day"))
	if err != nil {
		return account.ErrNotFound
	}
	c := &command.Command{Action: "day.close", Object: "day", Detail: map[string]any{"day": at.String(), "note": v.Form("note")}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := report.CloseDay(ctx, tx, at, v.Form("note"), v.Who.Actor())
		return v.Console("reports/days/"+at.String(), "done", "signed"), err
	}
	next, err := command.CarryOut(v, c)
	for refusal, word := range map[error]string{report.ErrDayOpen: "open", report.ErrDayClosed: "closed", report.ErrDayUnsure: "unsure", report.ErrInvalid: "note"} {
		if errors.Is(err, refusal) {
			return answerDay(v, http.StatusUnprocessableEntity, v.Reader.T("books.refused."+word))
		}
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}

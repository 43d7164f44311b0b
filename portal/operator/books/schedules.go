package books

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/report"
	"tollhouse/billing/report/sheet"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

type scheduleRow struct {
	href, name, report, when, next, last string
	state                                string
	tone                                 ui.Tone
}

func schedules(v *web.Visit) error {
	r, language := v.Reader, v.Reader.Locale.Language
	var list []report.Schedule
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		list, err = report.Schedules(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	var rows []scheduleRow
	for _, s := range list {
		row := scheduleRow{href: v.Console("reports/schedules/" + s.ID.String()), name: s.Name, report: report.Word(language, "report."+string(s.Report)),
			when: r.T("books.every." + string(s.Every)), state: r.T("books.state." + string(s.State)), tone: ui.Off, last: r.T("books.never")}
		if s.State == report.Active {
			row.tone, row.next = ui.OK, r.DateTime(s.DueAt)
		}
		if len(s.Log) > 0 {
			row.last = outcome(r, s.Log[0])
			if s.Log[0].Error != "" {
				row.tone = ui.Bad
			}
		}
		rows = append(rows, row)
	}
	fresh := ""
	if v.May(identity.RefundWrite) {
		fresh = v.Console("reports/schedules/new")
	}
	return v.Show(http.StatusOK, schedulesPage(frame.Of(v, frame.Reports, r.T("books.schedules")), tabs(v, "schedules"), fresh, rows))
}

func outcome(r ui.Reader, run report.Run) string {
	if run.Error != "" {
		return r.T("books.run.failed", "why", run.Error)
	}
	key := "books.run.sent"
	if run.Link {
		key = "books.run.link"
	}
	return r.N(key, int64(run.Sent), "at", r.Short(run.At))
}

// scheduleView is one scheduled report.
type scheduleView struct {
	list, action, remove, key string
	name, onDay, hour         ui.Field
	report, format, every     ui.Field
	entity, state             ui.Field
	reports, formats, everies []ui.Choice
	entities, states          []ui.Choice
	people                    []person
	peopleError               string
	faults                    []ui.Fault
	runs                      []runRow
}

type person struct {
	field  ui.Field
	ticked bool
}

type runRow struct {
	at, span, words string
	tone            ui.Tone
}

func schedule(v *web.Visit) error {
	s := report.Schedule{Report: report.TrialBalance, Format: sheet.XLSX, Every: report.Monthly, OnDay: 1, AtHour: 7, State: report.Active}
	if v.Param("schedule") != "new" {
		id, err := uuid.Parse(v.Param("schedule"))
		if err != nil {
			return account.ErrNotFound
		}
		err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
			s, err = report.GetSchedule(ctx, tx, id)
			return err
		})
		if err != nil {
			return err
		}
	}
	return answerSchedule(v, http.StatusOK, s, nil)
}

// peopleShown bounds the users offered as recipients.
const peopleShown = 200

func answerSchedule(v *web.Visit, status int, s report.Schedule, field *report.FieldError) error {
	r, language := v.Reader, v.Reader.Locale.Language
	p := &scheduleView{list: v.Console("reports/schedules"), key: command.NewKey()}
	if v.May(identity.RefundWrite) {
		p.action = v.Console("reports/schedules/" + v.Param("schedule"))
		if s.ID != uuid.Nil {
			p.remove = v.Console("reports/schedules/" + s.ID.String() + "/remove")
		}
	}
	p.name = ui.Field{ID: "name", Label: r.T("books.name"), Value: s.Name, MaxLength: "100", Autocomplete: "off"}
	p.onDay = ui.Field{ID: "on_day", Label: r.T("books.on_day"), Hint: r.T("books.on_day.hint"), Value: strconv.Itoa(s.OnDay), InputMode: "numeric", Optional: true}
	p.hour = ui.Field{ID: "at_hour", Label: r.T("books.at_hour"), Value: strconv.Itoa(s.AtHour), InputMode: "numeric"}
	p.report, p.format, p.every = ui.Field{ID: "report", Label: r.T("books.report")}, ui.Field{ID: "format", Label: r.T("books.format")}, ui.Field{ID: "every", Label: r.T("books.every")}
	p.entity, p.state = ui.Field{ID: "legal_entity", Label: report.Word(language, "col.legal_entity"), Optional: true}, ui.Field{ID: "state", Label: r.T("books.state")}
	for _, one := range report.All() {
		p.reports = append(p.reports, ui.Choice{Value: string(one.Name), Label: report.Word(language, "report."+string(one.Name)), Chosen: one.Name == s.Report})
	}
	for _, f := range []sheet.Format{sheet.XLSX, sheet.CSV} {
		p.formats = append(p.formats, ui.Choice{Value: string(f), Label: map[sheet.Format]string{sheet.XLSX: "XLSX", sheet.CSV: "CSV"}[f], Chosen: f == s.Format})
	}
	for _, e := range []report.Every{report.Daily, report.Weekly, report.Monthly} {
		p.everies = append(p.everies, ui.Choice{Value: string(e), Label: r.T("books.every." + string(e)), Chosen: e == s.Every})
	}
	for _, st := range []report.State{report.Active, report.Off} {
		p.states = append(p.states, ui.Choice{Value: string(st), Label: r.T("books.state." + string(st)), Chosen: st == s.State})
	}
	for _, run := range s.Log {
		row := runRow{at: r.DateTime(run.At), span: run.From.String() + " – " + run.To.String(), words: outcome(r, run), tone: ui.OK}
		if run.Error != "" {
			row.tone = ui.Bad
		}
		p.runs = append(p.runs, row)
	}
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		entities, err := account.LegalEntities(ctx, tx)
		if err != nil {
			return err
		}
		p.entities = []ui.Choice{{Label: r.T("books.all")}}
		for _, e := range entities {
			p.entities = append(p.entities, ui.Choice{Value: e.ID.String(), Label: e.Name, Chosen: s.Terms.LegalEntity != nil && *s.Terms.LegalEntity == e.ID})
		}
		people, err := report.People(ctx, tx, peopleShown)
		if err != nil {
			return err
		}
		for _, one := range people {
			ticked := false
			for _, id := range s.Recipients {
				ticked = ticked || id == one.ID
			}
			p.people = append(p.people, person{ui.Field{ID: "to-" + one.ID.String(), Name: "recipients", Label: one.Label(), Value: one.ID.String()}, ticked})
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.blame(r, field)
	title := s.Name
	if title == "" {
		title = r.T("books.schedule.new")
	}
	return v.Show(status, schedulePage(frame.Of(v, frame.Reports, title), p))
}

func (p *scheduleView) blame(r ui.Reader, field *report.FieldError) {
	if field == nil {
		return
	}
	words := r.T("books.want." + field.Field)
	for _, f := range []*ui.Field{&p.name, &p.report, &p.format, &p.every, &p.onDay, &p.hour} {
		if f.ID == field.Field {
			f.Error = words
		}
	}
	p.faults = ui.FaultsOf(p.name, p.report, p.format, p.every, p.onDay, p.hour)
	if field.Field == "recipients" {
		p.peopleError = words
		p.faults = append(p.faults, ui.Fault{Field: "recipients", Message: words})
	}
}

func saveSchedule(v *web.Visit) error {
	s := report.Schedule{Name: v.Form("name"), Report: report.Name(v.Form("report")), Format: sheet.Format(v.Form("format")), Every: report.Every(v.Form("every")), State: report.State(v.Form("state"))}
	s.OnDay, s.AtHour = number(v.Form("on_day")), number(v.Form("at_hour"))
	if s.State != report.Off {
		s.State = report.Active
	}
	if id, err := uuid.Parse(v.Form("legal_entity")); err == nil {
		s.Terms.LegalEntity = &id
	}
	for _, text := range v.Forms("recipients") {
		if id, err := uuid.Parse(text); err == nil {
			s.Recipients = append(s.Recipients, id)
		}
	}
	fresh := v.Param("schedule") == "new"
	if !fresh {
		id, err := uuid.Parse(v.Param("schedule"))
		if err != nil {
			return account.ErrNotFound
		}
		s.ID = id
	}
	c := &command.Command{Action: "report.schedule", Object: "report_schedule", ID: s.ID, Part: v.Sent(), Detail: map[string]any{"report": s.Report, "every": s.Every}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		wish := s
		if fresh {
			wish.ID = uuid.Must(uuid.NewV7())
		} else if _, err := report.GetSchedule(ctx, tx, s.ID); err != nil {
			return "", err
		}
		made, err := report.Put(ctx, tx, wish, v.Who.Actor())
		c.ID = made.ID
		return v.Console("reports/schedules"), err
	}
	next, err := command.CarryOut(v, c)
	var field *report.FieldError
	if errors.As(err, &field) {
		return answerSchedule(v, http.StatusUnprocessableEntity, s, field)
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}

// number is a whole number, or one that no field takes.
func number(text string) int {
	d, err := money.ParseDecimal(text)
	if err != nil {
		return -1
	}
	n, err := d.Int64()
	if err != nil || n < 0 || n > 1000 {
		return -1
	}
	return int(n)
}

func removeSchedule(v *web.Visit) error {
	id, err := uuid.Parse(v.Param("schedule"))
	if err != nil {
		return account.ErrNotFound
	}
	c := &command.Command{Action: "report.unschedule", Object: "report_schedule", ID: id}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		return v.Console("reports/schedules"), report.RemoveSchedule(ctx, tx, id)
	}
	next, err := command.CarryOut(v, c)
	if err != nil {
		return err
	}
	return v.Lead(next)
}

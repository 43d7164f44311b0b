package reference

import (
	"context"
	"errors"

	"strconv"
	"strings"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

func showCalendars(v *web.Visit) error { return answerCalendars(v, refusal{}) }

func answerCalendars(v *web.Visit, bad refusal) error {
	r := v.Reader
	var all []catalog.HolidayCalendar
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		all, err = catalog.Calendars(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	t := table{id: "calendars", title: r.T("con.nav.calendars"), heads: []string{r.T("ref.calendar"), r.T("ref.code"), r.T("ref.days.in", "year", strconv.Itoa(r.Today.Year)), r.T("ref.next.day")},
		nums: "--n", none: r.T("ref.calendars.none"), more: r.T("ref.calendars.none.more"), icon: "bill"}
	for _, c := range all {
		row := []cell{{text: named(v, c.Names, c.Code), href: v.Console("calendars/" + c.Code)}, {text: c.Code, code: true}, {text: number(v, len(c.In(r.Today.Year)))}, {text: "–"}}
		for _, day := range c.Dates() {
			if !day.Before(r.Today) {
				row[3].text = r.Date(day)
				break
			}
		}
		t.rows = append(t.rows, row)
	}
	d := &view{tables: []table{t}}
	if v.Query("done") == "removed" {
		d.done = r.T("ref.done.removed")
	}
	if v.May(identity.OfferingWrite) {
		code := text(v, "code", "ref.code", false)
		code.Hint, code.Mono, code.Error = r.T("ref.code.hint"), true, bad.of(v, "code")
		f := newForm("new", r.T("ref.calendar.new"), v.Console("calendars"), r.T("ref.add"), append([]control{input(code)}, nameFields(v, nil)...)...)
		d.forms = append(d.forms, f)
		d.blame(f)
	}
	return v.Show(bad.status(), page(frame.Of(v, frame.Calendars, r.T("con.nav.calendars")), d))
}

// changeCalendar carries a change out and leads to the calendar, or tells why
// not.
func changeCalendar(v *web.Visit, change catalog.CalendarChange, done string, refuse func(*web.Visit, refusal) error) error {
	c := &command.Command{Action: "putHolidayCalendar", Object: "holiday_calendar", Detail: map[string]any{"calendar": change.Code, "change": done}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := catalog.ChangeCalendar(ctx, tx, change)
		return v.Console("calendars/"+change.Code, "done", done, "year", v.Form("year")), err
	}
	next, err := command.CarryOut(v, c)
	switch {
	case errors.Is(err, catalog.ErrReferenceCode):
		return refuse(v, refusal{field: "code", key: "ref.code.not"})
	case errors.Is(err, catalog.ErrHoliday):
		return refuse(v, refusal{field: "day", key: "ref.day.not"})
	case isPast(err):
		return refuse(v, refusal{field: "past", key: "ref.past.not"})
	case err != nil:
		return err
	}
	return v.Lead(next)
}

func addCalendar(v *web.Visit) error {
	return changeCalendar(v, catalog.CalendarChange{Code: strings.TrimSpace(v.Form("code")), Names: namesOf(v)}, "named", answerCalendars)
}

func nameCalendar(v *web.Visit) error {
	if _, err := calendarOf(v); err != nil {
		return err
	}
	return changeCalendar(v, catalog.CalendarChange{Code: v.Param("calendar"), Names: namesOf(v)}, "named", answerCalendar)
}

func calendarOf(v *web.Visit) (c catalog.HolidayCalendar, err error) {
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		c, err = catalog.GetCalendar(ctx, tx, v.Param("calendar"))
		return err
	})
	return c, err
}

func showCalendar(v *web.Visit) error { return answerCalendar(v, refusal{}) }

func answerCalendar(v *web.Visit, bad refusal) error {
	r, code := v.Reader, v.Param("calendar")
	var c catalog.HolidayCalendar
	var users []string
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if c, err = catalog.GetCalendar(ctx, tx, code); err != nil {
			return err
		}
		users, err = catalog.CalendarUsers(ctx, tx, code)
		return err
	})
	if err != nil {
		return err
	}
	at := v.Console("calendars/" + code)
	d := &view{crumb: r.T("con.nav.calendars"), crumbTo: v.Console("calendars"), factsTitle: r.T("ref.calendar")}
	if done := v.Query("done"); done == "named" || done == "day" || done == "gone" || done == "days" {
		d.done = r.T("ref.done." + done)
	}
	d.facts = []fact{{r.T("ref.code"), code, ""}, {r.T("ref.used"), cmpOr(strings.Join(users, ", "), "–"), ""}}
	d.tables = append(d.tables, daysTable(v, c, at, len(users) > 0))
	if v.May(identity.OfferingWrite) {
		day := ui.Field{ID: "day", Label: r.T("ref.day"), Kind: "date", Value: v.Form("day"), Error: bad.of(v, "day")}
		add := newForm("day-new", r.T("ref.day.new"), at+"/days", r.T("ref.add"), input(day),
			control{Field: ui.Field{ID: "yearly", Label: r.T("ref.yearly"), Hint: r.T("ref.yearly.hint"), Optional: true}, box: true, ticked: v.Form("yearly") != ""})
		add.fields = append(add.fields, nameFields(v, nil)...)
		past := pastBox(v, false)
		past.Error = bad.of(v, "past")
		if len(users) > 0 {
			add.fields = append(add.fields, past)
		}
		file := newForm("days-file", r.T("ref.days.file"), at+"/file", r.T("ref.upload"), append([]control{fileField(v, "ref.days.file.hint", bad.of(v, "file"))}, formatFields(v)...)...)
		file.upload = true
		if len(users) > 0 {
			file.fields = append(file.fields, control{Field: ui.Field{ID: "past-file", Name: "past", Label: past.Label, Hint: past.Hint, Optional: true}, box: true, ticked: past.ticked})
		}
		names := newForm("calendar-names", r.T("ref.names"), at+"/names", r.T("ref.save"))
		for _, f := range nameFields(v, c.Names) {
			f.Name, f.ID, f.Value = f.ID, "calendar_"+f.ID, c.Names[f.Lang]
			names.fields = append(names.fields, f)
		}
		d.forms = append(d.forms, add, file, names)
		if len(users) == 0 {
			gone := newForm("calendar-remove", r.T("ref.calendar.remove"), at+"/remove", r.T("ref.remove"))
			gone.bad = true
			d.forms = append(d.forms, gone)
		}
		d.blame(add, file)
		if bad.field == "used" {
			d.title = bad.key
		}
	}
	d.refuse(v, bad)
	return v.Show(bad.status(), page(frame.Of(v, frame.Calendars, named(v, c.Names, code)), d))
}

func cmpOr(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}

// daysTable lists a year's holidays; those to come may be taken away here.
func daysTable(v *web.Visit, c catalog.HolidayCalendar, at string, used bool) table {
	r, shown := v.Reader, year(v)
	t := table{id: "days", title: r.T("ref.days.of", "year", strconv.Itoa(shown)), heads: []string{r.T("ref.day"), r.T("ref.name"), r.T("ref.kind")},
		none: r.T("ref.days.none"), more: r.T("ref.days.none.more"), icon: "bill"}
	writes := v.May(identity.OfferingWrite)
	if writes {
		t.heads = append(t.heads, "")
	}
	for _, day := range c.In(shown) {
		single := false
		for _, one := range c.Days {
			single = single || one.Day == day.Day
		}
		kind := "ref.kind.yearly"
		if single {
			kind = "ref.kind.once"
		}
		row := []cell{{text: r.Date(day.Day)}, {text: day.Names.In(r.Locale.Language)}, {text: r.T(kind)}}
		if writes {
			gone := newForm("", "", at+"/days/remove", r.T("ref.remove"))
			gone.quiet, gone.hidden = true, [][2]string{{"day", day.Day.String()}, {"year", strconv.Itoa(shown)}}
			if used && day.Day.Before(r.Today) {
				gone.fields = []control{{Field: ui.Field{ID: "past-" + day.Day.String(), Name: "past", Label: r.T("ref.past"), Optional: true}, box: true}}
			}
			row = append(row, cell{act: &gone})
		}
		t.rows = append(t.rows, row)
	}
	t.told = ""
	if shown > 2000 {
		t.first = at + "?year=" + strconv.Itoa(shown-1)
	}
	if shown < 2099 {
		t.next = at + "?year=" + strconv.Itoa(shown+1)
	}
	t.years = true
	return t
}

// putDay adds a day, or one of every year from the day's own on.
func putDay(v *web.Visit) error {
	day, field := dateField(v, "day", "ref.day")
	if field.Error != "" {
		return answerCalendar(v, refusal{field: "day", key: "ref.day.not"})
	}
	c, err := calendarOf(v)
	if err != nil {
		return err
	}
	change := catalog.CalendarChange{Code: c.Code, Past: v.Form("past") != ""}
	if v.Form("yearly") == "" {
		change.Put = []catalog.NamedDay{{Day: day, Names: namesOf(v)}}
	} else {
		yearly := append(c.Yearly, catalog.YearlyHoliday{Month: day.Month, Day: day.Day, From: day.Year, Names: namesOf(v)})
		change.Yearly = &yearly
	}
	return changeCalendar(v, change, "day", answerCalendar)
}

// removeDay takes a day away. One of every year ends with the year before.
func removeDay(v *web.Visit) error {
	day, err := calendar.ParseDate(v.Form("day"))
	if err != nil {
		return answerCalendar(v, refusal{field: "day", key: "ref.day.not"})
	}
	c, err := calendarOf(v)
	if err != nil {
		return err
	}
	change := catalog.CalendarChange{Code: c.Code, Remove: []calendar.Date{day}, Past: v.Form("past") != ""}
	yearly := c.Without(day)
	change.Yearly = &yearly
	return changeCalendar(v, change, "gone", answerCalendar)
}

func uploadDays(v *web.Visit) error {
	content, name, err := upload(v)
	if err != nil {
		return err
	}
	if content == nil {
		return answerCalendar(v, refusal{field: "file", key: "ref.file.missing"})
	}
	code := v.Param("calendar")
	c := &command.Command{Action: "uploadHolidays", Object: "holiday_calendar", Detail: map[string]any{"calendar": code, "file": name}, Part: part(content)}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		if _, err := catalog.GetCalendar(ctx, tx, code); err != nil {
			return "", err
		}
		_, err := catalog.AddHolidays(ctx, tx, catalog.HolidayUpload{Code: code, Content: content, Format: formatOf(v), Past: v.Form("past") != ""})
		return v.Console("calendars/"+code, "done", "days"), err
	}
	next, err := command.CarryOut(v, c)
	var bad *catalog.TableError
	switch {
	case errors.As(err, &bad):
		return answerCalendar(v, refusal{table: bad})
	case isPast(err):
		return answerCalendar(v, refusal{field: "past", key: "ref.past.not"})
	case err != nil:
		return err
	}
	return v.Lead(next)
}

func removeCalendar(v *web.Visit) error {
	code := v.Param("calendar")
	c := &command.Command{Action: "removeHolidayCalendar", Object: "holiday_calendar", Detail: map[string]any{"calendar": code}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		return v.Console("calendars", "done", "removed"), catalog.RemoveCalendar(ctx, tx, code)
	}
	next, err := command.CarryOut(v, c)
	if errors.Is(err, catalog.ErrCalendarUsed) {
		return answerCalendar(v, refusal{field: "used", key: "ref.used.not"})
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}

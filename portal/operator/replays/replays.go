package replays

import (
	"errors"
	"strconv"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/replay"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// Register adds the addresses of these pages below a tenant's console.
func Register(console *echo.Group, site *web.Site) {
	console.GET("/trials", site.Console(identity.OfferingRead, showTrials))
	console.POST("/trials", site.Console(identity.OfferingWrite, askTrial))
	console.GET("/trials/:trial", site.Console(identity.OfferingRead, showTrial))
	console.GET("/trials/:trial/progress", site.Console(identity.OfferingRead, showTrialProgress))
	console.POST("/trials/:trial/cancel", site.Console(identity.OfferingWrite, cancelTrial))
	console.GET("/offers/:code/trial", site.Console(identity.OfferingRead, offerTrial))
	console.GET("/corrections", site.Console(identity.ReratingRead, showReratings))
	console.POST("/corrections", site.Console(identity.ReratingWrite, propose))
	console.POST("/corrections/window", site.Console(identity.SettingsWrite, changeWindow))
	console.GET("/corrections/:rerating", site.Console(identity.ReratingRead, showRerating))
	console.GET("/corrections/:rerating/progress", site.Console(identity.ReratingRead, showReratingProgress))
	console.POST("/corrections/:rerating/apply", site.Console(identity.ReratingWrite, apply))
	console.POST("/corrections/:rerating/cancel", site.Console(identity.ReratingWrite, cancel))
	console.POST("/corrections/:rerating/undo", site.Console(identity.ReratingWrite, undo))
}

const rowsAPage = 50

func parseID(text string) uuid.UUID {
	id, err := uuid.Parse(text)
	if err != nil {
		return uuid.Nil
	}
	return id
}

// daysOf reads the first and the last day of a form; a day that is none is zero.
func daysOf(v *web.Visit) calendar.Period {
	from, _ := calendar.ParseDate(v.Form("from"))
	last, err := calendar.ParseDate(v.Form("last"))
	if err != nil {
		return calendar.Period{From: from}
	}
	return calendar.Period{From: from, To: last.AddDays(1)}
}

// lastMonth is the month before today: what is mostly meant.
func lastMonth(r ui.Reader) calendar.Period {
	first := r.Today
	first.Day = 1
	return calendar.Period{From: first.AddMonths(-1), To: first}
}

// fieldOf names a form's field for one of a choice's.
func fieldOf(name string) string {
	if name == "to" {
		return "last"
	}
	return name
}

// faultOf is what a refused choice says of a field, in the reader's words.
func faultOf(r ui.Reader, err error) (field, message string) {
	var wrong *replay.ChoiceError
	if !errors.As(err, &wrong) {
		return "", ""
	}
	field = fieldOf(wrong.Field)
	return field, r.T("replay.fault." + field)
}

func count(r ui.Reader, n int64) string { return r.Number(money.NewDecimal(n)) }

// job tells how far portions are worked.
func job(r ui.Reader, id uuid.UUID, title, again string, done, total int64, since string) ui.Job {
	return ui.Job{
		ID: "job-" + id.String(), Title: title, Tone: ui.Info, Again: again, Done: r.T("biz.of", "n", count(r, done), "of", count(r, total)),
		Share: ui.Share(money.NewDecimal(done), money.NewDecimal(max(total, 1))), More: since,
	}
}

func toneOf(s replay.State) ui.Tone {
	switch s {
	case replay.Done, replay.Applied:
		return ui.OK
	case replay.Ready:
		return ui.Warn
	case replay.Failed:
		return ui.Bad
	}
	return ui.Info
}

// pageAt is the row at which a page of a list begins.
func pageAt(v *web.Visit) int {
	n, err := strconv.Atoi(v.Query("at"))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

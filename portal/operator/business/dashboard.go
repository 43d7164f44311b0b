package business

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/agenda"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/insight"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// How far the dashboard looks back.
const (
	monthsShown = 13
	weeksShown  = 12
)

// sumUpAtMost is how long a page waits for revenue to be summed up.
const sumUpAtMost = 500 * time.Millisecond

// facts are what the dashboard is made of, read on one snapshot: only what the
// visitor may see.
type facts struct {
	active, before int64 // subscribers now, and when last month ended
	months         []insight.Month
	weeks          []insight.Week
	owing          insight.Owing
	suspense       []insight.Group
	needs          []insight.Waiting
	sold           []insight.Sold
	names          map[uuid.UUID]catalog.Stored
	runs           []bill.Run
	files          []usage.File
}

// topicRights says who is told of what waits for a person.
var topicRights = []struct {
	topic insight.Topic
	wants identity.Permission
}{
	{insight.InSuspense, identity.SuspenseRead},
	{insight.FailedBills, identity.BillRunRun},
	{insight.FailedFiles, identity.SuspenseRead},
	{insight.KeptMoney, identity.PaymentWrite},
	{insight.ParkedWebhooks, identity.PaymentWrite},
	{insight.ImportFindings, identity.IntakeWrite},
	{insight.DeadEndpoints, identity.APIKeyWrite},
	{insight.FailedWork, ""}, // by the kind of work
}

// retryRights says who may have failed work tried again.
var retryRights = map[agenda.Kind]identity.Permission{
	agenda.BillRun: identity.BillRunRun, agenda.CycleStart: identity.BillRunRun, agenda.BucketExpiry: identity.BillRunRun,
	agenda.UsageFile: identity.UsageWrite, agenda.Webhook: identity.PaymentWrite, agenda.Refund: identity.RefundWrite,
}

// mayRetry falls back on the right to settings for kinds of no part's own.
func mayRetry(v *web.Visit, kind agenda.Kind) bool {
	if right, known := retryRights[kind]; known {
		return v.May(right)
	}
	return v.May(identity.SettingsWrite)
}

func showDashboard(v *web.Visit) error {
	behind := false
	if v.May(identity.BillRead) {
		var err error
		if behind, err = v.Stack.SumUp(v.Context(), sumUpAtMost); err != nil {
			return err
		}
	}
	var f facts
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error { return f.read(ctx, tx, v, !behind) })
	if err != nil {
		return err
	}
	d := newDashboard(v, &f)
	d.behind = behind
	return v.Show(http.StatusOK, dashboardPage(frame.Of(v, frame.Dashboard, v.Reader.T("con.nav.dashboard")), d))
}

func (f *facts) read(ctx context.Context, tx tenant.Tx, v *web.Visit, revenue bool) (err error) {
	today := v.Reader.Today
	monthStart := firstOf(today).Start(v.Profile.Zone)
	steps := []struct {
		wants identity.Permission
		do    func() error
	}{
		{"", func() (err error) { f.active, err = insight.ActiveSubscribers(ctx, tx); return err }},
		{"", func() (err error) { f.before, err = insight.SubscribersAt(ctx, tx, monthStart); return err }},
		{"", func() (err error) {
			f.weeks, err = insight.Weeks(ctx, tx, v.Profile.Zone, today, weeksShown)
			return err
		}},
		{identity.BillRead, func() (err error) {
			if revenue {
				f.months, err = insight.Months(ctx, tx, v.Profile, today, monthsShown)
			}
			return err
		}},
		{identity.PaymentRead, func() (err error) { f.owing, err = insight.GetOwing(ctx, tx, v.Profile.Currency, today); return err }},
		{identity.SuspenseRead, func() (err error) { f.suspense, err = insight.Suspense(ctx, tx); return err }},
		{identity.OfferingRead, func() error { return f.readSold(ctx, tx, monthStart) }},
		{"", func() error { return f.readNeeds(ctx, tx, v) }},
		{"", func() error { return f.readRunning(ctx, tx, v) }},
	}
	for _, step := range steps {
		if step.wants == "" || v.May(step.wants) {
			if err := step.do(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *facts) readSold(ctx context.Context, tx tenant.Tx, since time.Time) (err error) {
	if f.sold, err = insight.SoldSince(ctx, tx, since); err != nil {
		return err
	}
	f.names = map[uuid.UUID]catalog.Stored{}
	for _, s := range f.sold {
		if f.names[s.OfferingID], err = catalog.Get(ctx, tx, s.OfferingID); err != nil {
			return err
		}
	}
	return nil
}

func (f *facts) readNeeds(ctx context.Context, tx tenant.Tx, v *web.Visit) (err error) {
	var wanted []insight.Topic
	for _, t := range topicRights {
		if t.wants == "" || v.May(t.wants) {
			wanted = append(wanted, t.topic)
		}
	}
	all, err := insight.NeedsPerson(ctx, tx, wanted...)
	for _, w := range all {
		if w.Topic != insight.FailedWork || mayRetry(v, agenda.Kind(w.Name)) {
			f.needs = append(f.needs, w)
		}
	}
	return err
}

// Most of what is under way that is shown.
const (
	runsLooked  = 10
	filesLooked = 20
)

func (f *facts) readRunning(ctx context.Context, tx tenant.Tx, v *web.Visit) error {
	if v.May(identity.BillRunRun) {
		runs, err := bill.Runs(ctx, tx, runsLooked)
		if err != nil {
			return err
		}
		for _, run := range runs {
			if run.State == bill.Running {
				f.runs = append(f.runs, run)
			}
		}
	}
	if v.May(identity.SuspenseRead) {
		files, _, err := usage.ListFiles(ctx, tx, usage.Cursor{}, filesLooked)
		if err != nil {
			return err
		}
		for _, file := range files {
			if file.State == usage.Received || file.State == usage.Running {
				f.files = append(f.files, file)
			}
		}
	}
	return nil
}

func firstOf(d calendar.Date) calendar.Date { return d.AddDays(1 - d.Day) }

// showRunning gives the part of the dashboard that tells of work under way.
func showRunning(v *web.Visit) error {
	var f facts
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error { return f.readRunning(ctx, tx, v) })
	if err != nil {
		return err
	}
	return v.Show(http.StatusOK, runningPart(v.Reader, runningOf(v, &f)))
}

// retryWork puts failed work of a kind back to be done.
func retryWork(v *web.Visit) error {
	kind := agenda.Kind(v.Form("kind"))
	if !mayRetry(v, kind) {
		return identity.ErrForbidden
	}
	c := &command.Command{Action: "retryWork", Object: "agenda", Detail: map[string]any{"kind": kind}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		n, err := agenda.Retry(ctx, tx, kind)
		c.Detail["items"] = n
		return v.Console("", "done", "retry", "n", money.NewDecimal(n).String()), err
	}
	next, err := command.CarryOut(v, c)
	if err != nil {
		return err
	}
	return v.Lead(next)
}

var errNoMonth = errors.New("no month")

// monthOf reads the month of an address: 2026-05.
func monthOf(text string) (calendar.Date, error) {
	day, err := calendar.ParseDate(text + "-01")
	if err != nil {
		return calendar.Date{}, errNoMonth
	}
	return day, nil
}

// showRevenue tells what a month's revenue is made of: its days.
func showRevenue(v *web.Visit) error {
	month, err := monthOf(v.Param("month"))
	if err != nil {
		return bill.ErrNotFound
	}
	var days []insight.Day
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		days, err = insight.Days(ctx, tx, v.Profile, month)
		return err
	})
	if err != nil {
		return err
	}
	if v.Query("format") == "csv" {
		return revenueSheet(v, days, month)
	}
	r := v.Reader
	page := revenueView{reader: r, month: r.Locale.FormatMonth(month), currency: v.Profile.Currency, symbol: r.Locale.Symbol(v.Profile.Currency),
		home: v.Console(""), csv: v.Console("revenue/"+v.Param("month"), "format", "csv"), open: firstOf(r.Today) == month,
		before: v.Console("revenue/" + month.AddMonths(-1).String()[:7]), after: v.Console("revenue/" + month.AddMonths(1).String()[:7])}
	for _, d := range days {
		page.days = append(page.days, d)
		page.sum = page.sum.Plus(d.Revenue)
	}
	return v.Show(http.StatusOK, revenuePage(frame.Of(v, frame.Dashboard, r.T("biz.rev.of", "month", page.month)), page))
}

func revenueSheet(v *web.Visit, days []insight.Day, month calendar.Date) error {
	s := web.NewSheet("day", "recurring", "usage", "one_time", "total", "currency")
	for _, d := range days {
		s.Add(d.Day.String(), d.Recurring.String(), d.Usage.String(), d.OneTime.String(), d.Total().String(), v.Profile.Currency.Code())
	}
	return v.SendSheet("revenue-"+month.String()[:7], s)
}

type revenueView struct {
	reader                   ui.Reader
	month, symbol            string
	currency                 money.Currency
	home, csv, before, after string
	open                     bool // the month is not over
	days                     []insight.Day
	sum                      insight.Revenue
}

func (p revenueView) figure(d money.Decimal) string {
	return figure(p.reader, money.New(d, p.currency))
}

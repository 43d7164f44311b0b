package business

import (
	"strconv"
	"strings"
	"time"

	"tollhouse/billing/agenda"
	"tollhouse/billing/identity"
	"tollhouse/billing/insight"
	"tollhouse/billing/money"
	"tollhouse/billing/usage"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// dashboard is the page as it is drawn. A part that is nil is not shown.
type dashboard struct {
	reader  ui.Reader
	csrf    string
	done    string // what has just been done
	behind  bool   // revenue is still being summed up
	again   string // this page
	newSale string // where somebody is connected; empty: may not
	stats   []ui.Stat
	revenue *revenueChart
	weeks   *weekChart
	ageing  *ageing
	sold    *soldTable
	needs   []need
	running running
}

type revenueChart struct {
	bars
	unit string
	rows []revenueRow
}

type revenueRow struct{ month, href, recurring, usage, oneTime, total string }

type weekChart struct {
	bars
	sum  string
	rows []weekRow
}

type weekRow struct{ from, joined, left, net string }

type ageing struct {
	symbol string
	rows   []ageRow
	total  ageRow
}

type ageRow struct{ name, href, accounts, amount, share string }

type soldTable struct {
	title, symbol string
	rows          []soldRow
	total         soldRow
	taxed         bool
}

type soldRow struct{ name, href, version, active, fresh, left, recurring string }

// need is one thing that waits for a person.
type need struct {
	icon, title, more, href, pill string
	retry                         string // the kind of work to try again; empty for none
	key                           string
}

type running struct {
	again string // address that gives the part again; empty when nothing is under way
	jobs  []ui.Job
	links []string
}

func newDashboard(v *web.Visit, f *facts) *dashboard {
	r := v.Reader
	d := &dashboard{reader: r, csrf: v.Page("").CSRF, again: v.Console(""), running: runningOf(v, f)}
	if v.Query("done") == "retry" {
		n, _ := strconv.ParseInt(v.Query("n"), 10, 32) // a wrong one only tells of none
		d.done = r.N("biz.need.retried", n)
	}
	if v.May(identity.OrderWrite) {
		d.newSale = v.Console("orders/new")
	}
	d.stats = statsOf(v, f)
	if len(f.months) > 0 {
		d.revenue = revenueChartOf(v, f.months)
	}
	d.weeks = weekChartOf(r, f.weeks)
	if v.May(identity.PaymentRead) {
		d.ageing = ageingOf(v, f.owing)
	}
	if v.May(identity.OfferingRead) {
		d.sold = soldOf(v, f)
	}
	for _, w := range f.needs {
		d.needs = append(d.needs, needOf(v, w))
	}
	return d
}

func statsOf(v *web.Visit, f *facts) []ui.Stat {
	r, c := v.Reader, v.Profile.Currency
	active := ui.Stat{Key: r.T("biz.stat.active"), Value: count(r, f.active), Href: v.Console("subscribers", "state", "active"),
		More: r.T("biz.stat.since", "n", signed(r, f.active-f.before), "day", r.DayMonth(firstOf(r.Today)))}
	if f.active > f.before {
		active.Tone = ""
	}
	stats := []ui.Stat{active}
	if n := len(f.months); n > 1 {
		now, last := f.months[n-1], f.months[n-2]
		revenue := moneyStat(r, money.New(now.Total(), c))
		revenue.Key, revenue.Href = r.T("biz.stat.revenue", "month", monthShort(r, now.First)), v.Console("revenue/"+now.First.String()[:7])
		revenue.More = r.T("biz.stat.last", "amount", shortMoney(r, money.New(last.Total(), c)), "month", monthShort(r, last.First))
		stats = append(stats, revenue)
		if each, err := last.Total().Div(money.NewDecimal(max(f.before, 1)), money.Scale, money.HalfAwayFromZero); err == nil && f.before > 0 {
			arpu := ui.Stat{Key: r.T("biz.stat.arpu"), Href: v.Console("revenue/" + last.First.String()[:7])}
			written := moneyStat(r, money.New(each, c))
			arpu.Before, arpu.Value, arpu.After, arpu.Exact = written.Before, written.Value, written.After, written.Exact
			arpu.More = r.N("biz.stat.arpu.of", f.before, "month", monthShort(r, last.First))
			stats = append(stats, arpu)
		}
	}
	if v.May(identity.PaymentRead) {
		overdue := moneyStat(r, money.New(f.owing.Overdue(), c))
		overdue.Key, overdue.Href = r.T("biz.stat.debtors"), v.Console("subscribers", "owing", "overdue")
		overdue.More = r.N("biz.stat.debtors.more", f.owing.Debtors, "owed", shortMoney(r, money.New(f.owing.Total(), c)))
		if f.owing.Debtors > 0 {
			overdue.Tone = ui.Warn
		}
		stats = append(stats, overdue)
	}
	if v.May(identity.SuspenseRead) {
		stats = append(stats, suspenseStat(v, f.suspense))
	}
	return stats
}

func suspenseStat(v *web.Visit, groups []insight.Group) ui.Stat {
	r := v.Reader
	var n int64
	var since time.Time
	for _, g := range groups {
		n += g.Count
		if since.IsZero() || g.Since.Before(since) {
			since = g.Since
		}
	}
	s := ui.Stat{Key: r.T("biz.stat.suspense"), Value: count(r, n), Href: v.Console("suspense"), More: r.T("biz.stat.suspense.none")}
	if n > 0 {
		s.Tone, s.More = ui.Warn, r.T("biz.stat.suspense.since", "day", dayOf(r, since))
	}
	return s
}

// shortMoney is moneyStat as running text.
func shortMoney(r ui.Reader, a money.Amount) string {
	s := moneyStat(r, a)
	return strings.Trim(s.Before+nbsp+s.Value+nbsp+s.After, nbsp)
}

func ageingOf(v *web.Visit, o insight.Owing) *ageing {
	r, c := v.Reader, v.Profile.Currency
	a := &ageing{symbol: r.Locale.Symbol(c)}
	total := o.Total()
	for _, at := range o.ByAge {
		a.rows = append(a.rows, ageRow{name: r.T("biz.age." + at.Name()), href: v.Console("subscribers", "owing", at.Name()),
			accounts: count(r, at.Accounts), amount: figure(r, money.New(at.Amount, c)), share: percent(r, at.Amount, total)})
	}
	a.total = ageRow{accounts: count(r, o.Accounts), amount: figure(r, money.New(total, c))}
	return a
}

func soldOf(v *web.Visit, f *facts) *soldTable {
	r, c := v.Reader, v.Profile.Currency
	t := &soldTable{title: r.T("biz.sold.title", "month", r.Locale.FormatMonth(firstOf(r.Today))), symbol: r.Locale.Symbol(c), taxed: v.Profile.PricesIncludeTax}
	var active, fresh, left int64
	var recurring money.Decimal
	for _, s := range f.sold {
		o := f.names[s.OfferingID]
		t.rows = append(t.rows, soldRow{name: o.Offering.Names.In(r.Locale.Language), href: v.Console("offers/" + o.Code), version: count(r, int64(o.Number)),
			active: count(r, s.Active), fresh: signed(r, s.New), left: signed(r, -s.Left), recurring: figure(r, money.New(s.Recurring, c))})
		active, fresh, left, recurring = active+s.Active, fresh+s.New, left+s.Left, recurring.Add(s.Recurring)
	}
	t.total = soldRow{active: count(r, active), fresh: signed(r, fresh), left: signed(r, -left), recurring: figure(r, money.New(recurring, c))}
	return t
}

// needOf tells what waits, how much hangs on it or since when, and leads there.
func needOf(v *web.Visit, w insight.Waiting) need {
	r := v.Reader
	n := need{pill: dayOf(r, w.Since)}
	if w.Amount.Sign() > 0 {
		n.pill = shortMoney(r, money.New(w.Amount, v.Profile.Currency))
	}
	switch w.Topic {
	case insight.InSuspense:
		n.icon, n.title, n.more = "help", r.N("biz.need.suspense", w.Count), reasonWords(r, usage.Reason(w.Name))
		n.href = v.Console("suspense", "reason", w.Name)
	case insight.FailedBills:
		n.icon, n.title, n.more = "bill", r.N("biz.need.bills", w.Count), r.T("biz.need.bills.more", "day", w.Name)
		n.href = v.Console("bill-runs/" + w.ID)
	case insight.FailedFiles:
		n.icon, n.title, n.more, n.href = "upload", r.T("biz.need.file", "name", w.Name), w.Detail, v.Console("suspense/files/"+w.ID)
	case insight.KeptMoney:
		n.icon, n.title, n.more, n.href = "cash", r.N("biz.need.kept", w.Count), r.T("biz.need.kept.more"), v.Console("payments", "unapplied", "owing")
	case insight.ParkedWebhooks:
		n.icon, n.title, n.more, n.href = "link", r.N("biz.need.webhooks", w.Count), w.Detail, v.Console("payments/webhooks")
	case insight.ImportFindings:
		n.icon, n.title, n.more, n.href = "upload", r.N("biz.need.import", w.Count), w.Name, v.Console("import")
	case insight.DeadEndpoints:
		n.icon, n.title, n.more, n.href = "link", r.T("biz.need.endpoint", "url", w.Name), w.Detail, v.Console("webhooks/"+w.ID)
	case insight.FailedWork:
		n.icon, n.title, n.more = "warn", r.N("biz.need.work", w.Count, "what", kindWords(r, agenda.Kind(w.Name))), w.Detail
		n.retry, n.key = w.Name, command.NewKey()
	}
	return n
}

// kindWords names a kind of work for people.
func kindWords(r ui.Reader, kind agenda.Kind) string {
	key := "biz.kind." + string(kind)
	if words := r.T(key); words != key {
		return words
	}
	return string(kind)
}

// reasonWords says why something waits, in the reader's language.
func reasonWords(r ui.Reader, reason usage.Reason) string {
	key := "biz.reason." + string(reason)
	if words := r.T(key); words != key {
		return words
	}
	return string(reason)
}

func runningOf(v *web.Visit, f *facts) running {
	r := v.Reader
	var now running
	add := func(job ui.Job, link string) {
		now.jobs, now.links = append(now.jobs, job), append(now.links, link)
	}
	for _, run := range f.runs {
		job := runJob(r, run)
		job.Again = ""
		add(job, v.Console("bill-runs/"+run.ID.String()))
	}
	for _, file := range f.files {
		job := fileJob(r, file)
		job.Again = ""
		add(job, v.Console("suspense/files/"+file.ID.String()))
	}
	for _, t := range tasksOf(v) {
		add(t.job(v, ""), t.href(v))
	}
	if len(now.jobs) > 0 {
		now.again = v.Console("now")
	}
	return now
}

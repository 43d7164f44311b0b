package business

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// runsListed is how many runs the room lists: some two years of daily runs
// are reached by their bills.
const runsListed = 100

// room is the bill run room as it is drawn.
type room struct {
	done     string
	next     *nextRun
	runs     []runRow
	day      ui.Field // of the form that starts a day's run
	faults   []ui.Fault
	clock    *clockForm
	clockJob *ui.Job
	stopped  string // why the clock stands where it does, after a fault
	key      string
}

type nextRun struct {
	day, accounts, estimate, preview string
	date                             string // of the start form; empty while the day has not ended
	why                              string
}

type runRow struct {
	day, href, started, total, failed string
	tone                              ui.Tone
	state                             string
}

// clockForm moves a sandbox's clock.
type clockForm struct {
	now   string
	field ui.Field
	open  bool
	key   string
}

func showRuns(v *web.Visit) error { return answerRuns(v, http.StatusOK, "", "") }

// answerRuns shows the room; dayFault and clockFault are what is wrong with a
// form that was refused.
func answerRuns(v *web.Visit, status int, dayFault, clockFault string) error {
	page := &room{key: command.NewKey()}
	r := v.Reader
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		runs, err := bill.Runs(ctx, tx, runsListed)
		if err != nil {
			return err
		}
		for _, run := range runs {
			page.runs = append(page.runs, rowOf(v, run))
		}
		page.next, err = nextOf(ctx, tx, v)
		return err
	})
	if err != nil {
		return err
	}
	page.day = ui.Field{ID: "day", Label: r.T("biz.run.day"), Hint: r.T("biz.run.day.hint"), Kind: "date", Value: v.Form("day"), Error: dayFault}
	if v.Stack.Ref.Sandbox && v.May(identity.ClockWrite) {
		page.clock = clockOf(v, clockFault)
		page.faults = ui.FaultsOf(page.day, page.clock.field)
		if s, known := v.Stack.LastTask(clockTask); known && s.Running() {
			job := asked{s}.job(v, v.Console("tasks/"+string(clockTask)))
			page.clockJob = &job
		} else if known && s.Err != nil {
			page.stopped = clockStopped(r, s.Err)
		}
	} else {
		page.faults = ui.FaultsOf(page.day)
	}
	if v.Query("done") == "clock" && page.stopped == "" {
		page.done = r.T("biz.clock.arrived", "at", r.DateTime(v.At()))
		if page.clockJob != nil {
			page.done = r.T("biz.clock.begun")
		}
	}
	return v.Show(status, runsPage(frame.Of(v, frame.BillRuns, r.T("con.nav.bill-runs")), page, v.Console("bill-runs")))
}

func rowOf(v *web.Visit, run bill.Run) runRow {
	r := v.Reader
	row := runRow{day: r.Date(run.CycleEnd), href: v.Console("bill-runs/" + run.ID.String()), started: r.Short(run.StartedAt),
		total: count(r, int64(run.Done)), failed: count(r, int64(run.Failed))}
	row.tone, row.state = runState(r, run)
	return row
}

func runState(r ui.Reader, run bill.Run) (ui.Tone, string) {
	switch {
	case run.State == bill.Running:
		return ui.Info, r.T("biz.run.state.running")
	case run.State == bill.Prepared:
		return ui.Warn, r.T("cycle.run.prepared")
	case run.State == bill.Paused:
		return ui.Warn, r.T("cycle.run.paused")
	case run.Failed > 0:
		return ui.Warn, r.T("biz.run.state.failed")
	}
	return ui.OK, r.T("biz.run.state.done")
}

// estimateOf is how many accounts' last documents an estimate is drawn from.
const estimateOf = 300

// nextOf tells of the run that is next, and what it may come to: the average of
// some accounts' last documents, for all that are due.
func nextOf(ctx context.Context, tx tenant.Tx, v *web.Visit) (*nextRun, error) {
	next, found, err := bill.NextRun(ctx, tx)
	if err != nil || !found {
		return nil, err
	}
	r := v.Reader
	view := &nextRun{day: r.Date(next.CycleEnd), accounts: r.N("biz.accounts", next.Accounts), preview: v.Console("bill-runs/preview"), estimate: r.T("biz.run.noestimate")}
	if next.CycleEnd.After(r.Today) {
		view.why = r.T("biz.run.notended", "when", r.Until(next.CycleEnd))
	} else {
		view.date = next.CycleEnd.String()
	}
	average, n, err := bill.AverageLast(ctx, tx, next.CycleEnd, v.Profile.Currency, estimateOf)
	if err != nil || n == 0 {
		return view, err
	}
	sum, err := average.Mul(money.NewDecimal(next.Accounts))
	view.estimate = r.T("biz.run.estimate", "amount", r.Money(sum), "n", count(r, n))
	return view, err
}

// startRun starts the run of a day that has ended, or goes on with it.
func startRun(v *web.Visit) error {
	r := v.Reader
	day, err := calendar.ParseDate(v.Form("day"))
	if err != nil {
		return answerRuns(v, http.StatusUnprocessableEntity, r.T("biz.run.day.not"), "")
	}
	c := &command.Command{Action: "createBillRun", Object: "bill_run", Detail: map[string]any{"cycle_end": day.String()}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		runs, err := bill.StartDue(ctx, tx, day, v.Who.Actor())
		if err != nil {
			return "", err
		}
		c.ID = runs[0].ID
		return v.Console("bill-runs/"+c.ID.String(), "done", "start"), nil
	}
	next, err := command.CarryOut(v, c)
	switch {
	case errors.Is(err, bill.ErrCycleOpen):
		return answerRuns(v, http.StatusUnprocessableEntity, r.T("biz.run.day.open", "today", r.Date(r.Today)), "")
	case errors.Is(err, bill.ErrNothingEnds):
		return answerRuns(v, http.StatusUnprocessableEntity, r.T("biz.run.day.none", "day", r.Date(day)), "")
	case err != nil:
		return err
	}
	return v.Lead(next)
}

// runView is one run as it is drawn.
type runView struct {
	done       string
	room, here string
	tone       ui.Tone
	state      string
	job        *ui.Job
	facts      [][2]string
	kinds      []kindRow
	rates      []rateRow
	failures   []failureRow
	moreFailed string
	bills      []billRow
	pager      pager
	csv        string
	key        string
	moves      []runMove
	refused    string
	preview    string // address of what the run would give
}

type kindRow struct{ kind, documents, net, tax, total, due string }
type rateRow struct{ name, percent, base, tax string }
type failureRow struct{ account, href, reason, detail, at string }
type billRow struct{ number, href, account, accountHref, name, kind, total, due string }

// failuresShown bounds a run's failures on its page.
const failuresShown = 100

func showRun(v *web.Visit) error {
	id := parseID(v.Param("run"))
	after := parseID(v.Query("after"))
	var run bill.Run
	var kinds []bill.KindTotal
	var rates []bill.RateTotal
	var failures []bill.Failure
	var bills []bill.RunBill
	sheetWanted := v.Query("format") == "csv"
	limit := rowsAPage + 1
	if sheetWanted {
		after, limit = uuid.Nil, rowsACSV
	}
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if run, err = bill.GetRun(ctx, tx, id); err != nil {
			return err
		}
		if bills, err = bill.RunBills(ctx, tx, run, after, limit); err != nil || sheetWanted {
			return err
		}
		if kinds, rates, err = bill.RunTotals(ctx, tx, run); err != nil {
			return err
		}
		failures, err = bill.Failures(ctx, tx, id, failuresShown)
		return err
	})
	if err != nil {
		return err
	}
	if sheetWanted {
		return runSheet(v, run, bills)
	}
	page := newRunView(v, run)
	page.addTotals(v.Reader, kinds, rates)
	for _, f := range failures {
		page.failures = append(page.failures, failureRow{account: f.Number, href: v.Console("subscribers/" + f.AccountID.String()),
			reason: failureWords(v.Reader, f.Reason), detail: f.Reason, at: v.Reader.Short(f.At)})
	}
	if run.Failed > len(failures) {
		page.moreFailed = v.Reader.T("biz.of", "n", count(v.Reader, int64(len(failures))), "of", count(v.Reader, int64(run.Failed)))
	}
	page.addBills(v, run, bills)
	return v.Show(http.StatusOK, runPage(frame.Of(v, frame.BillRuns, v.Reader.T("biz.run.of", "day", v.Reader.Date(run.CycleEnd))), page))
}

func newRunView(v *web.Visit, run bill.Run) *runView {
	r := v.Reader
	here := "bill-runs/" + run.ID.String()
	page := &runView{room: v.Console("bill-runs"), here: v.Console(here), key: command.NewKey(), csv: v.Console(here, "format", "csv")}
	page.tone, page.state = runState(r, run)
	if v.Query("done") == "start" && run.State != bill.Prepared {
		page.done = r.T("biz.run.started")
	}
	if run.State == bill.Running {
		job := runJob(r, run)
		job.Again = v.Console(here + "/progress")
		page.job = &job
	}
	page.addMoves(v, run)
	page.facts = [][2]string{{r.T("biz.run.fact.begun"), r.DateTime(run.StartedAt)}}
	if run.FinishedAt != nil {
		page.facts = append(page.facts, [2]string{r.T("biz.run.fact.ended"), r.DateTime(*run.FinishedAt)})
	}
	page.facts = append(page.facts, [2]string{r.T("biz.run.fact.closed"), count(r, int64(run.Done))}, [2]string{r.T("biz.run.fact.failed"), count(r, int64(run.Failed))})
	return page
}

func (p *runView) addTotals(r ui.Reader, kinds []bill.KindTotal, rates []bill.RateTotal) {
	for _, k := range kinds {
		p.kinds = append(p.kinds, kindRow{r.T("biz.bill.kind." + string(k.Kind)), count(r, k.Documents), r.Money(k.Net), r.Money(k.Tax), r.Money(k.Total), r.Money(k.Due)})
	}
	for _, t := range rates {
		p.rates = append(p.rates, rateRow{t.Name, r.Locale.FormatPercent(t.Percent), r.Money(t.Base), r.Money(t.Tax)})
	}
}

func (p *runView) addBills(v *web.Visit, run bill.Run, bills []bill.RunBill) {
	r := v.Reader
	here := "bill-runs/" + run.ID.String()
	if v.Query("after") != "" {
		p.pager.first = v.Console(here)
	}
	if len(bills) > rowsAPage {
		bills = bills[:rowsAPage]
		p.pager.next = v.Console(here, "after", bills[rowsAPage-1].ID.String()) + "#bills"
	}
	for _, b := range bills {
		p.bills = append(p.bills, billRow{b.Number, v.Console("bills/" + b.ID.String()), b.Account, v.Console("subscribers/" + b.AccountID.String()), b.Name,
			r.T("biz.bill.kind." + string(b.Kind)), r.Money(b.Total), r.Money(b.Due)})
	}
}

func runSheet(v *web.Visit, run bill.Run, bills []bill.RunBill) error {
	s := web.NewSheet("number", "kind", "account", "name", "currency", "net", "tax", "total", "due")
	for _, b := range bills {
		s.Add(b.Number, string(b.Kind), b.Account, b.Name, b.Total.Currency().Code(), b.Net.Text(), b.Tax.Text(), b.Total.Text(), b.Due.Text())
	}
	return v.SendSheet("bills-"+run.CycleEnd.String(), s)
}

// failureWords tells in the reader's language why an account was not closed.
func failureWords(r ui.Reader, reason string) string {
	for key, err := range map[string]error{"negative": bill.ErrNegativeTotal, "basis": bill.ErrMixedBasis, "currency": bill.ErrCurrency, "offering": bill.ErrNoOffering} {
		if strings.Contains(reason, err.Error()) {
			return r.T("biz.fail." + key)
		}
	}
	if strings.Contains(reason, "tax") || strings.Contains(reason, "rate") {
		return r.T("biz.fail.tax")
	}
	return r.T("biz.fail.other")
}

func showRunProgress(v *web.Visit) error {
	var run bill.Run
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		run, err = bill.GetRun(ctx, tx, parseID(v.Param("run")))
		return err
	})
	if err != nil {
		return err
	}
	if run.State != bill.Running {
		return v.Reload()
	}
	job := runJob(v.Reader, run)
	job.Again = v.Console("bill-runs/" + run.ID.String() + "/progress")
	return v.Show(http.StatusOK, ui.JobProgress(v.Reader, job))
}

// retryRun tries a run's failures again.
func retryRun(v *web.Visit) error {
	id := parseID(v.Param("run"))
	c := &command.Command{Action: "retryBillRun", Object: "bill_run", ID: id, Detail: map[string]any{}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		n, err := bill.Retry(ctx, tx, id)
		if err != nil {
			return "", err
		}
		c.Detail["accounts"] = n
		run, err := bill.GetRun(ctx, tx, id)
		if err != nil {
			return "", err
		}
		return v.Console("bill-runs/"+id.String(), "done", "start"), bill.Again(ctx, tx, run)
	}
	next, err := command.CarryOut(v, c)
	if errors.Is(err, bill.ErrRunState) {
		return v.Lead(v.Console("bill-runs/" + id.String()))
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}

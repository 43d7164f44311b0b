package business

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/task"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// Bounds of a preview.
const (
	sampleSize     = 200
	previewAtOnce  = 200 // accounts read on one snapshot
	mostChanged    = 50  // that are shown
	failuresSample = 50
)

// previewed is what the bills of a day would come to.
type previewed struct {
	day      calendar.Date
	sampled  bool
	accounts int64
	kinds    []bill.KindTotal
	rates    []bill.RateTotal
	failed   int64
	failures []bill.Previewed // the first of them
	changed  []bill.Previewed // the most changed first
	differs  []differing      // by account's id, then by kind of line: all that differ, up to mostDiffering
	more     bool             // that differ and are not kept
}

// differing is by how much an account's lines of a kind differ from the last
// period's.
type differing struct {
	number, name string
	bill.Difference
}

// mostDiffering bounds what is kept of a preview for its table and file.
const mostDiffering = 100_000

// add takes a portion in.
func (p *previewed) add(list []bill.Previewed) error {
	for _, one := range list {
		p.accounts++
		if one.Err != nil {
			if p.failed++; len(p.failures) < failuresSample {
				p.failures = append(p.failures, one)
			}
			continue
		}
		if err := p.count(one.Document); err != nil {
			return err
		}
		p.differ(one)
		one.Document.Lines, one.Others = nil, nil // not shown here, and there may be many
		p.changed = append(p.changed, one)
	}
	slices.SortStableFunc(p.changed, func(a, b bill.Previewed) int {
		return b.Change().Decimal().Abs().Cmp(a.Change().Decimal().Abs())
	})
	p.changed = slices.Clone(p.changed[:min(len(p.changed), mostChanged)])
	return nil
}

// differ keeps what differs of one account.
func (p *previewed) differ(one bill.Previewed) {
	for _, d := range one.Differences() {
		if d.Change().IsZero() {
			continue
		}
		if len(p.differs) == mostDiffering {
			p.more = true
			return
		}
		p.differs = append(p.differs, differing{one.Number, one.Name, d})
	}
}

func (p *previewed) count(d bill.Document) (err error) {
	at := slices.IndexFunc(p.kinds, func(k bill.KindTotal) bool { return k.Kind == d.Kind && k.Total.Currency() == d.Currency })
	if at < 0 {
		zero := money.Zero(d.Currency)
		p.kinds, at = append(p.kinds, bill.KindTotal{Kind: d.Kind, Net: zero, Tax: zero, Total: zero, Due: zero}), len(p.kinds)
	}
	k := &p.kinds[at]
	k.Documents++
	for _, sum := range []struct {
		to   *money.Amount
		more money.Amount
	}{{&k.Net, d.Net}, {&k.Tax, d.Tax}, {&k.Total, d.Total}, {&k.Due, d.Due}} {
		if *sum.to, err = sum.to.Add(sum.more); err != nil {
			return err
		}
	}
	for _, t := range d.Taxes {
		if err := p.countTax(t); err != nil {
			return err
		}
	}
	return nil
}

func (p *previewed) countTax(t bill.TaxLine) (err error) {
	at := slices.IndexFunc(p.rates, func(r bill.RateTotal) bool {
		return r.Category == t.Category && r.Percent.Equal(t.Percent) && r.Base.Currency() == t.Base.Currency()
	})
	if at < 0 {
		p.rates, at = append(p.rates, bill.RateTotal{Category: t.Category, Name: t.Name, Percent: t.Percent, Base: money.Zero(t.Base.Currency()), Tax: money.Zero(t.Base.Currency())}), len(p.rates)
	}
	if p.rates[at].Base, err = p.rates[at].Base.Add(t.Base); err != nil {
		return err
	}
	p.rates[at].Tax, err = p.rates[at].Tax.Add(t.Tax)
	return err
}

// previewView is the page of a preview.
type previewView struct {
	room, here string
	next       *nextRun
	form       ui.Field // the account's number
	key        string
	job        *ui.Job
	fault      string
	one        *previewOne
	title      string
	kinds      []kindRow
	rates      []rateRow
	failures   []failureRow
	changed    []changedRow
	totals     [][2]string
	differs    []differsRow
	differsMay string // why the table is not whole
	nextPage   string
}

// differsRow is one kind of line of an account's bill beside the last period's.
type differsRow struct {
	account, href, name, kind, last, now, change string
}

func differsOf(v *web.Visit, d bill.Difference) differsRow {
	r := v.Reader
	return differsRow{kind: r.T("biz.differ.kind." + string(d.Kind)), last: r.Money(d.Last), now: r.Money(d.Now), change: signedMoney(r, d.Change())}
}

// addDiffers shows a page of what differs, from the row that the address names.
func (p *previewView) addDiffers(v *web.Visit, result *previewed) {
	from, err := strconv.Atoi(v.Query("after"))
	if err != nil || from < 0 || from > len(result.differs) {
		from = 0
	}
	to := min(from+rowsAPage, len(result.differs))
	for _, d := range result.differs[from:to] {
		row := differsOf(v, d.Difference)
		row.account, row.name, row.href = d.number, d.name, v.Console("bill-runs/preview", "account", d.number)
		p.differs = append(p.differs, row)
	}
	if to < len(result.differs) {
		p.nextPage = v.Console("bill-runs/preview", "after", strconv.Itoa(to))
	}
	if result.more {
		p.differsMay = v.Reader.T("biz.differ.more", "n", count(v.Reader, mostDiffering))
	}
}

type changedRow struct {
	account, href, name, total, last, change string
	tone                                     ui.Tone
}

// previewOne is one account's draft.
type previewOne struct {
	account, href, period   string
	lines                   []draftLine
	net, tax, total, due    string
	lastNumber, last, delta string
	reason, detail          string // why there is none
	differs                 []differsRow
}

type draftLine struct{ what, period, quantity, net string }

func showPreview(v *web.Visit) error {
	return answerPreview(v, http.StatusOK, v.Query("account"), "", nil)
}

func answerPreview(v *web.Visit, status int, number, fault string, one *previewOne) error {
	r := v.Reader
	page := &previewView{room: v.Console("bill-runs"), here: v.Console("bill-runs/preview"), key: command.NewKey(), one: one,
		form: ui.Field{ID: "account", Label: r.T("biz.preview.account"), Hint: r.T("biz.preview.account.hint"), Value: number, Error: fault}}
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		page.next, err = nextOf(ctx, tx, v)
		return err
	})
	if err == nil && number != "" && one == nil && fault == "" {
		page.one, page.form.Error, err = previewAccount(v, number)
	}
	if err != nil {
		return err
	}
	if page.form.Error != "" {
		status = http.StatusUnprocessableEntity
	}
	page.addTask(v)
	return v.Show(status, previewPage(frame.Of(v, frame.BillRuns, r.T("biz.preview.title")), page))
}

func previewAccount(v *web.Visit, number string) (one *previewOne, fault string, err error) {
	list, err := v.Stack.Previews(v.Context(), func(ctx context.Context, tx tenant.Tx) ([]uuid.UUID, error) {
		found, err := account.ByNumber(ctx, tx, strings.TrimSpace(number))
		return []uuid.UUID{found.ID}, err
	})
	if errors.Is(err, account.ErrNotFound) {
		return nil, v.Reader.T("biz.account.unknown"), nil
	}
	if err != nil || len(list) == 0 {
		return nil, "", err
	}
	return draftOf(v, list[0]), "", nil
}

func draftOf(v *web.Visit, p bill.Previewed) *previewOne {
	r, d := v.Reader, p.Document
	one := &previewOne{account: p.Number + " · " + p.Name, href: v.Console("subscribers/" + p.AccountID.String())}
	if p.Err != nil {
		one.reason, one.detail = failureWords(r, p.Err.Error()), p.Err.Error()
		return one
	}
	one.period = r.Locale.FormatPeriod(d.Period)
	for _, l := range d.Lines {
		line := draftLine{what: l.Description, net: r.Money(l.Net)}
		if !l.Period.From.IsZero() {
			line.period = r.Locale.FormatPeriod(l.Period)
		}
		if l.Unit == bill.UnitFee {
			line.quantity = r.Number(l.Quantity)
		} else {
			line.quantity = r.Quantity(l.Quantity, l.Unit)
		}
		one.lines = append(one.lines, line)
	}
	one.net, one.tax, one.total, one.due = r.Money(d.Net), r.Money(d.Tax), r.Money(d.Total), r.Money(d.Due)
	for _, difference := range p.Differences() {
		one.differs = append(one.differs, differsOf(v, difference))
	}
	if p.Last != nil {
		one.lastNumber, one.last, one.delta = p.LastNumber, r.Money(*p.Last), signedMoney(r, p.Change())
	}
	return one
}

func signedMoney(r ui.Reader, a money.Amount) string {
	if a.Sign() > 0 {
		return "+" + r.Money(a)
	}
	return r.Money(a)
}

// addTask shows the preview of many that is under way, or the last one.
func (p *previewView) addTask(v *web.Visit) {
	s, known := v.Stack.LastTask(previewTask)
	if !known {
		return
	}
	r := v.Reader
	if s.Running() {
		job := asked{s}.job(v, v.Console("tasks/"+string(previewTask)))
		p.job = &job
		return
	}
	result, ok := s.Result.(*previewed)
	if s.Err != nil || !ok {
		p.fault = r.T("biz.preview.failed")
		return
	}
	p.title = r.T("biz.preview.all.of", "day", r.Date(result.day), "at", r.Clock(s.EndedAt))
	if result.sampled {
		p.title = r.T("biz.preview.sample.of", "day", r.Date(result.day), "at", r.Clock(s.EndedAt))
	}
	totals := &runView{}
	totals.addTotals(r, result.kinds, result.rates)
	p.kinds, p.rates = totals.kinds, totals.rates
	p.totals = [][2]string{{r.T("biz.preview.accounts"), count(r, result.accounts)}, {r.T("biz.run.fact.failed"), count(r, result.failed)}}
	for _, f := range result.failures {
		p.failures = append(p.failures, failureRow{account: f.Number, href: v.Console("subscribers/" + f.AccountID.String()),
			reason: failureWords(r, f.Err.Error()), detail: f.Err.Error()})
	}
	p.addDiffers(v, result)
	for _, c := range result.changed {
		p.changed = append(p.changed, changedOf(v, c))
	}
}

func changedOf(v *web.Visit, c bill.Previewed) changedRow {
	r := v.Reader
	row := changedRow{account: c.Number, href: v.Console("bill-runs/preview", "account", c.Number), name: c.Name, total: r.Money(c.Document.Total),
		last: r.T("biz.preview.first"), change: signedMoney(r, c.Change())}
	if c.Last != nil {
		row.last = r.Money(*c.Last)
		// more than half as much again, or less than half: a person should look
		if twice, err := c.Change().Abs().Mul(money.NewDecimal(2)); err == nil && twice.Decimal().Cmp(c.Last.Decimal().Abs()) > 0 {
			row.tone = ui.Warn
		}
	}
	return row
}

// beginPreview previews a sample, or all, of the next run's accounts. All may
// take minutes, so it goes on behind the page.
func beginPreview(v *web.Visit) error {
	sampled := v.Form("which") != "all"
	var next bill.Coming
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		next, _, err = bill.NextRun(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	if next.CycleEnd.IsZero() {
		return v.Lead(v.Console("bill-runs/preview"))
	}
	stack, seed := v.Stack, command.NewKey()
	stack.Begin(previewTask, v.Who.Actor(), func(ctx context.Context, report func(task.Progress)) (any, error) {
		result := &previewed{day: next.CycleEnd, sampled: sampled}
		total := next.Accounts
		if sampled {
			total = min(total, sampleSize)
		}
		report(task.Progress{Total: total})
		for after, more := (uuid.UUID{}), true; more; {
			list, err := stack.Previews(ctx, func(ctx context.Context, tx tenant.Tx) ([]uuid.UUID, error) {
				if sampled {
					return bill.SampleDue(ctx, tx, next.CycleEnd, seed, sampleSize)
				}
				return bill.DueAccounts(ctx, tx, next.CycleEnd, after, previewAtOnce)
			})
			if err == nil {
				err = result.add(list)
			}
			if err != nil {
				return nil, err
			}
			if more = len(list) > 0 && !sampled; more {
				after = list[len(list)-1].AccountID
			}
			report(task.Progress{Done: result.accounts, Total: max(total, result.accounts)})
		}
		return result, nil
	})
	return v.Lead(v.Console("bill-runs/preview"))
}

package replays

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// trialView is one trial as it is drawn.
type trialView struct {
	plans           map[string]string // what offers are called, by code
	list, here, key string
	tone            ui.Tone
	state           string
	job             *ui.Job
	error           string
	verdict         []string
	verdictTone     ui.Tone
	stats           []ui.Stat
	facts           [][2]string
	segments        []segmentView
	changed         []changedRow
	unpriced        []unpricedRow
	chart           ui.Columns
	bins            []binRow
	currency        string
	mayCancel       bool
	offer           string
}

type segmentView struct {
	id, title string
	rows      []cellRow
}

type cellRow struct{ key, accounts, records, old, new, difference, percent string }
type changedRow struct{ number, href, name, old, new, difference string }
type unpricedRow struct{ reason, uses, billed, example string }
type binRow struct{ span, accounts, difference string }

func showTrial(v *web.Visit) error {
	t, err := readTrial(v)
	if err != nil {
		return err
	}
	r := v.Reader
	here := "trials/" + t.ID.String()
	page := &trialView{
		list: v.Console("trials"), here: v.Console(here), key: command.NewKey(), tone: toneOf(t.State), state: r.T("replay.state." + string(t.State)),
		error: t.Error, currency: t.Sums.Currency, mayCancel: t.State.Working() && v.May(identity.OfferingWrite), offer: v.Console("offers/" + t.Document.Code),
	}
	if t.State.Working() {
		j := trialJob(r, &t)
		j.Again = v.Console(here + "/progress")
		page.job = &j
	}
	if page.plans, err = planNames(v); err != nil {
		return err
	}
	page.addFacts(v, &t)
	if t.Sums.Total.Accounts > 0 || len(t.Sums.Unpriced) > 0 {
		page.addSums(v, &t)
	}
	title := r.T("replay.trial.of", "name", t.Document.Names.In(r.Locale.Language))
	return v.Show(http.StatusOK, trialPage(frame.Of(v, frame.Trials, title), page))
}

// planNames are what the newest version of each offer is called, by code.
func planNames(v *web.Visit) (map[string]string, error) {
	names := map[string]string{}
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		list, err := catalog.List(ctx, tx, catalog.Query{Limit: 200})
		for _, o := range list {
			names[o.Code] = o.Names.In(v.Reader.Locale.Language)
		}
		return err
	})
	return names, err
}

func readTrial(v *web.Visit) (t replay.Trial, err error) {
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		t, err = replay.GetTrial(ctx, tx, parseID(v.Param("trial")))
		return err
	})
	return t, err
}

func trialJob(r ui.Reader, t *replay.Trial) ui.Job {
	return job(r, t.ID, r.T("replay.trial.working"), "", t.AccountsDone, t.Accounts, r.T("replay.since", "at", r.Short(t.AskedAt)))
}

func showTrialProgress(v *web.Visit) error {
	t, err := readTrial(v)
	if err != nil {
		return err
	}
	if !t.State.Working() {
		return v.Reload()
	}
	j := trialJob(v.Reader, &t)
	j.Again = v.Console("trials/" + t.ID.String() + "/progress")
	return v.Show(http.StatusOK, ui.JobProgress(v.Reader, j))
}

func (p *trialView) addFacts(v *web.Visit, t *replay.Trial) {
	r := v.Reader
	p.facts = [][2]string{
		{r.T("replay.days"), r.Date(t.Days.From) + " – " + r.Date(t.Days.To.AddDays(-1))},
		{r.T("replay.accounts"), count(r, t.AccountsDone) + " / " + count(r, t.Accounts)},
		{r.T("replay.records"), count(r, t.Records)},
		{r.T("replay.asked"), r.Short(t.AskedAt)},
	}
	if t.Decks == replay.DecksPresent {
		p.facts = append(p.facts, [2]string{r.T("replay.decks"), r.T("replay.decks.present")})
	}
	whose := ""
	kind := t.Segment.Kind
	if kind != "" {
		kind = r.T("replay.kind." + kind)
	}
	plan := t.Segment.Offering
	if plan != "" && p.plans[plan] != "" {
		plan = p.plans[plan]
	}
	for _, part := range []string{plan, kind, t.Segment.Place} {
		if part != "" {
			whose += part + " "
		}
	}
	if whose != "" {
		p.facts = append(p.facts, [2]string{r.T("replay.whose"), whose})
	}
}

// amounts are in document units: nine decimals help nobody decide.
func (p *trialView) amount(r ui.Reader, t *replay.Trial, d money.Decimal) string {
	return r.Money(money.New(d, t.Document.Currency))
}

func signed(r ui.Reader, text string, sign int) string {
	if sign > 0 {
		return "+" + text
	}
	return text
}

func (p *trialView) cell(r ui.Reader, t *replay.Trial, key string, c replay.Cell) cellRow {
	difference := c.Difference()
	return cellRow{
		key: key, accounts: count(r, c.Accounts), records: count(r, c.Records), old: p.amount(r, t, c.Old), new: p.amount(r, t, c.New),
		difference: signed(r, p.amount(r, t, difference), difference.Sign()), percent: percent(r, difference, c.Old),
	}
}

func percent(r ui.Reader, part, whole money.Decimal) string {
	if whole.IsZero() {
		return "–"
	}
	share, err := part.MulDiv(money.NewDecimal(100), whole.Abs(), 1, money.HalfAwayFromZero)
	if err != nil {
		return "–"
	}
	return signed(r, r.Locale.FormatPercent(share), share.Sign())
}

func (p *trialView) addSums(v *web.Visit, t *replay.Trial) {
	r, s := v.Reader, &t.Sums
	difference := s.Total.Difference()
	p.verdict, p.verdictTone = verdictOf(p, r, t)
	p.stats = []ui.Stat{
		{Key: r.T("replay.billed"), Value: p.amount(r, t, s.Total.Old)},
		{Key: r.T("replay.tried"), Value: p.amount(r, t, s.Total.New)},
		{Key: r.T("replay.difference"), Value: signed(r, p.amount(r, t, difference), difference.Sign()), More: percent(r, difference, s.Total.Old)},
		{Key: r.T("replay.fees"), Value: signed(r, p.amount(r, t, s.Fees.Difference()), s.Fees.Difference().Sign()), More: r.T("replay.fees.more")},
	}
	for _, by := range replay.Dimensions {
		cells := s.Segments[by]
		if len(cells) == 0 || (len(cells) == 1 && by != replay.ByPlan) {
			continue
		}
		view := segmentView{id: "by-" + string(by), title: r.T("replay.by." + string(by))}
		for _, key := range slices.SortedFunc(maps.Keys(cells), func(a, b string) int { return cells[b].Old.Cmp(cells[a].Old) }) {
			name := key
			switch {
			case key == "":
				name = r.T("replay.none")
			case by == replay.ByKind:
				name = r.T("replay.kind." + key)
			case by == replay.ByPlan && p.plans[key] != "":
				name = p.plans[key]
			}
			view.rows = append(view.rows, p.cell(r, t, name, cells[key]))
		}
		p.segments = append(p.segments, view)
	}
	for _, a := range s.Changed {
		c := p.cell(r, t, "", a.Cell)
		p.changed = append(p.changed, changedRow{a.Number, v.Console("subscribers/" + a.Account.String()), a.Name, c.old, c.new, c.difference})
	}
	for _, reason := range slices.Sorted(maps.Keys(s.Unpriced)) {
		u := s.Unpriced[reason]
		p.unpriced = append(p.unpriced, unpricedRow{reasonWords(r, reason), count(r, u.Uses), p.amount(r, t, u.Billed), u.Example})
	}
	p.addChart(r, t)
}

func reasonWords(r ui.Reader, reason string) string {
	if words := r.T("replay.unpriced." + reason); words != "replay.unpriced."+reason {
		return words
	}
	return reason
}

// verdictOf says in words what the trial came to.
func verdictOf(p *trialView, r ui.Reader, t *replay.Trial) (words []string, tone ui.Tone) {
	s := &t.Sums
	difference := s.Total.Difference()
	key, tone := "replay.verdict.same", ui.Info
	switch difference.Sign() {
	case 1:
		key, tone = "replay.verdict.more", ui.OK
	case -1:
		key, tone = "replay.verdict.less", ui.Warn
	}
	words = append(words, r.T(key, "amount", p.amount(r, t, difference.Abs()), "percent", percent(r, difference.Abs(), s.Total.Old)),
		r.T("replay.verdict.who", "less", count(r, s.Less), "more", count(r, s.More), "same", count(r, s.Same)))
	var lost int64
	for _, u := range s.Unpriced {
		lost += u.Uses
	}
	if lost > 0 {
		words, tone = append(words, r.T("replay.verdict.unpriced", "n", count(r, lost))), ui.Warn
	}
	return words, tone
}

// addChart draws how many accounts would pay how much less or more.
func (p *trialView) addChart(r ui.Reader, t *replay.Trial) {
	s := &t.Sums
	ns := slices.Sorted(maps.Keys(s.Bins))
	if len(ns) == 0 {
		return
	}
	var most int64
	for _, n := range ns {
		most = max(most, s.Bins[n].Accounts)
	}
	p.chart = ui.Columns{
		ID: "spread", Title: r.T("replay.spread"), Finds: r.T("replay.verdict.who", "less", count(r, s.Less), "more", count(r, s.More), "same", count(r, s.Same)),
		Scale: []string{count(r, most), count(r, most*2/3), count(r, most/3), "0"},
	}
	width := 100.0 / float64(len(ns))
	text := func(f float64) string { return strconv.FormatFloat(f, 'f', 2, 64) }
	for i, n := range ns {
		height := 100 * float64(s.Bins[n].Accounts) / float64(max(most, 1))
		p.chart.Bars = append(p.chart.Bars, ui.Column{X: text(float64(i)*width + width*0.1), Y: text(100 - height), Width: text(width * 0.8), Height: text(height), Pale: n <= 0})
		p.bins = append(p.bins, binRow{p.span(r, t, n), count(r, s.Bins[n].Accounts), signed(r, p.amount(r, t, s.Bins[n].Difference()), s.Bins[n].Difference().Sign())})
	}
	p.chart.Below = []string{p.span(r, t, ns[0])}
	if len(ns) > 1 {
		p.chart.Below = append(p.chart.Below, p.span(r, t, ns[len(ns)-1]))
	}
}

func (p *trialView) span(r ui.Reader, t *replay.Trial, n int) string {
	if n == 0 {
		return r.T("replay.unchanged")
	}
	from, to := replay.BinSpan(n)
	key := "replay.span.more"
	if n < 0 {
		key, from, to = "replay.span.less", to.Neg(), from.Neg()
	}
	return r.T(key, "from", p.amount(r, t, from), "to", p.amount(r, t, to))
}

func differenceWords(r ui.Reader, t *replay.Trial) string {
	if t.State != replay.Done {
		return ""
	}
	d := t.Sums.Total.Difference()
	return signed(r, r.Money(money.New(d, t.Document.Currency)), d.Sign())
}

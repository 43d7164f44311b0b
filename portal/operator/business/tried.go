package business

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// triedView says whether a draft was tried on real usage, and what came of it.
type triedView struct {
	last    *triedRow
	tone    ui.Tone
	verdict string // what it means for publishing
}

type triedRow struct {
	href, state, days, asked, difference string
	tone                                 ui.Tone
}

var trialTones = map[replay.State]ui.Tone{replay.Done: ui.OK, replay.Failed: ui.Bad, replay.Cancelled: ui.Off}

// addTried reads the last trial of a draft.
func (d *designView) addTried(v *web.Visit, draft *catalog.Stored) error {
	if draft == nil {
		return nil
	}
	var trials []replay.Trial
	var required bool
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if trials, err = replay.ListTrials(ctx, tx, draft.ID, uuid.Nil, 1); err != nil {
			return err
		}
		required, err = catalog.TrialRequired(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	r := v.Reader
	tried := len(trials) > 0 && trials[0].State == replay.Done
	switch {
	case draft.State == catalog.Tried:
		d.tried.tone, d.tried.verdict = ui.OK, r.T("sales.trial.tried")
	case required:
		d.tried.tone, d.tried.verdict = ui.Warn, r.T("sales.trial.wanted")
	case tried:
		d.tried.tone, d.tried.verdict = ui.Warn, r.T("sales.trial.changed")
	default:
		d.tried.tone, d.tried.verdict = ui.Info, r.T("sales.trial.untried")
	}
	if len(trials) > 0 {
		d.tried.last = newTriedRow(v, &trials[0])
	}
	return nil
}

func newTriedRow(v *web.Visit, t *replay.Trial) *triedRow {
	r := v.Reader
	row := &triedRow{href: v.Console("trials/" + t.ID.String()), tone: ui.Info, state: r.T("replay.state." + string(t.State)),
		days: r.Date(t.Days.From) + " – " + r.Date(t.Days.To.AddDays(-1)), asked: r.Short(t.AskedAt)}
	if tone, ended := trialTones[t.State]; ended {
		row.tone = tone
	}
	if t.State == replay.Done {
		difference := t.Sums.Total.Difference()
		row.difference = r.Money(money.New(difference, t.Document.Currency))
		if difference.Sign() > 0 {
			row.difference = "+" + row.difference
		}
	}
	return row
}

package business

import (
	"context"
	"errors"
	"net/http"
	"time"

	"tollhouse/billing"
	"tollhouse/billing/calendar"
	"tollhouse/billing/task"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// clockAtMost is how far a sandbox's clock is moved at once.
const clockAtMost = 732 // days

func clockOf(v *web.Visit, fault string) *clockForm {
	r := v.Reader
	return &clockForm{now: r.DateTime(v.At()), open: fault != "", key: command.NewKey(),
		field: ui.Field{ID: "to", Label: r.T("biz.clock.to"), Hint: r.T("biz.clock.hint"), Kind: "date", Value: v.Form("to"), Error: fault}}
}

func clockStopped(r ui.Reader, err error) string {
	if errors.Is(err, task.ErrStopped) {
		return r.T("biz.clock.stopped")
	}
	return r.T("biz.clock.failed")
}

// moveClock lets a sandbox's time go on to the beginning of a day. It takes as
// long as what falls due on the way, so it goes on behind the page.
func moveClock(v *web.Visit) error {
	r := v.Reader
	day, err := calendar.ParseDate(v.Form("to"))
	switch {
	case !v.Stack.Ref.Sandbox:
		return billing.ErrLiveClock
	case err != nil:
		return answerRuns(v, http.StatusUnprocessableEntity, "", r.T("biz.run.day.not"))
	case !day.After(r.Today):
		return answerRuns(v, http.StatusUnprocessableEntity, "", r.T("biz.clock.back", "today", r.Date(r.Today)))
	case r.Today.DaysUntil(day) > clockAtMost:
		return answerRuns(v, http.StatusUnprocessableEntity, "", r.T("biz.clock.far", "last", r.Date(r.Today.AddDays(clockAtMost))))
	}
	if s, known := v.Stack.LastTask(clockTask); known && s.Running() {
		return v.Lead(v.Console("bill-runs"))
	}
	to := day.Start(v.Profile.Zone)
	c := &command.Command{Action: "advanceClock", Object: "clock", Detail: map[string]any{"to": to.UTC().Format(time.RFC3339)},
		Do: func(context.Context, tenant.Tx) (string, error) { return v.Console("bill-runs", "done", "clock"), nil }}
	next, err := command.CarryOut(v, c)
	if err != nil {
		return err
	}
	if c.Fresh {
		beginClock(v, to)
	}
	return v.Lead(next)
}

func beginClock(v *web.Visit, to time.Time) {
	stack, from := v.Stack, v.At()
	stack.Begin(clockTask, v.Who.Actor(), func(ctx context.Context, report func(task.Progress)) (any, error) {
		whole := int64(to.Sub(from) / time.Minute)
		report(task.Progress{Total: whole, At: from})
		return nil, stack.Advance(ctx, to, func(at time.Time) {
			report(task.Progress{Done: int64(at.Sub(from) / time.Minute), Total: whole, At: at})
		})
	})
}

package business

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/task"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// rerunAtOnce is how many items one transaction runs again.
const rerunAtOnce = 200

// act is what is done with a selection of suspended items.
type act string

// The acts.
const (
	actRerun   act = "rerun"
	actFix     act = "fix"
	actDiscard act = "discard"
)

// bulk is one act on items: those that are named, or all that fit.
type bulk struct {
	act   act
	ids   []uuid.UUID  // nil: the search says which
	found usage.Search // waiting items
	patch json.RawMessage
	why   string
	stack *billing.Stack
}

// outcome is what became of the items.
type outcome struct {
	act act
	charging.Rerun
	Discarded int
	Unfixed   int // the correction does not fit them
	reasons   map[usage.Reason]int64
}

// actOnGroup begins an act on the selection, or on the whole group. It is done
// in portions behind the page: an item that went through does not wait any
// more, so nothing is done twice however often the form is sent.
func actOnGroup(v *web.Visit) error {
	b := bulk{act: act(v.Form("act")), stack: v.Stack, found: groupSearch(func(name string) string { return v.Form("in-" + name) }), why: strings.TrimSpace(v.Form("why"))}
	if v.Form("whole") == "" {
		b.ids = []uuid.UUID{}
		for _, text := range v.Forms("item") {
			b.ids = append(b.ids, parseID(text))
		}
		if len(b.ids) == 0 {
			return showGroup(v, http.StatusUnprocessableEntity, "nothing")
		}
	}
	switch b.act {
	case actFix:
		patch, ok := bulkPatch(v)
		if !ok {
			return showGroup(v, http.StatusUnprocessableEntity, "value")
		}
		b.patch = patch
	case actDiscard:
		if b.why == "" {
			return showGroup(v, http.StatusUnprocessableEntity, "why")
		}
	default:
		b.act = actRerun
	}
	if s, known := v.Stack.LastTask(suspenseTask); known && s.Running() {
		return showGroup(v, http.StatusUnprocessableEntity, "busy")
	}
	return beginBulk(v, b)
}

// bulkPatch is the same correction for all: an identity, a destination, or both.
func bulkPatch(v *web.Visit) (json.RawMessage, bool) {
	patch := map[string]any{}
	kind, value := v.Form("kind"), strings.TrimSpace(v.Form("value"))
	if (kind == "") != (value == "") {
		return nil, false
	}
	if kind != "" {
		patch["identity"] = usage.Identity{Kind: usage.IdentityKind(kind), Value: value}
	}
	if to := strings.TrimSpace(v.Form("destination")); to != "" {
		patch["destination"] = to
	}
	if len(patch) == 0 {
		return nil, false
	}
	text, err := json.Marshal(patch)
	return text, err == nil
}

// waitAtMost is how long the answer waits for a short act to end.
const waitAtMost = 2 * time.Second

func beginBulk(v *web.Visit, b bulk) error {
	action := map[act]string{actRerun: "rerunSuspense", actFix: "fixSuspense", actDiscard: "discardSuspense"}[b.act]
	detail := map[string]any{"reason": b.found.Reason, "whole": b.ids == nil, "items": len(b.ids)}
	if b.patch != nil {
		detail["patch"] = string(b.patch)
	}
	if b.why != "" {
		detail["why"] = b.why
	}
	c := &command.Command{Action: action, Object: "suspense", Detail: detail,
		Do: func(context.Context, tenant.Tx) (string, error) { return v.Console("suspense/rerun"), nil }}
	next, err := command.CarryOut(v, c)
	if err != nil {
		return err
	}
	if c.Fresh {
		v.Stack.Begin(suspenseTask, v.Who.Actor(), b.work)
		awaitTask(v, suspenseTask)
	}
	return v.Lead(next)
}

// awaitTask waits a moment, so that a short task's result is on the page that
// follows.
func awaitTask(v *web.Visit, name task.Name) {
	for end := time.Now().Add(waitAtMost); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if s, known := v.Stack.LastTask(name); !known || !s.Running() {
			return
		}
	}
}

// work does the act portion by portion.
func (b bulk) work(ctx context.Context, report func(task.Progress)) (any, error) {
	done := &outcome{act: b.act, reasons: map[usage.Reason]int64{}}
	var seen, total int64
	portion := func(ids []uuid.UUID) error {
		var one outcome
		err := b.stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
			one = outcome{} // a transaction that lost a race runs again
			return b.portion(ctx, tx, ids, &one)
		})
		if err != nil {
			return err
		}
		done.add(one)
		seen += int64(len(ids))
		report(task.Progress{Done: seen, Total: max(seen, total)})
		return nil
	}
	if b.ids != nil {
		total = int64(len(b.ids))
		for ids := range slices.Chunk(b.ids, rerunAtOnce) {
			if err := portion(ids); err != nil {
				return nil, err
			}
		}
		return done, nil
	}
	err := b.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		counts, err := usage.CountWaiting(ctx, tx)
		total = counts[b.found.Reason]
		return err
	})
	for after, more := (usage.Cursor{}), true; more && err == nil; {
		var ids []uuid.UUID
		err = b.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
			items, next, err := usage.ListSuspended(ctx, tx, b.found, after, rerunAtOnce)
			for _, i := range items {
				ids = append(ids, i.ID)
			}
			after, more = next, !next.IsZero()
			return err
		})
		if err == nil && len(ids) > 0 {
			err = portion(ids)
		}
	}
	return done, err
}

func (o *outcome) add(one outcome) {
	o.Charged, o.Known, o.Waiting = o.Charged+one.Charged, o.Known+one.Known, o.Waiting+one.Waiting
	o.Discarded, o.Unfixed = o.Discarded+one.Discarded, o.Unfixed+one.Unfixed
	for reason, n := range one.reasons {
		o.reasons[reason] += n
	}
}

// portion does the act on some items in one transaction. Those that went
// through meanwhile are passed over.
func (b bulk) portion(ctx context.Context, tx tenant.Tx, ids []uuid.UUID, one *outcome) (err error) {
	if b.act == actDiscard {
		for _, id := range ids {
			switch err := usage.Discard(ctx, tx, []uuid.UUID{id}, b.why); {
			case errors.Is(err, usage.ErrNotWaiting):
			case err != nil:
				return err
			default:
				one.Discarded++
			}
		}
		return nil
	}
	if b.act == actFix {
		for _, id := range ids {
			var problem *usage.Problem
			_, err := usage.FixSuspended(ctx, tx, id, usage.Fix{Patch: b.patch})
			switch {
			case errors.Is(err, usage.ErrNotWaiting), errors.Is(err, usage.ErrNoSuspended):
			case errors.As(err, &problem), errors.Is(err, usage.ErrFix):
				one.Unfixed++
			case err != nil:
				return err
			}
		}
	}
	if one.Rerun, err = b.stack.Charging().RerunSuspense(ctx, tx, ids); err != nil {
		return err
	}
	one.reasons, err = usage.WhyWaiting(ctx, tx, ids)
	return err
}

// rerunView tells how far the last act is, or what came of it.
type rerunView struct {
	list   string
	job    *ui.Job
	lines  []string
	rows   []reasonRow
	failed string
	tone   ui.Tone
	again  string
}

type reasonRow struct{ reason, href, count, advice string }

func showRerun(v *web.Visit) error {
	r := v.Reader
	page := &rerunView{list: v.Console("suspense"), tone: ui.OK, again: v.Console("suspense/rerun")}
	s, known := v.Stack.LastTask(suspenseTask)
	switch {
	case !known:
		page.failed = r.T("biz.susp.nothingrun")
	case s.Running():
		job := asked{s}.job(v, v.Console("tasks/"+string(suspenseTask)))
		page.job = &job
	default:
		page.result(v, s)
	}
	return v.Show(http.StatusOK, rerunPage(frame.Of(v, frame.Suspense, r.T("biz.susp.result")), page))
}

func (p *rerunView) result(v *web.Visit, s task.Status) {
	r := v.Reader
	done, ok := s.Result.(*outcome)
	if !ok || s.Err != nil {
		p.tone, p.failed = ui.Warn, r.T("biz.susp.cutoff")
	}
	if !ok {
		return
	}
	for _, line := range []struct {
		key string
		n   int
	}{{"biz.susp.charged", done.Charged}, {"biz.susp.known", done.Known}, {"biz.susp.discarded", done.Discarded}, {"biz.susp.unfixed", done.Unfixed}, {"biz.susp.waiting", done.Waiting}} {
		if line.n > 0 {
			p.lines = append(p.lines, r.N(line.key, int64(line.n)))
		}
	}
	if len(p.lines) == 0 {
		p.lines = []string{r.T("biz.susp.none")}
	}
	for _, advice := range usage.Reasons {
		if n := done.reasons[advice.Reason]; n > 0 {
			p.tone = ui.Warn
			p.rows = append(p.rows, reasonRow{reasonWords(r, advice.Reason), v.Console("suspense", "reason", string(advice.Reason)), r.Number(money.NewDecimal(n)), adviceWords(r, advice.Reason)})
		}
	}
}

package admin

import (
	"context"

	"tollhouse/billing/audit"
	"tollhouse/billing/money"
	"tollhouse/billing/task"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// verifyTask computes the chain of seals again.
const verifyTask task.Name = "verify-audit"

// chainView is how far the trail is sealed, and what the last verification
// found.
type chainView struct {
	Sealed  string // up to when, in words
	Tone    ui.Tone
	Found   string // what the last verification came to
	Running bool
	Job     ui.Job
}

func chainOf(ctx context.Context, tx tenant.Tx, v *web.Visit) (chainView, error) {
	head, err := audit.Head(ctx, tx)
	if err != nil {
		return chainView{}, err
	}
	r := v.Reader
	c := chainView{Tone: ui.Off, Sealed: r.T("admin.chain.none"), Found: r.T("admin.chain.unverified")}
	if head.Seq > 0 {
		c.Sealed = r.N("admin.chain.sealed", head.Seq, "at", r.DateTime(head.SealedAt))
	}
	last, known := v.Stack.LastTask(verifyTask)
	switch {
	case !known:
	case last.Running():
		c.Running = true
		c.Job = ui.Job{ID: "chain-state", Title: r.T("admin.chain.running"), Tone: ui.Info, Share: ui.Share(money.NewDecimal(last.Progress.Done), money.NewDecimal(last.Progress.Total)),
			Done: r.T("admin.of.seals", "done", r.Number(money.NewDecimal(last.Progress.Done)), "total", r.Number(money.NewDecimal(last.Progress.Total))),
			More: r.T("admin.leave"), Again: v.Console("audit/chain")}
	case last.Err != nil:
		c.Tone, c.Found = ui.Warn, r.T("admin.chain.stopped")
	default:
		verified, _ := last.Result.(audit.Verification)
		c.found(r, verified, r.DateTime(last.EndedAt))
	}
	return c, nil
}

// found tells what a verification came to.
func (c *chainView) found(r ui.Reader, verified audit.Verification, at string) {
	if b := verified.Break; b != nil {
		c.Tone = ui.Bad
		c.Found = r.T("admin.chain.broken", "part", r.T("admin.chain.part."+string(b.Part)), "from", r.DateTime(b.From), "to", r.DateTime(b.To), "at", at)
		return
	}
	c.Tone = ui.OK
	c.Found = r.T("admin.chain.ok", "at", at, "entries", r.Number(money.NewDecimal(verified.AuditRows)), "transfers", r.Number(money.NewDecimal(verified.LedgerRows)))
}

// beginVerification has the chain verified, unless that is under way. Done is
// told in seals, of as many as stood there at the beginning.
func beginVerification(v *web.Visit) {
	stack := v.Stack
	v.Stack.Begin(verifyTask, v.Who.Actor(), func(ctx context.Context, report func(task.Progress)) (any, error) {
		var head audit.Seal
		err := stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
			head, err = audit.Head(ctx, tx)
			return err
		})
		if err != nil {
			return nil, err
		}
		return stack.VerifyAudit(ctx, func(so audit.Verification) { report(task.Progress{Done: so.Head.Seq, Total: head.Seq}) })
	})
}

package api

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing"
	"tollhouse/billing/audit"
	"tollhouse/billing/task"
	"tollhouse/billing/tenant"
)

// ListAudit implements oapi.StrictServerInterface.
func (s *Server) ListAudit(ctx context.Context, r oapi.ListAuditRequestObject) (oapi.ListAuditResponseObject, error) {
	before, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	wanted := audit.Query{Actor: value(r.Params.Actor), Action: value(r.Params.Action), Object: value(r.Params.Object), Kind: value(r.Params.Kind),
		From: value(r.Params.From), To: value(r.Params.To), Before: before, Limit: pageLimit(r.Params.Limit) + 1}
	var entries []audit.Recorded
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		entries, err = audit.List(ctx, tx, wanted)
		return err
	})
	page, next := cut(entries, r.Params.Limit, func(e audit.Recorded) []string { return []string{e.ID.String()} })
	return oapi.ListAudit200JSONResponse{Items: mapped(page, auditEntry), Next: next}, err
}

func auditEntry(e audit.Recorded) oapi.AuditEntry {
	out := oapi.AuditEntry{Id: e.ID, At: e.At, WallAt: e.WallAt, Actor: e.Actor, Action: e.Action, Object: optionalText(e.Object),
		ObjectId: optionalID(e.ObjectID), Trace: optionalText(e.Trace)}
	if len(e.Detail) > 0 {
		detail := document(e.Detail)
		out.Detail = &detail
	}
	return out
}

// verifyTask computes the chain of seals again. The console shows the same task.
const verifyTask task.Name = "verify-audit"

// VerifyAudit implements oapi.StrictServerInterface.
func (s *Server) VerifyAudit(ctx context.Context, _ oapi.VerifyAuditRequestObject) (oapi.VerifyAuditResponseObject, error) {
	c := callOf(ctx)
	stack := c.stack
	stack.Begin(verifyTask, c.who.Actor(), func(ctx context.Context, report func(task.Progress)) (any, error) {
		head, err := auditHead(ctx, stack)
		if err != nil {
			return nil, err
		}
		return stack.VerifyAudit(ctx, func(so audit.Verification) { report(task.Progress{Done: so.Head.Seq, Total: head.Seq}) })
	})
	out, err := auditVerification(ctx)
	return oapi.VerifyAudit202JSONResponse(out), err
}

// GetAuditVerification implements oapi.StrictServerInterface.
func (s *Server) GetAuditVerification(ctx context.Context, _ oapi.GetAuditVerificationRequestObject) (oapi.GetAuditVerificationResponseObject, error) {
	out, err := auditVerification(ctx)
	return oapi.GetAuditVerification200JSONResponse(out), err
}

func auditHead(ctx context.Context, stack *billing.Stack) (head audit.Seal, err error) {
	err = stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		head, err = audit.Head(ctx, tx)
		return err
	})
	return head, err
}

// auditVerification is how far the chain is sealed, and what the last
// verification in this process came to.
func auditVerification(ctx context.Context) (oapi.AuditVerification, error) {
	c := callOf(ctx)
	head, err := auditHead(ctx, c.stack)
	if err != nil {
		return oapi.AuditVerification{}, err
	}
	out := oapi.AuditVerification{Sealed: head.Seq, State: "never"}
	if head.Seq > 0 {
		out.SealedAt = &head.SealedAt
	}
	last, known := c.stack.LastTask(verifyTask)
	switch {
	case !known:
	case last.Running():
		out.State, out.Done = "running", &last.Progress.Done
	case last.Err != nil:
		out.State, out.EndedAt = "stopped", &last.EndedAt
	default:
		out.State, out.EndedAt = "done", &last.EndedAt
		verified, _ := last.Result.(audit.Verification)
		out.Done, out.AuditRows, out.LedgerRows, out.Anchors = &verified.Head.Seq, &verified.AuditRows, &verified.LedgerRows, &verified.Anchors
		out.Break = auditBreak(verified.Break)
	}
	return out, nil
}

func auditBreak(b *audit.Break) *oapi.AuditBreak {
	if b == nil {
		return nil
	}
	out := &oapi.AuditBreak{Part: oapi.AuditBreakPart(b.Part), Seal: b.Seq, Reason: b.Reason}
	if !b.From.IsZero() {
		out.From, out.To = &b.From, &b.To
	}
	return out
}

// ListMessages implements oapi.StrictServerInterface.
func (s *Server) ListMessages(ctx context.Context, r oapi.ListMessagesRequestObject) (oapi.ListMessagesResponseObject, error) {
	page, err := messages(ctx, uuid.Nil, r.Params.Cursor, r.Params.Limit)
	return oapi.ListMessages200JSONResponse(page), err
}

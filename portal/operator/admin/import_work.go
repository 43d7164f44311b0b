package admin

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"tollhouse/billing/audit"
	"tollhouse/billing/intake"
	"tollhouse/billing/money"
	"tollhouse/billing/task"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// importTask is work on an import: a check, a commit's beginning or an undo. A
// hundred thousand lines take longer than a page may.
const importTask task.Name = "import"

// importWork is one of them.
type importWork struct {
	verb string // of the words admin.import.doing.<verb> and the action import.<verb>
	do   func(im *intake.Importer, ctx context.Context, tx tenant.Tx, batch uuid.UUID) (intake.Batch, error)
}

var importWorks = map[string]importWork{
	"check":  {"check", (*intake.Importer).Check},
	"commit": {"commit", (*intake.Importer).Commit},
	"undo":   {"undo", (*intake.Importer).Undo},
}

// importOutcome is what a work came to.
type importOutcome struct {
	batch   uuid.UUID
	verb    string
	refused error // by the domain; nil if it was done
}

// work begins work on an import and leads to its page, which tells how far it
// is.
func work(verb string) func(*web.Visit) error {
	return func(v *web.Visit) error {
		b, err := batchOf(v)
		if err != nil {
			return err
		}
		stack, caller, w := v.Stack, v.Caller(), importWorks[verb]
		stack.Begin(importTask, v.Who.Actor(), func(ctx context.Context, _ func(task.Progress)) (any, error) {
			err := stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
				if _, err := w.do(stack.Intake(), ctx, tx, b.ID); err != nil {
					return err
				}
				return audit.Record(ctx, tx, audit.Entry{Caller: caller, Action: "import." + w.verb, Object: "import", ObjectID: b.ID})
			})
			return outcomeOf(importOutcome{batch: b.ID, verb: w.verb}, err)
		})
		return v.Lead(v.Console("import/" + b.ID.String()))
	}
}

// outcomeOf tells a refusal of the domain from a fault.
func outcomeOf(o importOutcome, err error) (any, error) {
	if err == nil {
		return o, nil
	}
	if refusedBy(err, intake.ErrHappened, intake.ErrFindings, intake.ErrEmpty, intake.ErrState) {
		o.refused = err
		return o, nil
	}
	return nil, err
}

// lastImport is the latest work on an import; the zero status if there was none
// since the process began.
func lastImport(v *web.Visit) task.Status {
	last, _ := v.Stack.LastTask(importTask)
	return last
}

// importJob is work under way on an import, or why the last came to nothing.
func importJob(v *web.Visit, b intake.Batch, last task.Status) (job *ui.Job, refused string) {
	r := v.Reader
	job = &ui.Job{ID: "import-state", Tone: ui.Info, More: r.T("admin.leave"), Share: "0", Again: v.Console("import/" + b.ID.String() + "/state")}
	if b.State == intake.Committing {
		done, total := money.NewDecimal(int64(b.Done)), money.NewDecimal(int64(b.Accounts))
		job.Title, job.Share = r.T("admin.import.doing.commit"), ui.Share(done, total)
		job.Done = r.T("admin.of.accounts", "done", r.Number(done), "total", r.Number(total))
		return job, ""
	}
	known := last.ID != uuid.Nil
	if known && last.Running() {
		job.Title = r.T("admin.import.doing")
		return job, ""
	}
	o, _ := last.Result.(importOutcome)
	switch {
	case b.Failure != "" && b.State == intake.Draft:
		return nil, r.T("admin.import.taken_back", "why", b.Failure)
	case known && last.Err != nil:
		return nil, r.T("admin.import.stopped")
	case o.batch != b.ID || o.refused == nil:
		return nil, ""
	}
	return nil, refusalWords(r, o.refused)
}

// refusalWords says why the domain refused to go on with an import.
func refusalWords(r ui.Reader, err error) string {
	var happened *intake.HappenedError
	switch {
	case errors.As(err, &happened) && happened.Account != "":
		return r.T("admin.import.happened", "account", happened.Account, "what", worded(r, "admin.import.what.", happened.What))
	case errors.Is(err, intake.ErrHappened):
		return r.T("admin.import.happened.some")
	case errors.Is(err, intake.ErrFindings):
		return r.T("admin.import.has_errors")
	case errors.Is(err, intake.ErrEmpty):
		return r.T("admin.import.empty")
	}
	return r.T("admin.import.busy")
}

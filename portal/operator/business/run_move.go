package business

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"tollhouse/billing/bill"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/web"
)

// runMove is a button that takes a run further.
type runMove struct {
	act, label string
	primary    bool
}

// addMoves offers what the visitor may do with a run in its state.
func (p *runView) addMoves(v *web.Visit, run bill.Run) {
	r := v.Reader
	switch run.State {
	case bill.Prepared:
		p.preview = v.Console("bill-runs/preview")
		if v.May(identity.BillRunOK) && run.PreparedBy != v.Who.Actor() {
			p.moves = append(p.moves, runMove{"approve", r.T("cycle.run.approve"), true})
		} else {
			p.refused = r.T("cycle.run.waits")
		}
		if v.Query("refused") == "own" {
			p.refused = r.T("cycle.run.own")
		}
	case bill.Running:
		p.moves = append(p.moves, runMove{"pause", r.T("cycle.run.pause"), false})
	case bill.Paused:
		p.moves = append(p.moves, runMove{"resume", r.T("cycle.run.resume"), true})
	}
}

func approveRun(v *web.Visit) error {
	return moveRun(v, "approveBillRun", func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
		_, err := bill.Approve(ctx, tx, id, v.Who.Actor())
		return err
	})
}

func pauseRun(v *web.Visit) error {
	return moveRun(v, "pauseBillRun", func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
		_, err := bill.PauseRun(ctx, tx, id, v.Who.Actor())
		return err
	})
}

func resumeRun(v *web.Visit) error {
	return moveRun(v, "resumeBillRun", func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
		_, err := bill.ResumeRun(ctx, tx, id)
		return err
	})
}

// moveRun takes a run further. One that somebody else moved meanwhile is shown
// as it stands.
func moveRun(v *web.Visit, action string, do func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error) error {
	id := parseID(v.Param("run"))
	here := v.Console("bill-runs/" + id.String())
	c := &command.Command{Action: action, Object: "bill_run", ID: id, Detail: map[string]any{}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) { return here, do(ctx, tx, id) }
	next, err := command.CarryOut(v, c)
	switch {
	case errors.Is(err, bill.ErrOwnRun):
		return v.Lead(v.Console("bill-runs/"+id.String(), "refused", "own"))
	case errors.Is(err, bill.ErrRunState):
		return v.Lead(here)
	case err != nil:
		return err
	}
	return v.Lead(next)
}

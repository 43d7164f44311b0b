package charging

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// suspend keeps what was held, or keeps it waiting if it came from there.
func (r *run) suspend(ctx context.Context, tx tenant.Tx) error {
	if len(r.held) == 0 {
		return nil
	}
	items := make([]usage.Suspended, len(r.held))
	for i, h := range r.held {
		if r.taken != nil {
			items[i] = r.taken[h.item].For(h.fault)
		} else {
			items[i] = usage.Hold(r.batch.Source, r.batch.File, &r.batch.Items[h.item], h.fault)
		}
		items[i].Record, items[i].Keyed = h.record, h.keyed
	}
	if r.taken != nil {
		return usage.KeepWaiting(ctx, tx, items)
	}
	return usage.Suspend(ctx, tx, items)
}

// Rerun counts what became of suspended items.
type Rerun struct {
	Charged int // charged now, or found to need no charge
	Known   int // were accepted meanwhile under the same id
	Waiting int // wait on, with the reason they have now
}

// RerunSuspense runs waiting items again, where each stopped: those whose key
// is taken don't pass the gate again. Ids of items that don't wait are left
// out. Items of one source and file are charged together.
func (e *Engine) RerunSuspense(ctx context.Context, tx tenant.Tx, ids []uuid.UUID) (Rerun, error) {
	taken, err := usage.Take(ctx, tx, ids)
	if err != nil {
		return Rerun{}, err
	}
	var total Rerun
	for len(taken) > 0 {
		var same, others []usage.Taken
		for _, one := range taken {
			if one.Source == taken[0].Source && one.File == taken[0].File {
				same = append(same, one)
			} else {
				others = append(others, one)
			}
		}
		if err := e.rerun(ctx, tx, same, &total); err != nil {
			return Rerun{}, err
		}
		taken = others
	}
	return total, nil
}

func (e *Engine) rerun(ctx context.Context, tx tenant.Tx, taken []usage.Taken, total *Rerun) error {
	batch := Batch{Source: taken[0].Source, File: taken[0].File, Items: make([]usage.Item, len(taken))}
	for i := range taken {
		batch.Items[i] = usage.Item{Line: taken[i].Line, Raw: taken[i].Raw, Record: taken[i].Record, Problem: taken[i].Problem}
	}
	outcomes := make([]Outcome, len(taken))
	err := e.divide(ctx, tx, run{engine: e, batch: &batch, part: every(len(taken)), outcomes: outcomes, taken: taken})
	if err != nil {
		return err
	}
	var charged, known []uuid.UUID
	for i, o := range outcomes {
		switch o.Status {
		case Accepted:
			charged = append(charged, taken[i].ID)
		case Duplicate:
			known = append(known, taken[i].ID)
		case Suspended:
			total.Waiting++
		default:
			return fmt.Errorf("run suspended item %s again: %s", taken[i].ID, o.Status)
		}
	}
	total.Charged, total.Known = total.Charged+len(charged), total.Known+len(known)
	if err := usage.MarkResolved(ctx, tx, charged, "charged"); err != nil {
		return err
	}
	return usage.MarkResolved(ctx, tx, known, "accepted before")
}

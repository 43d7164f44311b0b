package enrol

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/provisioning/backup"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// wantTakeOut asks a host for the take-out that its site's end waits for.
func wantTakeOut(ctx context.Context, tx tenants.Tx, m Machine, r machine.Report) (*machine.TakeOutWanted, error) {
	wanted, err := backup.Delivering(ctx, tx, m.Operator, r.TakeOut)
	if err != nil || wanted == nil {
		return nil, err
	}
	return &machine.TakeOutWanted{ID: wanted.ID, Next: wanted.Next}, nil
}

// TakeOutPart takes a part of a take-out from the host of its operator, and says
// which is wanted next; backup.ErrNotThere if none is wanted of this machine.
func (d *Desk) TakeOutPart(ctx context.Context, s machine.Signed, address string, id uuid.UUID, p machine.TakeOutPart) (machine.TakeOutNext, error) {
	m, err := d.heard(ctx, s, address)
	if err != nil {
		return machine.TakeOutNext{}, err
	}
	if m.Role != machine.Host || d.TakeOuts == nil {
		return machine.TakeOutNext{}, backup.ErrNotThere
	}
	next, err := d.TakeOuts.TakePart(ctx, m.Operator, id, backup.Part{No: p.No, Data: p.Data, SHA256: p.SHA256,
		Whole: backup.Whole{Parts: p.Parts, Size: p.WholeBytes, SHA256: p.WholeSHA256}})
	if err != nil {
		return machine.TakeOutNext{}, fmt.Errorf("take part %d of take-out %s from machine %s: %w", p.No, id, m.ID, err)
	}
	return machine.TakeOutNext{Next: next}, nil
}

package hardware_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"tollhouse/provisioning/alarm"
	"tollhouse/provisioning/hardware"
	"tollhouse/tenants"
)

// An appliance that is out there wants a spare of its model, however it is
// written; a part, and one that nobody uses, want none.
func TestLook_modelWithoutASpare(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	open := func() (models []string) {
		t.Helper()
		if err := hardware.Look(context.Background(), r.DB); err != nil {
			t.Fatal(err)
		}
		r.do(t, func(ctx context.Context, tx tenants.Tx) error {
			models = nil
			found, err := alarm.List(ctx, tx, alarm.Query{Open: true, Limit: 100})
			for _, a := range found {
				if a.Kind == alarm.SparesLow {
					models = append(models, a.Detail["model"])
				}
			}
			return err
		})
		return models
	}
	r.must(t, hardware.Wanted{Serial: "A1", State: hardware.InUse, Operator: r.operator})
	r.must(t, hardware.Wanted{Serial: "P1", Kind: hardware.Part, Model: "PSU", State: hardware.InUse})
	r.must(t, hardware.Wanted{Serial: "S1", Kind: hardware.Server, Model: "R640", State: hardware.InUse, Operator: r.operator})
	for range 2 { // told once
		if got := open(); len(got) != 1 || got[0] != "TA-200" {
			t.Fatalf("models without a spare: %v", got)
		}
	}
	spare := hardware.Wanted{ID: uuid.New(), Serial: "A2", Model: "ta-200", State: hardware.Spare}
	r.must(t, spare)
	if got := open(); len(got) != 0 {
		t.Errorf("with a spare: %v", got)
	}
	spare.State, spare.Operator = hardware.InUse, r.operator
	r.must(t, spare)
	if got := open(); len(got) != 1 {
		t.Errorf("the spare is used: %v", got)
	}
}

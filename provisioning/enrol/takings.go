package enrol

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/provisioning/alarm"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
	"tollhouse/tenants/contract"
)

// keepTakings keeps what a host's stack signed. What is not to be believed
// raises an alarm and changes nothing; the report is heard all the same.
func keepTakings(ctx context.Context, tx tenants.Tx, m Machine, told machine.Takings) error {
	if m.Role != machine.Host {
		return nil
	}
	inner, err := tx.Begin(ctx)
	if err != nil {
		return fmt.Errorf("keep takings of machine %s: %w", m.ID, err)
	}
	err = contract.KeepTold(ctx, tenants.Tx{Tx: inner, At: tx.At}, m.Operator, contract.Told{Keys: told.Keys, Statements: told.Statements})
	if err == nil {
		return inner.Commit(ctx)
	}
	if undone := inner.Rollback(ctx); undone != nil || !contract.IsRefusal(err) {
		return fmt.Errorf("keep takings of machine %s: %w", m.ID, err)
	}
	return alarm.Raise(ctx, tx, alarm.Fault{Kind: alarm.RevenueForged, Subject: uuid.UUID(m.Operator), Operator: m.Operator,
		Detail: map[string]string{"machine": m.Name, "reason": err.Error()}})
}

// wantTakings asks a host for the days that we don't have, where its operator's
// contracts are billed.
func wantTakings(ctx context.Context, tx tenants.Tx, m Machine) (*machine.TakingsWanted, error) {
	after, wanted, err := contract.Wanted(ctx, tx, m.Operator)
	if err != nil || !wanted {
		return nil, err
	}
	if after.IsZero() {
		return &machine.TakingsWanted{}, nil
	}
	return &machine.TakingsWanted{After: after.String()}, nil
}

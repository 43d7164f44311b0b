package enrol

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// silentMachine is one that has said nothing for too long.
type silentMachine struct {
	id       uuid.UUID
	operator tenant.ID
	name     string
	heard    time.Time
}

func collectSilent(rows pgx.Rows) ([]silentMachine, error) {
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (silentMachine, error) {
		var m silentMachine
		var operator uuid.UUID
		err := row.Scan(&m.id, &operator, &m.name, &m.heard)
		m.operator = tenant.ID(operator)
		return m, err
	})
}

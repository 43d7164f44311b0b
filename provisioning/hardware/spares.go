package hardware

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/provisioning/alarm"
	"tollhouse/tenants"
)

// modelSubject is what alarms about a model are about: a model has no id of its
// own, and its name's case does not matter.
func modelSubject(model string) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte("hardware model "+strings.ToLower(model)))
}

// lookForSpares raises an alarm for each model of appliances that stand at
// operators and has no spare, and clears those of which there is one again or
// none out there any more.
func lookForSpares(ctx context.Context, tx tenants.Tx) error {
	rows, err := tx.Query(ctx, `
		select min(model), count(*) filter (where state in ('in_use', 'failed')), count(*) filter (where state = 'failed')
		  from hardware
		 where kind = 'appliance'
		 group by lower(model)
		having count(*) filter (where state in ('in_use', 'failed')) > 0 and count(*) filter (where state = 'spare') = 0
		 order by 1
		 limit $1`, lookAtOnce)
	if err != nil {
		return fmt.Errorf("look for models without a spare: %w", err)
	}
	type bare struct {
		model       string
		out, failed int64
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (b bare, err error) {
		err = row.Scan(&b.model, &b.out, &b.failed)
		return b, err
	})
	if err != nil {
		return fmt.Errorf("look for models without a spare: %w", err)
	}
	still := []uuid.UUID{}
	for _, b := range found {
		subject := modelSubject(b.model)
		still = append(still, subject)
		var known bool
		if err := tx.QueryRow(ctx, `select exists (select from alarm where kind = $1 and subject = $2 and state <> 'cleared')`, alarm.SparesLow, subject).Scan(&known); err != nil {
			return fmt.Errorf("look for models without a spare: %w", err)
		}
		if known {
			continue
		}
		err := alarm.Raise(ctx, tx, alarm.Fault{Kind: alarm.SparesLow, Subject: subject,
			Detail: map[string]string{"model": b.model, "in_use": strconv.FormatInt(b.out, 10), "failed": strconv.FormatInt(b.failed, 10)}})
		if err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, `update alarm set state = 'cleared', cleared_at = $1 where kind = $2 and state <> 'cleared' and subject <> all ($3)`, tx.At, alarm.SparesLow, still)
	if err != nil {
		return fmt.Errorf("clear %s: %w", alarm.SparesLow, err)
	}
	return nil
}

package account

import (
	"context"
	"fmt"

	"tollhouse/billing/tenant"
)

const maxCorrectionDays = 366

// CorrectionDays is how many days after a cycle has ended usage of it is still
// taken and charged.
func CorrectionDays(ctx context.Context, tx tenant.Tx) (int, error) {
	var days int
	if err := tx.QueryRow(ctx, `select correction_days from operator where id = 1`).Scan(&days); err != nil {
		return 0, fmt.Errorf("read correction window: %w", err)
	}
	return days, nil
}

// PutCorrectionDays changes it; a *FieldError refuses what is no such number.
func PutCorrectionDays(ctx context.Context, tx tenant.Tx, days int) error {
	if days < 0 || days > maxCorrectionDays {
		return &FieldError{"correction_days", "a number of days from 0 to 366"}
	}
	done, err := tx.Exec(ctx, `update operator set correction_days = $1 where id = 1`, days)
	if err != nil {
		return fmt.Errorf("write correction window: %w", err)
	}
	if done.RowsAffected() == 0 {
		return ErrNotSetUp
	}
	return nil
}

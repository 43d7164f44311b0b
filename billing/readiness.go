package billing

import (
	"context"

	"tollhouse/billing/calendar"
	"tollhouse/billing/readiness"
	"tollhouse/billing/tenant"
)

// Readiness says what would break the run of cycles that end on a day, or the
// next run for a zero one. It previews as a run closes.
func (s *Stack) Readiness(ctx context.Context, day calendar.Date) (report readiness.Report, err error) {
	err = s.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		report, err = readiness.Check(ctx, tx, closer, day)
		return err
	})
	return report, err
}

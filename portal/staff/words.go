package staff

import (
	"time"

	"tollhouse/billing/money"
	"tollhouse/portal/ui"
	"tollhouse/provisioning"
)

func whole(r ui.Reader, n int64) string { return r.Number(money.NewDecimal(n)) }

// took is how long a stack took to answer.
func took(r ui.Reader, reading provisioning.Reading) string {
	return r.T("staff.ms", "n", whole(r, max(reading.Took.Milliseconds(), 1)))
}

// bytes is a size, in decimal units.
func bytes(r ui.Reader, n int64) string {
	return r.Quantity(money.NewDecimal(n), money.Byte)
}

func when(r ui.Reader, at *time.Time) string {
	if at == nil {
		return "–"
	}
	return r.DateTime(*at)
}

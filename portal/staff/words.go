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

// bytes is a size, in decimal units, to three figures or so: nobody decides by
// the kilobytes of a gigabyte.
func bytes(r ui.Reader, n int64) string {
	for unit := int64(1e12); unit >= 1e6; unit /= 1e3 {
		if n >= unit {
			step := unit / 100
			for n/step >= 1000 {
				step *= 10
			}
			n = (n + step/2) / step * step
			break
		}
	}
	return r.Quantity(money.NewDecimal(n), money.Byte)
}

func when(r ui.Reader, at *time.Time) string {
	if at == nil {
		return "–"
	}
	return r.DateTime(*at)
}

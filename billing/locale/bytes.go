package locale

import (
	"tollhouse/billing/money"
)

var byteUnits = map[string][5]string{
	"en": {"B", "kB", "MB", "GB", "TB"},
	"id": {"B", "kB", "MB", "GB", "TB"},
	"ru": {"Б", "кБ", "МБ", "ГБ", "ТБ"},
}

// maxByteDigits keeps a byte figure readable: thousandths of the shown unit.
const maxByteDigits = 3

// FormatBytes writes a byte count in the largest decimal unit that keeps it at
// one or above, with at most three fraction digits: 83.412 GB. It is the one
// figure here that is shortened; the exact count is FormatNumber's.
func (l Locale) FormatBytes(bytes int64) string {
	units, known := byteUnits[l.Language]
	if !known {
		units = byteUnits["en"]
	}
	unit, size := 0, int64(1)
	for unit < len(units)-1 && (bytes >= size*1000 || bytes <= -size*1000) {
		unit++
		size *= 1000
	}
	shown := money.DecimalOf(bytes, int32(3*unit)).Round(maxByteDigits, money.HalfAwayFromZero)
	return l.FormatNumber(shown) + nbsp + units[unit]
}

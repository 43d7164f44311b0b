package money

import (
	"encoding/binary"
	"math/big"
)

// PostgreSQL writes a numeric as groups of four decimal digits: how many there
// are, the power of ten thousand of the first, the sign, the decimals to show
// and the groups.
const (
	group       = 10_000
	groupDigits = 4
	negative    = 0x4000
)

// AppendNumeric adds d in the binary form of PostgreSQL's numeric.
func (d Decimal) AppendNumeric(to []byte) []byte {
	exponent := -int(d.scale)
	scale := max(0, -exponent)
	// The last group must end on a multiple of four decimals.
	shift := (exponent%groupDigits + groupDigits) % groupDigits
	var room [20]uint16
	groups := room[:0] // the last first
	if most := int64(1e15); d.wide == nil && d.n < most && d.n > -most {
		n := d.n
		if n < 0 {
			n = -n
		}
		for range shift {
			n *= 10
		}
		for ; n > 0; n /= group {
			groups = append(groups, uint16(n%group))
		}
	} else {
		n := d.coefficient()
		n.Mul(n.Abs(n), pow10(int64(shift)))
		for base, rest := big.NewInt(group), new(big.Int); n.Sign() > 0; {
			n.QuoRem(n, base, rest)
			groups = append(groups, uint16(rest.Uint64()))
		}
	}
	weight := len(groups) - 1 + (exponent-shift)/groupDigits
	for len(groups) > 0 && groups[0] == 0 {
		groups = groups[1:]
	}
	if len(groups) == 0 {
		weight = 0
	}
	sign := uint16(0)
	if d.Sign() < 0 {
		sign = negative
	}
	to = binary.BigEndian.AppendUint16(to, uint16(len(groups)))
	to = binary.BigEndian.AppendUint16(to, uint16(int16(weight)))
	to = binary.BigEndian.AppendUint16(to, sign)
	to = binary.BigEndian.AppendUint16(to, uint16(scale))
	for i := len(groups) - 1; i >= 0; i-- {
		to = binary.BigEndian.AppendUint16(to, groups[i])
	}
	return to
}

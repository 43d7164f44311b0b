package ubl

import (
	"fmt"

	"tollhouse/billing/money"
)

// mostDecimals bounds every amount but prices of a unit (EN 16931-1, 6.5.2 and
// table 26), whatever its currency: one of three digits (BHD, IQD, JOD, KWD, LYD,
// OMR, TND) is told only where the last one is zero. The standard knows no way to
// round a document that was issued, so a finer one is refused.
const mostDecimals = 2

// decimals are the rules BR-DEC of the amounts that we write.
var decimals = []rule{
	each("BR-DEC-01", reductions, coarse("Amount", "allowance (BT-92)")),
	each("BR-DEC-05", additions, coarse("Amount", "charge (BT-99)")),
	inTotal("BR-DEC-09", "LineExtensionAmount", "sum of lines (BT-106)"),
	inTotal("BR-DEC-10", "AllowanceTotalAmount", "sum of allowances (BT-107)"),
	inTotal("BR-DEC-11", "ChargeTotalAmount", "sum of charges (BT-108)"),
	inTotal("BR-DEC-12", "TaxExclusiveAmount", "total without VAT (BT-109)"),
	{"BR-DEC-13", func(v *view) string { return coarse("TaxTotal/TaxAmount", "total VAT (BT-110)")(v.node) }},
	inTotal("BR-DEC-14", "TaxInclusiveAmount", "total with VAT (BT-112)"),
	inTotal("BR-DEC-16", "PrepaidAmount", "paid amount (BT-113)"),
	inTotal("BR-DEC-17", "PayableRoundingAmount", "rounding amount (BT-114)"),
	inTotal("BR-DEC-18", "PayableAmount", "amount due (BT-115)"),
	each("BR-DEC-19", breakdown, coarse("TaxableAmount", "taxable amount (BT-116)")),
	each("BR-DEC-20", breakdown, coarse("TaxAmount", "tax amount (BT-117)")),
	each("BR-DEC-23", invoiceLines, coarse("LineExtensionAmount", "line net amount (BT-131)")),
}

func inTotal(name, path, what string) rule {
	return rule{name, func(v *view) string { return coarse(path, what)(v.total) }}
}

// coarse wants an amount, where it is there, of two decimals at most.
func coarse(path, what string) func(n *node) string {
	return func(n *node) string {
		if amount, there := value(n, path); there && amount.Digits() > mostDecimals {
			return fmt.Sprintf("%s is %s: an electronic invoice has at most two decimals, in any currency", what, n.get(path))
		}
		return ""
	}
}

// twoDecimals cuts an amount's zeros behind the second decimal.
func twoDecimals(v money.Decimal, text string, digits int32) string {
	if digits > mostDecimals && v.Digits() <= mostDecimals {
		return text[:len(text)-(int(digits)-mostDecimals)]
	}
	return text
}

package explain

import (
	"tollhouse/billing/money"
	"tollhouse/billing/usage"
	"tollhouse/portal/ui"
)

// Scale chooses three even steps that hold the most of a chart of use, in a
// unit that reads well: what the highest line stands for, and the labels of all
// lines, the highest first.
func Scale(r ui.Reader, kind usage.Kind, most money.Decimal) (top money.Decimal, labels []string) {
	unit, size := "", money.NewDecimal(1)
	switch {
	case kind == usage.Voice:
		unit, size = "min", money.NewDecimal(60)
	case kind == usage.Data && most.Cmp(money.NewDecimal(1e9)) >= 0:
		unit, size = "GB", money.NewDecimal(1e9)
	case kind == usage.Data:
		unit, size = "MB", money.NewDecimal(1e6)
	}
	step := ui.NiceStep(most, size)
	for i := int64(3); i >= 0; i-- {
		label := r.Number(step.Mul(money.NewDecimal(i)))
		if i == 3 && unit != "" {
			label += "\u00a0" + r.T("unit."+unit)
		}
		labels = append(labels, label)
	}
	return step.Mul(size).Mul(money.NewDecimal(3)), labels
}

package admin

import (
	"cmp"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/money"
	"tollhouse/portal/ui"
)

// Currency is the operator's.
func (n numbersView) Currency() money.Currency { return n.currency }

func formatHint(n numbersView) string {
	if n.Next == "" {
		return ""
	}
	return n.T("admin.numbers.template.hint", "next", n.Next)
}

func voidChoices(r ui.Reader) []ui.Choice {
	var list []ui.Choice
	for _, rule := range []bill.VoidRule{bill.VoidNever, bill.VoidUnsent, bill.VoidUnpaid} {
		list = append(list, ui.Choice{Value: string(rule), Label: r.T("admin.numbers.void." + string(rule))})
	}
	return list
}

func segmentChoices(r ui.Reader) []ui.Choice {
	var list []ui.Choice
	for _, segment := range []account.PartyKind{"", account.Individual, account.Organization} {
		list = append(list, ui.Choice{Value: string(segment), Label: segmentName(r, segment)})
	}
	return list
}

func lateChoices(r ui.Reader) []ui.Choice {
	var list []ui.Choice
	for _, kind := range []string{string(bill.LateFixed), string(bill.LatePercent), string(bill.LateInterest), "base"} {
		list = append(list, ui.Choice{Value: kind, Label: r.T("admin.late.kind." + kind)})
	}
	return list
}

func categoryChoices(categories []string) []ui.Choice {
	var list []ui.Choice
	for _, c := range categories {
		list = append(list, ui.Choice{Value: c, Label: c})
	}
	return list
}

func lateName(r ui.Reader, l bill.LateRule) string {
	return cmp.Or(l.Names[r.Locale.Language], l.Names["en"])
}

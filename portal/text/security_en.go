package text

// securityEN are the words of deposits that offerings ask for.
var securityEN = map[string]string{
	"catalog.hint.deposit.amount":        "An amount; empty: no deposit",
	"catalog.hint.deposit.interest":      "Per cent a year; empty: none",
	"catalog.hint.deposit.months":        "Of paying on time; empty: by you",
	"catalog.hint.deposit.organization":  "In its place; empty: the same",
	"catalog.hint.deposit.tags":          "Tags, with commas, of those who leave one; empty: everybody",
	"catalog.hint.deposit.risk":          "low, normal or high, with commas; empty: any. A new customer is normal",
	"catalog.label.deposit.tags":         "Of accounts with tags",
	"catalog.label.deposit.risk":         "Of accounts of risk",
	"catalog.label.deposit":              "Deposit",
	"catalog.label.deposit.amount":       "Held before activation",
	"catalog.label.deposit.interest":     "Interest",
	"catalog.label.deposit.months":       "Given back after months",
	"catalog.label.deposit.organization": "Of organizations",
	"desk.deposit.due":                   "{amount} is asked for and not held. How was it paid?",
	"desk.fact.deposit.method":           "Deposit",
	"desk.fact.deposit.reference":        "Receipt or reference",
	"desk.option.deposit.method.bank":    "By bank",
	"desk.option.deposit.method.cash":    "In cash",
}

package text

// hostingEN are the words of what an operator has agreed with us.
var hostingEN = map[string]string{
	"con.nav.hosting":          "Hosting contract",
	"hosting.bill.credit":      "Credit",
	"hosting.bill.open":        "Open",
	"hosting.bill.paid":        "Paid",
	"hosting.bill.void":        "Void",
	"hosting.bills":            "Bills",
	"hosting.bills.none":       "No bill was written yet.",
	"hosting.buyout":           "On {day} it could be bought out for {price} without tax.",
	"hosting.kind.advance":     "Bill in advance",
	"hosting.kind.bill":        "Bill",
	"hosting.kind.credit_note": "Credit note",
	"hosting.kind.debit_note":  "Debit note",
	"hosting.none":             "No contract is known here",
	"hosting.none.more":        "What you have agreed with the company that hosts your billing, and its bills, appear here within minutes of its beginning.",
	"hosting.place.appliance":  "An appliance of the hosting company at your place",
	"hosting.place.colocation": "Your server in its data centre",
	"hosting.place.customer":   "Your server at your place",
	"hosting.place.dedicated":  "The hosting company's cloud, machines of your own",
	"hosting.place.pooled":     "The hosting company's cloud, shared",
	"hosting.told":             "As the hosting company told it on {at}.",
}

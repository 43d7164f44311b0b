package text

// differEN are the words of how previews differ from bills.
var differEN = map[string]string{
	"biz.differ.all":             "Differences by kind of line",
	"biz.differ.kind":            "Kind of line",
	"biz.differ.kind.correction": "Corrections",
	"biz.differ.kind.discount":   "Discounts",
	"biz.differ.kind.item":       "Other items",
	"biz.differ.kind.one_time":   "One-time fees",
	"biz.differ.kind.recurring":  "Recurring fees",
	"biz.differ.kind.usage":      "Usage",
	"biz.differ.last":            "Last period, net",
	"biz.differ.more":            "The first {n} are kept: the rest is not shown and in no file.",
	"biz.differ.now":             "Now, net",
	"biz.differ.one":             "Against the last period",
}

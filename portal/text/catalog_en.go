package text

var catalogEN = map[string]string{
	"every.one.day":       "a day",
	"every.one.week":      "a week",
	"every.one.month":     "a month",
	"every.one.quarter":   "a quarter",
	"every.one.year":      "a year",
	"every.day.one":       "every {n} day",
	"every.day.other":     "every {n} days",
	"every.week.one":      "every {n} week",
	"every.week.other":    "every {n} weeks",
	"every.month.one":     "every {n} month",
	"every.month.other":   "every {n} months",
	"every.quarter.one":   "every {n} quarter",
	"every.quarter.other": "every {n} quarters",
	"every.year.one":      "every {n} year",
	"every.year.other":    "every {n} years",
}

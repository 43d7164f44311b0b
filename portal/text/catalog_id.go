package text

var catalogID = map[string]string{
	"every.one.day":       "per hari",
	"every.one.week":      "per minggu",
	"every.one.month":     "per bulan",
	"every.one.quarter":   "per triwulan",
	"every.one.year":      "per tahun",
	"every.day.other":     "tiap {n} hari",
	"every.week.other":    "tiap {n} minggu",
	"every.month.other":   "tiap {n} bulan",
	"every.quarter.other": "tiap {n} triwulan",
	"every.year.other":    "tiap {n} tahun",
}

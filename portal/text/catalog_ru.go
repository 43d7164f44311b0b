package text

var catalogRU = map[string]string{
	"every.one.day":      "в день",
	"every.one.week":     "в неделю",
	"every.one.month":    "в месяц",
	"every.one.quarter":  "в квартал",
	"every.one.year":     "в год",
	"every.day.one":      "каждый {n} день",
	"every.day.few":      "каждые {n} дня",
	"every.day.many":     "каждые {n} дней",
	"every.week.one":     "каждую {n} неделю",
	"every.week.few":     "каждые {n} недели",
	"every.week.many":    "каждые {n} недель",
	"every.month.one":    "каждый {n} месяц",
	"every.month.few":    "каждые {n} месяца",
	"every.month.many":   "каждые {n} месяцев",
	"every.quarter.one":  "каждый {n} квартал",
	"every.quarter.few":  "каждые {n} квартала",
	"every.quarter.many": "каждые {n} кварталов",
	"every.year.one":     "каждый {n} год",
	"every.year.few":     "каждые {n} года",
	"every.year.many":    "каждые {n} лет",
}

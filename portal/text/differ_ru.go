package text

// differRU are the words of how previews differ from bills.
var differRU = map[string]string{
	"biz.differ.all":             "Отличия по видам строк",
	"biz.differ.kind":            "Вид строки",
	"biz.differ.kind.correction": "Корректировки",
	"biz.differ.kind.discount":   "Скидки",
	"biz.differ.kind.item":       "Прочее",
	"biz.differ.kind.one_time":   "Разовые платежи",
	"biz.differ.kind.recurring":  "Абонентская плата",
	"biz.differ.kind.usage":      "Использование",
	"biz.differ.last":            "Прошлый период, без налога",
	"biz.differ.more":            "Сохранены первые {n}: остальное не показано и не входит в файл.",
	"biz.differ.now":             "Сейчас, без налога",
	"biz.differ.one":             "По сравнению с прошлым периодом",
}

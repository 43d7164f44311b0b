package text

// securityRU are the words of deposits that offerings ask for.
var securityRU = map[string]string{
	"catalog.hint.deposit.amount":        "Сумма; пусто: без депозита",
	"catalog.hint.deposit.interest":      "Процентов в год; пусто: нет",
	"catalog.hint.deposit.months":        "Оплаты в срок; пусто: вами",
	"catalog.hint.deposit.organization":  "Вместо неё; пусто: столько же",
	"catalog.label.deposit":              "Депозит",
	"catalog.label.deposit.amount":       "Внесён до активации",
	"catalog.label.deposit.interest":     "Проценты",
	"catalog.label.deposit.months":       "Возврат через месяцев",
	"catalog.label.deposit.organization": "С организаций",
	"desk.deposit.due":                   "Требуется {amount}, не внесено. Как оплачено?",
	"desk.fact.deposit.method":           "Депозит",
	"desk.fact.deposit.reference":        "Квитанция или ссылка",
	"desk.option.deposit.method.bank":    "Через банк",
	"desk.option.deposit.method.cash":    "Наличными",
}

package text

// securityRU are the words of deposits that offerings ask for.
var securityRU = map[string]string{
	"catalog.hint.deposit.amount":        "Сумма; пусто: без депозита",
	"catalog.hint.deposit.interest":      "Процентов в год; пусто: нет",
	"catalog.hint.deposit.months":        "Оплаты в срок; пусто: вами",
	"catalog.hint.deposit.organization":  "Вместо неё; пусто: столько же",
	"catalog.hint.deposit.tags":          "Метки через запятую тех, кто вносит залог; пусто: все",
	"catalog.hint.deposit.risk":          "low, normal или high, через запятую; пусто: любые. Новый клиент normal",
	"catalog.label.deposit.tags":         "Для счетов с метками",
	"catalog.label.deposit.risk":         "Для счетов с риском",
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

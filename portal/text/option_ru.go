package text

// optionRU is optionEN in Russian.
var optionRU = map[string]string{
	"why.option":                    "Ваша опция",
	"why.use.option":                "По цене опции {option}",
	"desk.plan.effect.option":       "Опция {option} не подходит к новому тарифу и закончится вместе со старым.",
	"replay.decks":                  "Таблицы направлений",
	"replay.decks.hint":             "Нынешние нужны, если таблицу исправили уже после звонков.",
	"replay.decks.then":             "Действовавшие во время пользования",
	"replay.decks.present":          "Нынешние",
	"replay.fault.decks":            "Выберите таблицы того времени или нынешние; для отмены пользования — того времени.",
	"why.use.plan":                  "По цене вашего тарифа",
	"catalog.label.option.priority": "Порядок цен на пользование (1 идёт первой)",
}

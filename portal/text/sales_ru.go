package text

// salesRU are salesEN in Russian.
var salesRU = map[string]string{
	"sales.trial.again":         "Проверить ещё раз",
	"sales.trial.changed":       "После проверки он изменился. Опубликовать можно.",
	"sales.trial.go":            "Проверить",
	"sales.trial.required":      "Перед публикацией нужна проверка",
	"sales.trial.required.hint": "Черновик публикуется только после расчёта реальных услуг за прошлый период.",
	"sales.trial.see":           "Открыть эту проверку",
	"sales.trial.tried":         "Этот черновик проверен на реальных услугах.",
	"sales.trial.untried":       "Он ещё не проверен. Опубликовать можно и так.",
	"sales.trial.wanted":        "До публикации его нужно проверить в нынешнем виде.",
}

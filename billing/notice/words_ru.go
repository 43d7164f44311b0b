package notice

var russian = map[Kind]written{
	"dunning_reminder": {
		subject: "Напоминание: не оплачено {amount}",
		letter:  "Здравствуйте, {name}!\n\nСрок оплаты {amount} ({bills}) был {due}. Возможно, вы забыли: пожалуйста, оплатите сейчас.\n\nЕсли вы уже заплатили, спасибо: ничего делать не нужно.\n\nОплатить можно здесь:\n{pay}\n\n{operator}",
		short:   "{operator}: срок оплаты {amount} был {due}. Оплатить: {pay}",
	},
	"dunning_final": {
		subject: "Последнее напоминание: не оплачено {amount}",
		letter:  "Здравствуйте, {name}!\n\nНесмотря на напоминание, {amount} ({bills}, срок {due}) всё ещё не оплачено. Без оплаты {next_day} последует: {next_step}.\n\nОплатить можно здесь:\n{pay}\n\n{operator}",
		short:   "{operator}: последнее напоминание, долг {amount}. {next_day}: {next_step}. Оплатить: {pay}",
	},
	"dunning_fee": {
		subject: "Плата за просрочку",
		letter:  "Здравствуйте, {name}!\n\n{amount} ({bills}, срок {due}) всё ещё не оплачено. Плата {fee} войдёт в следующий счёт.\n\nОплатить можно здесь:\n{pay}\n\n{operator}",
		short:   "{operator}: долг {amount}. Плата {fee} войдёт в следующий счёт. Оплатить: {pay}",
	},
	"dunning_slow": {
		subject: "Скорость услуги снижена",
		letter:  "Здравствуйте, {name}!\n\n{amount} ({bills}, срок {due}) всё ещё не оплачено. До оплаты услуга работает медленнее. Полная скорость вернётся сразу после оплаты.\n\nОплатить можно здесь:\n{pay}\n\n{operator}",
		short:   "{operator}: долг {amount}, до оплаты услуга работает медленнее. Оплатить: {pay}",
	},
	"dunning_wall": {
		subject: "Услуга ограничена",
		letter:  "Здравствуйте, {name}!\n\n{amount} ({bills}, срок {due}) всё ещё не оплачено. До оплаты открываются только наши страницы. Всё вернётся сразу после оплаты.\n\nОплатить можно здесь:\n{pay}\n\n{operator}",
		short:   "{operator}: долг {amount}, до оплаты услуга ограничена. Оплатить: {pay}",
	},
	"dunning_suspend": {
		subject: "Услуга приостановлена",
		letter:  "Здравствуйте, {name}!\n\n{amount} ({bills}, срок {due}) всё ещё не оплачено. С сегодняшнего дня услуга приостановлена. Она вернётся сразу после оплаты.\n\nОплатить можно здесь:\n{pay}\n\n{operator}",
		short:   "{operator}: услуга приостановлена, долг {amount}. Оплатить: {pay}",
	},
	"dunning_terminate": {
		subject: "Договор расторгнут",
		letter:  "Здравствуйте, {name}!\n\n{amount} ({bills}, срок {due}) не оплачено. Сегодня мы расторгли договор. Долг остаётся; последний счёт придёт отдельно.\n\nОплатить можно здесь:\n{pay}\n\n{operator}",
		short:   "{operator}: договор расторгнут, долг {amount}. Оплатить: {pay}",
	},
	"dunning_agency": {
		subject: "Долг передан агентству",
		letter:  "Здравствуйте, {name}!\n\n{amount} ({bills}, срок {due}) не оплачено. Мы передали долг агентству.\n\nОплатить можно здесь:\n{pay}\n\n{operator}",
		short:   "{operator}: долг {amount} передан агентству. Оплатить: {pay}",
	},
	"reconnected": {
		subject: "Услуга снова работает",
		letter:  "Здравствуйте, {name}!\n\nСпасибо: услуга снова работает.\n\n{operator}",
		short:   "{operator}: спасибо, услуга снова работает.",
	},
	"promise_taken": {
		subject: "Обещанный платёж",
		letter:  "Здравствуйте, {name}!\n\nВы обещали заплатить {amount} до {until}. До этого дня ничего не произойдёт.\n\nОплатить можно здесь:\n{pay}\n\n{operator}",
		short:   "{operator}: вы обещали заплатить {amount} до {until}. Оплатить: {pay}",
	},
	"promise_broken": {
		subject: "Обещанный платёж не поступил",
		letter:  "Здравствуйте, {name}!\n\nВы обещали заплатить {amount} до {until}. Платёж не поступил.\n\nОплатить можно здесь:\n{pay}\n\n{operator}",
		short:   "{operator}: обещанные до {until} {amount} не поступили. Оплатить: {pay}",
	},
	"plan_agreed": {
		subject: "Рассрочка",
		letter:  "Здравствуйте, {name}!\n\nМы договорились, что вы платите {amount} частями, последнюю до {until}.\n\nОплатить можно здесь:\n{pay}\n\n{operator}",
		short:   "{operator}: вы платите {amount} частями до {until}. Оплатить: {pay}",
	},
	"plan_broken": {
		subject: "Рассрочка прекращена",
		letter:  "Здравствуйте, {name}!\n\nПлатёж по рассрочке на {amount} не поступил вовремя. Рассрочка прекращена, остаток нужно заплатить.\n\nОплатить можно здесь:\n{pay}\n\n{operator}",
		short:   "{operator}: платёж по рассрочке не поступил, рассрочка прекращена. Оплатить: {pay}",
	},
	"bill_ready": {
		subject: "Счёт {number}, {operator}",
		letter:  "Здравствуйте, {name}!\n\nВаш счёт {number} за {period}: {amount}.\n\n{to_pay}\n{pay}\n\n{operator}",
		short:   "{operator}: счёт {number}: {amount}. {to_pay} {pay}",
	},
	"payment_received": {
		subject: "Мы получили {amount}",
		letter:  "Здравствуйте, {name}!\n\nСпасибо: {day} мы получили {amount} ({method}).\n\n{more}\n\n{operator}",
		short:   "{operator}: спасибо, получено {amount}. {more}",
	},
	"payment_failed": {
		subject: "Платёж на {amount} не прошёл",
		letter:  "Здравствуйте, {name}!\n\nВаш платёж на {amount} не прошёл: {reason}\n\n{more}\n{pay}\n\n{operator}",
		short:   "{operator}: платёж на {amount} не прошёл: {reason} {more} {pay}",
	},
	"news": {
		subject: "{title}",
		letter:  "Здравствуйте, {name}!\n\n{text}\n\n{operator}\n\nНе хотите получать предложения? Скажите об этом здесь:\n{stop}",
		short:   "{operator}: {text} Больше не писать: {stop}",
	},
	"balance_low": {
		subject: "Баланс заканчивается",
		letter:  "Здравствуйте, {name}!\n\nНа балансе {reached}: меньше, чем {threshold}.\n\n{more}\n\n{operator}",
		short:   "{operator}: на балансе {reached}, меньше {threshold}. {more}",
	},
	"allowance_used": {
		subject: "Израсходовано {percent} % пакета",
		letter:  "Здравствуйте, {name}!\n\nИзрасходовано {percent} % пакета «{code}» ({threshold}). Осталось: {reached}.\n\n{more}\n\n{operator}",
		short:   "{operator}: израсходовано {percent} % пакета {code}. Осталось: {reached}. {more}",
	},
	"spend_reached": {
		subject: "Расходы за период достигли {threshold}",
		letter:  "Здравствуйте, {name}!\n\nРасходы за этот период: {reached}. Порог: {threshold}.\n\n{more}\n\n{operator}",
		short:   "{operator}: расходы за период {reached}. {more}",
	},
}

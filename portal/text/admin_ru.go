package text

var adminRU = map[string]string{
	"admin.door.title":           "Консоль оператора",
	"admin.door.lead":            "Для сотрудников {operator}.",
	"admin.door.subscriber":      "Это вход для оператора",
	"admin.door.subscriber.more": "Адрес и пароль верны, но они принадлежат абоненту. Ваша страница — по ссылке ниже.",
	"admin.door.other":           "Я абонент",
}

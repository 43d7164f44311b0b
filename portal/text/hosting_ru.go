package text

// hostingRU are the words of what an operator has agreed with us.
var hostingRU = map[string]string{
	"con.nav.hosting":          "Договор хостинга",
	"hosting.bill.credit":      "Кредит",
	"hosting.bill.open":        "Не оплачен",
	"hosting.bill.paid":        "Оплачен",
	"hosting.bill.void":        "Аннулирован",
	"hosting.bills":            "Счета",
	"hosting.bills.none":       "Счетов ещё не было.",
	"hosting.buyout":           "На {day} выкуп обошёлся бы в {price} без налога.",
	"hosting.kind.advance":     "Авансовый счёт",
	"hosting.kind.bill":        "Счёт",
	"hosting.kind.credit_note": "Кредит-нота",
	"hosting.kind.debit_note":  "Дебет-нота",
	"hosting.none":             "Здесь пока нет договора",
	"hosting.none.more":        "Договорённости с компанией, которая размещает ваш биллинг, и её счета появляются здесь через несколько минут после начала действия.",
	"hosting.place.appliance":  "Устройство хостинговой компании у вас",
	"hosting.place.colocation": "Ваш сервер в её центре обработки данных",
	"hosting.place.customer":   "Ваш сервер у вас",
	"hosting.place.dedicated":  "Облако хостинговой компании, отдельные машины",
	"hosting.place.pooled":     "Облако хостинговой компании, общее",
	"hosting.told":             "По данным хостинговой компании на {at}.",
}

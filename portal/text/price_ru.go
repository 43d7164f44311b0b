package text

// priceRU is why a use cost what it did, where a plan has prices of more kinds.
var priceRU = map[string]string{
	"why.cover.units":         "{units} из «{bucket}», за них списано {given}",
	"why.block":               "Больше платить нечем",
	"why.block.more":          "«{bucket}» израсходован, а другое сюда не подходит",
	"why.event":               "Цена одного использования, сколько бы оно ни длилось",
	"why.percent":             "Доля суммы",
	"why.percent.more":        "{percent} % от {amount}",
	"why.convert":             "Обмен валюты",
	"why.convert.more":        "{amount} по курсу 1 {from} = {rate} от {day}",
	"why.ownfee":              "Плата за соединение: «{bucket}»",
	"why.ownuse":              "Цена «{bucket}»",
	"why.rule.zone":           "{rule}: номера на {prefix} ({zone})",
	"usage.transaction":       "Платёж",
	"biz.offer.perevent":      "{price} за использование любой длины",
	"biz.offer.percent":       "{percent} % суммы",
	"biz.offer.months":        "месяцы {list}",
	"biz.offer.monthdays":     "числа {list}",
	"biz.offer.dates":         "{from} – {to}",
	"biz.offer.datesfrom":     "с {from}",
	"biz.offer.datesto":       "до {to}",
	"biz.offer.network.own":   "своя сеть",
	"biz.offer.network.other": "другие сети",
	"biz.offer.quality":       "качество {list}",
	"biz.offer.capend":        "конец на",
	"biz.offer.tiers.stair":   "Цена за месяц по объёму",
}

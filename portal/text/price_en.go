package text

// priceEN is why a use cost what it did, where a plan has prices of more kinds.
var priceEN = map[string]string{
	"why.cover.units":         "{units} from {bucket}, which gives {given} for them",
	"why.block":               "Nothing else may pay",
	"why.block.more":          "{bucket} is used up and is the only one meant for this",
	"why.event":               "Price of one use, however long",
	"why.percent":             "Part of the amount",
	"why.percent.more":        "{percent} % of {amount}",
	"why.convert":             "Exchanged",
	"why.convert.more":        "{amount} at 1 {from} = {rate}, the rate of {day}",
	"why.ownfee":              "Connection fee of {bucket}",
	"why.ownuse":              "Price of {bucket}",
	"why.rule.zone":           "{rule}: numbers that begin with {prefix} ({zone})",
	"usage.transaction":       "Payment",
	"biz.offer.perevent":      "{price} for each use, however long",
	"biz.offer.percent":       "{percent} % of the amount",
	"biz.offer.months":        "months {list}",
	"biz.offer.monthdays":     "days {list} of the month",
	"biz.offer.dates":         "{from} to {to}",
	"biz.offer.datesfrom":     "from {from}",
	"biz.offer.datesto":       "up to {to}",
	"biz.offer.network.own":   "own network",
	"biz.offer.network.other": "other networks",
	"biz.offer.quality":       "quality {list}",
	"biz.offer.capend":        "ends at",
	"biz.offer.tiers.stair":   "Price of the month by quantity",
}

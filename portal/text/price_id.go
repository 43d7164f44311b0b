package text

// priceID is why a use cost what it did, where a plan has prices of more kinds.
var priceID = map[string]string{
	"why.cover.units":         "{units} dari {bucket}, yang memberi {given} untuk itu",
	"why.block":               "Tidak ada lagi yang boleh membayar",
	"why.block.more":          "{bucket} sudah habis dan hanya itu yang berlaku di sini",
	"why.event":               "Harga satu pemakaian, berapa pun lamanya",
	"why.percent":             "Bagian dari jumlah",
	"why.percent.more":        "{percent} % dari {amount}",
	"why.convert":             "Ditukar",
	"why.convert.more":        "{amount} dengan 1 {from} = {rate}, kurs {day}",
	"why.ownfee":              "Biaya sambung {bucket}",
	"why.ownuse":              "Harga {bucket}",
	"why.rule.zone":           "{rule}: nomor berawalan {prefix} ({zone})",
	"usage.transaction":       "Pembayaran",
	"biz.offer.perevent":      "{price} tiap pemakaian, berapa pun lamanya",
	"biz.offer.percent":       "{percent} % dari jumlah",
	"biz.offer.months":        "bulan {list}",
	"biz.offer.monthdays":     "tanggal {list}",
	"biz.offer.dates":         "{from} sampai {to}",
	"biz.offer.datesfrom":     "mulai {from}",
	"biz.offer.datesto":       "sampai {to}",
	"biz.offer.network.own":   "jaringan sendiri",
	"biz.offer.network.other": "jaringan lain",
	"biz.offer.quality":       "kualitas {list}",
	"biz.offer.capend":        "berakhir pada",
	"biz.offer.tiers.stair":   "Harga sebulan menurut jumlah",
}

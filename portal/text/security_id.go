package text

// securityID are the words of deposits that offerings ask for.
var securityID = map[string]string{
	"catalog.hint.deposit.amount":        "Jumlah; kosong: tanpa jaminan",
	"catalog.hint.deposit.interest":      "Persen per tahun; kosong: tanpa bunga",
	"catalog.hint.deposit.months":        "Pembayaran tepat waktu; kosong: oleh Anda",
	"catalog.hint.deposit.organization":  "Sebagai gantinya; kosong: sama",
	"catalog.hint.deposit.tags":          "Label, dengan koma, dari yang memberi jaminan; kosong: semua",
	"catalog.hint.deposit.risk":          "low, normal atau high, dengan koma; kosong: semua. Pelanggan baru normal",
	"catalog.label.deposit.tags":         "Dari akun berlabel",
	"catalog.label.deposit.risk":         "Dari akun dengan risiko",
	"catalog.label.deposit":              "Jaminan",
	"catalog.label.deposit.amount":       "Ditahan sebelum aktivasi",
	"catalog.label.deposit.interest":     "Bunga",
	"catalog.label.deposit.months":       "Dikembalikan setelah bulan",
	"catalog.label.deposit.organization": "Dari organisasi",
	"desk.deposit.due":                   "{amount} diminta dan belum ditahan. Bagaimana dibayar?",
	"desk.fact.deposit.method":           "Jaminan",
	"desk.fact.deposit.reference":        "Kuitansi atau referensi",
	"desk.option.deposit.method.bank":    "Lewat bank",
	"desk.option.deposit.method.cash":    "Tunai",
}

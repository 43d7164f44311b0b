package text

// optionID is optionEN in Indonesian.
var optionID = map[string]string{
	"why.option":                    "Opsi Anda",
	"why.use.option":                "Pemakaian dengan opsi {option}",
	"desk.plan.effect.option":       "Opsi {option} tidak untuk paket baru dan berakhir bersama paket lama.",
	"why.use.plan":                  "Pemakaian dengan harga paket Anda",
	"catalog.label.option.priority": "Urutan harga pemakaiannya (1 didahulukan)",
}

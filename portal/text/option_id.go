package text

// optionID is optionEN in Indonesian.
var optionID = map[string]string{
	"why.option":                    "Opsi Anda",
	"why.use.option":                "Pemakaian dengan opsi {option}",
	"desk.plan.effect.option":       "Opsi {option} tidak untuk paket baru dan berakhir bersama paket lama.",
	"replay.decks":                  "Dek awalan nomor",
	"replay.decks.hint":             "Pilih yang sekarang bila sebuah dek dibetulkan setelah pemakaian.",
	"replay.decks.then":             "Yang berlaku saat pemakaian",
	"replay.decks.present":          "Yang sekarang",
	"replay.fault.decks":            "Pilih dek saat itu atau yang sekarang; untuk penarikan hanya yang saat itu.",
	"why.use.plan":                  "Pemakaian dengan harga paket Anda",
	"catalog.label.option.priority": "Urutan harga pemakaiannya (1 didahulukan)",
}

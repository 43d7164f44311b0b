package text

// optionID is optionEN in Indonesian.
var optionID = map[string]string{
	"why.option":                    "Opsi Anda",
	"why.use.option":                "Pemakaian dengan opsi {option}",
	"why.use.plan":                  "Pemakaian dengan harga paket Anda",
	"catalog.label.option.priority": "Urutan harga pemakaiannya (1 didahulukan)",
}

package text

// hostingID are the words of what an operator has agreed with us.
var hostingID = map[string]string{
	"con.nav.hosting":          "Kontrak hosting",
	"hosting.bill.credit":      "Kredit",
	"hosting.bill.open":        "Belum lunas",
	"hosting.bill.paid":        "Lunas",
	"hosting.bill.void":        "Dibatalkan",
	"hosting.bills":            "Tagihan",
	"hosting.bills.none":       "Belum ada tagihan.",
	"hosting.buyout":           "Pada {day} dapat dilunasi dengan {price} tanpa pajak.",
	"hosting.kind.advance":     "Tagihan di muka",
	"hosting.kind.bill":        "Tagihan",
	"hosting.kind.credit_note": "Nota kredit",
	"hosting.kind.debit_note":  "Nota debit",
	"hosting.none":             "Belum ada kontrak yang diketahui di sini",
	"hosting.none.more":        "Yang Anda sepakati dengan perusahaan hosting penagihan Anda, beserta tagihannya, muncul di sini beberapa menit setelah mulai berlaku.",
	"hosting.place.appliance":  "Perangkat perusahaan hosting di tempat Anda",
	"hosting.place.colocation": "Server Anda di pusat datanya",
	"hosting.place.customer":   "Server Anda di tempat Anda",
	"hosting.place.dedicated":  "Cloud perusahaan hosting, mesin tersendiri",
	"hosting.place.pooled":     "Cloud perusahaan hosting, bersama",
	"hosting.told":             "Menurut perusahaan hosting pada {at}.",
}

package text

// salesID are salesEN in Indonesian.
var salesID = map[string]string{
	"sales.trial.again":         "Uji coba lagi",
	"sales.trial.changed":       "Draf berubah sejak diuji. Draf boleh terbit.",
	"sales.trial.go":            "Uji coba",
	"sales.trial.required":      "Uji coba wajib sebelum terbit",
	"sales.trial.required.hint": "Draf hanya terbit setelah menghitung pemakaian nyata dari masa lalu.",
	"sales.trial.see":           "Lihat uji coba ini",
	"sales.trial.tried":         "Draf ini sudah diuji dengan pemakaian nyata.",
	"sales.trial.untried":       "Belum diuji. Draf boleh terbit tanpa uji coba.",
	"sales.trial.wanted":        "Draf ini harus diuji dalam bentuk sekarang sebelum terbit.",
}

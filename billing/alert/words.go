package alert

import "strings"

// follows says what a crossing brings about, in a language or in English.
func follows(language string, a Action, offer string) string {
	words, known := actions[language]
	if !known {
		words = actions["en"]
	}
	return strings.ReplaceAll(words[a], "{offer}", offer)
}

var actions = map[string]map[Action]string{
	"en": {
		Slow:  "Until the period ends the service is slower. On your page you can end that.",
		Cut:   "So that it does not get expensive, the service is stopped. Confirm on your page that you want to go on.",
		Offer: "On your page you can add “{offer}” with one tap.",
	},
	"id": {
		Slow:  "Sampai periode berakhir layanan melambat. Anda dapat mengakhirinya di halaman Anda.",
		Cut:   "Agar tidak menjadi mahal, layanan dihentikan. Konfirmasikan di halaman Anda bila ingin melanjutkan.",
		Offer: "Di halaman Anda “{offer}” dapat ditambahkan dengan satu ketukan.",
	},
	"ru": {
		Slow:  "До конца периода услуга работает медленнее. Это можно отменить на вашей странице.",
		Cut:   "Чтобы не вышло дорого, услуга остановлена. Подтвердите на вашей странице, что хотите продолжить.",
		Offer: "На вашей странице можно одним нажатием добавить «{offer}».",
	},
}

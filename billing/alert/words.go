package alert

import "tollhouse/billing/tell"

// wordsOf are what a subscriber is told: what was measured, then what follows.
func wordsOf(m Measure, a Action) tell.Wordings {
	words := tell.Wordings{}
	for language, measured := range measures[m] {
		words[language] = tell.Words{Subject: measured.Subject, Body: measured.Body + actions[language][a]}
	}
	return words
}

var measures = map[Measure]tell.Wordings{
	Balance: {
		"en": {Subject: "Your balance is low", Body: "Your balance is {reached}, below {threshold}."},
		"id": {Subject: "Saldo Anda menipis", Body: "Saldo Anda {reached}, di bawah {threshold}."},
		"ru": {Subject: "Баланс заканчивается", Body: "На балансе {reached}: меньше, чем {threshold}."},
	},
	Allowance: {
		"en": {Subject: "{percent}% of your allowance is used", Body: "You have used {percent}% of “{code}” ({threshold}). Left: {reached}."},
		"id": {Subject: "{percent}% kuota Anda terpakai", Body: "Anda telah memakai {percent}% dari “{code}” ({threshold}). Sisa: {reached}."},
		"ru": {Subject: "Израсходовано {percent} % пакета", Body: "Израсходовано {percent} % пакета «{code}» ({threshold}). Осталось: {reached}."},
	},
	Spend: {
		"en": {Subject: "Your use this period has reached {threshold}", Body: "What you used in this period costs {reached}; you wanted to know at {threshold}."},
		"id": {Subject: "Pemakaian periode ini mencapai {threshold}", Body: "Pemakaian Anda dalam periode ini {reached}; batas pemberitahuannya {threshold}."},
		"ru": {Subject: "Расходы за период достигли {threshold}", Body: "Расходы за этот период: {reached}. Порог: {threshold}."},
	},
}

var actions = map[string]map[Action]string{
	"en": {
		Slow:  "\n\nUntil the period ends the service is slower. On your page you can end that.",
		Cut:   "\n\nSo that it does not get expensive, the service is stopped. Confirm on your page that you want to go on.",
		Offer: "\n\nOn your page you can add “{offer}” with one tap.",
	},
	"id": {
		Slow:  "\n\nSampai periode berakhir layanan melambat. Anda dapat mengakhirinya di halaman Anda.",
		Cut:   "\n\nAgar tidak menjadi mahal, layanan dihentikan. Konfirmasikan di halaman Anda bila ingin melanjutkan.",
		Offer: "\n\nDi halaman Anda “{offer}” dapat ditambahkan dengan satu ketukan.",
	},
	"ru": {
		Slow:  "\n\nДо конца периода услуга работает медленнее. Это можно отменить на вашей странице.",
		Cut:   "\n\nЧтобы не вышло дорого, услуга остановлена. Подтвердите на вашей странице, что хотите продолжить.",
		Offer: "\n\nНа вашей странице можно одним нажатием добавить «{offer}».",
	},
}

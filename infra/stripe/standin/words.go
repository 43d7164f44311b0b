package standin

// translated are the page's words by their English form, in the other
// languages that merchants here name. What is missing stays English.
var translated = map[string]map[string]string{
	"id": {
		"Store a card":   "Simpan kartu",
		"Store the card": "Simpan kartu ini",
		"Nothing is paid now. The card can be charged later, as you agreed.":          "Tidak ada yang dibayar sekarang. Kartu dapat ditagih nanti sesuai persetujuan Anda.",
		"pays, and its bank asks when it is charged later":                            "membayar, dan banknya bertanya bila ditagih nanti",
		"pays, and is declined when it is charged later":                              "membayar, dan ditolak bila ditagih nanti",
		"pays, and is disputed at once":                                               "membayar, dan langsung disengketakan",
		"Test mode.":                                                                  "Mode uji.",
		"This page stands in for Stripe. No real card works here and no money moves.": "Halaman ini menggantikan Stripe. Kartu asli tidak berlaku dan tidak ada uang yang berpindah.",
		"What you pay":                   "Yang Anda bayar",
		"Pay by card":                    "Bayar dengan kartu",
		"Confirm your payment":           "Konfirmasi pembayaran Anda",
		"This payment page has expired":  "Halaman pembayaran ini sudah kedaluwarsa",
		"The payment did not go through": "Pembayaran tidak berhasil",
		"Nothing was taken. You can try again or use another card.": "Tidak ada uang yang diambil. Coba lagi atau pakai kartu lain.",
		"Please check these fields":                                 "Periksa isian berikut",
		"Card number":                                               "Nomor kartu",
		"Expiry (month/year)":                                       "Masa berlaku (bulan/tahun)",
		"Security code":                                             "Kode keamanan",
		"Name on the card":                                          "Nama pada kartu",
		"Pay":                                                       "Bayar",
		"Go back without paying":                                    "Kembali tanpa membayar",
		"Go back to where you came from and start again.": "Kembali ke halaman asal dan mulai lagi.",
		"Test card numbers":                    "Nomor kartu uji",
		"Any future expiry, any three digits.": "Masa berlaku kapan saja yang akan datang, tiga angka apa saja.",
		"pays":                                 "membayar",
		"asks you to confirm, then pays":       "meminta konfirmasi, lalu membayar",
		"is declined":                          "ditolak",
		"has insufficient funds":               "dananya tidak cukup",
		"Your bank asks whether it is you who is paying. At Stripe this is your bank's own page.": "Bank Anda menanyakan apakah benar Anda yang membayar. Di Stripe ini halaman bank Anda sendiri.",
		"Confirm the payment": "Konfirmasi pembayaran",
		"It isn't me":         "Bukan saya",
		"Nothing was taken. Start again from where you came.": "Tidak ada uang yang diambil. Mulailah lagi dari halaman asal.",
		"Go back":                           "Kembali",
		"Your card was declined.":           "Kartu Anda ditolak.",
		"Your card has insufficient funds.": "Dana pada kartu Anda tidak cukup.",
		"We are unable to authenticate your payment method. Please choose a different payment method and try again.": "Metode pembayaran Anda tidak dapat dipastikan. Pilih metode lain lalu coba lagi.",
		"This is a test page: type one of the test card numbers below.":                                              "Ini halaman uji: ketik salah satu nomor kartu uji di bawah.",
		"Type month and year as on the card, for example 12/34.":                                                     "Ketik bulan dan tahun seperti pada kartu, misalnya 12/34.",
		"This card has expired.":                           "Kartu ini sudah kedaluwarsa.",
		"Type the three digits from the back of the card.": "Ketik tiga angka di belakang kartu.",
		"Type the name on the card.":                       "Ketik nama pada kartu.",
	},
	"ru": {
		"Store a card":   "Сохранение карты",
		"Store the card": "Сохранить карту",
		"Nothing is paid now. The card can be charged later, as you agreed.":          "Сейчас ничего не списывается. Позже с карты можно списывать, как вы согласились.",
		"pays, and its bank asks when it is charged later":                            "оплачивает; при позднем списании банк просит подтвердить",
		"pays, and is declined when it is charged later":                              "оплачивает; позднее списание отклоняется",
		"pays, and is disputed at once":                                               "оплачивает и сразу оспаривается",
		"Test mode.":                                                                  "Тестовый режим.",
		"This page stands in for Stripe. No real card works here and no money moves.": "Эта страница заменяет Stripe. Настоящие карты не действуют, деньги не списываются.",
		"What you pay":                   "Что вы оплачиваете",
		"Pay by card":                    "Оплата картой",
		"Confirm your payment":           "Подтвердите платёж",
		"This payment page has expired":  "Срок этой страницы истёк",
		"The payment did not go through": "Платёж не прошёл",
		"Nothing was taken. You can try again or use another card.": "Ничего не списано. Попробуйте ещё раз или другой картой.",
		"Please check these fields":                                 "Проверьте эти поля",
		"Card number":                                               "Номер карты",
		"Expiry (month/year)":                                       "Срок (месяц/год)",
		"Security code":                                             "Код безопасности",
		"Name on the card":                                          "Имя на карте",
		"Pay":                                                       "Оплатить",
		"Go back without paying":                                    "Вернуться без оплаты",
		"Go back to where you came from and start again.": "Вернитесь туда, откуда пришли, и начните снова.",
		"Test card numbers":                    "Номера тестовых карт",
		"Any future expiry, any three digits.": "Любой будущий срок, любые три цифры.",
		"pays":                                 "оплачивает",
		"asks you to confirm, then pays":       "просит подтвердить, затем оплачивает",
		"is declined":                          "отклоняется",
		"has insufficient funds":               "недостаточно средств",
		"Your bank asks whether it is you who is paying. At Stripe this is your bank's own page.": "Банк спрашивает, вы ли платите. В Stripe это страница вашего банка.",
		"Confirm the payment": "Подтвердить платёж",
		"It isn't me":         "Это не я",
		"Nothing was taken. Start again from where you came.": "Ничего не списано. Начните снова с той страницы, откуда пришли.",
		"Go back":                           "Вернуться",
		"Your card was declined.":           "Карта отклонена.",
		"Your card has insufficient funds.": "На карте недостаточно средств.",
		"We are unable to authenticate your payment method. Please choose a different payment method and try again.": "Не удалось подтвердить способ оплаты. Выберите другой и попробуйте снова.",
		"This is a test page: type one of the test card numbers below.":                                              "Это тестовая страница: введите один из номеров ниже.",
		"Type month and year as on the card, for example 12/34.":                                                     "Введите месяц и год, как на карте, например 12/34.",
		"This card has expired.":                           "Срок карты истёк.",
		"Type the three digits from the back of the card.": "Введите три цифры с обратной стороны карты.",
		"Type the name on the card.":                       "Введите имя с карты.",
	},
}

// T is a text of ours in the payer's language.
func (p page) T(english string) string {
	if text, known := translated[p.Lang][english]; known {
		return text
	}
	return english
}

// languageOf is the language the merchant wants its payer spoken to in.
func languageOf(session *checkoutSession) string {
	if _, known := translated[session.Locale]; known {
		return session.Locale
	}
	return "en"
}

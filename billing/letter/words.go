package letter

// words of a mail about a bill. {amount} is its total, {open} what is still to
// pay, {due} the day until which.
type words struct{ subject, body, pay, paid string }

var wordings = map[string]words{
	"en": {
		subject: "Bill {number} of {operator}",
		body:    "Hello {name},\n\nyour bill {number} for {period} is {amount}.",
		pay:     "Still to pay: {open}, by {due}. Pay here, without signing in:\n{link}",
		paid:    "There is nothing to pay any more.",
	},
	"id": {
		subject: "Tagihan {number} dari {operator}",
		body:    "Halo {name},\n\ntagihan {number} untuk {period} sebesar {amount}.",
		pay:     "Masih harus dibayar: {open}, paling lambat {due}. Bayar di sini, tanpa masuk:\n{link}",
		paid:    "Tidak ada lagi yang harus dibayar.",
	},
	"ru": {
		subject: "Счёт {number}, {operator}",
		body:    "Здравствуйте, {name}!\n\nВаш счёт {number} за {period}: {amount}.",
		pay:     "Осталось заплатить: {open}, до {due}. Оплатить можно здесь, без входа:\n{link}",
		paid:    "Платить больше ничего не нужно.",
	},
}

// wordsIn is those of a language, or the English ones.
func wordsIn(language string) words {
	if w, known := wordings[language]; known {
		return w
	}
	return wordings["en"]
}

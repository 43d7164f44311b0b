package contact

// message is something that an address is told.
type message int

const (
	wantCode message = iota
	changed
	phoneAdded
)

type wording struct{ subject, body string }

// wordings says it in each language that pages are written in.
var wordings = map[string]map[message]wording{
	"en": {
		wantCode: {"{code} confirms your address", "{code} is your code to be reached here by {operator}. It is good for 10 minutes.\n\n" +
			"If you did not ask for it, ignore this message: nothing changes."},
		changed: {"You are reached elsewhere now", "{operator} reaches you at another address from now on, as was asked for on your page.\n\n" +
			"If that was not you, tell {operator} at once."},
		phoneAdded: {"A telephone number was added", "{operator} can now send codes to a telephone number, as was asked for on your page.\n\n" +
			"If that was not you, tell {operator} at once."},
	},
	"id": {
		wantCode: {"{code} mengonfirmasi alamat Anda", "{code} adalah kode agar {operator} dapat menghubungi Anda di sini. Kode berlaku 10 menit.\n\n" +
			"Jika Anda tidak memintanya, abaikan pesan ini: tidak ada yang berubah."},
		changed: {"Kontak Anda telah diganti", "Mulai sekarang {operator} menghubungi Anda di alamat lain, seperti diminta di halaman Anda.\n\n" +
			"Jika itu bukan Anda, segera beri tahu {operator}."},
		phoneAdded: {"Nomor telepon ditambahkan", "{operator} kini dapat mengirim kode ke sebuah nomor telepon, seperti diminta di halaman Anda.\n\n" +
			"Jika itu bukan Anda, segera beri tahu {operator}."},
	},
	"ru": {
		wantCode: {"{code} подтверждает ваш адрес", "{code} — ваш код, чтобы {operator} мог связываться с вами здесь. Он действует 10 минут.\n\n" +
			"Если вы его не запрашивали, не обращайте внимания: ничего не изменится."},
		changed: {"Ваши контакты изменены", "Теперь {operator} связывается с вами по другому адресу, как было запрошено на вашей странице.\n\n" +
			"Если это были не вы, сразу же сообщите в {operator}."},
		phoneAdded: {"Добавлен номер телефона", "{operator} теперь может отправлять коды на номер телефона, как было запрошено на вашей странице.\n\n" +
			"Если это были не вы, сразу же сообщите в {operator}."},
	},
}

func wordingOf(language string, m message) wording {
	words, known := wordings[language]
	if !known {
		words = wordings["en"]
	}
	return words[m]
}

package text

var toldID = map[string]string{
	"settings.done.choice": "Pilihan Anda disimpan.",
	"told.card":            "Jalur pesan",
	"told.lead":            "Tagihan, pembayaran dan pengingat datang lewat jalur ini. Tanpa pilihan: lewat e-mail, atau SMS bila tidak ada alamat.",
	"told.way.mail":        "E-mail",
	"told.news":            "Kabar dan penawaran",
	"told.news.hint":       "Tagihan dan pengingat tetap dikirim.",
	"told.none":            "Belum ada pesan",
	"told.none.more":       "Apa yang kami kirim akan tampil di sini.",
	"told.open":            "Buka",
	"told.way.portal":      "Di portal",
	"told.save":            "Simpan",
	"told.see":             "Pesan Anda",
	"told.way.sms":         "SMS",
	"told.stop.dead":       "Tautan ini tidak berlaku",
	"told.stop.dead.more":  "Masuk lalu pilih di halaman akun Anda apa yang ingin Anda terima.",
	"told.stop.do":         "Jangan kirim penawaran",
	"told.stop.lead":       "{operator} tidak akan lagi mengirim penawaran. Tagihan dan pengingat tetap dikirim.",
	"told.stop.title":      "Tanpa penawaran",
	"told.stopped":         "Selesai: tidak ada lagi penawaran.",
	"told.title":           "Pesan Anda",
}

package text

var adminID = map[string]string{
	"admin.door.title":           "Konsol operator",
	"admin.door.lead":            "Untuk orang-orang {operator}.",
	"admin.door.subscriber":      "Ini pintu operator",
	"admin.door.subscriber.more": "Email dan kata sandi benar, tetapi milik pelanggan. Halaman Anda ada di tautan di bawah.",
	"admin.door.other":           "Saya pelanggan",
}

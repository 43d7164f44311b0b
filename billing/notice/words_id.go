package notice

var indonesian = map[Kind]written{
	"dunning_reminder": {
		subject: "Pengingat: {amount} telah jatuh tempo",
		letter:  "Halo {name},\n\npembayaran {amount} untuk {bills} jatuh tempo pada {due}. Mungkin terlewat: mohon dibayar sekarang.\n\nJika sudah membayar, terima kasih; tidak ada yang perlu dilakukan.\n\nBayar di sini:\n{pay}\n\n{operator}",
		short:   "{operator}: {amount} jatuh tempo {due}. Mohon bayar: {pay}",
	},
	"dunning_final": {
		subject: "Pengingat terakhir: {amount} belum dibayar",
		letter:  "Halo {name},\n\nmeski sudah diingatkan, {amount} untuk {bills}, jatuh tempo {due}, belum dibayar. Bila tidak dibayar, pada {next_day} menyusul: {next_step}.\n\nBayar di sini:\n{pay}\n\n{operator}",
		short:   "{operator}: pengingat terakhir, {amount} belum dibayar. Pada {next_day}: {next_step}. Bayar: {pay}",
	},
	"dunning_fee": {
		subject: "Biaya keterlambatan",
		letter:  "Halo {name},\n\n{amount} untuk {bills}, jatuh tempo {due}, belum dibayar. Biaya {fee} akan ada di tagihan berikutnya.\n\nBayar di sini:\n{pay}\n\n{operator}",
		short:   "{operator}: {amount} belum dibayar. Biaya {fee} di tagihan berikutnya. Bayar: {pay}",
	},
	"dunning_slow": {
		subject: "Layanan Anda melambat mulai sekarang",
		letter:  "Halo {name},\n\n{amount} untuk {bills}, jatuh tempo {due}, belum dibayar. Sampai dibayar, layanan Anda lebih lambat. Kecepatan penuh kembali segera setelah pembayaran.\n\nBayar di sini:\n{pay}\n\n{operator}",
		short:   "{operator}: {amount} belum dibayar, layanan lebih lambat sampai dibayar. Bayar: {pay}",
	},
	"dunning_wall": {
		subject: "Layanan Anda dibatasi mulai sekarang",
		letter:  "Halo {name},\n\n{amount} untuk {bills}, jatuh tempo {due}, belum dibayar. Sampai dibayar hanya halaman kami yang dapat dibuka. Semuanya kembali segera setelah pembayaran.\n\nBayar di sini:\n{pay}\n\n{operator}",
		short:   "{operator}: {amount} belum dibayar, layanan dibatasi sampai dibayar. Bayar: {pay}",
	},
	"dunning_suspend": {
		subject: "Layanan Anda dihentikan sementara",
		letter:  "Halo {name},\n\n{amount} untuk {bills}, jatuh tempo {due}, belum dibayar. Layanan Anda dihentikan sementara mulai hari ini dan kembali segera setelah pembayaran.\n\nBayar di sini:\n{pay}\n\n{operator}",
		short:   "{operator}: layanan dihentikan sementara, {amount} belum dibayar. Bayar: {pay}",
	},
	"dunning_terminate": {
		subject: "Kontrak Anda berakhir",
		letter:  "Halo {name},\n\n{amount} untuk {bills}, jatuh tempo {due}, tidak dibayar. Hari ini kontrak Anda kami akhiri. Utang tetap harus dibayar; tagihan terakhir menyusul.\n\nBayar di sini:\n{pay}\n\n{operator}",
		short:   "{operator}: kontrak Anda berakhir, {amount} belum dibayar. Bayar: {pay}",
	},
	"dunning_agency": {
		subject: "Diserahkan untuk penagihan",
		letter:  "Halo {name},\n\n{amount} untuk {bills}, jatuh tempo {due}, tidak dibayar. Penagihannya telah kami serahkan kepada lembaga penagihan.\n\nBayar di sini:\n{pay}\n\n{operator}",
		short:   "{operator}: {amount} diserahkan kepada lembaga penagihan. Bayar: {pay}",
	},
	"reconnected": {
		subject: "Layanan Anda kembali",
		letter:  "Halo {name},\n\nterima kasih: layanan Anda sudah kembali.\n\n{operator}",
		short:   "{operator}: terima kasih, layanan Anda sudah kembali.",
	},
	"promise_taken": {
		subject: "Janji bayar Anda",
		letter:  "Halo {name},\n\nAnda berjanji membayar {amount} paling lambat {until}. Sampai saat itu tidak ada tindakan lain.\n\nBayar di sini:\n{pay}\n\n{operator}",
		short:   "{operator}: Anda berjanji membayar {amount} paling lambat {until}. Bayar: {pay}",
	},
	"promise_broken": {
		subject: "Janji bayar belum ditepati",
		letter:  "Halo {name},\n\nAnda berjanji membayar {amount} paling lambat {until}. Pembayaran belum kami terima.\n\nBayar di sini:\n{pay}\n\n{operator}",
		short:   "{operator}: {amount} yang dijanjikan sampai {until} belum diterima. Bayar: {pay}",
	},
	"plan_agreed": {
		subject: "Rencana pembayaran Anda",
		letter:  "Halo {name},\n\nkami sepakat Anda membayar {amount} secara bertahap, terakhir {until}.\n\nBayar di sini:\n{pay}\n\n{operator}",
		short:   "{operator}: Anda membayar {amount} bertahap sampai {until}. Bayar: {pay}",
	},
	"plan_broken": {
		subject: "Rencana pembayaran berakhir",
		letter:  "Halo {name},\n\nsatu angsuran dari rencana {amount} tidak diterima tepat waktu. Rencana berakhir, sisanya jatuh tempo.\n\nBayar di sini:\n{pay}\n\n{operator}",
		short:   "{operator}: angsuran belum diterima, rencana pembayaran berakhir. Bayar: {pay}",
	},
	"bill_ready": {
		subject: "Tagihan {number} dari {operator}",
		letter:  "Halo {name},\n\ntagihan {number} untuk {period} sebesar {amount}.\n\n{to_pay}\n{pay}\n\n{operator}",
		short:   "{operator}: tagihan {number}: {amount}. {to_pay} {pay}",
	},
	"payment_received": {
		subject: "Kami telah menerima {amount}",
		letter:  "Halo {name},\n\nterima kasih: kami telah menerima {amount} pada {day} ({method}).\n\n{more}\n\n{operator}",
		short:   "{operator}: terima kasih, {amount} diterima. {more}",
	},
	"payment_failed": {
		subject: "Pembayaran {amount} tidak berhasil",
		letter:  "Halo {name},\n\npembayaran Anda sebesar {amount} tidak berhasil: {reason}\n\n{more}\n{pay}\n\n{operator}",
		short:   "{operator}: pembayaran {amount} tidak berhasil: {reason} {more} {pay}",
	},
	"news": {
		subject: "{title}",
		letter:  "Halo {name},\n\n{text}\n\n{operator}\n\nTidak ingin menerima penawaran lagi? Sampaikan di sini:\n{stop}",
		short:   "{operator}: {text} Berhenti menerima: {stop}",
	},
	"balance_low": {
		subject: "Saldo Anda menipis",
		letter:  "Halo {name},\n\nsaldo Anda {reached}, di bawah {threshold}.\n\n{more}\n\n{operator}",
		short:   "{operator}: saldo Anda {reached}, di bawah {threshold}. {more}",
	},
	"allowance_used": {
		subject: "{percent}% kuota Anda terpakai",
		letter:  "Halo {name},\n\nAnda telah memakai {percent}% dari “{code}” ({threshold}). Sisa: {reached}.\n\n{more}\n\n{operator}",
		short:   "{operator}: {percent}% dari {code} terpakai. Sisa: {reached}. {more}",
	},
	"spend_reached": {
		subject: "Pemakaian periode ini mencapai {threshold}",
		letter:  "Halo {name},\n\npemakaian Anda dalam periode ini {reached}; batas pemberitahuannya {threshold}.\n\n{more}\n\n{operator}",
		short:   "{operator}: pemakaian periode ini {reached}. {more}",
	},
}

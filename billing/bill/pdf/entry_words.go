package pdf

import "strings"

// entry names what moved a balance; what has no word is named by its kind.
func (w words) entry(kind string) string {
	if name, known := w.entries[kind]; known {
		return name
	}
	return strings.ReplaceAll(kind, "_", " ")
}

var entriesEnglish = map[string]string{
	"usage": "Usage", "fee": "Fees", "topup": "Top-up", "adjustment": "Adjustment", "grant": "Gift", "expiry": "Expired", "bill": "Bill", "statement": "Prepaid statement",
	"payment": "Payment", "allocation": "Payment applied", "refund": "Refund", "import": "Carried over", "correction": "Correction", "transfer": "Transfer",
	"conversion": "Exchange", "voucher": "Voucher", "points": "Points", "share": "Partner's share", "credit_note": "Credit note", "debit_note": "Debit note", "void": "Bill cancelled",
	"write_off": "Written off", "deposit": "Deposit", "dispute": "Payment disputed", "return": "Payment returned", "withholding": "Tax withheld",
}

var entriesIndonesian = map[string]string{
	"usage": "Pemakaian", "fee": "Biaya", "topup": "Isi ulang", "adjustment": "Penyesuaian", "grant": "Bonus", "expiry": "Kedaluwarsa", "bill": "Tagihan", "statement": "Laporan prabayar",
	"payment": "Pembayaran", "allocation": "Pembayaran dialokasikan", "refund": "Pengembalian dana", "import": "Saldo pindahan", "correction": "Koreksi", "transfer": "Transfer",
	"conversion": "Penukaran", "voucher": "Voucher", "points": "Poin", "share": "Bagian mitra", "credit_note": "Nota kredit", "debit_note": "Nota debit", "void": "Tagihan dibatalkan",
	"write_off": "Dihapusbukukan", "deposit": "Deposit", "dispute": "Pembayaran disengketakan", "return": "Pembayaran dikembalikan bank", "withholding": "Pajak dipotong",
}

var entriesRussian = map[string]string{
	"usage": "Использование", "fee": "Абонентская плата", "topup": "Пополнение", "adjustment": "Корректировка", "grant": "Бонус", "expiry": "Срок истёк", "bill": "Счёт", "statement": "Отчёт по предоплате",
	"payment": "Платёж", "allocation": "Зачёт платежа", "refund": "Возврат", "import": "Перенесено", "correction": "Исправление", "transfer": "Перевод",
	"conversion": "Обмен", "voucher": "Ваучер", "points": "Баллы", "share": "Доля партнёра", "credit_note": "Кредит-нота", "debit_note": "Дебет-нота", "void": "Счёт аннулирован",
	"write_off": "Списано", "deposit": "Депозит", "dispute": "Платёж оспорен", "return": "Платёж возвращён банком", "withholding": "Налог удержан",
}

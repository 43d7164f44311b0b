package pdf

import (
	"fmt"
	"strings"

	"tollhouse/billing/bill"
	"tollhouse/billing/locale"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

// words are a document's labels in one language. Patterns name what is put in
// by braces, because word order differs.
type words struct {
	kind   map[bill.Kind]string
	number map[bill.Kind]string
	line   map[bill.LineKind]string
	basis  map[tax.Basis]string
	events map[money.Unit]map[locale.Form]string

	issued, account, period, taxID, void                                 string
	amountDue, payBy, reference, nothingDue                              string
	description, quantity, tax, included, usedOf                         string
	net, taxOnBase, total, paidFromCredit, paidFromBalance               string
	howToPay, holder, accountNumber, bank, online, questions, pageOf     string
	preview, corrects, credited, reason, rounding, withheld, toPay       string
	scanTransfer, scanLink, codeTransfer, codeLink                       string
	statement, day, movement, balance, opening, closing, unbilled, signs string
	entries                                                              map[string]string
	annex, annexOf, time, called, consumed, hidden, annexSum             string
}

func wordsOf(language string) words {
	if w, known := languages[language]; known {
		return w
	}
	return languages["en"]
}

func (w words) used(used, granted string) string {
	return strings.NewReplacer("{used}", used, "{granted}", granted).Replace(w.usedOf)
}

func (w words) taxOn(name, base string) string {
	return strings.NewReplacer("{tax}", name, "{base}", base).Replace(w.taxOnBase)
}

func (w words) page(n, of int) string { return fmt.Sprintf(w.pageOf, n, of) }

// counted says how many calls, sessions or events a line sums up.
func (w words) counted(l locale.Locale, unit money.Unit, n int64) string {
	forms, known := w.events[unit]
	if !known {
		forms = w.events[money.Event]
	}
	return l.FormatNumber(money.NewDecimal(n)) + "\u00a0" + forms[l.Plural(n)]
}

var languages = map[string]words{"en": english, "id": indonesian, "ru": russian}

var english = words{
	kind: map[bill.Kind]string{bill.KindBill: "Bill", bill.KindStatement: "Prepaid statement",
		bill.KindCreditNote: "Credit note", bill.KindDebitNote: "Debit note", bill.KindAdvance: "Advance bill"},
	number: map[bill.Kind]string{bill.KindBill: "Bill number", bill.KindStatement: "Statement number",
		bill.KindCreditNote: "Credit note number", bill.KindDebitNote: "Debit note number", bill.KindAdvance: "Bill number"},
	line: map[bill.LineKind]string{
		bill.OneTime: "One-time charges", bill.Recurring: "Regular fees", bill.Usage: "Usage",
		bill.Allowance: "Included in your plan", bill.Discount: "Discounts", bill.Correction: "Corrections",
		bill.ItemLine: "Other items",
	},
	basis: map[tax.Basis]string{tax.Inclusive: "tax included", tax.Exclusive: "before tax"},
	events: map[money.Unit]map[locale.Form]string{
		money.Second: {locale.One: "call", locale.Other: "calls"},
		money.Byte:   {locale.One: "session", locale.Other: "sessions"},
		money.Event:  {locale.One: "event", locale.Other: "events"},
	},
	issued: "Issued", account: "Account", period: "Service period", taxID: "Tax ID", void: "Void",
	amountDue: "Amount due", payBy: "Pay by", reference: "Reference", nothingDue: "Nothing is left to pay.",
	description: "Description", quantity: "Quantity", tax: "Tax", included: "included", usedOf: "{used} of {granted}",
	net: "Net", taxOnBase: "{tax} on {base}", total: "Total", paidFromCredit: "Paid from your credit", paidFromBalance: "Paid from your balance",
	howToPay: "How to pay", holder: "Account holder", accountNumber: "Account no.", bank: "Bank",
	online:    "Or online, in a minute: open this bill on your account page and choose Pay.",
	questions: "Questions?", pageOf: "Page %d of %d",
	preview: "Preview", corrects: "Corrects bill", credited: "Credited", reason: "Reason", rounding: "Rounding",
	withheld: "Withheld by you: {tax} on {base}", toPay: "To be paid to us",
	scanTransfer: "Scan in your bank's app", scanLink: "Scan to pay",
	codeTransfer: "QR code that fills in a transfer of {amount} to {holder}", codeLink: "QR code that leads to the page to pay this bill:",
	annex: "Itemised usage", annexOf: "Usage of {service}", time: "Time", called: "To", consumed: "Used",
	hidden: "The last digits of numbers are not shown, as you asked.", annexSum: "{count} in all",
	statement: "Statement of account", day: "Day", movement: "Amount", balance: "Balance", opening: "Opening balance", closing: "Closing balance",
	unbilled: "Used and not yet billed, before tax:", signs: "Plus is in your favour, minus is what you owe.", entries: entriesEnglish,
}

var indonesian = words{
	kind: map[bill.Kind]string{bill.KindBill: "Tagihan", bill.KindStatement: "Laporan prabayar",
		bill.KindCreditNote: "Nota kredit", bill.KindDebitNote: "Nota debit", bill.KindAdvance: "Tagihan di muka"},
	number: map[bill.Kind]string{bill.KindBill: "Nomor tagihan", bill.KindStatement: "Nomor laporan",
		bill.KindCreditNote: "Nomor nota kredit", bill.KindDebitNote: "Nomor nota debit", bill.KindAdvance: "Nomor tagihan"},
	line: map[bill.LineKind]string{
		bill.OneTime: "Biaya satu kali", bill.Recurring: "Biaya berlangganan", bill.Usage: "Pemakaian",
		bill.Allowance: "Termasuk dalam paket Anda", bill.Discount: "Diskon", bill.Correction: "Koreksi",
		bill.ItemLine: "Pos lain",
	},
	basis: map[tax.Basis]string{tax.Inclusive: "termasuk pajak", tax.Exclusive: "sebelum pajak"},
	events: map[money.Unit]map[locale.Form]string{
		money.Second: {locale.Other: "panggilan"},
		money.Byte:   {locale.Other: "sesi"},
		money.Event:  {locale.Other: "kejadian"},
	},
	issued: "Tanggal terbit", account: "Nomor pelanggan", period: "Periode layanan", taxID: "NPWP", void: "Dibatalkan",
	amountDue: "Jumlah yang harus dibayar", payBy: "Bayar paling lambat", reference: "Berita transfer", nothingDue: "Tidak ada yang perlu dibayar.",
	description: "Uraian", quantity: "Jumlah", tax: "Pajak", included: "termasuk", usedOf: "{used} dari {granted}",
	net: "Sebelum pajak", taxOnBase: "{tax} atas {base}", total: "Total", paidFromCredit: "Dibayar dari saldo kredit", paidFromBalance: "Dibayar dari saldo Anda",
	howToPay: "Cara membayar", holder: "Atas nama", accountNumber: "No. rekening", bank: "Bank",
	online:    "Atau secara daring: buka tagihan ini di halaman akun Anda, lalu pilih Bayar.",
	questions: "Ada pertanyaan?", pageOf: "Halaman %d dari %d",
	preview: "Pratinjau", corrects: "Mengoreksi tagihan", credited: "Dikreditkan", reason: "Alasan", rounding: "Pembulatan",
	withheld: "Anda potong: {tax} atas {base}", toPay: "Dibayarkan kepada kami",
	scanTransfer: "Pindai di aplikasi bank", scanLink: "Pindai untuk membayar",
	codeTransfer: "Kode QR yang mengisi transfer {amount} kepada {holder}", codeLink: "Kode QR menuju halaman pembayaran tagihan ini:",
	annex: "Rincian pemakaian", annexOf: "Pemakaian {service}", time: "Waktu", called: "Tujuan", consumed: "Pemakaian",
	hidden: "Digit terakhir nomor disembunyikan atas permintaan Anda.", annexSum: "seluruhnya {count}",
	statement: "Rekening koran", day: "Tanggal", movement: "Jumlah", balance: "Saldo", opening: "Saldo awal", closing: "Saldo akhir",
	unbilled: "Terpakai dan belum ditagih, sebelum pajak:", signs: "Plus adalah hak Anda, minus adalah yang harus Anda bayar.", entries: entriesIndonesian,
}

var russian = words{
	kind: map[bill.Kind]string{bill.KindBill: "Счёт", bill.KindStatement: "Отчёт по предоплате",
		bill.KindCreditNote: "Кредит-нота", bill.KindDebitNote: "Дебет-нота", bill.KindAdvance: "Авансовый счёт"},
	number: map[bill.Kind]string{bill.KindBill: "Номер счёта", bill.KindStatement: "Номер отчёта",
		bill.KindCreditNote: "Номер кредит-ноты", bill.KindDebitNote: "Номер дебет-ноты", bill.KindAdvance: "Номер счёта"},
	line: map[bill.LineKind]string{
		bill.OneTime: "Разовые платежи", bill.Recurring: "Абонентская плата", bill.Usage: "Использование",
		bill.Allowance: "Включено в тариф", bill.Discount: "Скидки", bill.Correction: "Корректировки",
		bill.ItemLine: "Прочее",
	},
	basis: map[tax.Basis]string{tax.Inclusive: "с налогом", tax.Exclusive: "без налога"},
	events: map[money.Unit]map[locale.Form]string{
		money.Second: {locale.One: "звонок", locale.Few: "звонка", locale.Many: "звонков"},
		money.Byte:   {locale.One: "сессия", locale.Few: "сессии", locale.Many: "сессий"},
		money.Event:  {locale.One: "событие", locale.Few: "события", locale.Many: "событий"},
	},
	issued: "Дата выставления", account: "Лицевой счёт", period: "Расчётный период", taxID: "Налоговый номер", void: "Аннулирован",
	amountDue: "К оплате", payBy: "Оплатить до (включительно)", reference: "Назначение платежа", nothingDue: "Платить ничего не нужно.",
	description: "Описание", quantity: "Количество", tax: "Налог", included: "включено", usedOf: "{used} из {granted}",
	net: "Без налога", taxOnBase: "{tax} с {base}", total: "Итого", paidFromCredit: "Оплачено из переплаты", paidFromBalance: "Оплачено с баланса",
	howToPay: "Как оплатить", holder: "Получатель", accountNumber: "Номер счёта", bank: "Банк",
	online:    "Или онлайн: откройте этот счёт в личном кабинете и нажмите «Оплатить».",
	questions: "Вопросы?", pageOf: "Страница %d из %d",
	preview: "Предварительно", corrects: "Исправляет счёт", credited: "К зачёту", reason: "Причина", rounding: "Округление",
	withheld: "Удержано вами: {tax} с {base}", toPay: "К перечислению нам",
	scanTransfer: "Отсканируйте в приложении банка", scanLink: "Отсканируйте, чтобы оплатить",
	codeTransfer: "QR-код, заполняющий перевод {amount} получателю {holder}", codeLink: "QR-код со ссылкой на оплату этого счёта:",
	annex: "Детализация", annexOf: "Детализация: {service}", time: "Время", called: "Куда", consumed: "Объём",
	hidden: "Последние цифры номеров скрыты по вашей просьбе.", annexSum: "всего {count}",
	statement: "Выписка по счёту", day: "Дата", movement: "Сумма", balance: "Баланс", opening: "Входящий остаток", closing: "Исходящий остаток",
	unbilled: "Использовано и ещё не выставлено, без налога:", signs: "Плюс — в вашу пользу, минус — ваш долг.", entries: entriesRussian,
}

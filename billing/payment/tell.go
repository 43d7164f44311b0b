package payment

import (
	"context"
	"fmt"

	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/notice"
	"tollhouse/billing/tell"
	"tollhouse/billing/tenant"
)

// told says whether a payer hears of money that came by a method: what the
// operator gave, and a PIN that the payer has just typed in, are shown at once.
func (m Method) told() bool { return m != Goodwill && m != Voucher }

// tellReceipt thanks a payer for money that has come, and says where they stand.
func (p payer) tellReceipt(ctx context.Context, tx tenant.Tx, paid Payment) error {
	if !paid.Method.told() || paid.Origin != nil {
		return nil
	}
	zone, err := ledger.Zone(ctx, tx)
	if err != nil {
		return err
	}
	var open, balance money.Decimal
	err = tx.QueryRow(ctx, `
		select coalesce((select sum(o.open) from open_item o where o.account_id = $1 and o.open > 0), 0),
		       coalesce((select b.value from bucket b where b.id = $2), 0)`, p.id, paid.BucketID).Scan(&open, &balance)
	if err != nil {
		return fmt.Errorf("what account %s owes: %w", p.id, err)
	}
	return tell.Many(ctx, tx, []tell.Letter{{AccountID: p.id, Kind: notice.PaymentReceived, Values: func(to tell.Reader) map[string]string {
		s := receipts.in(to.Language)
		values := map[string]string{"amount": to.Money(paid.Amount), "day": to.FormatDate(calendar.DateOf(paid.ReceivedAt, zone)), "method": s[string(paid.Method)],
			"reference": paid.Reference, "open": to.Money(p.amount(open)), "balance": to.Money(p.amount(balance)), "kept": to.Money(paid.Unapplied)}
		more := s["nothing"]
		switch {
		case paid.Purpose == PurposeTopUp:
			more = s["balance"]
		case open.Sign() > 0:
			more = s["open"]
		case paid.Unapplied.Sign() > 0:
			more = s["kept"]
		}
		values["more"] = notice.Words{Body: more}.Fill(values).Body
		return values
	}}})
}

// TellFailure tells a payer that what was to be collected did not come: why, what
// follows, and where they can pay.
func TellFailure(ctx context.Context, tx tenant.Tx, f Failure) error {
	return tell.Many(ctx, tx, []tell.Letter{{AccountID: f.Intent.AccountID, Kind: notice.PaymentFailed, Link: f.Link, Values: func(to tell.Reader) map[string]string {
		return map[string]string{"amount": to.Money(f.Intent.Amount), "reason": sentence(f.Intent.Failure), "more": failures.in(to.Language)[f.Then]}
	}}})
}

// Failure is a payment that did not come.
type Failure struct {
	Intent Intent // its account, amount and why
	Then   string // what follows
	Link   string // where it can be paid; may be empty
}

// What follows from a payment that did not come.
const (
	ThenConfirm   = "confirm"    // the bank wants its owner to confirm it
	ThenOther     = "other"      // the card will never pay again
	ThenAgain     = "again"      // it is tried again
	ThenGivenUp   = "given_up"   // it is not
	ThenReturned  = "returned"   // a debit came back; it may be tried again
	ThenNoMandate = "no_mandate" // a debit came back, and its mandate has ended
)

// sentence ends a text where it has no end of its own.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	switch text[len(text)-1] {
	case '.', '!', '?':
		return text
	}
	return text + "."
}

type phrases map[string]map[string]string

func (p phrases) in(language string) map[string]string {
	if words, known := p[language]; known {
		return words
	}
	return p["en"]
}

var receipts = phrases{
	"en": {"card": "card", "bank": "bank transfer", "cash": "cash", "debit": "direct debit", "online": "online payment",
		"nothing": "There is nothing left to pay.", "open": "Still to pay: {open}.", "kept": "{kept} of it is kept for your next bill.", "balance": "Your balance is now {balance}."},
	"id": {"card": "kartu", "bank": "transfer bank", "cash": "tunai", "debit": "debit langsung", "online": "pembayaran daring",
		"nothing": "Tidak ada lagi yang harus dibayar.", "open": "Masih harus dibayar: {open}.", "kept": "{kept} disimpan untuk tagihan berikutnya.", "balance": "Saldo Anda sekarang {balance}."},
	"ru": {"card": "карта", "bank": "банковский перевод", "cash": "наличные", "debit": "прямой дебет", "online": "онлайн-платёж",
		"nothing": "Платить больше ничего не нужно.", "open": "Осталось заплатить: {open}.", "kept": "{kept} зачтём в следующий счёт.", "balance": "Теперь на балансе {balance}."},
}

var failures = phrases{
	"en": {
		ThenConfirm:   "Your bank wants you to confirm it. Please do so here:",
		ThenOther:     "We will not try this card again. Please pay here, and store another card on your page:",
		ThenAgain:     "We will try again in some days. You can also pay now:",
		ThenGivenUp:   "We will not try it any more for this bill. Please pay here:",
		ThenReturned:  "Your bank returned our direct debit, and the amount is open again. Please pay it, or see that your account covers our next try.",
		ThenNoMandate: "Your bank returned our direct debit. Your mandate has ended, and the amount is open again. Please pay it on your page.",
	},
	"id": {
		ThenConfirm:   "Bank Anda meminta konfirmasi. Silakan konfirmasi di sini:",
		ThenOther:     "Kami tidak akan mencoba kartu ini lagi. Bayar di sini, lalu simpan kartu lain di halaman Anda:",
		ThenAgain:     "Kami akan mencoba lagi beberapa hari lagi. Anda juga dapat membayar sekarang:",
		ThenGivenUp:   "Kami tidak akan mencobanya lagi untuk tagihan ini. Silakan bayar di sini:",
		ThenReturned:  "Bank Anda mengembalikan debit langsung kami dan jumlah itu kembali terutang. Silakan bayar, atau pastikan saldo cukup untuk percobaan berikutnya.",
		ThenNoMandate: "Bank Anda mengembalikan debit langsung kami. Mandat Anda berakhir dan jumlah itu kembali terutang. Silakan bayar di halaman Anda.",
	},
	"ru": {
		ThenConfirm:   "Банк просит подтвердить его. Сделайте это здесь:",
		ThenOther:     "Больше мы эту карту не пробуем. Оплатите здесь и сохраните другую карту на вашей странице:",
		ThenAgain:     "Мы попробуем снова через несколько дней. Можно оплатить и сейчас:",
		ThenGivenUp:   "За этот счёт мы её больше не пробуем. Оплатите здесь:",
		ThenReturned:  "Банк вернул наш прямой дебет, сумма снова к оплате. Оплатите её или обеспечьте средства для следующей попытки.",
		ThenNoMandate: "Банк вернул наш прямой дебет. Мандат прекращён, сумма снова к оплате. Оплатите её на вашей странице.",
	},
}

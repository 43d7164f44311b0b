package identity

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

// message is something that users are told of their doors.
type message int

const (
	signInCode message = iota
	passwordReset
	invitation
	passwordChanged
	factorAdded
	factorRemoved
)

var noticeKinds = map[message]notice.Kind{
	signInCode: notice.SignInCode, passwordReset: notice.PasswordReset, invitation: notice.Invitation,
	passwordChanged: notice.SecurityNews, factorAdded: notice.SecurityNews, factorRemoved: notice.SecurityNews,
}

type wording struct{ subject, body string }

// wordings says it in each language that pages are written in. {operator} is
// who the reader has to do with, {code} and {link} what was drawn for them.
var wordings = map[string]map[message]wording{
	"en": {
		signInCode: {"{code} is your sign-in code", "{code} is your code to sign in at {operator}. It is good for 10 minutes.\n\n" +
			"Nobody from {operator} will ever ask you for it. If you did not want to sign in, ignore this message."},
		passwordReset: {"Choose a new password", "Somebody, we hope you, wants to choose a new password at {operator}. Do it here within 30 minutes:\n\n{link}\n\n" +
			"If that was not you, ignore this message: your password stays as it is."},
		invitation: {"Your access to {operator}", "You were given access to {operator}. Choose your password here within 7 days:\n\n{link}"},
		passwordChanged: {"Your password was changed", "Your password at {operator} was changed just now.\n\n" +
			"If that was not you, choose a new one on the sign-in page (\"Forgot your password?\") and tell {operator}."},
		factorAdded: {"Signing in now needs a second step", "From now on signing in at {operator} needs a code of your app as well.\n\n" +
			"If you did not set this up, tell {operator} at once."},
		factorRemoved: {"The second step was removed", "Signing in at {operator} does not need a code of your app any more.\n\n" +
			"If you did not do this, change your password and tell {operator} at once."},
	},
	"id": {
		signInCode: {"{code} adalah kode masuk Anda", "{code} adalah kode Anda untuk masuk ke {operator}. Kode berlaku 10 menit.\n\n" +
			"{operator} tidak akan pernah meminta kode ini. Jika Anda tidak sedang masuk, abaikan pesan ini."},
		passwordReset: {"Pilih kata sandi baru", "Seseorang, semoga Anda, ingin memilih kata sandi baru di {operator}. Lakukan di sini dalam 30 menit:\n\n{link}\n\n" +
			"Jika itu bukan Anda, abaikan pesan ini: kata sandi Anda tidak berubah."},
		invitation: {"Akses Anda ke {operator}", "Anda diberi akses ke {operator}. Pilih kata sandi Anda di sini dalam 7 hari:\n\n{link}"},
		passwordChanged: {"Kata sandi Anda telah diubah", "Kata sandi Anda di {operator} baru saja diubah.\n\n" +
			"Jika itu bukan Anda, pilih kata sandi baru di halaman masuk (\"Lupa kata sandi?\") dan beri tahu {operator}."},
		factorAdded: {"Masuk kini perlu langkah kedua", "Mulai sekarang, masuk ke {operator} juga memerlukan kode dari aplikasi Anda.\n\n" +
			"Jika bukan Anda yang mengaturnya, segera beri tahu {operator}."},
		factorRemoved: {"Langkah kedua telah dihapus", "Masuk ke {operator} tidak lagi memerlukan kode dari aplikasi Anda.\n\n" +
			"Jika bukan Anda yang melakukannya, ubah kata sandi Anda dan segera beri tahu {operator}."},
	},
	"ru": {
		signInCode: {"{code} — ваш код для входа", "{code} — ваш код для входа в {operator}. Он действует 10 минут.\n\n" +
			"Сотрудники {operator} никогда его не спрашивают. Если вы не входили, не обращайте внимания на это сообщение."},
		passwordReset: {"Выберите новый пароль", "Кто-то, надеемся, что вы, хочет выбрать новый пароль в {operator}. Сделайте это здесь в течение 30 минут:\n\n{link}\n\n" +
			"Если это были не вы, не обращайте внимания на это сообщение: пароль останется прежним."},
		invitation: {"Ваш доступ в {operator}", "Вам открыт доступ в {operator}. Выберите пароль здесь в течение 7 дней:\n\n{link}"},
		passwordChanged: {"Ваш пароль изменён", "Ваш пароль в {operator} только что изменён.\n\n" +
			"Если это были не вы, выберите новый на странице входа («Забыли пароль?») и сообщите в {operator}."},
		factorAdded: {"Для входа теперь нужен второй шаг", "Теперь для входа в {operator} нужен и код из вашего приложения.\n\n" +
			"Если это настроили не вы, сразу же сообщите в {operator}."},
		factorRemoved: {"Второй шаг отключён", "Для входа в {operator} больше не нужен код из вашего приложения.\n\n" +
			"Если это сделали не вы, смените пароль и сразу же сообщите в {operator}."},
	},
}

// tell sends a user a mail in its language.
func (a *Authority) tell(ctx context.Context, tx tenant.Tx, user uuid.UUID, m message, code, link string) error {
	u, err := a.GetUser(ctx, tx, user)
	if err != nil {
		return err
	}
	return a.sendTo(ctx, tx, u, notice.Mail, m, code, link)
}

func (a *Authority) sendTo(ctx context.Context, tx tenant.Tx, u User, channel notice.Channel, m message, code, link string) error {
	var operator string
	if err := tx.QueryRow(ctx, `select name from operator where id = 1`).Scan(&operator); err != nil {
		return fmt.Errorf("read operator: %w", err)
	}
	text := wordings[u.Language][m]
	fill := strings.NewReplacer("{operator}", operator, "{code}", code, "{link}", link)
	out := notice.Message{Kind: noticeKinds[m], Channel: channel, To: u.Email, Subject: fill.Replace(text.subject), Body: fill.Replace(text.body), Link: link}
	if channel == notice.SMS {
		// One short part: the first paragraph says what matters.
		out.To, out.Subject = u.Phone, ""
		out.Body, _, _ = strings.Cut(out.Body, "\n\n")
	}
	if u.AccountID != nil {
		out.AccountID = *u.AccountID
	}
	return notice.Send(ctx, tx, out)
}

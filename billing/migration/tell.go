package migration

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/locale"
	"tollhouse/billing/money"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

// words of a message: {plan} is what somebody has, {new} what it becomes,
// {day} from when on, {before} and {after} what both cost in a month.
type words struct{ subject, body string }

var wordsComing = map[string]words{
	"en": {"Your plan {plan} changes",
		"Hello {name},\n\nyour plan {plan} becomes {new} with the first billing cycle that begins on {day} or later.\n\nNow: {before} a month. Then: {after} a month.\n\nIf you would rather keep what you have, tell us on your pages under Services, or call us, before that day. {contact}"},
	"id": {"Paket {plan} Anda berubah",
		"Halo {name},\n\npaket {plan} Anda menjadi {new} mulai siklus tagihan pertama pada {day} atau sesudahnya.\n\nSekarang: {before} per bulan. Nanti: {after} per bulan.\n\nJika Anda ingin tetap memakai paket sekarang, beri tahu kami di halaman Layanan, atau hubungi kami, sebelum hari itu. {contact}"},
	"ru": {"Ваш тариф {plan} меняется",
		"Здравствуйте, {name}!\n\nВаш тариф {plan} станет {new} с первого расчётного периода, который начнётся {day} или позже.\n\nСейчас: {before} в месяц. Будет: {after} в месяц.\n\nЕсли Вы хотите оставить всё как есть, сообщите об этом на странице «Услуги» или позвоните нам до этого дня. {contact}"},
}

var wordsCancelled = map[string]words{
	"en": {"Your plan {plan} stays as it is", "Hello {name},\n\nthe change of your plan {plan} that we wrote about does not take place. Nothing changes for you. {contact}"},
	"id": {"Paket {plan} Anda tetap", "Halo {name},\n\nperubahan paket {plan} yang kami beritahukan tidak jadi. Tidak ada yang berubah bagi Anda. {contact}"},
	"ru": {"Ваш тариф {plan} не меняется", "Здравствуйте, {name}!\n\nИзменение тарифа {plan}, о котором мы писали, не состоится. Для Вас ничего не меняется. {contact}"},
}

// recipient is a member's subscriber.
type recipient struct {
	Account     uuid.UUID
	Name, Email string
	Language    string
	Offering    uuid.UUID
}

// tell writes to the subscribers of subscriptions, each in its own language. Who
// has no address is found on the migration's page.
func tell(ctx context.Context, tx tenant.Tx, m Migration, subscriptions []uuid.UUID, in map[string]words) error {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `
		select a.id, p.name, p.email, p.language, s.offering_id
		  from subscription s
		  join billing_account a on a.id = s.account_id
		  join party p on p.id = a.party_id
		 where s.id = any ($1) and p.email <> ''
		 order by s.id`, subscriptions)
	if err != nil {
		return fmt.Errorf("subscribers of migration %s: %w", m.ID, err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[recipient])
	if err != nil {
		return fmt.Errorf("subscribers of migration %s: %w", m.ID, err)
	}
	offerings, err := catalog.LoadVersions(ctx, tx, append([]uuid.UUID{m.To}, m.From...))
	if err != nil {
		return err
	}
	var messages []notice.Message
	for _, to := range list {
		message, err := compose(profile, m, to, offerings, in)
		if err != nil {
			return err
		}
		messages = append(messages, message)
	}
	return notice.SendMany(ctx, tx, messages)
}

func compose(profile account.Profile, m Migration, to recipient, offerings map[uuid.UUID]catalog.Offering, in map[string]words) (notice.Message, error) {
	w, known := in[to.Language]
	if !known {
		to.Language, w = "en", in["en"]
	}
	l := locale.Locale{Language: to.Language, Country: profile.Country}
	old, after := offerings[to.Offering], offerings[m.To]
	var prices [2]string
	for i, o := range []catalog.Offering{old, after} {
		sum, err := monthly(o)
		if err != nil {
			return notice.Message{}, err
		}
		prices[i] = l.FormatMoney(money.New(sum, o.Currency).RoundToDocument())
	}
	fill := strings.NewReplacer("{name}", to.Name, "{plan}", old.Names.In(to.Language), "{new}", after.Names.In(to.Language),
		"{day}", l.FormatDate(m.StartsOn), "{before}", prices[0], "{after}", prices[1], "{contact}", profile.SupportContact)
	subject := strings.Join(strings.Fields(fill.Replace(w.subject)), " ")
	return notice.Message{Kind: notice.ServiceNews, Channel: notice.Mail, To: to.Email, AccountID: to.Account, Subject: subject,
		Body: strings.TrimSpace(fill.Replace(w.body)) + "\n\n" + profile.Name}, nil
}

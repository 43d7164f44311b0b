package tell

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/locale"
	"tollhouse/billing/money"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

// Words are what is said in one language. Body is one or more paragraphs
// without greeting and signature: an SMS has them alone. Places are in braces.
type Words struct{ Subject, Body string }

// Wordings are words by language; English is what others fall back on.
type Wordings map[string]Words

// Reader is whom a message is for.
type Reader struct {
	locale.Locale
	Zone *time.Location
	Name string
}

// Money writes an amount as documents do.
func (r Reader) Money(a money.Amount) string { return r.FormatMoney(a.RoundToDocument()) }

// Day writes the operator's calendar day at an instant.
func (r Reader) Day(at time.Time) string { return r.FormatDate(calendar.DateOf(at, r.Zone)) }

// Quantity writes what is in a bucket of any unit.
func (r Reader) Quantity(d money.Decimal, unit money.Unit) string {
	if c, err := money.ParseCurrency(string(unit)); err == nil {
		return r.Money(money.New(d, c))
	}
	whole, err := d.Int64()
	switch {
	case err == nil && unit == money.Byte:
		return r.FormatBytes(whole)
	case err == nil && unit == money.Second:
		return r.FormatDuration(whole)
	}
	return r.FormatNumber(d)
}

// greetings stand before and after a mail's words.
var greetings = map[string]string{"en": "Hello {name},", "id": "Halo {name},", "ru": "Здравствуйте, {name}!"}

const selectRecipient = `
	select p.name, p.email, p.phone, p.language, o.name, o.country, o.zone
	from billing_account as a
	join party as p on p.id = a.party_id
	join operator as o on o.id = 1
	where a.id = $1`

// Account writes to an account's party. fill gives pairs of a place's name and
// its text in the reader's forms.
func Account(ctx context.Context, tx tenant.Tx, id uuid.UUID, words Wordings, fill func(Reader) []string) error {
	var r Reader
	var email, phone, operator, zone string
	err := tx.QueryRow(ctx, selectRecipient, id).Scan(&r.Name, &email, &phone, &r.Language, &operator, &r.Country, &zone)
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("account %s: %w", id, account.ErrNotFound)
	}
	if err != nil {
		return fmt.Errorf("whom to tell of account %s: %w", id, err)
	}
	if email == "" && phone == "" {
		return nil
	}
	if r.Zone, err = time.LoadLocation(zone); err != nil {
		return fmt.Errorf("operator's zone: %w", err)
	}
	return notice.Send(ctx, tx, r.compose(id, words, fill(r), email, phone, operator))
}

func (r Reader) compose(id uuid.UUID, words Wordings, pairs []string, email, phone, operator string) notice.Message {
	w, known := words[r.Language]
	if !known {
		w = words["en"]
	}
	greeting, known := greetings[r.Language]
	if !known {
		greeting = greetings["en"]
	}
	places := make([]string, 0, len(pairs)+4)
	for i := 0; i+1 < len(pairs); i += 2 {
		places = append(places, "{"+pairs[i]+"}", pairs[i+1])
	}
	places = append(places, "{name}", r.Name, "{operator}", operator)
	in := strings.NewReplacer(places...).Replace
	m := notice.Message{Kind: notice.BalanceNews, AccountID: id, Channel: notice.Mail, To: email,
		Subject: strings.Join(strings.Fields(in(w.Subject)), " "), Body: in(greeting+"\n\n"+w.Body) + "\n\n" + operator}
	if email == "" {
		m.Channel, m.To, m.Subject, m.Body = notice.SMS, phone, "", in(w.Body)+" "+operator
	}
	return m
}

package tell

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

// Letter is a message by template to an account.
type Letter struct {
	AccountID uuid.UUID
	Kind      notice.Kind
	// Channels are the ways to reach it; none: those that the reader has chosen,
	// else by mail, or by SMS where there is no address that works.
	Channels []notice.Channel
	Link     string // where the message leads
	Attach   []notice.Attachment
	// Values are the template's own, in the reader's forms.
	Values func(Reader) map[string]string
}

// reader is a Reader with its addresses.
type reader struct {
	Reader
	number, email, phone, postal, operator, support string
	badMail, badPhone, noMarketing                  bool
	chosen                                          []notice.Channel
}

const selectReaders = `
	select a.id, a.number, p.name, p.language, o.country, o.zone, p.email, p.phone,
	       concat_ws(', ', nullif(p.address ->> 'street', ''), nullif(concat_ws(' ', p.address ->> 'postcode', p.address ->> 'city'), ' '), nullif(p.address ->> 'country', '')),
	       o.name, o.support_contact, p.no_marketing, p.message_channels,
	       exists (select from bad_contact c where c.channel = 'mail' and c.address = lower(p.email) and c.cleared_at is null),
	       exists (select from bad_contact c where c.channel = 'sms' and c.address = p.phone and c.cleared_at is null)
	from billing_account a
	join party p on p.id = a.party_id
	join operator o on o.id = 1
	where a.id = any ($1)`

// Many writes to accounts by templates, with as many statements as for one.
func Many(ctx context.Context, tx tenant.Tx, letters []Letter) error {
	composed, err := Compose(ctx, tx, letters)
	if err != nil {
		return err
	}
	return notice.SendMany(ctx, tx, slices.Concat(composed...))
}

// Compose makes the messages of each letter, without sending them. Whoever can't
// be reached by the ways that are named is reached by another, if there is one;
// whoever wants no marketing gets none, and what the operator has switched off
// is not sent.
func Compose(ctx context.Context, tx tenant.Tx, letters []Letter) ([][]notice.Message, error) {
	if len(letters) == 0 {
		return nil, nil
	}
	readers, err := readersOf(ctx, tx, letters)
	if err != nil {
		return nil, err
	}
	book, err := notice.OpenBook(ctx, tx)
	if err != nil {
		return nil, err
	}
	settings, err := notice.GetSettings(ctx, tx)
	if err != nil {
		return nil, err
	}
	messages := make([][]notice.Message, len(letters))
	for i := range letters {
		l := &letters[i]
		r := readers[l.AccountID]
		template, err := notice.TemplateOf(l.Kind)
		if err != nil {
			return nil, err
		}
		if r == nil || template.Marketing && r.noMarketing || slices.Contains(settings.Off, l.Kind) {
			continue
		}
		for _, channel := range r.ways(l.Channels) {
			messages[i] = append(messages[i], r.write(l, book, channel))
		}
	}
	return messages, nil
}

func readersOf(ctx context.Context, tx tenant.Tx, letters []Letter) (map[uuid.UUID]*reader, error) {
	accounts := map[uuid.UUID]bool{}
	for i := range letters {
		accounts[letters[i].AccountID] = true
	}
	rows, err := tx.Query(ctx, selectReaders, slices.Collect(maps.Keys(accounts)))
	if err != nil {
		return nil, fmt.Errorf("whom to tell: %w", err)
	}
	readers := map[uuid.UUID]*reader{}
	zones := map[string]*time.Location{}
	var id uuid.UUID
	var r reader
	var zone string
	var chosen []string
	_, err = pgx.ForEachRow(rows, []any{&id, &r.number, &r.Name, &r.Language, &r.Country, &zone, &r.email, &r.phone, &r.postal, &r.operator, &r.support,
		&r.noMarketing, &chosen, &r.badMail, &r.badPhone}, func() (err error) {
		if zones[zone] == nil {
			if zones[zone], err = time.LoadLocation(zone); err != nil {
				return fmt.Errorf("operator's zone: %w", err)
			}
		}
		one := r
		one.Zone = zones[zone]
		for _, channel := range chosen {
			one.chosen = append(one.chosen, notice.Channel(channel))
		}
		readers[id] = &one
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("whom to tell: %w", err)
	}
	return readers, nil
}

// ways are the channels by which somebody is told.
func (r *reader) ways(wanted []notice.Channel) []notice.Channel {
	mail, sms := r.email != "" && !r.badMail, r.phone != "" && !r.badPhone
	if len(wanted) == 0 {
		wanted = r.chosen
	}
	if len(wanted) == 0 {
		wanted = []notice.Channel{notice.Mail}
	}
	reach := map[notice.Channel]bool{notice.Mail: mail, notice.SMS: sms, notice.Portal: true, notice.Letter: true}
	var ways []notice.Channel
	lost := false
	for _, channel := range wanted {
		if reach[channel] {
			ways = append(ways, channel)
		} else {
			lost = true
		}
	}
	if lost {
		for _, other := range []notice.Channel{notice.Mail, notice.SMS} {
			if reach[other] && !slices.Contains(ways, other) {
				return append(ways, other)
			}
		}
	}
	return ways
}

// write makes the message of a channel.
func (r *reader) write(l *Letter, book notice.Book, channel notice.Channel) notice.Message {
	values := r.common()
	if l.Values != nil {
		maps.Copy(values, l.Values(r.Reader))
	}
	if l.Link != "" {
		values["pay"] = l.Link
	}
	w := book.Words(l.Kind, channel, r.Language).Fill(values)
	m := notice.Message{Kind: l.Kind, Channel: channel, Subject: w.Subject, Body: w.Body, Link: l.Link, AccountID: l.AccountID}
	switch channel {
	case notice.Mail:
		m.To, m.Attach = r.email, l.Attach
	case notice.SMS:
		m.To, m.Subject = r.phone, ""
	case notice.Letter:
		m.To = r.Name
		if r.postal != "" {
			m.To += ", " + r.postal
		}
		m.To = cutTo(m.To, 200)
	case notice.Portal:
		m.To = r.number
	}
	return m
}

func (r *reader) common() map[string]string {
	return map[string]string{"name": r.Name, "operator": r.operator, "account": r.number, "support": r.support}
}

// cutTo shortens a text to so many bytes, never inside a letter.
func cutTo(text string, bytes int) string {
	end := 0
	for i, letter := range text {
		if i+utf8.RuneLen(letter) > bytes {
			return text[:end]
		}
		end = i + utf8.RuneLen(letter)
	}
	return text
}

// Preview shows what a template would say to an account, by a channel. Values
// that the account does not give are samples.
func Preview(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, kind notice.Kind, channel notice.Channel, w notice.Words) (notice.Words, error) {
	t, err := notice.TemplateOf(kind)
	if err != nil {
		return notice.Words{}, err
	}
	values := t.Samples()
	if accountID != uuid.Nil {
		readers, err := readersOf(ctx, tx, []Letter{{AccountID: accountID}})
		if err != nil {
			return notice.Words{}, err
		}
		if r := readers[accountID]; r != nil {
			maps.Copy(values, r.common())
		}
	}
	if err := t.Check(channel, w); err != nil {
		return notice.Words{}, err
	}
	return w.Fill(values), nil
}

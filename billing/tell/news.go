package tell

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

// News are what an operator offers its subscribers: told by the template of
// news to whoever has not opted out.
type News struct {
	ID    uuid.UUID            `json:"id"` // of the command: a repeat sends nothing again
	Words map[string]NewsWords `json:"words"`
	// To whom: accounts with a tag, with an offering; empty: all.
	Tag      string    `json:"tag,omitempty"`
	Offering string    `json:"offering,omitempty"`
	After    uuid.UUID `json:"after"` // how far they were told
}

// NewsWords are they in one language; English is what others fall back on.
type NewsWords struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Bounds of news. An SMS carries the text as well.
const (
	maxTitle = 100
	maxText  = 600
)

func (n *News) check() error {
	fault := func(field, want string) error { return &account.FieldError{Field: field, Want: want} }
	if len(n.Words) == 0 {
		return fault("words", "a title and a text in at least one language")
	}
	for language, w := range n.Words {
		switch {
		case !slices.Contains(notice.Languages, language):
			return fault("words", "languages en, id and ru")
		case strings.TrimSpace(w.Title) == "" || utf8.RuneCountInString(w.Title) > maxTitle || strings.ContainsAny(w.Title, "\r\n"):
			return fault("words."+language+".title", fmt.Sprintf("one line of up to %d letters", maxTitle))
		case strings.TrimSpace(w.Text) == "" || utf8.RuneCountInString(w.Text) > maxText:
			return fault("words."+language+".text", fmt.Sprintf("a text of up to %d letters", maxText))
		}
	}
	if _, english := n.Words[notice.Languages[0]]; !english && len(n.Words) < len(notice.Languages) {
		return fault("words", "English, or all languages: English is what others fall back on")
	}
	return nil
}

// The accounts that news are for, by id.
const fromAudience = `
	  from billing_account a
	  join party p on p.id = a.party_id
	 where a.state = 'active' and not p.no_marketing
	   and ($1 = '' or $1 = any (a.tags))
	   and ($2 = '' or exists (select from subscription s join offering_version o on o.id = s.offering_id
	                            where s.account_id = a.id and s.state = 'active' and o.code = $2))`

// Announce puts news on the agenda and says to how many accounts they go.
func Announce(ctx context.Context, tx tenant.Tx, n News) (accounts int, err error) {
	if err := n.check(); err != nil {
		return 0, err
	}
	if err := tx.QueryRow(ctx, `select count(*)`+fromAudience, n.Tag, n.Offering).Scan(&accounts); err != nil {
		return 0, fmt.Errorf("whom news are for: %w", err)
	}
	n.After = uuid.Nil
	return accounts, agenda.Add(ctx, tx, agenda.Item{Kind: agenda.News, Ref: n.ID, DueAt: tx.At, Detail: n})
}

// Spread tells the next accounts of news; more says that some may be left. stop
// makes the address on which an account says that it wants no more of it.
func Spread(ctx context.Context, tx tenant.Tx, item agenda.Item, limit int, stop func(account uuid.UUID) (string, error)) (more bool, err error) {
	// the item as it stands now: a portion that was told is told once
	var text json.RawMessage
	var n News
	if err := tx.QueryRow(ctx, `select detail from agenda where id = $1 for update`, item.ID).Scan(&text); err != nil {
		return false, fmt.Errorf("read news: %w", err)
	}
	if err := json.Unmarshal(text, &n); err != nil {
		return false, fmt.Errorf("read news: %w", err)
	}
	rows, err := tx.Query(ctx, `select a.id`+fromAudience+` and a.id > $3 order by a.id limit $4`, n.Tag, n.Offering, n.After, limit)
	if err != nil {
		return false, fmt.Errorf("whom news are for: %w", err)
	}
	next, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return false, fmt.Errorf("whom news are for: %w", err)
	}
	if len(next) == 0 {
		return false, nil
	}
	letters := make([]Letter, len(next))
	for i, id := range next {
		address, err := stop(id)
		if err != nil {
			return false, err
		}
		letters[i] = Letter{AccountID: id, Kind: notice.News, Link: address, Values: func(to Reader) map[string]string {
			w, known := n.Words[to.Language]
			if !known {
				w = n.Words[notice.Languages[0]]
			}
			return map[string]string{"title": w.Title, "text": w.Text, "stop": address}
		}}
	}
	if err := Many(ctx, tx, letters); err != nil {
		return false, err
	}
	n.After = next[len(next)-1]
	return len(next) == limit, agenda.Keep(ctx, tx, item.ID, n)
}

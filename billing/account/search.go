package account

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Query asks for a page of accounts, newest first.
type Query struct {
	// Text is an account number, the beginning of a word of a name, a phone
	// number, an email address, or a service's login or number; empty: all.
	Text string
	// After is the last account of the page before; zero: the first page.
	After uuid.UUID
	// Limit is the most that is wanted; it is brought into 1 to MaxPage.
	Limit int
}

// MaxPage bounds a page.
const MaxPage = 200

// Found is an account in a list, with what tells it apart.
type Found struct {
	Account
	PartyName     string
	Email, Phone  string
	Subscriptions int // those that have not ended
}

// Page is one page of a list; Next is zero on the last one.
type Page struct {
	Accounts []Found
	Next     uuid.UUID
}

// Ids are made in time order (UUIDv7), so they page from newest to oldest by
// the primary key. A search first gathers the few accounts that match, each
// way by its own index: a name's words by party_words.
const listAccounts = `
select ` + accountColumns + `, p.name, p.email, p.phone,
       (select count(*) from subscription s where s.account_id = a.id and s.state <> 'terminated')
  from billing_account a
  join party p on p.id = a.party_id
 where ($1::uuid is null or a.id < $1)
   and ($2 = '' or a.id in (
           select id from billing_account where number = $2
           union all
           select m.id
             from party q
             join billing_account m on m.party_id = q.id
            where ($3 <> '' and to_tsvector('pg_catalog.simple'::regconfig, q.name) @@ to_tsquery('pg_catalog.simple'::regconfig, $3))
               or (q.phone <> '' and q.phone = $4)
               or (q.email <> '' and lower(q.email) = lower($2))
           union all
           select u.account_id
             from service_identity i
             join service v on v.id = i.service_id
             join subscription u on u.id = v.subscription_id
            where i.kind in ('login', 'msisdn', 'line', 'stb', 'host', 'account') and i.value in ($2, $4) and i.valid_to is null))
 order by a.id desc
 limit $5`

// List finds accounts; one more than wanted is read to know whether more follow.
func List(ctx context.Context, tx tenant.Tx, q Query) (Page, error) {
	limit := min(max(q.Limit, 1), MaxPage)
	text := strings.TrimSpace(q.Text)
	var after *uuid.UUID
	if q.After != uuid.Nil {
		after = &q.After
	}
	rows, err := tx.Query(ctx, listAccounts, after, text, WordQuery(text), dialled(text), limit+1)
	if err != nil {
		return Page{}, fmt.Errorf("list accounts: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Found, error) {
		var f Found
		err := row.Scan(append(f.scanInto(), &f.PartyName, &f.Email, &f.Phone, &f.Subscriptions)...)
		f.CreatedAt = f.CreatedAt.UTC()
		return f, err
	})
	if err != nil {
		return Page{}, fmt.Errorf("list accounts: %w", err)
	}
	page := Page{Accounts: found}
	if len(found) > limit {
		page.Accounts = found[:limit]
		page.Next = found[limit-1].ID
	}
	return page, nil
}

// WordQuery makes a text search of the beginnings of words, all of which must
// be in a name, in any order. Words are parted as the index parts a name's: at
// everything but letters and digits. It is empty where a text has no word.
func WordQuery(text string) string {
	const most = 8
	parts := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	parts = parts[:min(len(parts), most)]
	for i := range parts {
		parts[i] = "'" + parts[i] + "':*"
	}
	return strings.Join(parts, " & ")
}

// dialled takes the spaces, dashes and brackets out of a number as people write it.
func dialled(text string) string {
	return strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", "/", "").Replace(text)
}

package desk

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// MaxPage bounds a page of anything here.
const MaxPage = 200

// State narrows a search by how an account's subscriptions stand.
type State string

// States to search by.
const (
	AnyState  State = ""
	Active    State = "active"    // has an active subscription
	Suspended State = "suspended" // has a suspended one
	Ended     State = "ended"     // has none that runs
	Closed    State = "closed"    // the account is closed
)

// Owing narrows a search to accounts with something unpaid that is overdue by
// From to To days; To 0 is no end. The zero value asks for nothing.
type Owing struct {
	Asked    bool
	From, To int
}

// Spans of overdue days that have a name.
const (
	NotDue  = "due"     // unpaid, and not overdue
	Overdue = "overdue" // by however long
	longAgo = 1 << 20   // days: more than anybody is
)

// ParseOwing reads due, overdue, 1-30 or 91+; false for anything else.
func ParseOwing(text string) (Owing, bool) {
	switch text {
	case "":
		return Owing{}, true
	case NotDue:
		return Owing{true, -longAgo, 0}, true
	case Overdue:
		return Owing{true, 1, longAgo}, true
	}
	first, last, bounded := strings.Cut(text, "-")
	if !bounded {
		first, last = strings.TrimSuffix(text, "+"), strconv.Itoa(longAgo)
	}
	from, err := strconv.Atoi(first)
	to, err2 := strconv.Atoi(last)
	if err != nil || err2 != nil || from < 0 || to < from || !bounded && !strings.HasSuffix(text, "+") {
		return Owing{}, false
	}
	return Owing{true, from, min(to, longAgo)}, true
}

// Query asks for a page of accounts, newest first. What is zero does not narrow it.
type Query struct {
	// Text is the beginning of one or more words of a name, in any order; a
	// phone number in any writing; an email address of the subscriber or its
	// user; a service's login, number or other identity; an account number; or
	// a bill's.
	Text     string
	State    State
	Owing    Owing
	Offering string    // an offering's code: a subscription that has not ended
	Branch   uuid.UUID // the account's
	After    uuid.UUID // the last account of the page before
	Limit    int       // brought into 1 to MaxPage
}

// Found is an account in a list, with what tells it apart.
type Found struct {
	account.Found
	Overdue      money.Amount // of what it owes
	Aged         money.Amount // of what it owes, what the query's Owing asks for; zero where it asks for nothing
	Reached      string       // an identity of one of its services; empty: none
	BranchName   string
	OfferingID   uuid.UUID // version of its latest subscription that has not ended; zero: none
	OfferingCode string    // its code
}

// Page is one page of a search; Next is zero on the last one.
type Page struct {
	Accounts []Found
	Next     uuid.UUID
}

const foundColumns = `
	a.id, a.number, a.party_id, a.parent_id, a.kind, a.currency, a.credit_limit, a.debt_limit, a.state, a.anchor, a.cycle_months, a.cycle_days,
	a.cycle_start, a.cycle_end, a.cycle_changes, a.billed_to_parent, a.unbilled, a.receivable, a.credit, a.undocumented_tax, a.legal_entity, a.branch, a.created_at,
	p.name, p.email, p.phone,
	(select count(*) from subscription s where s.account_id = a.id and s.state <> 'terminated'),
	coalesce((select sum(i.open) from open_item i where i.account_id = a.id and i.open > 0 and i.due_date < $2), 0),
	coalesce((select x.value from subscription s join service v on v.subscription_id = s.id join service_identity x on x.service_id = v.id
	           where s.account_id = a.id and x.valid_to is null and x.kind <> 'imsi' order by s.created_at desc, x.kind limit 1), ''),
	b.name,
	latest.offering_id, coalesce(latest.code, '')`

// Each way of matching has its index: party_words, party_phone, party_email,
// service_identity's key, billing_account's and bill's number, app_user_email.
// What matches is gathered first; ids are made in time order (UUIDv7), so they
// page from newest to oldest.
const matching = `
	a.id in (
	    select m.id from party q join billing_account m on m.party_id = q.id
	     where $4 <> '' and to_tsvector('pg_catalog.simple'::regconfig, q.name) @@ to_tsquery('pg_catalog.simple'::regconfig, $4)
	    union all
	    select m.id from party q join billing_account m on m.party_id = q.id
	     where q.phone <> '' and q.phone = any ($5::text[])
	    union all
	    select m.id from party q join billing_account m on m.party_id = q.id
	     where q.email <> '' and lower(q.email) = lower($6)
	    union all
	    select u.account_id from app_user u where lower(u.email) = lower($6) and u.account_id is not null
	    union all
	    select m.id from billing_account m where m.number = upper($6)
	    union all
	    select d.account_id from bill d where d.number = $6
	    union all
	    select s.account_id
	      from service_identity i
	      join service v on v.id = i.service_id
	      join subscription s on s.id = v.subscription_id
	     where i.kind in ('login', 'msisdn', 'line', 'stb', 'host', 'account', 'imsi') and i.value = any ($5::text[] || $6::text)
	       and i.valid_to is null)`

// Search finds accounts; one more than wanted is read to know whether more
// follow.
func Search(ctx context.Context, tx tenant.Tx, q Query) (Page, error) {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return Page{}, err
	}
	limit := min(max(q.Limit, 1), MaxPage)
	query, args := q.sql(profile.Country, profile.LocalDate(tx.At), limit+1)
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return Page{}, fmt.Errorf("search accounts: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanFound)
	if err != nil {
		return Page{}, fmt.Errorf("search accounts: %w", err)
	}
	page := Page{Accounts: found}
	if len(found) > limit {
		page.Accounts = found[:limit]
		page.Next = found[limit-1].ID
	}
	return page, nil
}

// sql puts a query together of what was asked for: a condition that is not
// there costs nothing.
func (q Query) sql(country string, today calendar.Date, limit int) (string, []any) {
	args := []any{limit, today, q.after()}
	where := []string{`a.id < $3`}
	add := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", "$"+strconv.Itoa(len(args)), 1)
		}
		where = append(where, condition)
	}
	if text := strings.TrimSpace(q.Text); text != "" {
		add(matching, account.WordQuery(text), Numbers(text, country), text)
	}
	switch q.State {
	case Active, Suspended:
		add(`exists (select from subscription s where s.account_id = a.id and s.state = ?)`, string(q.State))
	case Ended:
		add(`a.state = 'active' and not exists (select from subscription s where s.account_id = a.id and s.state <> 'terminated')`)
	case Closed:
		add(`a.state = 'closed'`)
	}
	aged := `0::numeric`
	if q.Owing.Asked { // open_item_due finds them
		add(`a.id in (select i.account_id from open_item i where i.open > 0 and i.due_date between ? and ?)`,
			today.AddDays(-q.Owing.To), today.AddDays(-q.Owing.From))
		aged = fmt.Sprintf(`(select sum(i.open) from open_item i where i.account_id = a.id and i.open > 0 and i.due_date between $%d and $%d)`, len(args)-1, len(args))
	}
	if q.Offering != "" { // subscription_offering
		add(`a.id in (select s.account_id from subscription s join offering_version o on o.id = s.offering_id where o.code = ? and s.state <> 'terminated')`, q.Offering)
	}
	if q.Branch != uuid.Nil {
		add(`a.branch = ?`, q.Branch)
	}
	return `select ` + foundColumns + `, ` + aged + `
	  from billing_account a
	  join party p on p.id = a.party_id
	  join branch b on b.id = a.branch
	  left join lateral (
	      select s.offering_id, o.code from subscription s join offering_version o on o.id = s.offering_id
	       where s.account_id = a.id and s.state <> 'terminated' order by s.created_at desc limit 1) latest on true
	 where ` + strings.Join(where, `
	   and `) + `
	 order by a.id desc
	 limit $1`, args
}

func (q Query) after() uuid.UUID {
	if q.After == uuid.Nil {
		return uuid.Max
	}
	return q.After
}

func scanFound(row pgx.CollectableRow) (Found, error) {
	var f Found
	var overdue, aged money.Decimal
	var offering *uuid.UUID
	a := &f.Account
	err := row.Scan(&a.ID, &a.Number, &a.PartyID, &a.ParentID, &a.Kind, &a.Currency, &a.CreditLimit, &a.DebtLimit, &a.State, &a.Anchor, &a.CycleMonths, &a.CycleDays,
		&a.Cycle.From, &a.Cycle.To, &a.Changes, &a.ToParent, &a.Unbilled, &a.Receivable, &a.Credit, &a.UndocumentedTax, &a.LegalEntity, &a.Branch, &a.CreatedAt,
		&f.PartyName, &f.Email, &f.Phone, &f.Subscriptions, &overdue, &f.Reached, &f.BranchName, &offering, &f.OfferingCode, &aged)
	a.CreatedAt = a.CreatedAt.UTC()
	f.Overdue, f.Aged = money.New(overdue, a.Currency), money.New(aged, a.Currency)
	if offering != nil {
		f.OfferingID = *offering
	}
	return f, err
}

// Exact is what a text names by itself: exactly one of the two is set.
type Exact struct{ Account, Bill uuid.UUID }

// Find says whether a text is the number of an account or of a bill: who types
// one wants to be there.
func Find(ctx context.Context, tx tenant.Tx, text string) (Exact, bool, error) {
	text = strings.TrimSpace(text)
	a, err := account.ByNumber(ctx, tx, strings.ToUpper(text))
	if err == nil {
		return Exact{Account: a.ID}, true, nil
	}
	if !errors.Is(err, account.ErrNotFound) {
		return Exact{}, false, err
	}
	b, err := bill.ByNumber(ctx, tx, text)
	if errors.Is(err, bill.ErrNotFound) {
		return Exact{}, false, nil
	}
	return Exact{Bill: b.ID}, err == nil, err
}

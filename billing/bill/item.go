package bill

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
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Item is something that goes onto an account's next bill besides its fees and
// usage: it is taken once, by the closing of the account's cycle, and becomes a
// line with its own tax.
type Item struct {
	ID           uuid.UUID // of the command; uuid.Nil: AddItem draws one
	Account      uuid.UUID
	Subscription uuid.UUID // uuid.Nil: the account's
	Kind         ItemKind
	Code         string            // of the line
	Words        map[string]string // what the line is called, by language; "en" stands in for a missing one
	Period       calendar.Period   // zero: of no period
	Price        money.Amount      // as the operator writes prices; below zero gives back
	Category     string            // of tax; empty: standard
	From         Source
	Of           *LineRef // the line of which it gives something back
	Cause        Cause
	DueFrom      calendar.Date // the bill of a cycle that ends before it does not take it; zero: today
	By           string        // an actor
	CreatedAt    time.Time
	Bill         uuid.UUID // that took it; uuid.Nil: none yet
}

// ItemKind says why something is on a bill.
type ItemKind string

// The kinds of item.
const (
	ItemCredit           ItemKind = "credit"
	ItemCharge           ItemKind = "charge"
	ItemLateFee          ItemKind = "late_fee"
	ItemInterest         ItemKind = "interest"
	ItemReconnect        ItemKind = "reconnect"
	ItemCommitment       ItemKind = "commitment"
	ItemSuspensionCredit ItemKind = "suspension_credit"
	ItemPlanChange       ItemKind = "plan_change"
	ItemPause            ItemKind = "pause"
	ItemCorrection       ItemKind = "correction"
	ItemInstalment       ItemKind = "instalment"
	ItemDeposit          ItemKind = "deposit"
	ItemAdvance          ItemKind = "advance"
)

var itemKinds = map[ItemKind]bool{
	ItemCredit: true, ItemCharge: true, ItemLateFee: true, ItemInterest: true, ItemReconnect: true, ItemCommitment: true,
	ItemSuspensionCredit: true, ItemPlanChange: true, ItemPause: true, ItemCorrection: true, ItemInstalment: true, ItemDeposit: true, ItemAdvance: true,
}

// Source is where an item's money comes from. The zero value is revenue.
type Source struct {
	// Deferred takes it from, or adds it to, what is deferred of the
	// subscription; what is not deferred any more comes from revenue.
	Deferred bool
	// Ledger is another account, such as deposits or write-offs.
	Ledger ledger.Account
}

func (s Source) text() string {
	switch {
	case s.Deferred:
		return "deferred"
	case s.Ledger.Kind != "":
		return "ledger"
	}
	return "revenue"
}

// Cause is what an item exists for: there is one item of a cause.
type Cause struct {
	Kind string
	ID   uuid.UUID
}

// LineRef names a line of a bill.
type LineRef struct {
	Bill uuid.UUID
	No   int
}

// Errors of items.
var (
	// ErrPrepaidItem means that the account pays from a balance and gets no bills.
	ErrPrepaidItem = errors.New("a prepaid account pays from its balance: it has no bill for this to stand on")
	// ErrItemTaken means that an item stands on a bill already.
	ErrItemTaken = errors.New("the item stands on a bill already")
	// ErrNoItem means that there is no such item.
	ErrNoItem = errors.New("no such item")
	// ErrItemDiffers means that another item has this id or cause.
	ErrItemDiffers = errors.New("another item was made under this id or for this cause")
)

func (i *Item) check() error {
	wrong := func(field, want string) error { return &account.FieldError{Field: field, Want: want} }
	switch {
	case !itemKinds[i.Kind]:
		return wrong("kind", "a kind of item, such as credit or charge")
	case i.Code == "" || len(i.Code) > 60:
		return wrong("code", "1 to 60 characters")
	case strings.TrimSpace(i.Words["en"]) == "" && len(i.Words) != 1:
		return wrong("description", "what the line is called, in English or one language")
	case i.Price.IsZero():
		return wrong("price", "an amount above or below zero")
	case i.Cause.Kind == "" || i.Cause.ID == uuid.Nil:
		return wrong("cause", "what the item exists for")
	case !i.Period.From.IsZero() && !i.Period.From.Before(i.Period.To):
		return wrong("period", "days of which the last is not before the first")
	case i.From.Deferred && i.Subscription == uuid.Nil:
		return wrong("subscription", "the subscription of which the fee is deferred")
	}
	for language, words := range i.Words {
		if strings.TrimSpace(words) == "" || len(words) > 200 || strings.ContainsAny(words, "\r\n") {
			return wrong("description."+language, "up to 200 characters on one line")
		}
	}
	return nil
}

const standardCategory = "standard"

// AddItem puts something on an account's next bill. The same item again, by its
// id or its cause, changes nothing and gives what is stored; another one under
// them is refused with ErrItemDiffers. ErrPrepaidItem for an account without bills.
func AddItem(ctx context.Context, tx tenant.Tx, item Item) (Item, error) {
	stored, err := AddItems(ctx, tx, []Item{item})
	if err != nil {
		return Item{}, err
	}
	return stored[0], nil
}

const insertItems = `
	insert into bill_item (id, account_id, subscription_id, kind, code, words, period_from, period_to, price, currency, tax_category,
	                       source, ledger_kind, ledger_ref, of_bill, of_line, cause_kind, cause_id, due_from, created_at, created_by)
	select n.id, n.account, n.subscription, n.kind, n.code, n.words::jsonb, n.period_from, n.period_to, n.price::numeric, n.currency, n.category,
	       n.source, n.ledger_kind, n.ledger_ref, n.of_bill, n.of_line, n.cause_kind, n.cause_id, n.due_from, $20, n.by
	  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::date[], $8::date[], $9::text[], $10::text[], $11::text[],
	              $12::text[], $13::text[], $14::uuid[], $15::uuid[], $16::int[], $17::text[], $18::uuid[], $19::date[], $21::text[])
	       as n (id, account, subscription, kind, code, words, period_from, period_to, price, currency, category,
	             source, ledger_kind, ledger_ref, of_bill, of_line, cause_kind, cause_id, due_from, by)
	on conflict do nothing`

// AddItems is AddItem for many, with statements that don't grow in number.
func AddItems(ctx context.Context, tx tenant.Tx, items []Item) ([]Item, error) {
	if len(items) == 0 {
		return nil, nil
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return nil, err
	}
	items = append([]Item(nil), items...)
	var c itemColumns
	for n := range items {
		i := &items[n]
		if i.ID == uuid.Nil {
			i.ID = uuid.Must(uuid.NewV7())
		}
		if i.Category == "" {
			i.Category = standardCategory
		}
		if i.DueFrom.IsZero() {
			i.DueFrom = profile.LocalDate(tx.At)
		}
		i.Price = i.Price.RoundToDocument()
		if err := i.check(); err != nil {
			return nil, err
		}
		if err := c.add(i); err != nil {
			return nil, err
		}
	}
	if err := billed(ctx, tx, c.accounts, c.currencies); err != nil {
		return nil, err
	}
	done, err := tx.Exec(ctx, insertItems, c.ids, c.accounts, c.subscriptions, c.kinds, c.codes, c.words, c.from, c.to, c.prices, c.currencies, c.categories,
		c.sources, c.ledgerKinds, c.ledgerRefs, c.bills, c.lines, c.causes, c.causeIDs, c.due, tx.At, c.by)
	if err != nil {
		return nil, fmt.Errorf("add to bills: %w", err)
	}
	if done.RowsAffected() == int64(len(items)) {
		for n := range items {
			items[n].CreatedAt = tx.At
		}
		return items, nil
	}
	return repeated(ctx, tx, items)
}

// billed refuses accounts that are not there, get no bills, or have another currency.
func billed(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID, currencies []string) error {
	var missing, prepaid, other bool
	err := tx.QueryRow(ctx, `
		select coalesce(bool_or(a.id is null), false), coalesce(bool_or(a.kind = 'prepaid'), false), coalesce(bool_or(a.currency <> n.currency), false)
		  from unnest($1::uuid[], $2::text[]) as n (account, currency)
		  left join billing_account a on a.id = n.account`, accounts, currencies).Scan(&missing, &prepaid, &other)
	switch {
	case err != nil:
		return fmt.Errorf("accounts of items: %w", err)
	case missing:
		return fmt.Errorf("account of an item: %w", account.ErrNotFound)
	case prepaid:
		return ErrPrepaidItem
	case other:
		return ErrCurrency
	}
	return nil
}

// repeated gives what is stored under the items' ids or causes.
func repeated(ctx context.Context, tx tenant.Tx, items []Item) ([]Item, error) {
	for n := range items {
		found, err := queryItems(ctx, tx, `where i.id = $1 or i.cause_kind = $2 and i.cause_id = $3`, items[n].ID, items[n].Cause.Kind, items[n].Cause.ID)
		if err != nil {
			return nil, err
		}
		if len(found) != 1 || found[0].Account != items[n].Account || found[0].Kind != items[n].Kind || !found[0].Price.Decimal().Equal(items[n].Price.Decimal()) {
			return nil, fmt.Errorf("item %s: %w", items[n].ID, ErrItemDiffers)
		}
		items[n] = found[0]
	}
	return items, nil
}

// itemColumns are the columns of items to be written.
type itemColumns struct {
	ids, accounts, causeIDs                                      []uuid.UUID
	subscriptions, ledgerRefs, bills                             []*uuid.UUID
	kinds, codes, words, prices, currencies, categories, sources []string
	ledgerKinds, causes, by                                      []string
	from, to                                                     []*calendar.Date
	due                                                          []calendar.Date
	lines                                                        []*int
}

const selectItems = `
	select i.id, i.account_id, i.subscription_id, i.kind, i.code, i.words, i.period_from, i.period_to, i.price, i.currency, i.tax_category,
	       i.source, i.ledger_kind, i.ledger_ref, i.of_bill, i.of_line, i.cause_kind, i.cause_id, i.due_from, i.created_at, i.created_by, i.bill_id
	  from bill_item i `

// GetItem reads an item; ErrNoItem if there is none.
func GetItem(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Item, error) {
	found, err := queryItems(ctx, tx, `where i.id = $1`, id)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("item %s: %w", id, ErrNoItem)
	}
	if err != nil {
		return Item{}, err
	}
	return found[0], nil
}

// ItemsOf lists an account's items, the latest first; waiting leaves out those
// that stand on a bill.
func ItemsOf(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, waiting bool, limit int) ([]Item, error) {
	return queryItems(ctx, tx, `where i.account_id = $1 and (not $2 or i.bill_id is null) order by i.id desc limit $3`, accountID, waiting, limit)
}

// DropItem takes an item back that no bill has taken; ErrItemTaken after.
func DropItem(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
	done, err := tx.Exec(ctx, `delete from bill_item where id = $1 and bill_id is null`, id)
	if err != nil {
		return fmt.Errorf("drop item %s: %w", id, err)
	}
	if done.RowsAffected() == 1 {
		return nil
	}
	if _, err := GetItem(ctx, tx, id); err != nil {
		return err
	}
	return fmt.Errorf("item %s: %w", id, ErrItemTaken)
}

func queryItems(ctx context.Context, tx tenant.Tx, where string, args ...any) ([]Item, error) {
	rows, err := tx.Query(ctx, selectItems+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read items: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanItem)
	if err != nil {
		return nil, fmt.Errorf("read items: %w", err)
	}
	return list, nil
}

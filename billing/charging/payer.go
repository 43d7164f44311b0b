package charging

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/rating"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// payer is a locked billing account with its buckets, as they stand within
// the transaction.
type payer struct {
	id                  uuid.UUID
	kind                account.Kind
	prepaid             bool
	currency            money.Currency
	cycle               calendar.Cycle
	open                calendar.Period
	openFrom, openTo    time.Time
	begun               *calendar.Date // cycles before it have begun (BeginCycle); nil: none
	begunTo             time.Time      // its first instant, zero for none
	legalEntity, branch uuid.UUID
	taxed               *tax.Buyer // nil: an ordinary customer

	held     money.Decimal // what sessions hold back of its credit
	reserved reservations  // whatever sessions hold back
	// what it owes, and how far that may go online; nil: see limit.go
	unbilled, receivable, credit money.Decimal
	creditLimit, debtLimit       *money.Decimal

	units   []*purse // seconds, bytes and events, in any order: rating sorts them
	money   []*purse // in order of use, main last
	foreign []*purse // money in other currencies, in order of use
	main    *purse

	networks bool // some purse is for numbers of our own, or of others, only

	// of one that is remembered between transactions (memory)
	version     uint32    // of its row
	readAt      time.Time // wall time
	endingAfter time.Time // balances that ended until then are not known
}

// purse is a bucket with the value it has so far. Late use finds in it what
// the bucket's end took.
type purse struct {
	balance.Bucket
	filter rating.Filter
	terms  rating.Terms
	held   money.Decimal  // what others' sessions hold back, where that counts
	before money.Decimal  // Value when it was locked
	back   money.Decimal  // of Value: taken back of the end, once it is used
	room   *money.Decimal // of a shared one: what the member at hand may take; nil: all

	version uint32 // of its row, where it is remembered between transactions
}

func newPurse(b *balance.Bucket, filter rating.Filter, terms rating.Terms) *purse {
	p := &purse{Bucket: *b, filter: filter, terms: terms, back: b.Expired}
	p.Value = p.Value.Add(b.Expired)
	p.before = p.Value
	return p
}

// of says whether the purse pays for a holder's subscription: its own, or any of
// the account's and of the group's where it is shared. What went on with the
// subscription that took its place pays for late use of the old one, too.
func (p *purse) of(h *holding) bool {
	return p.SubscriptionID == nil || p.Shared || *p.SubscriptionID == h.subscription || slices.Contains(h.heirs, *p.SubscriptionID)
}

// pays says whether the purse may be used for such an event, as its tariff
// knows decks, calendars and networks.
func (p *purse) pays(event *rating.Event, by *tariff) bool {
	return by.Admits(&p.filter, event)
}

// planned has PostgreSQL plan a statement for the values at hand: a prepared one
// may keep a plan that was made while its table was empty or small, and would
// then compare every row with every id of an array.
const planned = pgx.QueryExecModeCacheDescribe

const payerColumns = `
	a.id, a.kind, a.currency, a.anchor, a.cycle_months, a.cycle_days, a.cycle_start, a.cycle_end, a.begun_through, a.legal_entity, a.branch,
	a.unbilled, a.receivable, a.credit, a.credit_limit, a.debt_limit, a.tax_status`

// The rows are locked in id order, before any bucket. NO KEY: other
// transactions may go on adding rows that refer to them.
const lockPayers = `
	select ` + payerColumns + `
	from unnest($1::uuid[]) as w (id)
	join billing_account as a on a.id = w.id
	order by a.id
	for no key update of a`

// lockAccounts locks accounts and their buckets that end after an instant.
func (s *scene) lockAccounts(ctx context.Context, tx tenant.Tx, ids []pgtype.UUID, endingAfter time.Time) (map[uuid.UUID]*payer, error) {
	payers := make(map[uuid.UUID]*payer, len(ids))
	if len(ids) == 0 {
		return payers, nil
	}
	rows, err := tx.Query(ctx, lockPayers, planned, ids)
	if err != nil {
		return nil, fmt.Errorf("lock accounts: %w", err)
	}
	list, err := pgx.CollectRows(rows, s.scanPayer)
	if err != nil {
		return nil, fmt.Errorf("lock accounts: %w", err)
	}
	for _, p := range list {
		payers[p.id] = p
	}
	if err := s.lockBuckets(ctx, tx, payers, ids, endingAfter); err != nil {
		return nil, err
	}
	return payers, s.loadExchange(ctx, tx, payers)
}

// loadExchange reads the exchange rates if somebody has money in another
// currency.
func (s *scene) loadExchange(ctx context.Context, tx tenant.Tx, payers map[uuid.UUID]*payer) (err error) {
	var currencies []money.Currency
	for _, p := range payers {
		for _, one := range p.foreign {
			currency, err := one.Unit.Currency()
			if err != nil {
				return fmt.Errorf("currency of balance %s: %w", one.ID, err)
			}
			currencies = append(currencies, p.currency, currency)
		}
	}
	if len(currencies) > 0 {
		s.exchange, err = catalog.LoadRates(ctx, tx, currencies)
	}
	return err
}

func (s *scene) scanPayer(row pgx.CollectableRow) (*payer, error) {
	p := s.newPayer()
	err := row.Scan(p.fields()...)
	p.settle(s.zone)
	return p, err
}

func (s *scene) newPayer() *payer { return &payer{cycle: calendar.Cycle{Policy: s.anchorPolicy}} }

// fields are where payerColumns go; settle comes behind it.
func (p *payer) fields() []any {
	return []any{(*[16]byte)(&p.id), &p.kind, &p.currency, &p.cycle.Anchor, &p.cycle.Months, &p.cycle.Days, &p.open.From, &p.open.To, &p.begun, (*[16]byte)(&p.legalEntity), (*[16]byte)(&p.branch),
		&p.unbilled, &p.receivable, &p.credit, &p.creditLimit, &p.debtLimit, &p.taxed}
}

// settle works out what follows from the fields.
func (p *payer) settle(zone *time.Location) {
	p.prepaid = p.kind == account.Prepaid
	p.openFrom, p.openTo = p.open.Instants(zone)
	if p.begun != nil {
		p.begunTo = p.begun.Start(zone).UTC()
	}
}

// lockBuckets fills in the payers' buckets. A prepaid account that has no main
// bucket yet gets one: something must take what the others don't hold.
func (s *scene) lockBuckets(ctx context.Context, tx tenant.Tx, payers map[uuid.UUID]*payer, ids []pgtype.UUID, endingAfter time.Time) error {
	buckets, err := balance.Lock(ctx, tx, ids, endingAfter)
	if err != nil {
		return err
	}
	for i := range buckets {
		if err := s.addPurse(payers, &buckets[i], 0); err != nil {
			return err
		}
	}
	bare := sortPurses(payers)
	if len(bare) == 0 {
		return nil
	}
	if err := balance.CreateMain(ctx, tx, bare...); err != nil {
		return err
	}
	for _, p := range payers {
		p.units, p.money, p.foreign, p.main = nil, nil, nil, nil
	}
	return s.lockBuckets(ctx, tx, payers, ids, endingAfter)
}

// addPurse puts a bucket where its account's uses find it. version is that of
// one that is not locked.
func (s *scene) addPurse(payers map[uuid.UUID]*payer, b *balance.Bucket, version uint32) error {
	filter, err := s.filter(b.Filter)
	if err != nil {
		return fmt.Errorf("filter of balance %s: %w", b.ID, err)
	}
	terms, err := s.termsOf(b.Terms)
	if err != nil {
		return fmt.Errorf("terms of balance %s: %w", b.ID, err)
	}
	one := newPurse(b, filter, terms)
	one.version = version
	payers[b.AccountID].add(one)
	return nil
}

// sortPurses puts money in the order of its use, and names the prepaid accounts
// that have no main bucket yet.
func sortPurses(payers map[uuid.UUID]*payer) (bare []uuid.UUID) {
	for _, p := range payers {
		slices.SortFunc(p.money, inOrderOfUse)
		slices.SortFunc(p.foreign, inOrderOfUse)
		if p.prepaid && p.main == nil {
			bare = append(bare, p.id)
		}
	}
	return bare
}

func (p *payer) add(one *purse) {
	p.networks = p.networks || one.filter.AsksNetwork()
	switch {
	case !one.Unit.IsCurrency():
		p.units = append(p.units, one)
	case one.Unit == p.currency.Unit():
		p.money = append(p.money, one)
		if one.Origin == balance.Main {
			p.main = one
		}
	default:
		p.foreign = append(p.foreign, one)
	}
}

// inOrderOfUse: priority, then earliest expiry, then oldest.
func inOrderOfUse(a, b *purse) int {
	switch {
	case a.Priority != b.Priority:
		return a.Priority - b.Priority
	case (a.ExpiresAt == nil) != (b.ExpiresAt == nil):
		if a.ExpiresAt == nil {
			return 1
		}
		return -1
	case a.ExpiresAt != nil && !a.ExpiresAt.Equal(*b.ExpiresAt):
		return a.ExpiresAt.Compare(*b.ExpiresAt)
	case !a.CreatedAt.Equal(b.CreatedAt):
		return a.CreatedAt.Compare(b.CreatedAt)
	}
	return bytes.Compare(a.ID[:], b.ID[:])
}

// cycleStart says in which cycle something is billed: in its own if that is
// still open or yet to come, else in the one that is open now.
func (p *payer) cycleStart(at time.Time, zone *time.Location) calendar.Date {
	if at.Before(p.openTo) {
		return p.open.From
	}
	return p.cycle.Containing(calendar.DateOf(at, zone)).From
}

package balance

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/agenda"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// LateUsage is how long an allowance waits, after it has ended, for usage that
// happened before.
const LateUsage = 72 * time.Hour

// NewBucket is something to be given: a cycle's allowance (Allowance) or a
// promotion (Promotion), in units or money.
type NewBucket struct {
	ID             uuid.UUID // given by the caller; a repeat changes nothing
	AccountID      uuid.UUID
	SubscriptionID uuid.UUID // uuid.Nil: of the whole account
	GrantedBy      uuid.UUID // the option on top of it that gives an allowance; uuid.Nil: SubscriptionID itself
	Code           string
	Unit           money.Unit
	Origin         Origin
	Amount         money.Decimal // above zero
	Priority       int
	ValidFrom      time.Time
	ExpiresAt      time.Time       // zero: never
	Filter         json.RawMessage // what it may pay, in rating's words; nil: all of its unit
	Terms          json.RawMessage // how it gives it, in rating's words; nil: unit by unit
	Rollover       *Rollover
	Shared         bool
	MemberLimit    *money.Decimal
	LegalEntity    uuid.UUID
	Branch         uuid.UUID
}

const insertBuckets = `
	insert into bucket (id, account_id, subscription_id, code, unit, origin, initial, value,
	                    priority, valid_from, expires_at, filter, terms, rollover, shared, member_limit, granted_by, created_at)
	select n.id, n.account_id, n.subscription_id, n.code, n.unit, n.origin, n.amount, 0,
	       n.priority, n.valid_from, n.expires_at, n.filter, n.terms, n.rollover, n.shared, n.member_limit::numeric, n.granted_by, $1
	from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::numeric[],
	            $9::integer[], $10::timestamptz[], $11::timestamptz[], $12::jsonb[], $13::jsonb[], $14::jsonb[], $15::boolean[], $16::text[], $17::uuid[])
	     as n (id, account_id, subscription_id, code, unit, origin, amount, priority, valid_from, expires_at, filter,
	           terms, rollover, shared, member_limit, granted_by)
	order by n.id
	on conflict (id) do nothing
	returning id`

// Grant creates buckets and fills them, all with a few statements, and puts
// their ends on the agenda. Those whose id exists are left as they are. It
// says how many were new.
func Grant(ctx context.Context, tx tenant.Tx, wanted []NewBucket) (int, error) {
	if len(wanted) == 0 {
		return 0, nil
	}
	fresh, err := insertNew(ctx, tx, wanted)
	if err != nil || len(fresh) == 0 {
		return 0, err
	}
	var postings []ledger.Posting
	ends := map[time.Time]bool{}
	for i := range wanted {
		n := &wanted[i]
		if !fresh[n.ID] {
			continue
		}
		postings = append(postings, n.posting(tx.At))
		if !n.ExpiresAt.IsZero() {
			ends[due(n.Origin, n.Unit, n.ExpiresAt, n.Rollover)] = true
		}
	}
	if err := ledger.PostMany(ctx, tx, postings); err != nil {
		return 0, fmt.Errorf("grant balances: %w", err)
	}
	for end := range ends {
		if err := agenda.Add(ctx, tx, agenda.Item{Kind: agenda.BucketExpiry, DueAt: end}); err != nil {
			return 0, err
		}
	}
	accounts := map[uuid.UUID]bool{}
	for i := range wanted {
		if fresh[wanted[i].ID] {
			accounts[wanted[i].AccountID] = true
		}
	}
	return len(fresh), Turned(ctx, tx, slices.Collect(maps.Keys(accounts))...)
}

func insertNew(ctx context.Context, tx tenant.Tx, wanted []NewBucket) (map[uuid.UUID]bool, error) {
	var c columns
	for i := range wanted {
		n := &wanted[i]
		if n.Amount.Sign() <= 0 || n.Origin == Main {
			return nil, fmt.Errorf("grant %s of %s %s: %w", n.Origin, n.Amount, n.Unit, ErrAmount)
		}
		c.add(n)
	}
	rows, err := tx.Query(ctx, insertBuckets, tx.At, c.ids, c.accounts, c.subscriptions, c.codes, c.units, c.origins,
		c.amounts, c.priorities, c.from, c.to, c.filters, c.terms, c.rollovers, c.shared, c.limits, c.granters)
	if err != nil {
		return nil, fmt.Errorf("create balances: %w", err)
	}
	fresh := map[uuid.UUID]bool{}
	var id uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		fresh[id] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("create balances: %w", err)
	}
	if len(fresh) == 0 {
		return fresh, nil
	}
	return fresh, Touch(ctx, tx, c.accounts)
}

// columns are buckets to be inserted, turned for unnest.
type columns struct {
	ids, accounts         []uuid.UUID
	subscriptions         []*uuid.UUID
	granters              []*uuid.UUID
	codes, units, origins []string
	amounts               []money.Decimal
	priorities            []int
	from                  []time.Time
	to                    []*time.Time
	filters, terms        []string
	rollovers, limits     []*string
	shared                []bool
}

func (c *columns) add(n *NewBucket) {
	c.ids, c.accounts = append(c.ids, n.ID), append(c.accounts, n.AccountID)
	c.codes, c.units, c.origins = append(c.codes, n.Code), append(c.units, string(n.Unit)), append(c.origins, string(n.Origin))
	c.amounts, c.priorities = append(c.amounts, n.Amount), append(c.priorities, n.Priority)
	c.from = append(c.from, n.ValidFrom)
	var subscription *uuid.UUID
	if n.SubscriptionID != uuid.Nil {
		subscription = &n.SubscriptionID
	}
	var to *time.Time
	if !n.ExpiresAt.IsZero() {
		to = &n.ExpiresAt
	}
	var granter *uuid.UUID
	if n.GrantedBy != uuid.Nil && n.GrantedBy != n.SubscriptionID {
		granter = &n.GrantedBy
	}
	c.granters = append(c.granters, granter)
	c.subscriptions, c.to = append(c.subscriptions, subscription), append(c.to, to)
	c.filters, c.terms = append(c.filters, objectOr(n.Filter)), append(c.terms, objectOr(n.Terms))
	c.rollovers, c.shared, c.limits = append(c.rollovers, n.Rollover.text()), append(c.shared, n.Shared), append(c.limits, optionalText(n.MemberLimit))
}

// objectOr is a JSON document, an empty one for none.
func objectOr(document json.RawMessage) string {
	if len(document) == 0 {
		return "{}"
	}
	return string(document)
}

func optionalText(d *money.Decimal) *string {
	if d == nil {
		return nil
	}
	text := d.String()
	return &text
}

// posting fills the bucket: units are issued, money is given by promotions.
func (n *NewBucket) posting(at time.Time) ledger.Posting {
	bucket := Bucket{ID: n.ID, AccountID: n.AccountID, Unit: n.Unit}
	return ledger.Posting{
		Event:     ledger.Event{Kind: ledger.Grant, ID: n.ID, At: at, LegalEntity: n.LegalEntity, Branch: n.Branch},
		Transfers: []ledger.Transfer{adjusting(bucket, n.Amount)},
	}
}

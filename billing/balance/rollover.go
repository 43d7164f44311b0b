package balance

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/agenda"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Rollover says what lives on of a bucket after its end: of the rest at most
// Share of a hundred, and at most Amount, until an instant.
type Rollover struct {
	Share    *money.Decimal `json:"share,omitempty"`
	Amount   *money.Decimal `json:"amount,omitempty"`
	Until    time.Time      `json:"until"`
	Priority int            `json:"priority"`
}

func (r *Rollover) text() *string {
	if r == nil {
		return nil
	}
	document, err := json.Marshal(r)
	if err != nil {
		panic(err) // decimals and an instant always have a text
	}
	text := string(document)
	return &text
}

// Of is what rolls over of a rest: whole units, or money at nine decimals.
func (r *Rollover) Of(rest money.Decimal, unit money.Unit) (money.Decimal, error) {
	if r == nil {
		return money.Decimal{}, nil
	}
	digits := int32(0)
	if unit.IsCurrency() {
		digits = money.Scale
	}
	kept := rest
	if r.Share != nil {
		var err error
		if kept, err = rest.MulDiv(*r.Share, money.NewDecimal(100), digits, money.Down); err != nil {
			return money.Decimal{}, fmt.Errorf("%s of a hundred of %s: %w", r.Share, rest, err)
		}
	}
	if r.Amount != nil && r.Amount.Cmp(kept) < 0 {
		kept = *r.Amount
	}
	return kept, nil
}

// ending is a bucket that ends, with whose it is.
type ending struct {
	Bucket
	legalEntity, branch uuid.UUID
}

func scanEnding(row pgx.CollectableRow) (ending, error) {
	var e ending
	err := row.Scan(&e.ID, &e.AccountID, &e.Unit, &e.Origin, &e.Value, &e.Rollover, &e.legalEntity, &e.branch)
	return e, err
}

const endingColumns = `b.id, b.account_id, b.unit, b.origin, b.value, b.rollover, a.legal_entity, a.branch`

// roll is one bucket's rest on its way to the next.
type roll struct {
	from   *ending
	id     uuid.UUID
	amount money.Decimal
}

// finish empties buckets that have ended: what rolls over goes to new ones, the
// rest to whoever inherits it. The buckets are locked.
func finish(ctx context.Context, tx tenant.Tx, gone []ending, at time.Time) error {
	var rolls []roll
	postings := make([]ledger.Posting, 0, len(gone))
	expired := map[uuid.UUID]money.Decimal{}
	for i := range gone {
		e := &gone[i]
		kept, err := e.Rollover.Of(e.Value, e.Unit)
		if err != nil {
			return fmt.Errorf("roll over balance %s: %w", e.ID, err)
		}
		p := ledger.Posting{Event: ledger.Event{Kind: ledger.Expiry, ID: e.ID, At: at, LegalEntity: e.legalEntity, Branch: e.branch}}
		if kept.Sign() > 0 {
			next := roll{e, uuid.Must(uuid.NewV7()), kept}
			rolls = append(rolls, next)
			to := Bucket{ID: next.id, Unit: e.Unit}
			p.Transfers = append(p.Transfers, ledger.Transfer{Debit: e.Ledger(), Credit: to.Ledger(), Amount: kept, Unit: e.Unit, AccountID: e.AccountID})
		}
		if rest := e.Value.Sub(kept); rest.Sign() > 0 {
			expired[e.ID] = rest
			p.Transfers = append(p.Transfers, ledger.Transfer{Debit: e.Ledger(), Credit: ledger.General(e.Heir()), Amount: rest, Unit: e.Unit, AccountID: e.AccountID})
		}
		postings = append(postings, p)
	}
	if err := insertRolled(ctx, tx, rolls); err != nil {
		return err
	}
	if err := ledger.PostMany(ctx, tx, postings); err != nil {
		return fmt.Errorf("end balances: %w", err)
	}
	return moveExpired(ctx, tx, expired)
}

// What rolled over is as old, and valid from the same instant, as what it was
// left in: it is the rest of the same thing. So late use finds it as well.
const insertRolls = `
	insert into bucket (id, account_id, subscription_id, code, unit, origin, initial, value, priority, valid_from, expires_at,
	                    filter, terms, rolled_from, shared, member_limit, granted_by, created_at)
	select n.id, b.account_id, b.subscription_id, b.code, b.unit, b.origin, n.amount, 0, n.priority, b.valid_from, n.until,
	       b.filter, b.terms, b.id, b.shared, b.member_limit, b.granted_by, b.created_at
	from unnest($1::uuid[], $2::uuid[], $3::numeric[], $4::integer[], $5::timestamptz[]) as n (id, rolled_from, amount, priority, until)
	join bucket as b on b.id = n.rolled_from
	order by n.id`

func insertRolled(ctx context.Context, tx tenant.Tx, rolls []roll) error {
	if len(rolls) == 0 {
		return nil
	}
	var (
		ids, from  []uuid.UUID
		accounts   []uuid.UUID
		amounts    []money.Decimal
		priorities []int
		until      []time.Time
	)
	ends := map[time.Time]bool{}
	for _, r := range rolls {
		over := r.from.Rollover
		ids, from, amounts = append(ids, r.id), append(from, r.from.ID), append(amounts, r.amount)
		accounts = append(accounts, r.from.AccountID)
		priorities, until = append(priorities, over.Priority), append(until, over.Until)
		ends[due(r.from.Origin, r.from.Unit, over.Until, nil)] = true
	}
	tag, err := tx.Exec(ctx, insertRolls, ids, from, amounts, priorities, until)
	if err == nil && tag.RowsAffected() != int64(len(rolls)) {
		err = fmt.Errorf("%d of %d rows written", tag.RowsAffected(), len(rolls))
	}
	if err != nil {
		return fmt.Errorf("roll balances over: %w", err)
	}
	if err := Touch(ctx, tx, accounts); err != nil {
		return err
	}
	for end := range ends {
		if err := agenda.Add(ctx, tx, agenda.Item{Kind: agenda.BucketExpiry, DueAt: end}); err != nil {
			return err
		}
	}
	return nil
}

// Roll ends those buckets of locked accounts that roll over and whose period
// is over, before their turn on the agenda: use of the new period needs what
// they leave. It says how many.
func Roll(ctx context.Context, tx tenant.Tx, accountIDs []uuid.UUID) (int, error) {
	rows, err := tx.Query(ctx, `
		select `+endingColumns+`
		from bucket as b
		join billing_account as a on a.id = b.account_id
		where b.account_id = any ($1) and b.value > 0 and b.rollover is not null and b.expires_at <= $2
		order by b.id
		for no key update of b`, accountIDs, tx.At)
	if err != nil {
		return 0, fmt.Errorf("find balances that roll over: %w", err)
	}
	gone, err := pgx.CollectRows(rows, scanEnding)
	if err != nil {
		return 0, fmt.Errorf("find balances that roll over: %w", err)
	}
	if len(gone) == 0 {
		return 0, nil
	}
	return len(gone), finish(ctx, tx, gone, tx.At)
}

package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/charging"
	"tollhouse/billing/tenant"
)

// A trial's portion of accounts is priced by two workers side by side: one core
// waits for nothing but the other's turn in the database.
const (
	trialPortion = 500
	trialWorkers = 2
)

// Transactions opens a tenant's.
type Transactions struct {
	Write Write
	Read  Write
}

// WorkTrial works one portion of a trial; again says that more is left.
func WorkTrial(ctx context.Context, db Transactions, engine *charging.Engine, id uuid.UUID) (again bool, err error) {
	var t Trial
	var accounts []trialAccount
	err = db.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		if t, err = lockTrial(ctx, tx, id); err != nil {
			return err
		}
		if t.State == Asked {
			if err := t.begin(ctx, tx); err != nil {
				return err
			}
		}
		if t.State != Running {
			return nil
		}
		accounts, err = t.next(ctx, tx)
		if err == nil && len(accounts) == 0 {
			return t.finish(ctx, tx)
		}
		return err
	})
	if err != nil || len(accounts) == 0 {
		return false, err
	}
	sums, err := priceAside(ctx, db, engine, &t, accounts)
	if err != nil {
		return false, err
	}
	return true, db.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		return t.keep(ctx, tx, sums, accounts)
	})
}

// FailTrial ends one that cannot be worked, saying why.
func FailTrial(ctx context.Context, tx tenant.Tx, id uuid.UUID, cause error) error {
	t, err := lockTrial(ctx, tx, id)
	if err != nil || t.State.Ended() {
		return err
	}
	_, err = tx.Exec(ctx, `update tariff_trial set state = 'failed', error = $2, ended_at = $3 where id = $1`, id, cause.Error(), tx.At)
	return err
}

// priceAside shares a portion out between workers, each with a snapshot of its own.
func priceAside(ctx context.Context, db Transactions, engine *charging.Engine, t *Trial, accounts []trialAccount) (Sums, error) {
	var total Sums
	var mu sync.Mutex
	var failures []error
	var workers sync.WaitGroup
	share := (len(accounts) + trialWorkers - 1) / trialWorkers
	for from := 0; from < len(accounts); from += share {
		some := accounts[from:min(from+share, len(accounts))]
		workers.Go(func() {
			var sums Sums
			err := db.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
				sums = Sums{}
				p := pricing{trial: t, sums: &sums}
				return p.run(ctx, tx, engine, some)
			})
			mu.Lock()
			defer mu.Unlock()
			total.merge(sums)
			failures = append(failures, err)
		})
	}
	workers.Wait()
	return total, errors.Join(failures...)
}

// The accounts of the segment that had a subscription in the period.
const trialAccounts = `
	from billing_account a
	join party p on p.id = a.party_id
	where ($3::uuid is null or a.branch = $3) and ($4 = '' or a.kind = $4) and ($5 = '' or lower(p.address ->> 'city') = lower($5))
	  and exists (select from subscription s join offering_version v on v.id = s.offering_id
	              where s.account_id = a.id and s.activated_at < $2 and (s.terminated_at is null or s.terminated_at > $1)
	                and ($6 = '' or v.code = $6))`

func (t *Trial) accountArgs(ctx context.Context, tx tenant.Tx) ([]any, error) {
	zone, err := zoneOf(ctx, tx)
	if err != nil {
		return nil, err
	}
	from, to := t.Days.Instants(zone)
	return []any{from, to, optional(t.Segment.Branch), t.Segment.Kind, t.Segment.Place, t.Segment.Offering}, nil
}

func (t *Trial) begin(ctx context.Context, tx tenant.Tx) error {
	args, err := t.accountArgs(ctx, tx)
	if err != nil {
		return err
	}
	if err := tx.QueryRow(ctx, `select count(*) `+trialAccounts, args...).Scan(&t.Accounts); err != nil {
		return fmt.Errorf("count accounts: %w", err)
	}
	if err := t.move(ctx, tx, Running, ""); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `update tariff_trial set accounts_total = $2 where id = $1`, t.ID, t.Accounts)
	return err
}

// next are the accounts after those that are done.
func (t *Trial) next(ctx context.Context, tx tenant.Tx) ([]trialAccount, error) {
	args, err := t.accountArgs(ctx, tx)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `
		select a.id, a.number, p.name, coalesce(p.address ->> 'city', ''), a.kind, a.currency, a.anchor, a.cycle_months, a.cycle_days, a.cycle_start, a.cycle_end,
		       (select b.name from branch b where b.id = a.branch)
		`+trialAccounts+` and ($7::uuid is null or a.id > $7) order by a.id limit $8`, append(args, optional(t.through), trialPortion)...)
	if err != nil {
		return nil, fmt.Errorf("choose accounts: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (trialAccount, error) {
		var a trialAccount
		err := row.Scan(&a.ID, &a.Number, &a.Name, &a.Place, &a.Kind, &a.Currency, &a.Cycle.Anchor, &a.Cycle.Months, &a.Cycle.Days, &a.Open.From, &a.Open.To, &a.Branch)
		return a, err
	})
}

// keep adds a portion to the stored sums, unless the trial was cancelled meanwhile.
func (t *Trial) keep(ctx context.Context, tx tenant.Tx, portion Sums, accounts []trialAccount) error {
	now, err := lockTrial(ctx, tx, t.ID)
	if err != nil {
		return err
	}
	if now.State != Running || now.through != t.through {
		return nil // another worker was faster, or nobody wants it any more
	}
	now.Sums.merge(portion)
	sums, err := json.Marshal(now.Sums)
	if err != nil {
		return fmt.Errorf("sums of trial: %w", err)
	}
	tag, err := tx.Exec(ctx, `
		update tariff_trial set sums = $2, through = $3, accounts_done = least(accounts_total, accounts_done + $4), records = $5
		where id = $1`, t.ID, sums, accounts[len(accounts)-1].ID, len(accounts), now.Sums.Total.Records+now.Sums.unpricedUses())
	if err == nil && tag.RowsAffected() != 1 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("keep sums of trial: %w", err)
	}
	return nil
}

func (s *Sums) unpricedUses() (n int64) {
	for _, u := range s.Unpriced {
		n += u.Uses
	}
	return n
}

// finish ends a trial, and marks its draft as tried if it is still the same.
func (t *Trial) finish(ctx context.Context, tx tenant.Tx) error {
	if err := t.move(ctx, tx, Done, ""); err != nil {
		return err
	}
	return markTried(ctx, tx, t)
}

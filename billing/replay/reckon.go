package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/audit"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// accountsAtOnce bounds a portion: its accounts stay locked meanwhile.
const accountsAtOnce = 50

// Write runs one transaction of the tenant.
type Write func(ctx context.Context, fn func(ctx context.Context, tx tenant.Tx) error) error

// WorkRerating works one portion of a re-rating; again says that more is left.
// What was committed stays, wherever it is cut off. One that a change of plan
// brought about is reckoned and applied as one portion.
func WorkRerating(ctx context.Context, write Write, engine *charging.Engine, id uuid.UUID, now func() time.Time) (again bool, err error) {
	err = write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		r, err := lock(ctx, tx, id)
		if err != nil {
			return err
		}
		w := &worker{engine: engine, rerating: &r, audit: audit.Caller{Actor: itself, WallAt: now()}}
		switch {
		case r.State == Asked:
			again = true
			return w.begin(ctx, tx)
		case r.State == Running && r.Cause != uuid.Nil:
			again = false
			return w.follow(ctx, tx)
		case r.State == Running:
			again, err = w.reckon(ctx, tx)
			return err
		case r.State == Applying && r.Action == Undo:
			again, err = w.undo(ctx, tx)
			return err
		case r.State == Applying:
			again, err = w.apply(ctx, tx)
			return err
		}
		again = false
		return nil
	})
	return again, err
}

// FailRerating ends one that cannot be worked, saying why.
func FailRerating(ctx context.Context, tx tenant.Tx, id uuid.UUID, cause error) error {
	r, err := lock(ctx, tx, id)
	if err != nil || r.State.Ended() {
		return err
	}
	_, err = tx.Exec(ctx, `update rerating set state = 'failed', error = $2, ended_at = $3 where id = $1`, id, cause.Error(), tx.At)
	return err
}

// worker works one portion.
type worker struct {
	engine   *charging.Engine
	rerating *Rerating
	zone     *time.Location
	audit    audit.Caller
}

// The accounts that used something that may be meant: usage_record_account
// answers it per account.
const chosenAccounts = `
	from billing_account a
	where ($1::uuid is null or a.id = $1) and exists (
	    select from usage_record u
	    join charge c on c.period = u.period and c.id = u.id
	    where u.account_id = a.id and u.ended_at >= $2 and u.ended_at < $3
	      and ($4::uuid is null or u.file_id = $4)
	      and ($5 = '' or ltrim(u.destination, '+') like $5 || '%')
	      and ($6::uuid[] is null or u.id = any($6))
	      and ($7 = '' or c.offering_id in (select v.id from offering_version v where v.code = $7))
      and ($8::uuid[] is null or c.subscription_id = any($8)))`

func (w *worker) chosen(ctx context.Context, tx tenant.Tx) ([]any, error) {
	var name string
	err := tx.QueryRow(ctx, `select zone from operator where id = 1`).Scan(&name)
	if err != nil {
		return nil, fmt.Errorf("read zone: %w", err)
	}
	if w.zone, err = time.LoadLocation(name); err != nil {
		return nil, err
	}
	c := &w.rerating.Choice
	from, to := c.Days.Instants(w.zone)
	var uses []uuid.UUID
	for _, p := range c.Uses {
		uses = append(uses, p.ID)
	}
	line, err := c.line(ctx, tx)
	if err != nil {
		return nil, err
	}
	return []any{optional(c.Account), from, to, optional(c.File), c.Prefix, uses, c.Offering, line}, nil
}

func (w *worker) begin(ctx context.Context, tx tenant.Tx) error {
	args, err := w.chosen(ctx, tx)
	if err != nil {
		return err
	}
	var total int64
	if err := tx.QueryRow(ctx, `select count(*) `+chosenAccounts, args...).Scan(&total); err != nil {
		return fmt.Errorf("count accounts: %w", err)
	}
	if err := w.rerating.move(ctx, tx, Running); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `update rerating set accounts_total = $2, accounts_done = 0 where id = $1`, w.rerating.ID, total)
	return err
}

// reckon prices the next accounts again and stores what would change.
func (w *worker) reckon(ctx context.Context, tx tenant.Tx) (again bool, err error) {
	args, err := w.chosen(ctx, tx)
	if err != nil {
		return false, err
	}
	rows, err := tx.Query(ctx, `select a.id `+chosenAccounts+` and ($9::uuid is null or a.id > $9) order by a.id limit $10`,
		append(args, optional(w.rerating.through), accountsAtOnce)...)
	if err != nil {
		return false, fmt.Errorf("choose accounts: %w", err)
	}
	accounts, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return false, fmt.Errorf("choose accounts: %w", err)
	}
	if len(accounts) == 0 {
		return false, w.rerating.move(ctx, tx, Ready)
	}
	ask, err := w.ask(ctx, tx)
	if err != nil {
		return false, err
	}
	results, err := w.price(ctx, tx, ask, accounts)
	if err != nil {
		return false, err
	}
	charges, err := w.store(ctx, tx, results)
	if err != nil {
		return false, err
	}
	tag, err := tx.Exec(ctx, `update rerating set through = $2, charges = charges + $3,
		accounts_done = least(accounts_total, accounts_done + $4) where id = $1`, w.rerating.ID, accounts[len(accounts)-1], charges, len(accounts))
	if err != nil || tag.RowsAffected() != 1 {
		return false, fmt.Errorf("keep progress: %d rows: %w", tag.RowsAffected(), err)
	}
	w.rerating.through = accounts[len(accounts)-1]
	return true, nil
}

// price halves a portion that has too much usage to be held at once.
func (w *worker) price(ctx context.Context, tx tenant.Tx, ask charging.Again, accounts []uuid.UUID) ([]charging.PricedAgain, error) {
	ask.Accounts = accounts
	var err error
	if ask.Basis, err = basis(ctx, tx, accounts); err != nil {
		return nil, err
	}
	results, err := w.engine.PriceAgain(ctx, tx, ask)
	if !errors.Is(err, charging.ErrTooMuchUsage) || len(accounts) == 1 {
		return results, err
	}
	left, err := w.price(ctx, tx, ask, accounts[:len(accounts)/2])
	if err != nil {
		return nil, err
	}
	right, err := w.price(ctx, tx, ask, accounts[len(accounts)/2:])
	return append(left, right...), err
}

// ask turns the choice into what charging is asked.
func (w *worker) ask(ctx context.Context, tx tenant.Tx) (charging.Again, error) {
	r := w.rerating
	versions := map[uuid.UUID]bool{}
	if r.Choice.Offering != "" {
		rows, err := tx.Query(ctx, `select id from offering_version where code = $1`, r.Choice.Offering)
		if err != nil {
			return charging.Again{}, fmt.Errorf("read versions: %w", err)
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return charging.Again{}, fmt.Errorf("read versions: %w", err)
		}
		for _, id := range ids {
			versions[id] = true
		}
	}
	line, err := r.Choice.line(ctx, tx)
	if err != nil {
		return charging.Again{}, err
	}
	pieces := r.Choice.pieces()
	ask := charging.Again{Days: r.Choice.Days, Chosen: r.Choice.picks(versions, line, pieces), Offering: r.Offering, PresentDecks: r.Decks == DecksPresent}
	if r.Action == TakeBack {
		ask.TakeBack = r.Choice.takesBack(pieces)
	}
	return ask, nil
}

// change is the stored form of what a charge was and is to be.
type change struct {
	Was         charging.Target `json:"was"`
	To          charging.Target `json:"to"`
	Voids       int64           `json:"voids,omitempty"`
	Use         uuid.UUID       `json:"use"`
	Kind        string          `json:"kind"`
	Destination string          `json:"destination,omitempty"`
	Quantity    int64           `json:"quantity"`
	Unit        money.Unit      `json:"unit"`
	Same        bool            `json:"same,omitempty"` // only whose plan prices it has changed
}

var changeColumns = []string{"rerating_id", "account_id", "charge_id", "charge_period", "chosen", "at", "line_code", "currency",
	"old_price", "old_net", "old_tax", "new_price", "new_net", "new_tax", "target", "problem", "holder_id"}

func (w *worker) store(ctx context.Context, tx tenant.Tx, results []charging.PricedAgain) (charges int, err error) {
	var rows [][]any
	for i := range results {
		r := &results[i]
		if len(r.Changes) == 0 {
			continue
		}
		var net, tax money.Decimal
		changed := 0
		for n := range r.Changes {
			c := &r.Changes[n]
			row, err := w.row(r, c)
			if err != nil {
				return 0, err
			}
			rows = append(rows, row)
			if c.Problem == nil && !c.Same {
				net, tax = net.Add(c.Target.Net.Sub(c.Used.Was.Net)), tax.Add(c.Target.Tax.Sub(c.Used.Was.Tax))
				changed++
			}
		}
		counters, err := json.Marshal(r.Counters)
		if err != nil {
			return 0, err
		}
		_, err = tx.Exec(ctx, `
			insert into rerating_account (rerating_id, account_id, state, facts, counters, charges, currency, net, tax)
			values ($1, $2, 'proposed', $3, coalesce($4::jsonb, '[]'), $5, $6, $7, $8)`,
			w.rerating.ID, r.Account, r.Facts[:], string(counters), changed, r.Currency.Code(), net, tax)
		if err != nil {
			return 0, fmt.Errorf("store proposal of account %s: %w", r.Account, err)
		}
		charges += changed
	}
	if len(rows) == 0 {
		return 0, nil
	}
	written, err := tx.CopyFrom(ctx, pgx.Identifier{"rerating_change"}, changeColumns, pgx.CopyFromRows(rows))
	if err != nil {
		return 0, fmt.Errorf("store proposal: %w", err)
	}
	if written != int64(len(rows)) {
		return 0, fmt.Errorf("store proposal: %d of %d rows written", written, len(rows))
	}
	return charges, nil
}

func (w *worker) row(r *charging.PricedAgain, c *charging.Changed) ([]any, error) {
	was := c.Used.Was
	record := &c.Used.Record
	target, err := json.Marshal(change{
		Was: was.Target(), To: c.Target, Voids: c.Voids, Use: was.Charge.UsageID, Kind: string(record.Kind), Destination: record.Destination,
		Quantity: record.Quantity, Unit: record.Unit, Same: c.Same,
	})
	if err != nil {
		return nil, err
	}
	problem := ""
	if c.Problem != nil {
		problem = c.Problem.Error()
	}
	return []any{
		w.rerating.ID, r.Account, was.Charge.ID, was.Charge.Period.Start(time.UTC), c.Chosen, was.Charge.At, was.Charge.LineCode, r.Currency.Code(),
		was.Rated(), was.Net, was.Tax, c.Target.Price, c.Target.Net, c.Target.Tax, target, problem, optional(c.Holder),
	}, nil
}

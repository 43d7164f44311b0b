package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/charging"
	"tollhouse/billing/ledger"
	"tollhouse/billing/tenant"
)

// errChanged is why an account is left alone.
var errChanged = errors.New("usage, charges or balances of the account have changed since the proposal was made; propose it again")

// part is one account's stored proposal.
type part struct {
	Account  uuid.UUID
	Facts    []byte
	Counters []charging.CounterMove
	Currency string
	Changes  []stored
}

// stored is a row of rerating_change.
type stored struct {
	Charge  uuid.UUID
	Period  calendar.Date
	Chosen  bool
	Problem string
	change
}

// The accounts of a proposal that are still to be applied.
const selectParts = `
	select account_id, facts, counters, currency from rerating_account
	where rerating_id = $1 and state = 'proposed'
	order by account_id limit $2`

func loadParts(ctx context.Context, tx tenant.Tx, query string, args ...any) ([]part, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read proposal: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (part, error) {
		var p part
		var counters []byte
		if err := row.Scan(&p.Account, &p.Facts, &counters, &p.Currency); err != nil {
			return p, err
		}
		return p, json.Unmarshal(counters, &p.Counters)
	})
}

func (p *part) load(ctx context.Context, tx tenant.Tx, rerating uuid.UUID) error {
	rows, err := tx.Query(ctx, `
		select charge_id, charge_period, chosen, problem, target from rerating_change
		where rerating_id = $1 and account_id = $2 order by at, charge_id`, rerating, p.Account)
	if err != nil {
		return fmt.Errorf("read proposal of account %s: %w", p.Account, err)
	}
	p.Changes, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (stored, error) {
		var s stored
		var target []byte
		if err := row.Scan(&s.Charge, &s.Period, &s.Chosen, &s.Problem, &target); err != nil {
			return s, err
		}
		return s, json.Unmarshal(target, &s.change)
	})
	return err
}

// apply carries out the next accounts of a proposal.
func (w *worker) apply(ctx context.Context, tx tenant.Tx) (again bool, err error) {
	r := w.rerating
	parts, err := loadParts(ctx, tx, selectParts, r.ID, accountsAtOnce)
	if err != nil {
		return false, err
	}
	if len(parts) == 0 {
		return false, r.move(ctx, tx, Applied)
	}
	ask, err := w.ask(ctx, tx)
	if err != nil {
		return false, err
	}
	for i := range parts {
		p := &parts[i]
		err := w.alone(ctx, tx, func(ctx context.Context, tx tenant.Tx) error {
			results, err := w.price(ctx, tx, ask, []uuid.UUID{p.Account})
			if err != nil {
				return err
			}
			if len(results) != 1 || !bytes.Equal(results[0].Facts[:], p.Facts) {
				return errChanged
			}
			return w.applyPart(ctx, tx, p)
		})
		if err := w.settle(ctx, tx, r.ID, p.Account, err); err != nil {
			return false, err
		}
	}
	return true, w.count(ctx, tx, len(parts))
}

// alone runs one account's part so that a refusal leaves nothing behind.
func (w *worker) alone(ctx context.Context, tx tenant.Tx, fn func(ctx context.Context, tx tenant.Tx) error) error {
	savepoint, err := tx.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin account: %w", err)
	}
	inner := tx
	inner.Tx = savepoint
	if err := fn(ctx, inner); err != nil {
		if undo := savepoint.Rollback(ctx); undo != nil {
			return errors.Join(err, undo)
		}
		return err
	}
	return savepoint.Commit(ctx)
}

// settle notes what became of an account. What is no refusal ends the portion.
func (w *worker) settle(ctx context.Context, tx tenant.Tx, id, account uuid.UUID, cause error) error {
	state, problem := Applied, ""
	switch {
	case cause == nil:
	case errors.Is(cause, errChanged):
		state, problem = "refused", errChanged.Error()
	case errors.Is(cause, charging.ErrInsufficient), errors.Is(cause, charging.ErrBeyondCharge), errors.Is(cause, charging.ErrCorrection),
		errors.Is(cause, charging.ErrNoCharge), errors.Is(cause, ledger.ErrOverdrawn):
		state, problem = "refused", cause.Error()
	default:
		return cause
	}
	tag, err := tx.Exec(ctx, `update rerating_account set state = $3, problem = $4 where rerating_id = $1 and account_id = $2`, id, account, state, problem)
	if err == nil && tag.RowsAffected() != 1 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("settle account %s: %w", account, err)
	}
	return nil
}

func (w *worker) count(ctx context.Context, tx tenant.Tx, n int) error {
	_, err := tx.Exec(ctx, `update rerating set accounts_done = least(accounts_total, accounts_done + $2) where id = $1`, w.rerating.ID, n)
	return err
}

// applyPart books one account's corrections, moves its counters and takes its
// usage back.
func (w *worker) applyPart(ctx context.Context, tx tenant.Tx, p *part) error {
	if err := p.load(ctx, tx, w.rerating.ID); err != nil {
		return err
	}
	if err := w.book(ctx, tx, p, func(s *stored) *charging.Target { return &s.To }); err != nil {
		return err
	}
	if err := charging.MoveCounters(ctx, tx, p.Counters); err != nil {
		return err
	}
	for i := range p.Changes {
		s := &p.Changes[i]
		if s.Voids == 0 || s.Problem != "" {
			continue
		}
		_, err := tx.Exec(ctx, `insert into usage_void (usage_id, rerating_id, period, account_id, quantity, at) values ($1, $2, $3, $4, $5, $6)`,
			s.Use, w.rerating.ID, s.Period, p.Account, s.Voids, tx.At)
		if err != nil {
			return fmt.Errorf("take use %s back: %w", s.Use, err)
		}
	}
	return nil
}

// book corrects an account's charges to their targets.
func (w *worker) book(ctx context.Context, tx tenant.Tx, p *part, target func(*stored) *charging.Target) error {
	ids := ledger.NewSequence()
	var corrections []charging.Correction
	var charges []uuid.UUID
	// First what gives units back, so that others find them there.
	for _, giving := range []bool{true, false} {
		for i := range p.Changes {
			s := &p.Changes[i]
			to := target(s)
			if s.Problem != "" || givesUnits(s, to) != giving {
				continue
			}
			corrections = append(corrections, charging.Correction{ID: ids.Next(), Account: p.Account, Period: s.Period, Charge: s.Charge, Reason: w.rerating.Reason, Target: to})
			charges = append(charges, s.Charge)
		}
	}
	answers, err := w.engine.Correct(ctx, tx, corrections...)
	if err != nil {
		return err
	}
	booked := make([]*uuid.UUID, len(answers))
	for i := range answers {
		booked[i] = optional(answers[i].ChargeID)
	}
	_, err = tx.Exec(ctx, `
		update rerating_change as c set correction_id = n.correction
		from unnest($3::uuid[], $4::uuid[]) as n (charge, correction)
		where c.rerating_id = $1 and c.account_id = $2 and c.charge_id = n.charge`, w.rerating.ID, p.Account, charges, booked)
	if err != nil {
		return fmt.Errorf("note corrections: %w", err)
	}
	return nil
}

// givesUnits says that no bucket has to give more than it did.
func givesUnits(s *stored, to *charging.Target) bool {
	from := s.Was.Units
	if to == &s.Was {
		from = s.To.Units
	}
	for bucket, units := range to.Units {
		if units.Cmp(from[bucket]) > 0 {
			return false
		}
	}
	return true
}

// undo takes the next accounts of an applied re-rating back: what it made of
// their charges must still stand.
func (w *worker) undo(ctx context.Context, tx tenant.Tx) (again bool, err error) {
	r := w.rerating
	parts, err := loadParts(ctx, tx, `
		select a.account_id, a.facts, a.counters, a.currency from rerating_account a
		where a.rerating_id = $1 and a.state = 'applied'
		  and not exists (select from rerating_account u where u.rerating_id = $2 and u.account_id = a.account_id)
		order by a.account_id limit $3`, r.Undoes, r.ID, accountsAtOnce)
	if err != nil {
		return false, err
	}
	if len(parts) == 0 {
		return false, r.move(ctx, tx, Applied)
	}
	for i := range parts {
		p := &parts[i]
		if err := p.load(ctx, tx, r.Undoes); err != nil {
			return false, err
		}
		if err := w.copyBack(ctx, tx, p); err != nil {
			return false, err
		}
		err := w.alone(ctx, tx, func(ctx context.Context, tx tenant.Tx) error { return w.undoPart(ctx, tx, p) })
		if err := w.settle(ctx, tx, r.ID, p.Account, err); err != nil {
			return false, err
		}
	}
	return true, w.count(ctx, tx, len(parts))
}

// copyBack stores an account's part the other way round.
func (w *worker) copyBack(ctx context.Context, tx tenant.Tx, p *part) error {
	for i := range p.Counters {
		p.Counters[i].By = -p.Counters[i].By
	}
	counters, err := json.Marshal(p.Counters)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		insert into rerating_account (rerating_id, account_id, state, facts, counters, charges, currency, net, tax)
		select $1, account_id, 'proposed', facts, coalesce($4::jsonb, '[]'), charges, currency, -net, -tax
		from rerating_account where rerating_id = $2 and account_id = $3`, w.rerating.ID, w.rerating.Undoes, p.Account, string(counters))
	if err != nil {
		return fmt.Errorf("undo account %s: %w", p.Account, err)
	}
	_, err = tx.Exec(ctx, `
		insert into rerating_change (rerating_id, account_id, charge_id, charge_period, chosen, at, line_code, currency,
		       old_price, old_net, old_tax, new_price, new_net, new_tax, target)
		select $1, account_id, charge_id, charge_period, chosen, at, line_code, currency, new_price, new_net, new_tax, old_price, old_net, old_tax,
		       target || jsonb_build_object('was', target -> 'to', 'to', target -> 'was')
		from rerating_change where rerating_id = $2 and account_id = $3 and problem = ''`, w.rerating.ID, w.rerating.Undoes, p.Account)
	if err != nil {
		return fmt.Errorf("undo account %s: %w", p.Account, err)
	}
	_, err = tx.Exec(ctx, `update rerating set charges = charges + (select count(*) from rerating_change where rerating_id = $1 and account_id = $2) where id = $1`,
		w.rerating.ID, p.Account)
	return err
}

func (w *worker) undoPart(ctx context.Context, tx tenant.Tx, p *part) error {
	stands, err := w.engine.InForceOf(ctx, tx, p.Account, chargesOf(p))
	if err != nil {
		return err
	}
	for i := range p.Changes {
		s := &p.Changes[i]
		now := stands[s.Charge]
		if s.Problem != "" {
			continue
		}
		if now == nil || !s.To.Equals(now) {
			return errChanged
		}
	}
	if err := w.book(ctx, tx, p, func(s *stored) *charging.Target { return &s.Was }); err != nil {
		return err
	}
	if err := charging.MoveCounters(ctx, tx, p.Counters); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `update usage_void set ended_by = $2 where rerating_id = $1 and account_id = $3 and ended_by is null`,
		w.rerating.Undoes, w.rerating.ID, p.Account)
	return err
}

func chargesOf(p *part) map[uuid.UUID]calendar.Date {
	of := make(map[uuid.UUID]calendar.Date, len(p.Changes))
	for i := range p.Changes {
		of[p.Changes[i].Charge] = p.Changes[i].Period
	}
	return of
}

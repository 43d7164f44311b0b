package intake

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/bill"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// ErrHappened is wrapped by every HappenedError.
var ErrHappened = errors.New("something has happened to an imported account")

// HappenedError names the first imported account to which something has
// happened since: the import can't be undone any more.
type HappenedError struct {
	Account string // its number
	What    string // charge, bill, payment, posting, or what else refers to it
}

func (e *HappenedError) Error() string {
	if e.Account == "" {
		return fmt.Sprintf("%v: %s", ErrHappened, e.What)
	}
	return fmt.Sprintf("%v: account %s has a %s", ErrHappened, e.Account, e.What)
}

// Is lets errors.Is find ErrHappened.
func (e *HappenedError) Is(target error) bool { return target == ErrHappened }

// Undo takes a committed batch back, in one transaction: its accounts with all
// that is theirs are gone, their numbers and logins free, and the opening
// balances reversed. *HappenedError once one of them has a charge, a bill, a
// payment or any posting of its own. Number series stay where they went on.
func (im *Importer) Undo(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Batch, error) {
	b, err := lock(ctx, tx, id)
	if err != nil {
		return Batch{}, err
	}
	if err := b.move(Undone); err != nil {
		return Batch{}, err
	}
	if err := im.withdraw(ctx, tx, b); err != nil {
		return Batch{}, err
	}
	b.UndoneAt, b.Done = &tx.At, 0
	return b, b.save(ctx, tx)
}

// lockImported holds a batch's accounts: nothing can be charged or paid until
// the transaction ends.
const lockImported = `
	select a.id
	  from intake_account i
	  join billing_account a on a.id = i.account_id
	 where i.batch_id = $1
	 order by a.id
	   for update of a`

// firstTouched finds an account of which more is known than was imported.
const firstTouched = `
	select a.number, t.what
	  from intake_account i
	  join billing_account a on a.id = i.account_id
	  cross join lateral (
	        select 'charge' as what, 1 as rank where exists (select from charge c where c.account_id = a.id)
	        union all
	        select 'bill', 2 where exists (select from bill b where b.account_id = a.id)
	        union all
	        select 'payment', 3 where exists (select from payment p where p.account_id = a.id)
	        union all
	        select 'payment', 4 where exists (select from payment_intent p where p.account_id = a.id)
	        union all
	        select 'posting', 5 where exists (select from ledger_transfer l where l.account_id = a.id and l.event <> 'import')) t
	 where i.batch_id = $1
	 order by a.number, t.rank
	 limit 1`

func (im *Importer) withdraw(ctx context.Context, tx tenant.Tx, b Batch) error {
	rows, err := tx.Query(ctx, lockImported, b.ID)
	if err != nil {
		return fmt.Errorf("lock imported accounts: %w", err)
	}
	accounts, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("lock imported accounts: %w", err)
	}
	var touched HappenedError
	err = tx.QueryRow(ctx, firstTouched, b.ID).Scan(&touched.Account, &touched.What)
	if err == nil {
		return &touched
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("look for what has happened: %w", err)
	}
	// What refers to others goes first.
	for _, step := range []func(context.Context, tenant.Tx, []uuid.UUID) error{
		onboarding.WithdrawImported, bill.WithdrawImported, payment.WithdrawImported, balance.WithdrawImported,
		im.config.Users.RetireSubscribers, forgetAccounts, account.WithdrawImported,
	} {
		if err := step(ctx, tx, accounts); err != nil {
			return referred(err)
		}
	}
	return nil
}

func forgetAccounts(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID) error {
	if _, err := tx.Exec(ctx, `delete from intake_account where account_id = any ($1)`, accounts); err != nil {
		return fmt.Errorf("forget imported accounts: %w", err)
	}
	return nil
}

// referred names what a row is kept by that something else refers to.
func referred(err error) error {
	const foreignKeyViolation = "23503"
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == foreignKeyViolation {
		return &HappenedError{What: pg.TableName}
	}
	return err
}

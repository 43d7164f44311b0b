package ledger_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tollhouse/billing/account"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

// later is a mark of a moment ahead, so that what was written just now is
// before its margin. Nothing runs meanwhile.
func later(t *testing.T, db *pgtest.TenantDB, ahead time.Duration) tenant.Mark {
	t.Helper()
	mark, err := db.DB.Mark(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mark.WallAt = mark.WallAt.Add(ahead)
	return mark
}

func snap(t *testing.T, db *pgtest.TenantDB, mark tenant.Mark) {
	t.Helper()
	for more := true; more; {
		db.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
			more, err = ledger.Snap(ctx, tx, mark)
			return err
		})
	}
}

// full sums the whole ledger, without snapshots.
const full = `select kind, coalesce(id, '00000000-0000-0000-0000-000000000000'), unit, sum(amount) from (
	select debit as kind, debit_id as id, unit, amount from ledger_transfer
	union all select credit, credit_id, unit, -amount from ledger_transfer) s group by 1, 2, 3`

func differences(t *testing.T, db *pgtest.TenantDB) (n int) {
	t.Helper()
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from (`+full+`) f full join ledger_total l on l.kind = f.kind and l.id = f.coalesce and l.unit = f.unit where f.sum is distinct from l.amount`).Scan(&n)
	})
	return n
}

func TestSnap_equalsTheFullSums(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	accounts := []account.Account{openAccount(t, db), openAccount(t, db), openAccount(t, db)}
	rapid.Check(t, func(r *rapid.T) {
		steps := rapid.IntRange(1, 6).Draw(r, "steps")
		for range steps {
			a := accounts[rapid.IntRange(0, 2).Draw(r, "account")]
			n := rapid.IntRange(1, 80).Draw(r, "transfers")
			back := time.Duration(rapid.IntRange(0, 70*24).Draw(r, "hours")) * time.Hour
			db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
				postings := make([]ledger.Posting, n)
				for i := range postings {
					postings[i] = ledger.Posting{Event: event(a, ledger.Usage, tx.At.Add(-back)), Transfers: []ledger.Transfer{unbilled(a, "0.010000001")}}
				}
				return ledger.PostMany(ctx, tx, postings)
			})
			if rapid.Bool().Draw(r, "snapshot") {
				snap(t, db, later(t, db, time.Minute))
			}
			rep := report(t, db)
			if err := rep.Check(); err != nil {
				r.Fatal(err)
			}
			var debit, credit money.Decimal
			for _, line := range rep.Trial {
				debit, credit = debit.Add(line.Debit), credit.Add(line.Credit)
			}
			if !debit.Equal(credit) {
				r.Fatalf("debits %s, credits %s", debit, credit)
			}
		}
		snap(t, db, later(t, db, time.Minute))
		if n := differences(t, db); n != 0 {
			r.Fatalf("%d totals differ from the ledger", n)
		}
	})
}

// Whoever writes while snapshots are taken is neither left out nor counted twice.
func TestSnap_underConcurrentWriters(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	accounts := []account.Account{openAccount(t, db), openAccount(t, db), openAccount(t, db), openAccount(t, db)}
	stop, faults := make(chan struct{}), make(chan error, 8)
	var all sync.WaitGroup
	for _, a := range accounts {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				err := db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
					return ledger.Post(ctx, tx, event(a, ledger.Usage, tx.At), []ledger.Transfer{unbilled(a, "0.01")})
				})
				if err != nil {
					faults <- err
					return
				}
			}
		})
	}
	for range 20 {
		// the margin is gone, and the mark is waited for instead, as sealing does
		mark := later(t, db, 30*time.Second)
		mark.WallAt = mark.WallAt.Add(-20 * time.Millisecond)
		if err := db.DB.Await(t.Context(), mark); err != nil {
			t.Fatal(err)
		}
		snap(t, db, mark)
		if err := report(t, db).Check(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	all.Wait()
	select {
	case err := <-faults:
		t.Fatal(err)
	default:
	}
	snap(t, db, later(t, db, time.Minute))
	if n := differences(t, db); n != 0 {
		t.Errorf("%d totals differ from the ledger", n)
	}
	if err := report(t, db).Check(); err != nil {
		t.Error(err)
	}
}

// A snapshot that is wrong is seen: control sums do read it.
func TestControlSums_readTheSnapshots(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	a := openAccount(t, db)
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return ledger.Post(ctx, tx, event(a, ledger.Usage, tx.At), []ledger.Transfer{unbilled(a, "5")})
	})
	snap(t, db, later(t, db, time.Minute))
	if err := report(t, db).Check(); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Admin.Exec(t.Context(), `update `+db.Ref.Slot.Schema()+`.ledger_total set amount = amount + 1 where id = $1`, a.ID); err != nil {
		t.Fatal(err)
	}
	if err := report(t, db).Check(); !errors.Is(err, ledger.ErrControlSums) {
		t.Errorf("%v", err)
	}
}

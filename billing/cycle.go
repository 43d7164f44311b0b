package billing

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/desk"
	"tollhouse/billing/letter"
	"tollhouse/billing/payment"
	"tollhouse/billing/promotion"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// closeAtOnce is how many accounts one transaction of a bill run closes: few
// enough that nobody waits long for their locks.
const closeAtOnce = 500

var closer = bill.Closer{Settle: func(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID) error {
	return payment.ApplyCredit(ctx, tx, accounts...)
}}

// closersAtOnce is how many portions of a bill run are closed at the same time:
// while one waits for the database, the other reckons.
const closersAtOnce = 2

// closeFor is for how long they begin new portions before the agenda is asked
// for what else there is to do. Started together they would stand at the number
// series together, each round anew; left to go on they fall out of step.
const closeFor = 2 * time.Second

// closeCycles works a few portions of a bill run. When nothing is left to close,
// the cycles that begin on the run's day are started.
func (s *Stack) closeCycles(ctx context.Context, item agenda.Item) (again bool, err error) {
	var detail bill.Detail
	if err := item.Read(&detail); err != nil {
		return false, err
	}
	run, again, err := s.openRun(ctx, detail.CycleEnd)
	if err != nil || again || run.State != bill.Running && run.State != bill.Done {
		return again, err // it waits for a person, or for its day in another zone
	}
	if again, err = s.closePortions(ctx, run.ID); err != nil || again {
		return again, err
	}
	return false, s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		if run, err = bill.GetRun(ctx, tx, run.ID); err != nil {
			return err
		}
		if run.State == bill.Done { // and not paused meanwhile
			if err := payment.ScheduleAutoPayOf(ctx, tx, run.ID); err != nil {
				return err
			}
			if err := agenda.Again(ctx, tx, agenda.TellBills, run.ID, nil); err != nil {
				return err
			}
		}
		return agenda.Again(ctx, tx, agenda.CycleStart, itemRef("cycle_start/"+detail.CycleEnd.String()), cycleStart{Day: detail.CycleEnd})
	})
}

// closePortions closes a few portions of a run. What the outside tax engine has
// to be asked for is asked when they have ended; who gets no answer fails.
func (s *Stack) closePortions(ctx context.Context, run uuid.UUID) (again bool, err error) {
	var open questions
	with := closer
	with.Outside.Ask = open.ask
	if again, err = s.closeWith(ctx, run, with, open.none); err != nil || open.none() {
		return again, err
	}
	if with.Outside.Refused, err = s.quote(ctx, open.sales); err != nil {
		return false, err
	}
	with.Outside.Ask = func(tax.Sale) {} // another question meanwhile: its turn comes again
	_, err = s.closeWith(ctx, run, with, func() bool { return false })
	return err == nil, err
}

// closeWith closes portions side by side, each side at least one, and goes on
// with further ones while there is time and onward agrees: who is to be asked
// for first would be found open again and again.
func (s *Stack) closeWith(ctx context.Context, run uuid.UUID, with bill.Closer, onward func() bool) (again bool, err error) {
	var left atomic.Bool
	until := time.Now().Add(closeFor)
	group, closing := errgroup.WithContext(ctx)
	for range closersAtOnce {
		group.Go(func() error {
			for {
				var more bool
				err := s.Write(closing, func(ctx context.Context, tx tenant.Tx) (err error) {
					_, more, err = with.CloseChunk(ctx, tx, run, closeAtOnce)
					return err
				})
				if err != nil || !more {
					return err
				}
				if !onward() || time.Now().After(until) {
					left.Store(true)
					return nil
				}
			}
		})
	}
	err = group.Wait()
	return err == nil && left.Load(), err
}

// openRun does a portion of what comes before the closing of cycles: terms that
// end, changes of plan, promotions of the cycle to come. When nothing of it is
// left, it begins the run; without one, the day has not come.
func (s *Stack) openRun(ctx context.Context, cycleEnd calendar.Date) (run bill.Run, again bool, err error) {
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		if waits, err := s.zoneBegins(ctx, tx, cycleEnd); err != nil || waits {
			return err
		}
		ended, err := account.EndDue(ctx, tx, cycleEnd, closeAtOnce)
		if err != nil {
			return err
		}
		if again = len(ended) > 0; again {
			return s.giveBack(ctx, tx, cycleEnd, ended)
		}
		changed, err := desk.CarryOut(ctx, tx, s.host.charging, cycleEnd, closeAtOnce)
		if err != nil {
			return err
		}
		if again = changed > 0; again {
			return nil // they hold accounts; the next portion locks its own in id order
		}
		if again, err = promotion.CycleBegins(ctx, tx, cycleEnd, closeAtOnce); err != nil || again {
			return err
		}
		if run, err = bill.Start(ctx, tx, cycleEnd); err != nil || run.State == bill.Running || run.State == bill.Done {
			return err
		}
		// Cycles begin whether or not the bills of the last ones may be closed yet.
		return agenda.Again(ctx, tx, agenda.CycleStart, itemRef("cycle_start/"+cycleEnd.String()), cycleStart{Day: cycleEnd})
	})
	return run, again, err
}

// cycleStart is the detail of an agenda item: the accounts up to After are done.
type cycleStart struct {
	Day   calendar.Date `json:"day"`
	After uuid.UUID     `json:"after"`
}

// startCycles gives one chunk of the accounts whose cycle began on a day their
// allowances, and takes the fees of the prepaid ones.
func (s *Stack) startCycles(ctx context.Context, item agenda.Item) (again bool, err error) {
	var detail cycleStart
	if err := item.Read(&detail); err != nil {
		return false, err
	}
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		accounts, err := begun(ctx, tx, detail)
		if err != nil || len(accounts) == 0 {
			return err
		}
		if err := s.host.charging.BeginCycle(ctx, tx, accounts...); err != nil {
			return err
		}
		again = len(accounts) == closeAtOnce
		detail.After = accounts[len(accounts)-1]
		return agenda.Keep(ctx, tx, item.ID, detail)
	})
	return again, err
}

func begun(ctx context.Context, tx tenant.Tx, from cycleStart) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, `select id from billing_account
		where state = 'active' and (cycle_start = $1 or cycle_end = $1) and id > $2 order by id limit $3`, from.Day, from.After, closeAtOnce)
	if err != nil {
		return nil, fmt.Errorf("list accounts whose cycle began on %s: %w", from.Day, err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// grant gives new subscriptions what their beginning is promoted with, and then
// what their first cycle comes with.
func (h *Host) grant(ctx context.Context, tx tenant.Tx, subscriptions []uuid.UUID) error {
	if _, err := promotion.Activated(ctx, tx, subscriptions...); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `select distinct account_id from subscription where id = any ($1)`, subscriptions)
	if err != nil {
		return fmt.Errorf("find accounts of subscriptions: %w", err)
	}
	accounts, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	return h.charging.BeginCycle(ctx, tx, accounts...)
}

// zoneBegins lets a zone hold that was to from this boundary on, and lays what
// falls due at local days anew. It says whether the day has yet to come there.
func (s *Stack) zoneBegins(ctx context.Context, tx tenant.Tx, day calendar.Date) (waits bool, err error) {
	begins, err := account.ApplyZone(ctx, tx)
	if err != nil || !begins {
		return false, err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return false, err
	}
	if err := bill.Reschedule(ctx, tx, profile.Zone); err != nil {
		return false, err
	}
	if waits = day.Start(profile.Zone).After(tx.At); waits {
		err = bill.Schedule(ctx, tx, profile.Zone, day)
	}
	return waits, err
}

// BillNow bills an account in advance of its cycle's end (bill.Closer.BillNow)
// and tells its payer, as a run would.
func (s *Stack) BillNow(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, scope bill.Scope) (bill.Document, error) {
	document, err := closer.BillNow(ctx, tx, accountID, scope)
	if err != nil {
		return document, err
	}
	made, err := bill.Get(ctx, tx, document.ID)
	if err != nil || made.State != bill.Final || made.Open.Sign() <= 0 {
		return document, err
	}
	if err := payment.ScheduleAutoPay(ctx, tx, accountID); err != nil {
		return document, err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return document, err
	}
	if err := s.Letters(profile).Bill(ctx, tx, made, "system:bill_now"); err != nil && !errors.Is(err, letter.ErrUnreachable) {
		return document, err
	}
	return document, nil
}

// Closer closes cycles the way this stack's bill runs do, for previews.
func (s *Stack) Closer() bill.Closer { return closer }

package promotion

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// The accounts whose cycle ends on a day, that have not been looked at for the
// cycle that begins then. It counts on billing_account_due.
const selectBeginning = `
	select id from billing_account
	where state = 'active' and cycle_end = $1 and (promoted_through is null or promoted_through < $1)
	order by id
	limit $2
	for no key update`

// CycleBegins looks at up to limit accounts whose next cycle begins on a day:
// promotions that hold while they are deserved are given and ended for it. It
// comes before the cycle's fees are reckoned. again says that more are left.
func CycleBegins(ctx context.Context, tx tenant.Tx, day calendar.Date, limit int) (again bool, err error) {
	g, err := newGiver(ctx, tx)
	if err != nil {
		return false, err
	}
	versions, err := g.published(OnCycle)
	if err != nil {
		return false, err
	}
	if holding, err := anyHeld(ctx, tx); err != nil || len(versions) == 0 && !holding {
		return false, err
	}
	rows, err := tx.Query(ctx, selectBeginning, day, limit)
	if err != nil {
		return false, fmt.Errorf("accounts whose cycle begins on %s: %w", day, err)
	}
	accounts, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return false, fmt.Errorf("accounts whose cycle begins on %s: %w", day, err)
	}
	for _, id := range accounts {
		if err := g.cycle(versions, id, day); err != nil {
			return false, fmt.Errorf("promotions of account %s: %w", id, err)
		}
	}
	if _, err := tx.Exec(ctx, `update billing_account set promoted_through = $2 where id = any ($1)`, accounts, day); err != nil {
		return false, fmt.Errorf("mark accounts: %w", err)
	}
	return len(accounts) == limit, nil
}

func anyHeld(ctx context.Context, tx tenant.Tx) (holding bool, err error) {
	const query = `select exists (select from promotion_gift as g join promotion as p on p.id = g.promotion_id where p.occasion = 'cycle' and g.ended_at is null)`
	if err = tx.QueryRow(ctx, query).Scan(&holding); err != nil {
		err = fmt.Errorf("look for promotions that hold: %w", err)
	}
	return holding, err
}

// Of some accounts those whose cycle has ended, and that no bill run has looked
// at yet. Whose plan is due to change waits for the run, which changes it first.
const selectUnderWay = `
	select id from billing_account as a
	where id = any ($1) and state = 'active' and cycle_end <= $2 and (promoted_through is null or promoted_through < $2)
	  and not exists (select from plan_change as c where c.account_id = a.id and c.state = 'scheduled' and c.takes_effect <= $2)
	order by id
	for no key update`

// CycleUnderWay does for accounts what CycleBegins is to do, where the cycle of
// today has begun and its bill run has not come to them: its first use, or a
// top-up, must not pay more than the run would have it pay.
func CycleUnderWay(ctx context.Context, tx tenant.Tx, accounts ...uuid.UUID) error {
	g, err := newGiver(ctx, tx)
	if err != nil {
		return err
	}
	versions, err := g.published(OnCycle)
	if err != nil {
		return err
	}
	if holding, err := anyHeld(ctx, tx); err != nil || len(versions) == 0 && !holding {
		return err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	today := profile.LocalDate(tx.At)
	rows, err := tx.Query(ctx, selectUnderWay, accounts, today)
	if err != nil {
		return fmt.Errorf("accounts whose cycle is under way: %w", err)
	}
	begun, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("accounts whose cycle is under way: %w", err)
	}
	for _, id := range begun {
		a, err := account.Get(ctx, tx, id)
		if err != nil {
			return err
		}
		day := a.Cycles(profile.AnchorPolicy).Containing(today).From
		done, err := tx.Exec(ctx, `update billing_account set promoted_through = $2 where id = $1 and (promoted_through is null or promoted_through < $2)`, id, day)
		if err != nil {
			return fmt.Errorf("mark account %s: %w", id, err)
		}
		if done.RowsAffected() == 0 {
			continue
		}
		if err := g.cycle(versions, id, day); err != nil {
			return fmt.Errorf("promotions of account %s: %w", id, err)
		}
	}
	return nil
}

// cycle ends what an account deserves no longer and gives what it does now.
func (g *giver) cycle(versions []Version, accountID uuid.UUID, day calendar.Date) error {
	held, err := g.held(accountID)
	if err != nil {
		return err
	}
	kept := map[string]bool{}
	for _, h := range held {
		keeps, err := g.stillDeserves(versions, h)
		if err != nil {
			return err
		}
		if keeps {
			kept[h.subscription.String()+"/"+h.code] = true
			continue
		}
		if err := g.end(h); err != nil {
			return err
		}
	}
	subscriptions, err := account.Subscriptions(g.ctx, g.tx, accountID)
	if err != nil {
		return err
	}
	for _, s := range subscriptions {
		if s.State != account.SubscriptionActive {
			continue
		}
		for i := range versions {
			if kept[s.ID.String()+"/"+versions[i].Promotion.Code] {
				continue
			}
			o := occurrence{subject: subject{accountID, s.ID}, key: "cycle/" + s.ID.String() + "/" + day.String()}
			if _, err := g.tryAll(versions[i:i+1], o); err != nil {
				return err
			}
		}
	}
	return nil
}

// heldGift is a gift that holds while it is deserved.
type heldGift struct {
	id           uuid.UUID
	code         string // of the promotion
	subscription uuid.UUID
	discount     *uuid.UUID
	account      uuid.UUID
}

func (g *giver) held(accountID uuid.UUID) ([]heldGift, error) {
	rows, err := g.tx.Query(g.ctx, `
		select g.id, p.code, g.subscription_id, g.discount_id, g.account_id
		from promotion_gift as g join promotion as p on p.id = g.promotion_id
		where g.account_id = $1 and p.occasion = 'cycle' and g.ended_at is null and g.subscription_id is not null
		order by g.id`, accountID)
	if err != nil {
		return nil, fmt.Errorf("read promotions that hold: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (h heldGift, err error) {
		err = row.Scan(&h.id, &h.code, &h.subscription, &h.discount, &h.account)
		return h, err
	})
}

// stillDeserves asks the version that is published now; a bucket is given anew
// each cycle, so it never holds over.
func (g *giver) stillDeserves(versions []Version, h heldGift) (bool, error) {
	if h.discount == nil {
		return false, nil
	}
	for i := range versions {
		if versions[i].Promotion.Code != h.code {
			continue
		}
		err := g.deserves(&versions[i], subject{h.account, h.subscription})
		if err == nil {
			return true, nil
		}
		if !refused(err) {
			return false, err
		}
	}
	return false, nil
}

func (g *giver) end(h heldGift) error {
	if h.discount != nil {
		if err := account.EndDiscount(g.ctx, g.tx, *h.discount); err != nil {
			return err
		}
	}
	if _, err := g.tx.Exec(g.ctx, `update promotion_gift set ended_at = $2 where id = $1`, h.id, g.tx.At); err != nil {
		return fmt.Errorf("end gift %s: %w", h.id, err)
	}
	return nil
}

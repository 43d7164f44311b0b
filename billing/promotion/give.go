package promotion

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Why a promotion is not given to somebody who asks for it.
var (
	// ErrNotEligible says that the promotion is not for this subscription.
	ErrNotEligible = errors.New("the promotion is not for this subscription")
	// ErrStacking says that what was given before excludes it.
	ErrStacking = errors.New("it does not go together with what was given before")
	// ErrUsedUp says that a limit or the budget is reached.
	ErrUsedUp = errors.New("the promotion is used up")
	// ErrGiven says that this occasion has given it already.
	ErrGiven = errors.New("it was given already")
)

// occurrence is one occasion of one subject.
type occurrence struct {
	subject
	key    string        // names it among the occasions of the promotion and account
	topUp  money.Decimal // that occasioned it
	code   *uuid.UUID
	friend bool // gets what the referred one gets
}

// giver gives promotions in one transaction; the accounts are locked.
type giver struct {
	ctx     context.Context
	tx      tenant.Tx
	profile account.Profile
	today   calendar.Date
}

func newGiver(ctx context.Context, tx tenant.Tx) (*giver, error) {
	profile, err := account.GetProfile(ctx, tx)
	return &giver{ctx: ctx, tx: tx, profile: profile, today: profile.LocalDate(tx.At)}, err
}

// published are the promotions of an occasion that run today, in their order.
func (g *giver) published(occasion Occasion) ([]Version, error) {
	found, err := collect(g.ctx, g.tx, `where occasion = $1 and state = 'published'`, occasion)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(v Version) bool { return !v.Promotion.runs(g.today) })
	slices.SortFunc(found, func(a, b Version) int {
		return cmp.Or(cmp.Compare(a.Promotion.Stacking.Order, b.Promotion.Stacking.Order), cmp.Compare(a.Promotion.Code, b.Promotion.Code))
	})
	return found, nil
}

// lockAccounts locks accounts in id order, before any promotion's row.
func (g *giver) lockAccounts(ids ...uuid.UUID) error {
	rows, err := g.tx.Query(g.ctx, `
		select a.id from unnest($1::uuid[]) as w (id) join billing_account as a on a.id = w.id order by a.id for no key update of a`, ids)
	if err == nil {
		rows.Close()
		err = rows.Err()
	}
	if err != nil {
		return fmt.Errorf("lock accounts: %w", err)
	}
	return nil
}

// tryAll gives an occurrence those of the promotions that it may have. What
// may not be given is passed over.
func (g *giver) tryAll(versions []Version, o occurrence) (given []Gift, err error) {
	for i := range versions {
		gift, err := g.give(&versions[i], o)
		switch {
		case err == nil:
			given = append(given, gift)
		case !refused(err):
			return nil, err
		}
	}
	return given, nil
}

func refused(err error) bool {
	return errors.Is(err, ErrNotEligible) || errors.Is(err, ErrStacking) || errors.Is(err, ErrUsedUp) || errors.Is(err, ErrGiven)
}

// give gives one promotion, or says why not: ErrNotEligible, ErrStacking,
// ErrUsedUp, ErrGiven. Nothing has changed then.
func (g *giver) give(v *Version, o occurrence) (Gift, error) {
	if err := g.deserves(v, o.subject); err != nil {
		return Gift{}, err
	}
	stands, err := loadStanding(g.ctx, g.tx, o.subject)
	if err != nil {
		return Gift{}, err
	}
	if !stands.allows(v.Promotion.Stacking) {
		return Gift{}, fmt.Errorf("%s: %w", v.Promotion.Code, ErrStacking)
	}
	if err := g.within(v, o); err != nil {
		return Gift{}, err
	}
	benefit := &v.Promotion.Benefit
	if o.friend {
		benefit = v.Promotion.Friend
	}
	if benefit.Bucket == nil && o.topUp.IsZero() && o.subscription == uuid.Nil {
		return Gift{}, fmt.Errorf("%s: there is no subscription whose fees it could reduce: %w", v.Promotion.Code, ErrNotEligible)
	}
	gift := Gift{ID: uuid.Must(uuid.NewV7()), PromotionID: v.ID, AccountID: o.account, Key: o.key, CodeID: o.code, GivenAt: g.tx.At}
	if o.subscription != uuid.Nil {
		gift.SubscriptionID = &o.subscription
	}
	if gift.Promised, err = g.promised(benefit, o); err != nil {
		return Gift{}, err
	}
	if err := g.count(v, gift.Promised); err != nil {
		return Gift{}, err
	}
	if err := g.hand(v, benefit, o, &gift); err != nil {
		return Gift{}, err
	}
	return gift, g.keep(&gift)
}

// deserves judges offerings, bundle and condition.
func (g *giver) deserves(v *Version, of subject) error {
	p := &v.Promotion
	if p.Currency != g.profile.Currency {
		return fmt.Errorf("%s: its amounts are %s: %w", p.Code, p.Currency, ErrNotEligible)
	}
	known := newFacts(g.ctx, g.tx, of, g.profile.Currency, g.profile.Zone)
	if len(p.Offerings) > 0 {
		s, err := known.subscription()
		if err != nil {
			return err
		}
		if !slices.Contains(p.Offerings, s.Offering) {
			return fmt.Errorf("%s: it is for other offerings: %w", p.Code, ErrNotEligible)
		}
	}
	if len(p.With) > 0 {
		a, err := known.account()
		if err != nil {
			return err
		}
		for _, code := range p.With {
			if !slices.Contains(a.Subscriptions, code) {
				return fmt.Errorf("%s: the account has no %s: %w", p.Code, code, ErrNotEligible)
			}
		}
	}
	if p.Eligibility == "" {
		return nil
	}
	asked, err := compileCondition(p.Eligibility)
	if err != nil {
		return err
	}
	holds, err := asked.holds(known)
	if known.err != nil {
		return known.err
	}
	if err != nil || !holds {
		// a condition that fails on somebody's facts is not true of them
		return fmt.Errorf("%s: its condition is not met: %w", p.Code, errors.Join(ErrNotEligible, err))
	}
	return nil
}

// within checks what the account has had of it.
func (g *giver) within(v *Version, o occurrence) error {
	var times int
	var same bool
	err := g.tx.QueryRow(g.ctx, `
		select count(*), coalesce(bool_or(g.occasion_key = $3), false)
		from promotion_gift as g join promotion as p on p.id = g.promotion_id
		where g.account_id = $1 and p.code = $2`, o.account, v.Promotion.Code, o.key).Scan(&times, &same)
	switch {
	case err != nil:
		return fmt.Errorf("count gifts: %w", err)
	case same:
		return fmt.Errorf("%s: %w", v.Promotion.Code, ErrGiven)
	case v.Promotion.Limits.PerAccount > 0 && times >= v.Promotion.Limits.PerAccount:
		return fmt.Errorf("%s: the account has had it %d times: %w", v.Promotion.Code, times, ErrUsedUp)
	}
	return nil
}

// The row is locked from here on, so that no two go over the limit together.
const countGift = `
	update promotion
	set given = given + 1, promised = promised + $2
	where id = $1 and state = 'published'
	  and ($3::bigint = 0 or given < $3)
	  and ($4::numeric is null or promised + $2 <= $4)`

func (g *giver) count(v *Version, promised money.Decimal) error {
	limits := v.Promotion.Limits
	done, err := g.tx.Exec(g.ctx, countGift, v.ID, promised, limits.Total, limits.Budget)
	if err != nil {
		return fmt.Errorf("count a gift of %s: %w", v.Promotion.Code, err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("%s: %w", v.Promotion.Code, ErrUsedUp)
	}
	return nil
}

const insertGift = `
	insert into promotion_gift (id, promotion_id, account_id, subscription_id, occasion_key, code_id, promised, discount_id, bucket_id, given_at)
	values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

func (g *giver) keep(gift *Gift) error {
	_, err := g.tx.Exec(g.ctx, insertGift, gift.ID, gift.PromotionID, gift.AccountID, gift.SubscriptionID, gift.Key, gift.CodeID,
		gift.Promised, gift.DiscountID, gift.BucketID, gift.GivenAt)
	if err != nil {
		return fmt.Errorf("keep gift: %w", err)
	}
	return nil
}

// oldestActive is the subscription that a gift to an account goes to; uuid.Nil
// where it has none.
func (g *giver) oldestActive(accountID uuid.UUID) (id uuid.UUID, err error) {
	err = g.tx.QueryRow(g.ctx, `
		select id from subscription where account_id = $1 and state = 'active' order by created_at, id limit 1`, accountID).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, nil
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("find a subscription of account %s: %w", accountID, err)
	}
	return id, nil
}

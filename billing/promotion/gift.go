package promotion

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Gift is what one occasion gave to one account.
type Gift struct {
	ID             uuid.UUID
	PromotionID    uuid.UUID
	AccountID      uuid.UUID
	SubscriptionID *uuid.UUID
	Key            string // of the occasion
	CodeID         *uuid.UUID
	Promised       money.Decimal // what it comes to at most
	DiscountID     *uuid.UUID
	BucketID       *uuid.UUID
	GivenAt        time.Time
	EndedAt        *time.Time
}

const giftColumns = `g.id, g.promotion_id, g.account_id, g.subscription_id, g.occasion_key, g.code_id, g.promised,
       g.discount_id, g.bucket_id, g.given_at, g.ended_at`

func collectGifts(ctx context.Context, tx tenant.Tx, clause string, args ...any) ([]Gift, error) {
	rows, err := tx.Query(ctx, `select `+giftColumns+` from promotion_gift as g `+clause, args...)
	if err != nil {
		return nil, fmt.Errorf("read gifts: %w", err)
	}
	gifts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Gift])
	if err != nil {
		return nil, fmt.Errorf("read gifts: %w", err)
	}
	return gifts, nil
}

// GiftsOf lists what an account was given, the latest first.
func GiftsOf(ctx context.Context, tx tenant.Tx, account uuid.UUID) ([]Gift, error) {
	return collectGifts(ctx, tx, `where g.account_id = $1 order by g.given_at desc, g.id desc limit 200`, account)
}

// GiftsBy lists what a promotion gave, the latest first, after the last of a
// page before (uuid.Nil: the first page).
func GiftsBy(ctx context.Context, tx tenant.Tx, promotion, after uuid.UUID, limit int) ([]Gift, error) {
	return collectGifts(ctx, tx, `where g.promotion_id = $1 and ($2 = '00000000-0000-0000-0000-000000000000'::uuid or g.id < $2)
		order by g.id desc limit $3`, promotion, after, min(max(limit, 1), 200))
}

// standing is what a subscription, or an account as a whole, has now: gifts
// whose discount is still to be taken off, that hold, or whose bucket lasts.
const selectStanding = `
	select p.code, coalesce(p.document -> 'stacking' ->> 'group', ''), coalesce((p.document -> 'stacking' ->> 'alone')::boolean, false)
	from promotion_gift as g
	join promotion as p on p.id = g.promotion_id
	left join subscription_discount as d on d.id = g.discount_id
	left join bucket as b on b.id = g.bucket_id
	where g.account_id = $1 and g.subscription_id is not distinct from $2 and g.ended_at is null
	  and (d.cycles_left is distinct from 0 or d.id is null)
	  and (b.id is null or b.expires_at is null or b.expires_at > $3)
	  and (d.id is not null or b.id is not null)`

// standing tells which groups are taken.
type standing struct {
	any    bool
	alone  bool
	groups map[string]bool
}

func loadStanding(ctx context.Context, tx tenant.Tx, of subject) (standing, error) {
	s := standing{groups: map[string]bool{}}
	var subscription *uuid.UUID
	if of.subscription != uuid.Nil {
		subscription = &of.subscription
	}
	rows, err := tx.Query(ctx, selectStanding, of.account, subscription, tx.At)
	if err != nil {
		return s, fmt.Errorf("read what is given already: %w", err)
	}
	var code, group string
	var alone bool
	_, err = pgx.ForEachRow(rows, []any{&code, &group, &alone}, func() error {
		s.take(Stacking{Group: group, Alone: alone})
		return nil
	})
	if err != nil {
		return s, fmt.Errorf("read what is given already: %w", err)
	}
	return s, nil
}

// allows says whether a promotion may stand beside what is there.
func (s *standing) allows(one Stacking) bool {
	if s.alone || (one.Alone && s.any) {
		return false
	}
	return one.Group == "" || !s.groups[one.Group]
}

func (s *standing) take(one Stacking) {
	s.any, s.alone = true, s.alone || one.Alone
	if one.Group != "" {
		s.groups[one.Group] = true
	}
}

package points

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Burn is a reward that somebody wants for an account's points.
type Burn struct {
	ID        uuid.UUID // of the command; a repeat changes nothing
	AccountID uuid.UUID
	Reward    string
	By        string
	// SubscriptionID is the one that a reward's option goes on top of; nil: the
	// account's first that can have it.
	SubscriptionID *uuid.UUID
}

// Spend burns the points of a reward and gives it: a bucket of money or units
// that ends after its days. An option is left to the caller, who buys it in the
// same transaction if it is fresh and no repeat. ErrNoReward and ErrTooFew refuse.
func Spend(ctx context.Context, tx tenant.Tx, b Burn) (reward Reward, fresh bool, err error) {
	p, err := Get(ctx, tx)
	if err != nil {
		return Reward{}, false, err
	}
	if reward, err = p.reward(b.Reward); err != nil {
		return Reward{}, false, err
	}
	holder, err := account.Lock(ctx, tx, b.AccountID)
	if err != nil {
		return Reward{}, false, err
	}
	if reward.Unit.IsCurrency() && reward.Unit != holder.Currency.Unit() {
		return Reward{}, false, fmt.Errorf("%w: %s is for accounts in %s", ErrNoReward, reward.Code, reward.Unit)
	}
	cost := money.NewDecimal(reward.Points)
	if err := balance.BurnPoints(ctx, tx, b.ID, b.AccountID, cost); err != nil {
		if errors.Is(err, balance.ErrInsufficient) {
			return Reward{}, false, ErrTooFew
		}
		return Reward{}, false, err
	}
	tag, err := tx.Exec(ctx, `
		insert into balance_act (id, kind, account_id, amount, unit, reason, actor, at)
		values ($1, 'burn', $2, $3, 'point', $4, $5, $6) on conflict (id) do nothing`, b.ID, b.AccountID, cost, reward.Code, b.By, tx.At)
	if err != nil {
		return Reward{}, false, fmt.Errorf("note reward %s: %w", reward.Code, err)
	}
	fresh = tag.RowsAffected() == 1
	if !fresh || reward.Option != "" {
		return reward, fresh, nil
	}
	return reward, true, reward.give(ctx, tx, b, holder)
}

func (p Policy) reward(code string) (Reward, error) {
	for _, r := range p.Rewards {
		if r.Code == code {
			return r, nil
		}
	}
	return Reward{}, fmt.Errorf("%w: %.40q", ErrNoReward, code)
}

// give fills the bucket: used before anything that was bought.
func (r Reward) give(ctx context.Context, tx tenant.Tx, b Burn, holder account.Account) error {
	zone, err := ledger.Zone(ctx, tx)
	if err != nil {
		return err
	}
	const first = 10 // before what a plan includes by default would be unfair; before money
	_, err = balance.Grant(ctx, tx, []balance.NewBucket{{
		ID: uuid.NewSHA1(b.ID, []byte("reward")), AccountID: b.AccountID, Code: r.Code, Unit: r.Unit, Origin: balance.Promotion, Amount: r.Amount,
		Priority: first, ValidFrom: tx.At, ExpiresAt: calendar.DateOf(tx.At, zone).AddDays(r.Days + 1).Start(zone).UTC(),
		LegalEntity: holder.LegalEntity, Branch: holder.Branch,
	}})
	return err
}

// Have is how many points an account may burn, and when which of them expire.
func Have(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (total money.Decimal, buckets []balance.Bucket, err error) {
	all, err := balance.List(ctx, tx, accountID)
	if err != nil {
		return money.Decimal{}, nil, err
	}
	for _, b := range all {
		if b.Unit == money.Point && b.Value.Sign() > 0 {
			total = total.Add(b.Value)
			buckets = append(buckets, b)
		}
	}
	return total, buckets, nil
}

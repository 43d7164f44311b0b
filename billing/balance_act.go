package billing

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/alert"
	"tollhouse/billing/balance"
	"tollhouse/billing/charging"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/points"
	"tollhouse/billing/tenant"
	"tollhouse/billing/transfer"
)

// AdjustBalance gives to a balance or takes from it, within what the operator
// allows whoever does it.
func (s *Stack) AdjustBalance(ctx context.Context, tx tenant.Tx, who identity.Principal, reason string, a balance.Adjustment) (balance.Bucket, error) {
	bucket, err := balance.Get(ctx, tx, a.BucketID)
	if err != nil {
		return balance.Bucket{}, err
	}
	if a.Reason == "" {
		a.Reason = reason
	}
	after, err := balance.Adjust(ctx, tx, a)
	if err != nil {
		return balance.Bucket{}, err
	}
	err = balance.Allow(ctx, tx, balance.Act{ID: a.ID, Actor: who.Actor(), Role: string(who.Role), AccountID: bucket.AccountID, BucketID: bucket.ID,
		Amount: a.Amount, Unit: bucket.Unit, Reason: reason, Note: a.Reason})
	if err != nil {
		return balance.Bucket{}, err
	}
	if after.Origin == balance.Main && a.Amount.Sign() > 0 {
		err = alert.Relieve(ctx, tx, after.AccountID)
	}
	return after, err
}

// GiveCredit gives a postpaid account goodwill, within what the operator allows
// whoever does it.
func (s *Stack) GiveCredit(ctx context.Context, tx tenant.Tx, who identity.Principal, reason string, n payment.NewCredit) (payment.Payment, error) {
	if n.Reason == "" {
		n.Reason = reason
	}
	given, err := payment.GiveCredit(ctx, tx, n)
	if err != nil {
		return payment.Payment{}, err
	}
	return given, balance.Allow(ctx, tx, balance.Act{ID: given.ID, Actor: who.Actor(), Role: string(who.Role), AccountID: n.AccountID,
		Amount: n.Amount.Decimal(), Unit: n.Amount.Currency().Unit(), Reason: reason, Note: n.Reason})
}

// SendMoney moves money from one subscriber's balance to another's and does
// what follows for the one that gets it.
func (s *Stack) SendMoney(ctx context.Context, tx tenant.Tx, o transfer.Order) (transfer.Transfer, error) {
	o.Take = func(ctx context.Context, tx tenant.Tx, from uuid.UUID, fee money.Decimal) error {
		err := s.host.charging.TakeFee(ctx, tx, charging.ServiceFee{Account: from, Code: transfer.FeeCode, Amount: fee})
		if errors.Is(err, charging.ErrInsufficient) {
			err = fmt.Errorf("%w: %w", balance.ErrInsufficient, err)
		}
		return err
	}
	sent, err := transfer.Send(ctx, tx, o)
	if err != nil {
		return transfer.Transfer{}, err
	}
	if _, err := s.host.charging.Renew(ctx, tx, sent.To); err != nil {
		return transfer.Transfer{}, err
	}
	return sent, alert.Relieve(ctx, tx, sent.To)
}

// BurnPoints gives an account a reward for its points.
func (s *Stack) BurnPoints(ctx context.Context, tx tenant.Tx, b points.Burn) (points.Reward, error) {
	reward, fresh, err := points.Spend(ctx, tx, b)
	if err != nil {
		return points.Reward{}, err
	}
	if reward.Option != "" {
		if fresh {
			err = s.giveOption(ctx, tx, b, reward)
		}
		return reward, err
	}
	if reward.Unit.IsCurrency() { // what waited for money may go on
		_, err = s.host.charging.Renew(ctx, tx, b.AccountID)
	}
	return reward, err
}

package promotion

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Activated gives subscriptions that have just begun what their beginning
// brings, what a promo code of their order stands for, and what they and their
// referrers get for a referral. It comes before their first fees are taken. A
// code that cannot be used refuses the activation (*CodeError): whoever sells
// has promised it.
func Activated(ctx context.Context, tx tenant.Tx, subscriptions ...uuid.UUID) ([]Gift, error) {
	g, err := newGiver(ctx, tx)
	if err != nil {
		return nil, err
	}
	welcome, err := g.published(OnActivation)
	if err != nil {
		return nil, err
	}
	referrals, err := g.published(OnReferral)
	if err != nil {
		return nil, err
	}
	begun, err := g.begun(subscriptions)
	if err != nil {
		return nil, err
	}
	var given []Gift
	for _, b := range begun {
		gifts, err := g.tryAll(welcome, occurrence{subject: b.subject, key: "activation/" + b.subscription.String()})
		if err != nil {
			return nil, err
		}
		given = append(given, gifts...)
		if b.code != "" {
			_, gift, err := Redeem(ctx, tx, b.account, b.subscription, b.code)
			if err != nil {
				return nil, &CodeError{"promotion.code", err}
			}
			given = append(given, gift)
		}
		if gifts, err = g.refer(referrals, b); err != nil {
			return nil, err
		}
		given = append(given, gifts...)
	}
	return given, nil
}

// CodeError says that a code which an order names cannot be used. Field is the
// order's fact.
type CodeError struct {
	Field string
	Cause error
}

func (e *CodeError) Error() string { return e.Field + ": " + e.Cause.Error() }

// Unwrap lets errors.Is find the cause.
func (e *CodeError) Unwrap() error { return e.Cause }

// beginning is a subscription that has just begun.
type beginning struct {
	subject
	code     string     // that its order names
	referrer *uuid.UUID // of its account
	first    bool       // of its account
}

// begun tells of subscriptions, notes who sent their owners, and locks the
// accounts concerned, referrers' among them. Most orders name no code: then
// there is nothing to do for them but to look.
func (g *giver) begun(subscriptions []uuid.UUID) ([]beginning, error) {
	rows, err := g.tx.Query(g.ctx, `
		select s.account_id, s.id, coalesce(o.facts ->> 'promotion.code', ''), coalesce(o.facts ->> 'promotion.referral', ''), r.referrer_id,
		       not exists (select from subscription as e where e.account_id = s.account_id and e.id <> s.id and e.activated_at is not null)
		from subscription as s
		left join product_order as o on o.subscription_id = s.id
		left join referral as r on r.account_id = s.account_id
		where s.id = any ($1)
		order by s.id`, subscriptions)
	if err != nil {
		return nil, fmt.Errorf("find subscriptions that began: %w", err)
	}
	referrals := map[uuid.UUID]string{}
	begun, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (b beginning, err error) {
		var sentBy string
		err = row.Scan(&b.account, &b.subscription, &b.code, &sentBy, &b.referrer, &b.first)
		if sentBy != "" && b.first && b.referrer == nil {
			referrals[b.account] = sentBy
		}
		return b, err
	})
	if err != nil {
		return nil, fmt.Errorf("find subscriptions that began: %w", err)
	}
	var accounts []uuid.UUID
	for i := range begun {
		b := &begun[i]
		if code := referrals[b.account]; code != "" && b.referrer == nil {
			if b.referrer, err = g.noteReferral(b.account, code); err != nil {
				return nil, &CodeError{"promotion.referral", err}
			}
		}
		accounts = append(accounts, b.account)
		if b.referrer != nil {
			accounts = append(accounts, *b.referrer)
		}
	}
	return begun, g.lockAccounts(accounts...)
}

// refer gives both sides of a referral theirs, with the new one's first
// subscription. The referrer's limit bounds both: no friend gets more because
// somebody sends many.
func (g *giver) refer(referrals []Version, b beginning) (given []Gift, err error) {
	if b.referrer == nil || !b.first {
		return nil, nil
	}
	for i := range referrals {
		v := &referrals[i]
		theirs, err := g.oldestActive(*b.referrer)
		if err != nil {
			return nil, err
		}
		gift, err := g.give(v, occurrence{subject: subject{*b.referrer, theirs}, key: "referral/" + b.account.String()})
		if err != nil && refused(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		given = append(given, gift)
		if v.Promotion.Friend == nil {
			continue
		}
		gift, err = g.give(v, occurrence{subject: b.subject, key: "referred/" + b.account.String(), friend: true})
		if err != nil && refused(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		given = append(given, gift)
	}
	return given, nil
}

// ToppedUp gives an account what a top-up brings besides. id names the top-up;
// money that was given for nothing is no top-up.
func ToppedUp(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, amount money.Amount, id uuid.UUID) ([]Gift, error) {
	g, err := newGiver(ctx, tx)
	if err != nil {
		return nil, err
	}
	versions, err := g.published(OnTopUp)
	if err != nil || len(versions) == 0 || amount.Currency() != g.profile.Currency {
		return nil, err
	}
	if err := g.lockAccounts(accountID); err != nil {
		return nil, err
	}
	var given []Gift
	for i := range versions {
		if least := versions[i].Promotion.MinimumTopUp; least != nil && amount.Decimal().Cmp(*least) < 0 {
			continue
		}
		gifts, err := g.tryAll(versions[i:i+1], occurrence{subject: subject{account: accountID}, key: "top_up/" + id.String(), topUp: amount.Decimal()})
		if err != nil {
			return nil, err
		}
		given = append(given, gifts...)
	}
	return given, nil
}

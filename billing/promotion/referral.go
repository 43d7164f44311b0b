package promotion

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Errors of referrals.
var (
	// ErrReferral says that nobody's code has these letters, or that they are
	// the new customer's own.
	ErrReferral = errors.New("no customer has this referral code")
	// ErrReferred says that an account was sent by somebody already, or is no
	// new one any more.
	ErrReferred = errors.New("only a new customer can be referred, and by one other only")
)

const referralLength = 8

// ReferralCode is the code with which a customer sends others; it is drawn
// when it is first asked for.
func ReferralCode(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (code string, err error) {
	if code, err = KnownReferralCode(ctx, tx, accountID); err != nil || code != "" {
		return code, err
	}
	drawn, err := randomCode(referralLength)
	if err != nil {
		return "", err
	}
	const insert = `insert into referral_code (account_id, code, created_at) values ($1, $2, $3) on conflict (account_id) do nothing`
	if _, err := tx.Exec(ctx, insert, accountID, drawn, tx.At); err != nil {
		return "", fmt.Errorf("keep referral code: %w", err)
	}
	return KnownReferralCode(ctx, tx, accountID)
}

// KnownReferralCode is the code of a customer who has asked for it; empty for
// others.
func KnownReferralCode(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (code string, err error) {
	err = tx.QueryRow(ctx, `select code from referral_code where account_id = $1`, accountID).Scan(&code)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("read referral code: %w", err)
	}
	return code, nil
}

// noteReferral keeps that a new account was sent by the customer of a code,
// once. ErrReferral, ErrReferred.
func (g *giver) noteReferral(accountID uuid.UUID, text string) (*uuid.UUID, error) {
	var referrer uuid.UUID
	err := g.tx.QueryRow(g.ctx, `
		select c.account_id from referral_code as c
		join billing_account as a on a.id = c.account_id and a.state = 'active'
		where c.code = $1`, normalCode(text)).Scan(&referrer)
	if errors.Is(err, pgx.ErrNoRows) || (err == nil && referrer == accountID) {
		return nil, ErrReferral
	}
	if err != nil {
		return nil, fmt.Errorf("find referrer: %w", err)
	}
	done, err := g.tx.Exec(g.ctx, `
		insert into referral (account_id, referrer_id, at) values ($1, $2, $3)
		on conflict (account_id) do nothing`, accountID, referrer, g.tx.At)
	if err != nil {
		return nil, fmt.Errorf("note referral: %w", err)
	}
	if done.RowsAffected() == 0 {
		return nil, ErrReferred
	}
	return &referrer, nil
}

// Referred is one account that a customer has sent.
type Referred struct {
	AccountID uuid.UUID
	Given     bool // the customer got something for it
}

// ReferredBy lists whom a customer has sent, the latest first.
func ReferredBy(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) ([]Referred, error) {
	rows, err := tx.Query(ctx, `
		select r.account_id, exists (select from promotion_gift as g where g.account_id = r.referrer_id and g.occasion_key = 'referral/' || r.account_id::text)
		from referral as r
		where r.referrer_id = $1
		order by r.at desc
		limit 100`, accountID)
	if err != nil {
		return nil, fmt.Errorf("list referrals: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Referred])
}

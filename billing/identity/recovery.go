package identity

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Recovery codes stand in for a lost second factor: recoveryCodes of
// recoveryLength characters, 60 bits each, written in two halves.
const (
	recoveryCodes    = 10
	recoveryLength   = 12
	recoveryAlphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789" // 32, none like another
)

// NewRecoveryCodes draws a user's recovery codes anew: those before are void.
// They are told this once. ErrNoFactor where they could stand in for nothing.
func (a *Authority) NewRecoveryCodes(ctx context.Context, tx tenant.Tx, user uuid.UUID) ([]string, error) {
	f, err := a.lockTOTP(ctx, tx, user)
	if err != nil {
		return nil, err
	}
	if !f.confirmed {
		return nil, ErrNoFactor
	}
	if _, err := a.note(ctx, tx, user, EventRecoveryCodes, "", origin{}); err != nil {
		return nil, err
	}
	return a.drawRecoveryCodes(ctx, tx, user)
}

func (a *Authority) drawRecoveryCodes(ctx context.Context, tx tenant.Tx, user uuid.UUID) ([]string, error) {
	key, err := a.codeKey(ctx, tx)
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, `delete from recovery_code where user_id = $1`, user); err != nil {
		return nil, fmt.Errorf("forget recovery codes: %w", err)
	}
	codes := make([]string, recoveryCodes)
	rows := make([][]any, recoveryCodes)
	for i := range codes {
		if codes[i], err = drawRecoveryCode(); err != nil {
			return nil, err
		}
		rows[i] = []any{user, hashRecovery(key, user, codes[i])}
	}
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"recovery_code"}, []string{"user_id", "hash"}, pgx.CopyFromRows(rows))
	if err != nil {
		return nil, fmt.Errorf("store recovery codes: %w", err)
	}
	return codes, nil
}

func drawRecoveryCode() (string, error) {
	raw := make([]byte, recoveryLength)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("draw recovery code: %w", err)
	}
	for i, b := range raw {
		raw[i] = recoveryAlphabet[int(b)%len(recoveryAlphabet)] // 32 divides 256: no character is likelier
	}
	return string(raw[:recoveryLength/2]) + "-" + string(raw[recoveryLength/2:]), nil
}

// hashRecovery is a code's stored form, however it was typed.
func hashRecovery(key []byte, user uuid.UUID, code string) []byte {
	plain := strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(code))
	return keyed(key, "recovery", user.String(), plain)
}

// takeRecoveryCode uses one up. The row's lock lets only one of two who show
// the same code at the same time have it.
func (a *Authority) takeRecoveryCode(ctx context.Context, tx tenant.Tx, user uuid.UUID, code string) (bool, error) {
	key, err := a.codeKey(ctx, tx)
	if err != nil {
		return false, err
	}
	done, err := tx.Exec(ctx, `
		update recovery_code
		   set used_at = $3
		 where user_id = $1 and hash = $2 and used_at is null`, user, hashRecovery(key, user, code), a.now())
	if err != nil {
		return false, fmt.Errorf("take recovery code: %w", err)
	}
	return done.RowsAffected() == 1, nil
}

// RecoveryCodesLeft says how many of a user's recovery codes are still good.
func (a *Authority) RecoveryCodesLeft(ctx context.Context, tx tenant.Tx, user uuid.UUID) (int, error) {
	var left int
	if err := tx.QueryRow(ctx, `select count(*) from recovery_code where user_id = $1 and used_at is null`, user).Scan(&left); err != nil {
		return 0, fmt.Errorf("count recovery codes: %w", err)
	}
	return left, nil
}

package identity

import (
	"context"
	"errors"
	"fmt"
	"net/mail"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// The ways a user is reached, as ParseContact and ReachAt name them.
const (
	byEmail = "email"
	byPhone = "phone"
)

// ParseContact reads an e-mail address or a telephone number as it is stored;
// ErrEmail, ErrPhone.
func ParseContact(kind, text string) (string, error) {
	switch kind {
	case byEmail:
		address, err := mail.ParseAddress(text)
		if err != nil || address.Address != text || findable(text) != text {
			return "", ErrEmail
		}
		return text, nil
	case byPhone:
		number, err := parsePhone(text)
		if err != nil || number == "" {
			return "", ErrPhone
		}
		return number, nil
	}
	return "", ErrEmail
}

// ReachAt gives a user another e-mail address or telephone number, which has
// been shown to be its own. What was sent to the old one lets nobody in any
// more. ErrEmailTaken, ErrPhoneTaken.
func (a *Authority) ReachAt(ctx context.Context, tx tenant.Tx, user uuid.UUID, kind, value string) error {
	value, err := ParseContact(kind, value)
	if err != nil {
		return err
	}
	column := `email`
	if kind == byPhone {
		column = `phone`
	}
	done, err := tx.Exec(ctx, `update app_user set `+column+` = $2 where id = $1`, user, value)
	if err != nil {
		return userError("change contact", err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("user %s: %w", user, ErrUserNotFound)
	}
	for _, table := range []string{`signin_code`, `password_link`} {
		if _, err := tx.Exec(ctx, `update `+table+` set done_at = $2 where user_id = $1 and done_at is null`, user, a.now()); err != nil {
			return fmt.Errorf("close %s of user %s: %w", table, user, err)
		}
	}
	return nil
}

// MayManageAt returns ErrBeyond if an e-mail address or telephone number belongs
// to a user who has more rights than a principal: what is sent there would let
// the principal in as more than it is.
func (a *Authority) MayManageAt(ctx context.Context, tx tenant.Tx, by Principal, address string) error {
	w, _ := contact(address)
	var role Role
	var granted []string
	err := tx.QueryRow(ctx, `
		select u.role, r.permissions
		  from app_user u
		  left join custom_role r on r.name = u.role
		 where `+w.column+` = $1`, w.value).Scan(&role, &granted)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the rights of who is reached: %w", err)
	}
	return covers(by, append(role.Permissions(), grantable(granted)...))
}

// SetOwnLanguage changes the language that a user reads and is written to in.
func (a *Authority) SetOwnLanguage(ctx context.Context, tx tenant.Tx, user uuid.UUID, language string) error {
	if err := checkProfile("", language); err != nil {
		return err
	}
	done, err := tx.Exec(ctx, `update app_user set language = $2 where id = $1`, user, language)
	if err != nil {
		return fmt.Errorf("set language of user %s: %w", user, err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("user %s: %w", user, ErrUserNotFound)
	}
	return nil
}

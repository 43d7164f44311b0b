package tell

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

// Choice is how somebody wants to be told.
type Choice struct {
	// Channels are the ways, in their order; none: by mail, or by SMS where there
	// is no address. What a ladder names goes before it.
	Channels []notice.Channel
	// News says whether they want to hear of what is offered. Whatever else they
	// are told comes in any case.
	News bool
}

// choices are the ways among which somebody may choose.
var choices = []notice.Channel{notice.Mail, notice.SMS, notice.Portal}

// ChoiceOf reads how an account's party wants to be told.
func ChoiceOf(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (c Choice, err error) {
	var channels []string
	err = tx.QueryRow(ctx, `select p.message_channels, not p.no_marketing from billing_account a join party p on p.id = a.party_id where a.id = $1`, accountID).
		Scan(&channels, &c.News)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, fmt.Errorf("account %s: %w", accountID, account.ErrNotFound)
	}
	if err != nil {
		return c, fmt.Errorf("how account %s is told: %w", accountID, err)
	}
	for _, one := range channels {
		c.Channels = append(c.Channels, notice.Channel(one))
	}
	return c, nil
}

// Choose keeps how an account's party wants to be told.
func Choose(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, c Choice) error {
	if _, err := account.Lock(ctx, tx, accountID); err != nil {
		return err
	}
	channels := []string{}
	for _, one := range c.Channels {
		if !slices.Contains(choices, one) || slices.Contains(channels, string(one)) {
			return &account.FieldError{Field: "channels", Want: "mail, sms and portal, each once at most"}
		}
		channels = append(channels, string(one))
	}
	tag, err := tx.Exec(ctx, `update party p set message_channels = $2, no_marketing = not $3 from billing_account a where a.id = $1 and p.id = a.party_id`, accountID, channels, c.News)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows written, want 1", tag.RowsAffected())
	}
	if err != nil {
		return fmt.Errorf("keep how account %s is told: %w", accountID, err)
	}
	return nil
}

package transfer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// By the primary key of service_identity, or the unique number of accounts.
const selectReceiver = `
	select a.id, p.name
	from billing_account as a
	join party as p on p.id = a.party_id
	where a.state = 'active' and a.kind = 'prepaid' and a.id = coalesce(
		(select id from billing_account where number = $1),
		(select s.account_id
		   from service_identity as i
		   join service as v on v.id = i.service_id
		   join subscription as s on s.id = v.subscription_id
		  where i.kind in ('msisdn', 'line', 'login') and i.value = $2 and i.valid_to is null
		  limit 1))`

// Find says who is given money under a number: a telephone number, a login or
// an account's number, as people write it. The name is masked. ErrReceiver if
// it is nobody who can be given any.
func Find(ctx context.Context, tx tenant.Tx, number string) (id uuid.UUID, name string, err error) {
	typed := strings.TrimSpace(number)
	dialled := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", "/", "").Replace(typed)
	err = tx.QueryRow(ctx, selectReceiver, typed, dialled).Scan(&id, &name)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, "", ErrReceiver
	}
	if err != nil {
		return uuid.Nil, "", fmt.Errorf("find receiver: %w", err)
	}
	return id, Mask(name), nil
}

// Receiver is an account's party, masked.
func Receiver(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (string, error) {
	var name string
	err := tx.QueryRow(ctx, `select p.name from billing_account as a join party as p on p.id = a.party_id where a.id = $1`, accountID).Scan(&name)
	if err != nil {
		return "", fmt.Errorf("name of account %s: %w", accountID, err)
	}
	return Mask(name), nil
}

// Mask leaves of a name what its owner recognises and a stranger cannot use:
// the first letter of each word, "S••• R•••".
func Mask(name string) string {
	words := strings.Fields(name)
	for i, word := range words {
		letters := []rune(word)
		words[i] = string(letters[0]) + "•••"
	}
	return strings.Join(words[:min(len(words), 3)], " ")
}

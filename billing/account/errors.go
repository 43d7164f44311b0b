package account

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// Errors of accounts and subscriptions.
var (
	// ErrSubscribed means that an account still has subscriptions that have not ended.
	ErrSubscribed = errors.New("the account still has subscriptions")
	// ErrClosed means that nothing can be added to a closed account.
	ErrClosed = errors.New("the account is closed")
	// ErrNumbersSpent means that no free account number was found.
	ErrNumbersSpent = errors.New("no free account number was found")
	// ErrMove is wrapped by every MoveError.
	ErrMove = errors.New("the state does not allow that")
	// ErrIdentityInUse is wrapped by every IdentityInUseError.
	ErrIdentityInUse = errors.New("identity belongs to another service")
)

// MoveError says which move of which thing is not in the table.
type MoveError struct {
	Subject  string
	From, To string
}

func (e *MoveError) Error() string {
	return fmt.Sprintf("%s is %s and cannot become %s", e.Subject, e.From, e.To)
}

// Is lets errors.Is find ErrMove.
func (e *MoveError) Is(target error) bool { return target == ErrMove }

// IdentityInUseError names the identity that another service has now.
type IdentityInUseError struct{ Identity Identity }

func (e *IdentityInUseError) Error() string {
	return fmt.Sprintf("%s %s belongs to another service", e.Identity.Kind, e.Identity.Value)
}

// Is lets errors.Is find ErrIdentityInUse.
func (e *IdentityInUseError) Is(target error) bool { return target == ErrIdentityInUse }

// missingReference turns a foreign key violation into ErrNotFound: the caller
// named a party, account or offering that this tenant does not have.
func missingReference(err error) error {
	const foreignKeyViolation = "23503"
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == foreignKeyViolation {
		return fmt.Errorf("%s: %w", pg.ConstraintName, ErrNotFound)
	}
	return err
}

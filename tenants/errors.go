package tenants

import (
	"errors"
	"fmt"
	"strings"
)

// Errors of operators, staff and commands.
var (
	// ErrInvalid is wrapped by every InvalidError.
	ErrInvalid = errors.New("invalid value")
	// ErrNotFound means that there is no such operator or staff user.
	ErrNotFound = errors.New("not found")
	// ErrOperatorDiffers means that the operator is there already, and not as it is wanted.
	ErrOperatorDiffers = errors.New("the operator is there already and is not as it is wanted: its settings are changed in its stack")
	// ErrNameTaken means that another operator has this name.
	ErrNameTaken = errors.New("another operator has this name")
	// ErrEmailTaken means that another staff user has this e-mail address.
	ErrEmailTaken = errors.New("another staff user has this e-mail address")
	// ErrLastAdmin refuses to leave the house without anyone who may change staff.
	ErrLastAdmin = errors.New("the last active admin must stay one")
	// ErrKeyReused means that an idempotency key came again with another body.
	ErrKeyReused = errors.New("this idempotency key was used for another request")
	// ErrKey means that an idempotency key is missing or too long.
	ErrKey = errors.New("an idempotency key of 1 to 255 characters is wanted")
	// ErrCredentials means that sign-in was refused: no such user, a wrong
	// password, a lock after failed attempts. It does not tell which.
	ErrCredentials = errors.New("e-mail or password is wrong, or sign-in is closed for a minute after failed attempts")
	// ErrToken means that a token is forged, expired, meant for someone
	// else, or that its session has ended.
	ErrToken = errors.New("not signed in, or not any more")
)

// FieldError names a field that was refused and says what it must hold. The
// field is written as in the request: tax_rates[1].percent.
type FieldError struct {
	Field string
	Want  string
}

func (e FieldError) Error() string { return fmt.Sprintf("%s: %s is wanted", e.Field, e.Want) }

// InvalidError holds every field of a request that was refused.
type InvalidError struct{ Fields []FieldError }

func (e *InvalidError) Error() string {
	texts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		texts[i] = f.Error()
	}
	return strings.Join(texts, "; ")
}

// Is lets errors.Is find ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// faults gathers refused fields, so that all are told at once.
type faults []FieldError

func (f *faults) add(field, want string) { *f = append(*f, FieldError{Field: field, Want: want}) }

func (f *faults) unless(ok bool, field, want string) {
	if !ok {
		f.add(field, want)
	}
}

func (f *faults) err() error {
	if len(*f) == 0 {
		return nil
	}
	return &InvalidError{Fields: *f}
}

package account

import (
	"errors"
	"fmt"
)

// ErrInvalid is wrapped by every FieldError.
var ErrInvalid = errors.New("invalid value")

// ErrNotFound means that this tenant has no such thing.
var ErrNotFound = errors.New("not found")

// FieldError names the field that was refused and says what it must hold.
type FieldError struct {
	Field string
	Want  string
}

func (e *FieldError) Error() string { return fmt.Sprintf("%s: %s is wanted", e.Field, e.Want) }

// Is lets errors.Is find ErrInvalid.
func (e *FieldError) Is(target error) bool { return target == ErrInvalid }

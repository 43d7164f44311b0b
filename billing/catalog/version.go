package catalog

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/catalog/document"
	"tollhouse/billing/money"
)

var (
	// ErrNotFound says that there is no such version or offering.
	ErrNotFound = errors.New("offering not found")
	// ErrPublished says that a version is published or retired and so cannot
	// be published again.
	ErrPublished = errors.New("offering version is published")
	// ErrNotPublished says that only a published version can be retired.
	ErrNotPublished = errors.New("offering version is not published")
	// ErrNotTried says that the operator wants drafts tried before publication.
	ErrNotTried = errors.New("the draft has not been tried on real usage")
	// ErrSuperseded says that a version would begin before one that is
	// published already, and so never be sold.
	ErrSuperseded = errors.New("a published version of the offering begins later")
	// ErrNotClean says that Check finds fault; see NotCleanError.
	ErrNotClean = errors.New("offering has faults")
)

// NotCleanError is ErrNotClean with the faults.
type NotCleanError struct{ Findings []Finding }

// Error tells all faults.
func (e *NotCleanError) Error() string {
	return fmt.Sprintf("%v: %v", ErrNotClean, &document.InvalidError{Findings: e.Findings})
}

// Is makes it ErrNotClean.
func (e *NotCleanError) Is(target error) bool { return target == ErrNotClean }

// Version tells of a version of an offering without its whole document.
type Version struct {
	ID       uuid.UUID
	Code     string
	Number   int
	State    State
	Names    Names
	Billing  Billing
	Services []ServiceKind
	Currency money.Currency
	// AvailableFrom and PublishedAt are nil for a draft.
	AvailableFrom *time.Time
	PublishedAt   *time.Time
	CreatedAt     time.Time
}

// Stored is a version with its document.
type Stored struct {
	Version
	Offering Offering
}

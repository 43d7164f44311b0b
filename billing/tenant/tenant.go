package tenant

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"regexp"

	"github.com/google/uuid"
)

// ID names a tenant for good: in tokens, keys, links and logs.
type ID uuid.UUID

// ErrID is wrapped by ParseID's errors.
var ErrID = errors.New("not a tenant id")

// NewID makes the id of a new tenant (UUIDv7).
func NewID() ID { return ID(uuid.Must(uuid.NewV7())) }

// ParseID reads an id in its canonical text form.
func ParseID(text string) (ID, error) {
	id, err := uuid.Parse(text)
	if err != nil || id == uuid.Nil {
		return ID{}, fmt.Errorf("%w: %q", ErrID, text)
	}
	return ID(id), nil
}

func (id ID) String() string { return uuid.UUID(id).String() }

// IsZero says whether the id names no tenant.
func (id ID) IsZero() bool { return id == ID{} }

// MarshalText writes the canonical form.
func (id ID) MarshalText() ([]byte, error) { return uuid.UUID(id).MarshalText() }

// UnmarshalText reads the canonical form.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

// Value stores the id as a uuid.
func (id ID) Value() (driver.Value, error) { return id.String(), nil }

// Scan reads the id from a uuid column.
func (id *ID) Scan(src any) error { return (*uuid.UUID)(id).Scan(src) }

// Slot is the opaque name of a schema and of the role that may use it. A slot
// is made before it has a tenant and is never renamed. The zero value is no slot.
type Slot struct{ name string }

// ErrSlot is returned for a text that is no slot name.
var ErrSlot = errors.New("not a slot name: lower-case letters and digits, 4 to 24, are wanted")

var slotName = regexp.MustCompile(`^[a-z0-9]{4,24}$`)

// ParseSlot checks a slot name as the placement registry gives it.
func ParseSlot(name string) (Slot, error) {
	if !slotName.MatchString(name) {
		return Slot{}, fmt.Errorf("%w: %q", ErrSlot, name)
	}
	return Slot{name}, nil
}

// Schema is the name of the slot's schema and of its role. It holds no
// character that needs quoting.
func (s Slot) Schema() string { return "t_" + s.name }

func (s Slot) String() string { return s.name }

// Ref is a tenant as placed on this host.
type Ref struct {
	ID      ID
	Name    string // as in paths and host names
	Slot    Slot
	Epoch   int64 // placement epoch; a stale one is refused
	Sandbox bool  // fixed at creation; has its own business time
}

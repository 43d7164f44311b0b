package identity

import (
	"time"

	"tollhouse/billing/identity/limit"
	"tollhouse/billing/tenant"
)

// Sealer keeps private keys unreadable in the database. What was sealed opens
// only for the same tenant and under the same name.
type Sealer interface {
	Seal(id tenant.ID, name string, clear []byte) ([]byte, error)
	Open(id tenant.ID, name string, sealed []byte) ([]byte, error)
}

// Authority signs users in and recognises them. One serves all stacks of a
// process: each stack's keys, users and sessions are in its own schema.
type Authority struct {
	passwords *Passwords
	sealer    Sealer
	visits    Visits
	addresses *limit.Limiter
	now       func() time.Time // wall time
	unsettled unsettled
}

// Option is something an authority can be given beside what it needs.
type Option func(*Authority)

// New makes an authority.
func New(passwords *Passwords, sealer Sealer, now func() time.Time, options ...Option) *Authority {
	a := &Authority{passwords: passwords, sealer: sealer, now: func() time.Time { return now().UTC().Truncate(time.Microsecond) }}
	a.addresses = limit.New(perAddress, a.now)
	for _, option := range options {
		option(a)
	}
	return a
}

// realm is that of a stack: only its own tokens are good there.
func realm(id tenant.ID) Realm { return Realm{Issuer: id.String(), Audience: id.String()} }

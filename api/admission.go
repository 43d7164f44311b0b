package api

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"tollhouse/billing"
	"tollhouse/billing/account"
	"tollhouse/billing/identity"
)

// maxAdmissions bounds what is remembered. A full memory is dropped whole.
const maxAdmissions = 10_000

// renewAfter is when one request looks again while others still go by memory,
// so that not all of them look at once when it ends.
const renewAfter = identity.KeyLife * 4 / 5

// admissions remember for identity.KeyLife who the keys of machines that charge
// belong to, so that a debit costs its own transaction and no other. Only keys
// that were good are remembered, and nothing of them but a hash.
type admissions struct {
	mu    sync.Mutex
	known map[admissionKey]*admission
}

type admissionKey struct {
	tenant string
	bearer [sha256.Size]byte
}

// admission is what was found out: where the operator's stack is, who calls,
// and how the operator stood.
type admission struct {
	stack    *billing.Stack
	who      identity.Principal
	standing account.Standing
	readAt   time.Time // wall time, before it was read
	renewing bool
}

// remembered says whether the request is one of those that machines make all the
// time, with a key.
func (c *call) remembered(method string) bool {
	permission := identity.Permission(c.op.access)
	return (permission == identity.ChargingWrite || permission == identity.UsageWrite) && identity.IsAPIKey(c.bearer) && c.changes(method)
}

// recall takes an admission from memory; nil if there is none that holds.
func (m *admissions) recall(key admissionKey, now time.Time, settled func(a *admission) bool) *admission {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.known[key]
	switch {
	case a == nil:
		return nil
	case now.Sub(a.readAt) >= identity.KeyLife || !settled(a):
		delete(m.known, key)
		return nil
	case now.Sub(a.readAt) >= renewAfter && !a.renewing:
		a.renewing = true
		return nil
	}
	return a
}

func (m *admissions) remember(key admissionKey, a *admission) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil || len(m.known) >= maxAdmissions {
		m.known = map[admissionKey]*admission{}
	}
	m.known[key] = a
}

func (m *admissions) forget(key admissionKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.known, key)
}

// admitRemembered admits by memory where it can, and remembers what it had to
// look up. A sandbox is found anew each time: a fresh copy may take its place
// at any moment, and what is charged would go with the one before.
func (s *Server) admitRemembered(ctx context.Context, e echo.Context, c *call) error {
	key := admissionKey{e.Param("tenant"), sha256.Sum256([]byte(c.bearer))}
	known := s.admissions.recall(key, c.began, func(a *admission) bool { return s.authority.Settled(a.stack.Ref.ID, a.readAt) })
	if known == nil || known.stack.Ref.Sandbox {
		stack, err := s.host.Resolve(ctx, key.tenant)
		if err != nil {
			return err
		}
		if known != nil && known.stack.Ref != stack.Ref {
			known = nil
		}
		c.stack = stack
	}
	if known == nil {
		noteTenant(e, c.stack.Ref.Name)
		standing, err := s.whoCalls(ctx, c, e.Request().Method)
		if err != nil {
			s.admissions.forget(key)
			return err
		}
		known = &admission{stack: c.stack, who: c.who, standing: standing, readAt: c.began}
		s.admissions.remember(key, known)
	}
	c.stack, c.who = known.stack, known.who
	noteTenant(e, c.stack.Ref.Name)
	noteActor(e, c.who.Actor())
	if err := c.permitted(e); err != nil {
		return err
	}
	return known.standing.Refuses(c.act(), c.began)
}

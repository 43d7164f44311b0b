package charging

import (
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/tenant"
)

// memory keeps payers between transactions, as the last one left them, each row
// with its version. Nobody relies on it: whoever writes by it has the database
// check every version in the same trip.
type memory struct {
	mu      sync.Mutex
	tenants map[tenant.ID]*remembered
	payers  int
}

// remembered is what memory keeps of one tenant.
type remembered struct {
	payers map[uuid.UUID]*payer
	found  found                   // the scene whose zone and anchors the payers' cycles go by
	shy    map[uuid.UUID]time.Time // accounts that need locks, until then
	rests  time.Time               // until then all do: others charge the same accounts
}

// Bounds of memory. What is full is dropped whole. Age keeps a version, which
// is a transaction's number, from coming round again, and lets go of balances
// that have ended.
const (
	maxPayers  = 200_000
	maxAge     = 10 * time.Minute
	maxShy     = 20_000
	shyFor     = 2 * time.Second
	restingFor = time.Second
)

func (m *memory) of(id tenant.ID) *remembered {
	r := m.tenants[id]
	if r == nil {
		if m.tenants == nil {
			m.tenants = map[tenant.ID]*remembered{}
		}
		r = &remembered{payers: map[uuid.UUID]*payer{}, shy: map[uuid.UUID]time.Time{}}
		m.tenants[id] = r
	}
	return r
}

// take gives the payers that are remembered of those ids, and forgets them:
// they are the taker's. The others are missing, as are those of whom only
// balances are known that end after a later instant, and all whose cycles go by
// another zone or other anchors than the operator's now.
func (m *memory) take(id tenant.ID, under found, ids []pgtype.UUID, endingAfter time.Time) (known map[uuid.UUID]*payer, missing []pgtype.UUID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, now := m.of(id), time.Now()
	if r.found.zone != under.zone || r.found.anchorPolicy != under.anchorPolicy {
		m.payers -= len(r.payers)
		clear(r.payers)
		r.found = under
	}
	known = make(map[uuid.UUID]*payer, len(ids))
	for _, one := range ids {
		p := r.payers[one.Bytes]
		if p != nil {
			delete(r.payers, one.Bytes)
			m.payers--
		}
		if p == nil || endingAfter.Before(p.endingAfter) || now.Sub(p.readAt) > maxAge {
			missing = append(missing, one)
			continue
		}
		known[one.Bytes] = p
	}
	return known, missing
}

// keep remembers payers whose cycles go by that zone and those anchors.
func (m *memory) keep(id tenant.ID, under found, payers map[uuid.UUID]*payer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.of(id); r.found.zone != under.zone || r.found.anchorPolicy != under.anchorPolicy {
		return
	}
	if m.payers+len(payers) > maxPayers {
		clear(m.tenants)
		m.payers = 0
	}
	r := m.of(id)
	r.found = under
	for account, p := range payers {
		if p.taxedAhead() {
			continue // its tax moves under locks only
		}
		if r.payers[account] == nil {
			m.payers++
		}
		r.payers[account] = p
	}
}

// forget drops accounts that are being changed under locks.
func (m *memory) forget(id tenant.ID, accounts []pgtype.UUID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.tenants[id]
	if r == nil {
		return
	}
	for _, one := range accounts {
		if r.payers[one.Bytes] != nil {
			delete(r.payers, one.Bytes)
			m.payers--
		}
	}
}

// avoid has accounts charged under locks for a while.
func (m *memory) avoid(id tenant.ID, accounts []uuid.UUID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.of(id)
	if len(r.shy)+len(accounts) > maxShy {
		clear(r.shy)
	}
	until := time.Now().Add(shyFor)
	for _, one := range accounts {
		r.shy[one] = until
	}
}

// rest has all accounts of a tenant charged under locks for a while.
func (m *memory) rest(id tenant.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.of(id).rests = time.Now().Add(restingFor)
}

// sort parts requests into those that may be charged from memory and those that
// need locks.
func (m *memory) sort(id tenant.ID, requests []*request) (swift, locked []*request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, now := m.of(id), time.Now()
	if now.Before(r.rests) {
		return nil, requests
	}
	for _, one := range requests {
		until, shy := r.shy[uuid.UUID(one.spot)]
		if shy && now.After(until) {
			delete(r.shy, uuid.UUID(one.spot))
			shy = false
		}
		if one.plain && !shy {
			swift = append(swift, one)
		} else {
			locked = append(locked, one)
		}
	}
	return swift, locked
}

// taxedAhead says whether some of the payer's money was taxed at its sale.
func (p *payer) taxedAhead() bool {
	return slices.ContainsFunc(p.money, func(one *purse) bool { return one.TaxAhead.Sign() > 0 })
}

package charging

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/rating"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// Bounds of what one process keeps in memory. A cache that is full is dropped
// whole and filled again by need: that is rare, and cheaper than keeping track.
const (
	maxIdentities = 400_000
	maxTariffs    = 4_000
)

// Engine charges for all tenants of one process. It keeps compiled tariffs and
// who holds which identity, each as of an epoch that every transaction reads.
// A transaction that has itself changed subscriptions must not charge usage:
// what it saw would outlive its rollback.
type Engine struct {
	gate   GateOf
	mu     sync.Mutex
	caches map[tenant.ID]*cache
	kept   struct{ identities, tariffs, numbers int }

	feeds  sync.Map // tenant.ID: uuid.UUID of the source that sessions' usage is of
	sweeps sync.Map // tenant.ID: time.Time up to which sweeps of sessions are on the agenda

	subjects subjects
	cycles   CycleOf
	// what follows from charges, by tenant
	watched map[tenant.ID]*watched
	decks   catalog.DeckCache // of all tenants
}

// GateOf gives the gate of a transaction's tenant, which needs the tenant's
// usage-hash key; it should remember it.
type GateOf func(ctx context.Context, tx tenant.Tx) (*usage.Gate, error)

// CycleOf gives what a cycle's beginning brings accounts beside fees and
// allowances, where the bill run has not done so.
type CycleOf func(ctx context.Context, tx tenant.Tx, accounts ...uuid.UUID) error

// OnCycle has fn called before the fees of accounts are taken, or their
// allowances given, by what happens in a cycle before the bill run does. It is
// set before the engine is used.
func (e *Engine) OnCycle(fn CycleOf) { e.cycles = fn }

// beforeCycle calls what was set with OnCycle.
func (e *Engine) beforeCycle(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID) error {
	if e.cycles == nil || len(accounts) == 0 {
		return nil
	}
	return e.cycles(ctx, tx, accounts...)
}

// NewEngine starts with nothing known.
func NewEngine(gate GateOf) *Engine {
	return &Engine{gate: gate, caches: map[tenant.ID]*cache{}, watched: map[tenant.ID]*watched{}}
}

// cache is what is known of one tenant. Engine.mu guards it.
type cache struct {
	catalogEpoch, accountEpoch int64
	zone                       *time.Location
	tariffs                    map[uuid.UUID]*tariff
	holdings                   map[usage.Identity]holdings
	numbers                    numbers // as destinations
	reference                  *reference
}

// scene is what holds for one transaction.
type scene struct {
	engine       *Engine
	tenant       tenant.ID
	catalogEpoch int64
	accountEpoch int64
	zone         *time.Location
	today        calendar.Date // of business time, in zone
	earliest     time.Time     // beginning of the earliest use; zero: none is before now
	anchorPolicy calendar.AnchorPolicy
	correctable  int // days after a cycle's end in which usage of it is still taken
	taxes        tax.Table
	rates        map[rateDay]tax.Rate
	filters      map[string]rating.Filter
	terms        map[string]rating.Terms
	numbers      numbers            // destinations, where it matters whose they are
	exchange     *catalog.Rates     // loaded where somebody has money in another currency
	plans        map[uuid.UUID]plan // with options, of which tariffs are wanted
	gate         *usage.Gate        // remembered scenes only
	found        found              // what it was made of
}

type rateDay struct {
	category string
	day      calendar.Date
}

const selectScene = `
	select c.epoch, a.epoch, o.zone, o.anchor_policy, o.correction_days
	from catalog_epoch as c, account_epoch as a, operator as o
	where c.id = 1 and a.id = 1 and o.id = 1`

// found is what selectScene found.
type found struct {
	catalogEpoch, accountEpoch int64
	zone                       string
	anchorPolicy               calendar.AnchorPolicy
	correctable                int
}

func scanFound(row pgx.CollectableRow) (f found, err error) {
	err = row.Scan(&f.catalogEpoch, &f.accountEpoch, &f.zone, &f.anchorPolicy, &f.correctable)
	return f, err
}

// begin reads what a transaction needs to know before anything else.
func (e *Engine) begin(ctx context.Context, tx tenant.Tx) (*scene, error) {
	s := &scene{engine: e, tenant: tx.Tenant, rates: map[rateDay]tax.Rate{}, filters: map[string]rating.Filter{}, terms: map[string]rating.Terms{}}
	row, err := tx.Query(ctx, selectScene)
	if err == nil {
		s.found, err = pgx.CollectExactlyOneRow(row, scanFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read epochs: %w", err)
	}
	s.catalogEpoch, s.accountEpoch, s.anchorPolicy, s.correctable = s.found.catalogEpoch, s.found.accountEpoch, s.found.anchorPolicy, s.found.correctable
	if s.zone, err = e.zoneOf(tx.Tenant, s.found.zone); err != nil {
		return nil, err
	}
	s.today = calendar.DateOf(tx.At, s.zone)
	s.taxes, err = tax.Load(ctx, tx)
	return s, err
}

// zoneOf keeps the tenant's zone: reading it from disk takes longer than a query.
func (e *Engine) zoneOf(id tenant.ID, name string) (*time.Location, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.caches[id]; c != nil && c.zone.String() == name {
		return c.zone, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("operator's zone: %w", err)
	}
	return zone, nil
}

// current is the tenant's cache, emptied of what the epochs have overtaken.
// e.mu is held.
func (e *Engine) current(s *scene) *cache {
	c := e.caches[s.tenant]
	if c == nil {
		c = &cache{zone: s.zone, tariffs: map[uuid.UUID]*tariff{}, holdings: map[usage.Identity]holdings{}}
		e.caches[s.tenant] = c
	}
	if c.catalogEpoch != s.catalogEpoch || c.zone.String() != s.zone.String() {
		e.kept.tariffs -= len(c.tariffs)
		clear(c.tariffs)
		c.reference = nil
		c.catalogEpoch, c.zone = s.catalogEpoch, s.zone
	}
	if c.accountEpoch != s.accountEpoch {
		e.kept.identities -= len(c.holdings)
		clear(c.holdings)
		e.kept.numbers -= len(c.numbers)
		c.numbers = nil
		c.accountEpoch = s.accountEpoch
	}
	return c
}

// makeRoom drops everything when n more entries would not fit. e.mu is held.
func (e *Engine) makeRoom(kept *int, n, limit int) {
	if *kept+n <= limit {
		return
	}
	clear(e.caches)
	e.kept.identities, e.kept.tariffs, e.kept.numbers = 0, 0, 0
}

// taxRate is the rate of a category on a local day for whoever pays.
func (s *scene) taxRate(p *payer, category string, day calendar.Date) (tax.Rate, error) {
	if p != nil && p.taxed != nil {
		return s.taxes.For(p.taxed).At(category, day)
	}
	key := rateDay{category, day}
	if rate, known := s.rates[key]; known {
		return rate, nil
	}
	rate, err := s.taxes.At(category, day)
	if err == nil {
		s.rates[key] = rate
	}
	return rate, err
}

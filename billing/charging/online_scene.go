package charging

import (
	"context"
	"errors"
	"hash/maphash"
	"maps"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/rating"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// scenes remember what held for each tenant's last transaction. A batch starts
// from it and has its first trip say whether it still holds: that spares a trip.
type scenes struct {
	engine *Engine
	mu     sync.Mutex
	last   map[tenant.ID]*scene
}

// errStale means that prices or subscribers have changed since the last
// transaction: they are read again, and the batch starts anew.
var errStale = errors.New("what was remembered of the tenant is overtaken")

// guess is the last scene, for a batch's own use; nil if there is none.
func (c *scenes) guess(id tenant.ID) *scene {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.last[id]
	if s == nil {
		return nil
	}
	own := *s
	own.numbers, own.plans = nil, nil
	own.rates, own.filters, own.terms = map[rateDay]tax.Rate{}, maps.Clone(s.filters), maps.Clone(s.terms)
	return &own
}

func (c *scenes) remember(s *scene) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil || len(c.last) > 10*maxTariffs {
		c.last = map[tenant.ID]*scene{}
	}
	kept := *s
	kept.earliest, kept.numbers, kept.plans = time.Time{}, nil, nil
	kept.rates, kept.filters, kept.terms = nil, map[string]rating.Filter{}, map[string]rating.Terms{}
	c.last[s.tenant] = &kept
}

func (c *scenes) forget(id tenant.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.last, id)
}

// learn reads from the database what a batch needs to know: the epochs, who
// the identities belong to, and their tariffs.
func (c *scenes) learn(ctx context.Context, db *tenant.DB, ref tenant.Ref, requests []*request) (*known, error) {
	k := &known{}
	err := db.Read(ctx, ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		if k.scene, err = c.engine.begin(ctx, tx); err != nil {
			return err
		}
		if k.scene.gate, err = c.engine.gate(ctx, tx); err != nil {
			return err
		}
		k.holdings = map[usage.Identity]holdings{}
		for _, r := range requests {
			for i := range r.records {
				k.holdings[r.records[i].Identity] = nil
				k.scene.begins(r.records[i].Start)
			}
		}
		if err := k.scene.subscribers(ctx, tx, k.holdings); err != nil {
			return err
		}
		k.tariffs, err = k.scene.tariffsOf(ctx, tx, keys(k.versions(requests)))
		return err
	})
	if err != nil {
		return nil, err
	}
	c.remember(k.scene)
	return k, nil
}

// recall takes it all from memory; nil if prices are missing there. Subscribers
// that are missing are found by the batch itself (complete).
func (c *scenes) recall(id tenant.ID, requests []*request) *known {
	k := &known{scene: c.guess(id), holdings: map[usage.Identity]holdings{}}
	if k.scene == nil {
		return nil
	}
	e := c.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	cache := e.current(k.scene)
	for _, r := range requests {
		for i := range r.records {
			k.scene.begins(r.records[i].Start)
			identity := r.records[i].Identity
			if _, seen := k.holdings[identity]; seen {
				continue
			}
			held, is := cache.holdings[identity]
			if !is {
				k.missing = append(k.missing, identity)
			}
			k.holdings[identity] = held
		}
	}
	if !k.price(cache, requests) {
		return nil
	}
	return k
}

// known is what a batch knows before its first trip.
type known struct {
	scene    *scene
	holdings map[usage.Identity]holdings
	missing  []usage.Identity // whose holdings memory did not have
	tariffs  map[uuid.UUID]*tariff
}

// complete finds the subscribers that memory did not have, in a trip of their
// own. The check that the scene still holds comes behind it (queueCheck): what
// was found then is of the scene's epoch.
func (k *known) complete(f *tenant.Flow, requests []*request) error {
	if len(k.missing) == 0 {
		return nil
	}
	found := queueHoldings(f, k.missing)
	if err := f.Trip(); err != nil {
		return err
	}
	k.scene.remember(found)
	for identity, held := range found {
		k.holdings[identity] = held
	}
	e := k.scene.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if !k.price(e.current(k.scene), requests) {
		return errStale
	}
	return nil
}

// price takes the tariffs of the requests from memory; false if one is not
// there. Engine.mu is held.
func (k *known) price(cache *cache, requests []*request) bool {
	k.tariffs = map[uuid.UUID]*tariff{}
	for version := range k.versions(requests) {
		if k.tariffs[version] = cache.tariffs[version]; k.tariffs[version] == nil || !k.tariffs[version].reaches(k.scene.earliest) {
			return false
		}
	}
	return true
}

func (k *known) versions(requests []*request) map[uuid.UUID]bool {
	versions := map[uuid.UUID]bool{}
	for _, r := range requests {
		for i := range r.records {
			u := use{record: &r.records[i]}
			if h := k.holdings[u.record.Identity].at(u.at()); h != nil {
				k.scene.wants(versions, h.plan())
			}
		}
	}
	return versions
}

// queueCheck has the first trip say whether the scene holds.
func (s *scene) queueCheck(f *tenant.Flow) {
	s.today = calendar.DateOf(f.At, s.zone)
	f.Query(selectScene, nil, func(row pgx.CollectableRow) error {
		now, err := scanFound(row)
		if err == nil && now != s.found {
			err = errStale
		}
		return err
	})
}

var spotSeed = maphash.MakeSeed()

// place finds what requests of one account have in common, as far as memory
// knows (a wrong guess costs a wait for a lock), and whether all that a request
// needs can be remembered.
func (c *scenes) place(id tenant.ID, r *request) (spot spotID, plain bool) {
	if len(r.records) == 0 {
		return spotID(r.account), false
	}
	u := use{record: &r.records[0]}
	e := c.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if cache := e.caches[id]; cache != nil {
		if h := cache.holdings[u.record.Identity].at(u.at()); h != nil {
			t := cache.tariffs[h.offering]
			_, debit := r.kind.(debits)
			plain = debit && h.owner == uuid.Nil && len(h.plan().options) == 0 && t != nil && !t.counts && t.offering.ThirdParty == nil
			return spotID(h.account), plain
		}
	}
	n := maphash.Comparable(spotSeed, u.record.Identity)
	for i := range 8 {
		spot[i] = byte(n >> (8 * i))
	}
	return spot, false
}

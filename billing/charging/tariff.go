package charging

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/catalog"
	"tollhouse/billing/rating"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// tariff is an offering version made ready for charging.
type tariff struct {
	*rating.Tariff
	offering catalog.Offering
	options  []uuid.UUID    // versions of options whose prices go before the offering's
	rates    *catalog.Rates // nil: all prices are in its own currency
	basis    tax.Basis
	counts   bool           // some rule has tiers, so counters matter
	since    time.Time      // decks are known from this instant on
	later    []tariffPeriod // after each switch of a deck
	void     bool           // it has no price before the first of them
}

// filter reads what a bucket may be used for. A chunk's buckets have few
// different ones.
func (s *scene) filter(document json.RawMessage) (rating.Filter, error) {
	if known, ok := s.filters[string(document)]; ok {
		return known, nil
	}
	var filter rating.Filter
	if err := json.Unmarshal(document, &filter); err != nil {
		return rating.Filter{}, err
	}
	s.filters[string(document)] = filter
	return filter, nil
}

// termsOf reads how a bucket gives what it holds.
func (s *scene) termsOf(document json.RawMessage) (rating.Terms, error) {
	if known, ok := s.terms[string(document)]; ok {
		return known, nil
	}
	var terms rating.Terms
	if err := json.Unmarshal(document, &terms); err != nil {
		return rating.Terms{}, err
	}
	s.terms[string(document)] = terms
	return terms, nil
}

// tariffsOf gives compiled tariffs by offering version. A version that cannot
// be compiled is absent: whoever needs it waits in suspense, others don't.
func (s *scene) tariffsOf(ctx context.Context, tx tenant.Tx, versions []pgtype.UUID) (map[uuid.UUID]*tariff, error) {
	known := make(map[uuid.UUID]*tariff, len(versions))
	e := s.engine
	e.mu.Lock()
	c := e.current(s)
	var missing []uuid.UUID
	for _, version := range versions {
		id := uuid.UUID(version.Bytes)
		if t := c.tariffs[id]; t != nil && t.reaches(s.wantedSince(tx.At)) {
			known[id] = t
		} else {
			missing = append(missing, id)
		}
	}
	e.mu.Unlock()
	if len(missing) == 0 {
		return known, nil
	}
	loaded, err := s.loadTariffs(ctx, tx, missing)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.makeRoom(&e.kept.tariffs, len(loaded), maxTariffs)
	c = e.current(s)
	for id, t := range loaded {
		known[id] = t
		if c.tariffs[id] == nil {
			e.kept.tariffs++
		}
		c.tariffs[id] = t
	}
	return known, nil
}

func (s *scene) loadTariffs(ctx context.Context, tx tenant.Tx, ids []uuid.UUID) (map[uuid.UUID]*tariff, error) {
	loaded := make(map[uuid.UUID]*tariff, len(ids))
	for _, id := range ids {
		t, err := unready(s.loadTariff(ctx, tx, id))
		if err != nil {
			return nil, err
		}
		if t != nil { // published ones compile; what needs this one is held
			loaded[id] = t
		}
	}
	return loaded, nil
}

// unready makes no tariff of an offering that cannot be compiled.
func unready(t *tariff, err error) (*tariff, error) {
	if errors.Is(err, errUnready) {
		return nil, nil
	}
	return t, err
}

// loadTariff compiles a version of an offering, or a plan with options that is
// wanted.
func (s *scene) loadTariff(ctx context.Context, tx tenant.Tx, id uuid.UUID) (*tariff, error) {
	of, composed := s.plans[id]
	if !composed {
		of = plan{offering: id}
	}
	base, err := catalog.LoadVersion(ctx, tx, of.offering)
	if err != nil {
		return nil, err
	}
	options := make([]catalog.Offering, len(of.options))
	for i, version := range of.options {
		if options[i], err = catalog.LoadVersion(ctx, tx, version); err != nil {
			return nil, err
		}
	}
	return s.compileWith(ctx, tx, base, of.options, options)
}

// version is that of the offering whose rule priced something, given the plan's
// own.
func (t *tariff) version(result *rating.Result, own uuid.UUID) uuid.UUID {
	if result.Option == 0 {
		return own
	}
	return t.options[result.Option-1]
}

func basisOf(o *catalog.Offering) tax.Basis { return tax.BasisOf(o.Tax.Included) }

func hasTiers(o catalog.Offering) bool {
	for _, price := range o.Usage {
		for i := range price.Rules {
			if price.Rules[i].Tiers != nil {
				return true
			}
		}
	}
	return false
}

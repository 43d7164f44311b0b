package charging

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/rating"
	"tollhouse/billing/tenant"
)

// lateness is how far back compiled tariffs know the switches of decks without
// being asked for more.
const lateness = 35 * 24 * time.Hour

// reference is what tariffs of a tenant stand on, as of a catalog epoch: all
// of its decks and calendars, as a bucket may name one that the offering of
// its holder does not.
type reference struct {
	decks     *catalog.DeckTimeline
	calendars map[string][]calendar.Date
}

// tariffPeriod is a tariff between two switches of decks; nil: it could not be
// compiled.
type tariffPeriod struct {
	from   time.Time
	tariff *tariff
}

// at returns the tariff that prices use which begins at an instant: each deck
// in the version that was live then.
func (t *tariff) at(start time.Time) *tariff {
	if t == nil {
		return nil
	}
	for i := len(t.later) - 1; i >= 0; i-- {
		if !start.Before(t.later[i].from) {
			return t.later[i].tariff
		}
	}
	if t.void {
		return nil
	}
	return t
}

// reaches says whether the tariff knows the decks of an instant.
func (t *tariff) reaches(start time.Time) bool { return start.IsZero() || !t.since.After(start) }

// wantedSince is the instant from which on decks have to be known.
func (s *scene) wantedSince(at time.Time) time.Time {
	if s.earliest.IsZero() || s.earliest.After(at) {
		return at
	}
	return s.earliest
}

// begins notes that use of an instant is to be priced.
func (s *scene) begins(start time.Time) {
	if s.earliest.IsZero() || start.Before(s.earliest) {
		s.earliest = start
	}
}

// reference reads what tariffs stand on, unless it is known.
func (s *scene) reference(ctx context.Context, tx tenant.Tx) (*reference, error) {
	e, wanted := s.engine, s.wantedSince(tx.At)
	e.mu.Lock()
	known := e.current(s).reference
	e.mu.Unlock()
	if known != nil && !known.decks.Since.After(wanted) {
		return known, nil
	}
	decks, err := catalog.LiveDecks(ctx, tx)
	if err != nil {
		return nil, err
	}
	r := &reference{}
	if r.decks, err = e.decks.Timeline(ctx, tx, decks, wanted.Add(-lateness)); err != nil {
		return nil, err
	}
	if r.calendars, err = catalog.LoadAllCalendars(ctx, tx); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.current(s).reference = r
	return r, nil
}

// errUnready says that an offering cannot be compiled, and why.
var errUnready = errors.New("offering cannot be made ready")

// compile makes an offering ready, once for each time between switches of
// decks. errUnready where it can be compiled for none.
func (s *scene) compile(ctx context.Context, tx tenant.Tx, offering catalog.Offering) (*tariff, error) {
	return s.compileWith(ctx, tx, offering, nil, nil)
}

// compileWith is compile with options on top, of which those are left out that
// have prices in another currency, or with tax where the offering's are without.
func (s *scene) compileWith(ctx context.Context, tx tenant.Tx, offering catalog.Offering, versions []uuid.UUID, options []catalog.Offering) (*tariff, error) {
	var on []catalog.Offering
	var onVersions []uuid.UUID
	for i := range options {
		if options[i].Currency == offering.Currency && options[i].Tax.Included == offering.Tax.Included {
			on, onVersions = append(on, options[i]), append(onVersions, versions[i])
		}
	}
	r, err := s.reference(ctx, tx)
	if err != nil {
		return nil, err
	}
	rates, err := ratesFor(ctx, tx, append([]catalog.Offering{offering}, on...)...)
	if err != nil {
		return nil, err
	}
	var whole *tariff
	var fault error
	usable := false
	for _, period := range r.decks.Periods() {
		t := &tariff{offering: offering, options: onVersions, rates: rates, basis: basisOf(&offering),
			counts: hasTiers(offering) || slices.ContainsFunc(on, hasTiers), since: r.decks.Since}
		t.Tariff, err = rating.Compile(offering, rating.Context{Zone: s.zone, Decks: period.Decks, Calendars: r.calendars, Rates: rates}, on...)
		usable = usable || err == nil
		fault = cmp.Or(fault, err)
		switch {
		case whole == nil:
			whole, t.void = t, err != nil
		case err != nil:
			whole.later = append(whole.later, tariffPeriod{period.From, nil})
		default:
			whole.later = append(whole.later, tariffPeriod{period.From, t})
			if whole.Tariff == nil {
				whole.Tariff = t.Tariff // for what asks for no price
			}
		}
	}
	if !usable {
		return nil, fmt.Errorf("%w: %w", errUnready, fault)
	}
	return whole, nil
}

// ratesFor reads the exchange rates of offerings with prices in another
// currency than their own, which they share.
func ratesFor(ctx context.Context, tx tenant.Tx, offerings ...catalog.Offering) (*catalog.Rates, error) {
	var currencies []money.Currency
	foreign := false
	for _, o := range offerings {
		own := o.Currencies()
		currencies, foreign = append(currencies, own...), foreign || len(own) > 1
	}
	if !foreign {
		return nil, nil
	}
	return catalog.LoadRates(ctx, tx, currencies)
}

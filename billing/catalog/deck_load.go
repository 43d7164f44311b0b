package catalog

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// DeckCache keeps the decks that a process has read, each version once for
// all tariffs that name it. A version never changes, so nothing in it grows
// old. When it is full it is dropped whole and filled again by need.
type DeckCache struct {
	mu        sync.Mutex
	decks     map[uuid.UUID]*Deck
	sizeBytes int
}

// deckCacheBytes bounds a DeckCache: about 200 decks of 60,000 prefixes.
const deckCacheBytes = 256 << 20

// DeckTimeline says which version of each deck prices usage of which time.
type DeckTimeline struct {
	// Since is the instant from which on it is complete; zero: from ever.
	Since   time.Time
	periods []DeckPeriod
}

// DeckPeriod is a time without a switch: from From on up to the next period.
type DeckPeriod struct {
	From  time.Time // zero: the first one
	Decks map[string]*Deck
}

// Periods returns the periods in order; there is at least one.
func (t *DeckTimeline) Periods() []DeckPeriod { return t.periods }

// LoadDecks returns the version of each deck that is live now, by code.
// Decks that there are not are absent.
func LoadDecks(ctx context.Context, tx tenant.Tx, codes []string) (map[string]*Deck, error) {
	timeline, err := new(DeckCache).Timeline(ctx, tx, codes, tx.At)
	if err != nil {
		return nil, err
	}
	return timeline.At(tx.At), nil
}

// LiveDecks returns the codes of the decks that are, were or will be live.
func LiveDecks(ctx context.Context, tx tenant.Tx) ([]string, error) {
	rows, err := tx.Query(ctx, `select distinct deck from deck_version where state = 'live' order by deck`)
	if err != nil {
		return nil, fmt.Errorf("list live decks: %w", err)
	}
	codes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list live decks: %w", err)
	}
	return codes, nil
}

// At returns the decks that price usage of an instant.
func (t *DeckTimeline) At(at time.Time) map[string]*Deck {
	i := len(t.periods) - 1
	for i > 0 && t.periods[i].From.After(at) {
		i--
	}
	return t.periods[i].Decks
}

// Timeline reads the versions that price usage from an instant on, those
// that will become live later included: they need no further word. What is
// older than a deck's first version is priced by that one.
func (c *DeckCache) Timeline(ctx context.Context, tx tenant.Tx, codes []string, since time.Time) (*DeckTimeline, error) {
	t := &DeckTimeline{Since: since, periods: []DeckPeriod{{Decks: map[string]*Deck{}}}}
	if len(codes) == 0 {
		t.Since = time.Time{}
		return t, nil
	}
	switches, err := deckSwitches(ctx, tx, codes)
	if err != nil {
		return nil, fmt.Errorf("read decks: %w", err)
	}
	byDeck := map[string][]DeckVersion{}
	var instants []time.Time
	for _, v := range switches {
		byDeck[v.Deck] = append(byDeck[v.Deck], v)
	}
	complete := true
	for code, versions := range byDeck {
		byDeck[code] = versionsSince(versions, since)
		complete = complete && len(byDeck[code]) == len(versions)
	}
	if complete {
		t.Since = time.Time{}
	}
	var ids []uuid.UUID
	for _, versions := range byDeck {
		for i, v := range versions {
			ids = append(ids, v.ID)
			if i > 0 {
				instants = append(instants, *v.LiveFrom)
			}
		}
	}
	decks, err := c.get(ctx, tx, ids)
	if err != nil {
		return nil, fmt.Errorf("read decks: %w", err)
	}
	slices.SortFunc(instants, time.Time.Compare)
	for _, at := range slices.CompactFunc(instants, time.Time.Equal) {
		t.periods = append(t.periods, DeckPeriod{at, map[string]*Deck{}})
	}
	for code, versions := range byDeck {
		for _, p := range t.periods {
			live := versions[0]
			for _, v := range versions[1:] {
				if !v.LiveFrom.After(p.From) {
					live = v
				}
			}
			p.Decks[code] = decks[live.ID]
		}
	}
	return t, nil
}

// versionsSince keeps of a deck's versions the one that is live at an instant,
// or the first of all, and those that begin later.
func versionsSince(versions []DeckVersion, since time.Time) []DeckVersion {
	first := 0
	for i, v := range versions {
		if !v.LiveFrom.After(since) {
			first = i
		}
	}
	return versions[first:]
}

func (c *DeckCache) get(ctx context.Context, tx tenant.Tx, ids []uuid.UUID) (map[uuid.UUID]*Deck, error) {
	decks := make(map[uuid.UUID]*Deck, len(ids))
	var missing []uuid.UUID
	c.mu.Lock()
	for _, id := range ids {
		if deck := c.decks[id]; deck != nil {
			decks[id] = deck
		} else {
			missing = append(missing, id)
		}
	}
	c.mu.Unlock()
	if len(missing) == 0 {
		return decks, nil
	}
	read, err := unpackVersions(ctx, tx, missing)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range missing {
		deck := read[id]
		if deck == nil {
			return nil, fmt.Errorf("%w: version %s", ErrDeckNotFound, id)
		}
		if kept := c.decks[id]; kept != nil {
			decks[id] = kept // read by another meanwhile
			continue
		}
		decks[id] = deck
		c.keep(id, deck)
	}
	return decks, nil
}

// keep adds a deck. c.mu is held.
func (c *DeckCache) keep(id uuid.UUID, deck *Deck) {
	size := deck.sizeBytes()
	if c.decks == nil || c.sizeBytes+size > deckCacheBytes {
		c.decks, c.sizeBytes = map[uuid.UUID]*Deck{}, 0
	}
	c.decks[id] = deck
	c.sizeBytes += size
}

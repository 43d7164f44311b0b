package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"slices"
)

// ErrDeckEntry says that an entry of a deck cannot be used.
var ErrDeckEntry = errors.New("not a usable deck entry")

// maxPrefix is the length of the longest telephone number (E.164).
const maxPrefix = 15

// DeckEntry says which zone the numbers with a prefix belong to.
type DeckEntry struct {
	Prefix string `json:"prefix"`
	Zone   string `json:"zone"`
	// Network names the operator that holds the numbers, where it is known.
	Network string `json:"network,omitempty"`
	// Own is true where the numbers are our own network's.
	Own bool `json:"own,omitempty"`
}

// Deck is one version of a prefix table, made ready for look-ups. It never
// changes and may be used by any number of goroutines and tariffs.
type Deck struct {
	code   string
	nodes  []deckNode
	values []deckValue // what entries say; values[0] stands for nothing
	zones  []string    // sorted
	size   int
}

// deckNode is a digit of a prefix. Its children stand side by side from first
// on, one for each bit of digits: 12 bytes a digit keep a deck of 60,000
// prefixes within a processor's cache.
type deckNode struct {
	first  uint32
	value  uint32
	digits uint16
}

type deckValue struct {
	zone    int32 // its place in Deck.zones
	network string
	own     bool
}

// NewDeck makes a deck of entries in any order. Prefixes are digits without
// "+" or "00". The same prefix twice is refused unless both say the same.
// ErrDeckEntry.
func NewDeck(code string, entries []DeckEntry) (*Deck, error) {
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b DeckEntry) int { return cmp.Compare(a.Prefix, b.Prefix) })
	sorted = slices.Compact(sorted)
	for i, e := range sorted {
		if err := e.check(); err != nil {
			return nil, fmt.Errorf("deck %s: %w", code, err)
		}
		if i > 0 && sorted[i-1].Prefix == e.Prefix {
			return nil, fmt.Errorf("deck %s: %w: prefix %s stands for %s and for %s", code, ErrDeckEntry, e.Prefix, sorted[i-1], e)
		}
	}
	d := &Deck{code: code, size: len(sorted), values: []deckValue{{zone: -1}}}
	d.nodes = make([]deckNode, 1, 2*len(sorted)+1)
	d.build(sorted, d.intern(sorted))
	d.nodes = slices.Clip(d.nodes)
	return d, nil
}

func (e DeckEntry) check() error {
	if !digitsOnly(e.Prefix) || len(e.Prefix) > maxPrefix {
		return fmt.Errorf("%w: prefix %.32q is not 1 to %d digits", ErrDeckEntry, e.Prefix, maxPrefix)
	}
	if e.Zone == "" {
		return fmt.Errorf("%w: prefix %s has no zone", ErrDeckEntry, e.Prefix)
	}
	return nil
}

// String tells where the entry's numbers belong, such as "de-mobile (Telekom)".
func (e DeckEntry) String() string {
	s := e.Zone
	if e.Network != "" {
		s += " (" + e.Network + ")"
	}
	if e.Own {
		s += ", own network"
	}
	return s
}

func digitsOnly(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// intern keeps each zone and each different value once and returns the value
// of every entry.
func (d *Deck) intern(entries []DeckEntry) []uint32 {
	for _, e := range entries {
		d.zones = append(d.zones, e.Zone)
	}
	slices.Sort(d.zones)
	d.zones = slices.Clip(slices.Compact(d.zones))
	place := make(map[string]int32, len(d.zones))
	for i, zone := range d.zones {
		place[zone] = int32(i)
	}
	known := map[deckValue]uint32{}
	of := make([]uint32, len(entries))
	for i, e := range entries {
		v := deckValue{place[e.Zone], e.Network, e.Own}
		n, seen := known[v]
		if !seen {
			n = uint32(len(d.values))
			known[v] = n
			d.values = append(d.values, v)
		}
		of[i] = n
	}
	return of
}

// deckSpan is a node to be filled: the entries below it, side by side in order.
type deckSpan struct{ from, to, depth int }

// build lays the tree out level by level, so that the children of a node
// stand side by side.
func (d *Deck) build(sorted []DeckEntry, value []uint32) {
	spans := make([]deckSpan, 1, cap(d.nodes))
	spans[0] = deckSpan{0, len(sorted), 0}
	for at := 0; at < len(spans); at++ {
		s := spans[at]
		node := deckNode{first: uint32(len(spans))}
		if s.from < s.to && len(sorted[s.from].Prefix) == s.depth {
			node.value = value[s.from]
			s.from++
		}
		for s.from < s.to {
			digit, to := sorted[s.from].Prefix[s.depth], s.from+1
			for to < s.to && sorted[to].Prefix[s.depth] == digit {
				to++
			}
			node.digits |= 1 << (digit - '0')
			spans = append(spans, deckSpan{s.from, to, s.depth + 1})
			s.from = to
		}
		d.nodes[at] = node
		for len(d.nodes) < len(spans) {
			d.nodes = append(d.nodes, deckNode{})
		}
	}
}

// find returns the value of the longest prefix of a destination and its
// length; 0, 0 if there is none.
func (d *Deck) find(destination string) (value uint32, length int) {
	node := &d.nodes[0]
	for i := range len(destination) {
		digit := destination[i] - '0'
		if digit > 9 || node.digits&(1<<digit) == 0 {
			break
		}
		before := node.digits & (1<<digit - 1)
		node = &d.nodes[node.first+uint32(bits.OnesCount16(before))]
		if node.value != 0 {
			value, length = node.value, i+1
		}
	}
	return value, length
}

// Find returns the zone of a destination by its longest prefix, and how many
// digits that has; "", 0 if no prefix fits. The destination has no "+".
func (d *Deck) Find(destination string) (zone string, length int) {
	value, length := d.find(destination)
	if length == 0 {
		return "", 0
	}
	return d.zones[d.values[value].zone], length
}

// FindZone is Find with the zone's place in Zones; -1, 0 if no prefix fits.
func (d *Deck) FindZone(destination string) (zone, length int) {
	value, length := d.find(destination)
	return int(d.values[value].zone), length
}

// Entry returns the entry that decides on a destination.
func (d *Deck) Entry(destination string) (e DeckEntry, found bool) {
	value, length := d.find(destination)
	if length == 0 {
		return DeckEntry{}, false
	}
	v := d.values[value]
	return DeckEntry{destination[:length], d.zones[v.zone], v.network, v.own}, true
}

// Own reports whether a destination is marked as our own network's.
func (d *Deck) Own(destination string) bool {
	value, _ := d.find(destination)
	return d.values[value].own
}

// Code returns the deck's code.
func (d *Deck) Code() string { return d.code }

// Zones returns the codes of all zones in order. The caller must not change it.
func (d *Deck) Zones() []string { return d.zones }

// Len returns the number of prefixes.
func (d *Deck) Len() int { return d.size }

// All yields every entry by prefix.
func (d *Deck) All() iter.Seq[DeckEntry] {
	return func(yield func(DeckEntry) bool) {
		var prefix [maxPrefix]byte
		d.walk(0, prefix[:0], yield)
	}
}

func (d *Deck) walk(at uint32, prefix []byte, yield func(DeckEntry) bool) bool {
	node := d.nodes[at]
	if node.value != 0 {
		v := d.values[node.value]
		if !yield(DeckEntry{string(prefix), d.zones[v.zone], v.network, v.own}) {
			return false
		}
	}
	child := node.first
	for digit := range byte(10) {
		if node.digits&(1<<digit) == 0 {
			continue
		}
		if !d.walk(child, append(prefix, '0'+digit), yield) {
			return false
		}
		child++
	}
	return true
}

// sizeBytes is about what the deck takes in memory.
func (d *Deck) sizeBytes() int {
	n := 12*len(d.nodes) + 40*len(d.values)
	for _, v := range d.values {
		n += len(v.network)
	}
	for _, zone := range d.zones {
		n += 16 + len(zone)
	}
	return n
}

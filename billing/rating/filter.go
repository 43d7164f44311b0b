package rating

import (
	"slices"
	"strings"
	"time"

	"tollhouse/billing/catalog"
)

// Filter says what a bucket may be used for. The zero value is anything.
type Filter struct {
	Kinds []catalog.UsageKind `json:"kinds,omitempty"`
	// Prefixes are destinations without "+"; the empty text is any.
	Prefixes []string `json:"prefixes,omitempty"`
	// Except are longer prefixes, of destinations that are not meant: premium
	// numbers begin as the country's others do.
	Except []string `json:"except,omitempty"`
	// Zones and ExceptZones are the same of decks.
	Zones       []Zones `json:"zones,omitempty"`
	ExceptZones []Zones `json:"except_zones,omitempty"`
	// Network and Qualities are any where they are empty.
	Network   catalog.Network `json:"network,omitempty"`
	Qualities []string        `json:"qualities,omitempty"`
	// Windows are when the bucket may be used; holidays are those of Calendar,
	// or of the tariff if it names none.
	Windows  []catalog.Window `json:"windows,omitempty"`
	Calendar string           `json:"calendar,omitempty"`
}

// Zones are some zones of a deck.
type Zones struct {
	Deck  string   `json:"deck"`
	Zones []string `json:"zones"`
}

// AllowanceFilter returns what a bucket of allowance a of o may be used for.
func AllowanceFilter(o catalog.Offering, a catalog.Allowance) Filter {
	f := DestinationFilter(o, a.Kinds, a.Destinations)
	f.Qualities, f.Windows = a.Qualities, a.Windows
	if len(a.Windows) > 0 {
		f.Calendar = o.Calendar
	}
	return f
}

// DestinationFilter admits kinds of usage to destinations of o. As with prices,
// the longest prefix of the offering says which destination a number is.
func DestinationFilter(o catalog.Offering, kinds []catalog.UsageKind, destinations []string) Filter {
	f := Filter{Kinds: kinds, Prefixes: o.Prefixes(destinations)}
	if slices.Contains(f.Prefixes, "") {
		return f
	}
	for _, set := range o.Destinations {
		meant := slices.Contains(destinations, set.Code)
		if len(set.Zones) > 0 {
			zones := Zones{set.Deck, set.Zones}
			if meant {
				f.Zones = append(f.Zones, zones)
			} else {
				f.ExceptZones = append(f.ExceptZones, zones)
			}
		}
		if meant {
			continue
		}
		for _, other := range o.Prefixes([]string{set.Code}) {
			if longestPrefix(f.Prefixes, other) > 0 || len(f.Zones) > 0 {
				f.Except = append(f.Except, other)
			}
		}
	}
	if len(f.Zones) == 0 && len(f.Prefixes) == 0 {
		f.Except, f.ExceptZones = nil, nil
	}
	return f
}

// Admits says whether usage of a kind to a destination is meant, as far as
// that can be told without decks, network, quality and time. Tariff.Admits
// tells all.
func (f *Filter) Admits(kind catalog.UsageKind, destination string) bool {
	if len(f.Kinds) > 0 && !slices.Contains(f.Kinds, kind) {
		return false
	}
	if len(f.Zones) > 0 {
		return false // a deck would have to tell
	}
	return f.admitsPrefix(normalDestination(destination), -1, -1)
}

// admitsPrefix compares the longest prefixes that are meant and that are not,
// among them those that decks have.
func (f *Filter) admitsPrefix(destination string, zone, exceptZone int) bool {
	if len(f.Prefixes) == 0 && len(f.Zones) == 0 {
		return true
	}
	longest := max(longestPrefix(f.Prefixes, destination), zone)
	return longest >= 0 && longest >= max(longestPrefix(f.Except, destination), exceptZone)
}

// AsksNetwork says whether the filter looks at Event.OwnNetwork.
func (f *Filter) AsksNetwork() bool { return f.Network != "" }

// Admits says whether a filter lets an event through at its begin.
func (t *Tariff) Admits(f *Filter, e *Event) bool {
	destination := normalDestination(e.Destination)
	if !t.admits(f, e, destination, f.Network != "" && t.isOwn(e, destination)) {
		return false
	}
	if len(f.Windows) == 0 {
		return true
	}
	p := payer{event: e}
	open, _ := f.openAt(t.clockOf(f).moment(p.instant(e.Offset)))
	return open
}

// admits is all that does not depend on time.
func (t *Tariff) admits(f *Filter, e *Event, destination string, own bool) bool {
	if len(f.Kinds) > 0 && !slices.Contains(f.Kinds, e.Kind) {
		return false
	}
	if len(f.Qualities) > 0 && !slices.Contains(f.Qualities, e.Quality) {
		return false
	}
	if f.Network != "" && own != (f.Network == catalog.OwnNetwork) {
		return false
	}
	if len(f.Prefixes) == 0 && len(f.Zones) == 0 {
		return true
	}
	return f.admitsPrefix(destination, t.longestZone(f.Zones, destination), t.longestZone(f.ExceptZones, destination))
}

// longestZone is how many digits decide that a destination is in one of the
// zones; -1 if it is in none.
func (t *Tariff) longestZone(zones []Zones, destination string) int {
	longest := -1
	for _, z := range zones {
		deck := t.decks[z.Deck]
		if deck == nil {
			continue
		}
		if zone, length := deck.Find(destination); length > longest && slices.Contains(z.Zones, zone) {
			longest = length
		}
	}
	return longest
}

// clockOf is the clock of a filter's windows.
func (t *Tariff) clockOf(f *Filter) clock {
	if c, known := t.calendars[f.Calendar]; known {
		return c
	}
	return t.clock
}

// openAt says whether some window is open at a moment of a day, and until when
// that stays so, midnight at the latest.
func (f *Filter) openAt(m moment) (open bool, until time.Time) {
	change := catalog.DayMinutes
	for i := range f.Windows {
		w := &f.Windows[i]
		if !w.On(m.date, m.day) {
			continue
		}
		from, to := w.Span()
		switch {
		case m.time < from:
			change = min(change, from)
		case m.time < to:
			open = true
		}
	}
	if !open {
		return false, m.until(change)
	}
	return true, m.until(f.closes(m))
}

// closes is when the windows that are open now have all ended.
func (f *Filter) closes(m moment) catalog.TimeOfDay {
	end := m.time
	for grown := true; grown; {
		grown = false
		for i := range f.Windows {
			w := &f.Windows[i]
			if from, to := w.Span(); w.On(m.date, m.day) && from <= end && to > end {
				end, grown = to, true
			}
		}
	}
	return end
}

// longestPrefix is the length of the longest prefix that fits; -1 if none does.
func longestPrefix(prefixes []string, destination string) int {
	longest := -1
	for _, p := range prefixes {
		if len(p) > longest && strings.HasPrefix(destination, p) {
			longest = len(p)
		}
	}
	return longest
}

package rating

import (
	"slices"
	"strings"

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
		if slices.Contains(destinations, set.Code) {
			continue
		}
		for _, other := range o.Prefixes([]string{set.Code}) {
			if longestPrefix(f.Prefixes, other) > 0 {
				f.Except = append(f.Except, other)
			}
		}
	}
	return f
}

// Admits says whether usage of a kind to a destination is meant.
func (f *Filter) Admits(kind catalog.UsageKind, destination string) bool {
	if len(f.Kinds) > 0 && !slices.Contains(f.Kinds, kind) {
		return false
	}
	if len(f.Prefixes) == 0 {
		return true
	}
	destination = normalDestination(destination)
	longest := longestPrefix(f.Prefixes, destination)
	return longest >= 0 && longest >= longestPrefix(f.Except, destination)
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

package rating

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

// Event is usage to be priced: a whole event, or the next piece of a session.
type Event struct {
	Kind catalog.UsageKind
	// Destination is the number, name or service asked for; a leading "+" is
	// dropped. Data usage may leave it empty.
	Destination string
	// Start is when the event or, for every piece of it, its session began.
	// Voice moves on through the windows from there; bytes and events are
	// priced in the window of Start.
	Start time.Time
	// Quantity is the usage of this piece in seconds, bytes or events.
	Quantity int64
	// Offset is the usage of the session's earlier pieces. A session's first
	// piece of usage has 0 and pays the connect fee, so no empty piece may
	// come before it.
	Offset int64
	// Covered is how much of the earlier pieces unit buckets paid, the sum of
	// their Result.Covered.
	Covered int64
}

// State is what the account and its period bring to the price.
type State struct {
	// Buckets may be given in any order.
	Buckets []Bucket
	// Counters are the period's totals by counter code, this session's
	// earlier pieces included: the sum of all Result.Counted so far.
	Counters map[string]int64
}

// Bucket is a balance as the rater sees it.
type Bucket struct {
	ID    uuid.UUID
	Unit  money.Unit
	Value money.Decimal
	// Floor is the value a money bucket may fall to: 0, or less with credit.
	Floor money.Decimal
	// Priority orders buckets, 1 first; then the earliest to expire, then the
	// oldest.
	Priority  int
	ExpiresAt *time.Time
	CreatedAt time.Time
	Filter    Filter
}

// Filter says what a bucket may be used for. The zero value is anything.
type Filter struct {
	Kinds []catalog.UsageKind `json:"kinds,omitempty"`
	// Prefixes are destinations without "+"; the empty text is any.
	Prefixes []string `json:"prefixes,omitempty"`
	// Except are longer prefixes, of destinations that are not meant: premium
	// numbers begin as the country's others do.
	Except []string `json:"except,omitempty"`
}

// AllowanceFilter returns what a bucket of allowance a of o may be used for.
func AllowanceFilter(o catalog.Offering, a catalog.Allowance) Filter {
	return DestinationFilter(o, a.Kinds, a.Destinations)
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

// Result is the price of an event and who pays it.
type Result struct {
	// Price is in the offering's currency and, as its offering says, with or
	// without tax. It can be negative where a volume tier gives back more
	// than the event costs.
	Price money.Decimal
	// Billed is the usage after rounding up to whole steps, the earlier
	// pieces' left out.
	Billed int64
	// Covered is the part of Billed that unit buckets paid.
	Covered int64
	// Debits are what each bucket pays, in order of use. A negative Price
	// goes back to the first money bucket as a negative debit.
	Debits []Debit
	// Unpaid is what is left of Price: all of it if no money bucket is given.
	Unpaid money.Decimal
	// RuleCode is the rule of the window in which the event began.
	RuleCode    string
	TaxCategory string
	// LineCode and LineNames group charges on the bill.
	LineCode  string
	LineNames catalog.Names
	// Counted is what the event adds to the period's counters; nil if no tier
	// was met.
	Counted map[string]int64
	Why     Explanation
}

// Debit is taken from a bucket. Bucket is its index in State.Buckets.
type Debit struct {
	Bucket int
	ID     uuid.UUID
	Unit   money.Unit
	Amount money.Decimal
}

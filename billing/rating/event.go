package rating

import (
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
	// OwnNetwork says that the destination is a number of ours.
	OwnNetwork bool
	// Quality is such as "hd" or "4g"; it chooses rules and buckets' factors.
	Quality string
	// Amount is the event's own amount, in the offering's currency, of which
	// some rules ask a percentage.
	Amount *money.Decimal
	// Start is when the event or, for every piece of it, its session began.
	// Voice moves on through the windows from there; bytes and events are
	// priced in the window of Start.
	Start time.Time
	// At is when bytes and events were used, for buckets' windows and ends;
	// Start if it is not set.
	At time.Time
	// Quantity is the usage of this piece in seconds, bytes or events.
	Quantity int64
	// Offset is the usage of the session's earlier pieces. A session's first
	// piece of usage has 0 and pays the connect fee, so no empty piece may
	// come before it.
	Offset int64
	// Taken is what unit buckets have given of the session's earlier pieces:
	// the last Result.Taken.
	Taken []Take
	// Covered is for callers that keep no Taken but only how much it was, the
	// sum of Result.Covered: the session's first usage is taken to be that.
	Covered int64
}

// State is what the account and its period bring to the price.
type State struct {
	// Buckets may be given in any order.
	Buckets []Bucket
	// Counters are the period's totals by counter code, this session's
	// earlier pieces included: the sum of all Result.Counted so far. Of a
	// session that began in an earlier period they have less; its usage there
	// stays out of this period's tiers.
	Counters map[string]int64
	// OnTop is the tax, of a hundred, that money buckets pay beside the price.
	OnTop money.Decimal
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
	Terms     Terms
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
	// Taken is what unit buckets have given of the session so far; the next
	// piece of it wants it back.
	Taken []Take
	// Blocked says that a bucket with Blocks stands before others and is used
	// up, so that what is Unpaid is to be refused where it can be.
	Blocked bool
	// Debits are what each bucket pays, in order of use. A negative Price
	// goes back to the first money bucket as a negative debit.
	Debits []Debit
	// Unpaid is what is left of Price, and of the tax on top of it: all of it
	// if no money bucket is given.
	Unpaid money.Decimal
	// RuleCode is the rule of the window in which the event began.
	RuleCode    string
	TaxCategory string
	// Option says whose rule that is: 0 the offering's, n that of the nth option.
	Option int
	// LineCode and LineNames group charges on the bill.
	LineCode  string
	LineNames catalog.Names
	// Counted is what the event adds to the period's counters; nil if no tier
	// was met.
	Counted map[string]int64
	Why     Explanation

	work workspace
}

// reset empties r but keeps its memory.
func (r *Result) reset() {
	clear(r.Counted)
	*r = Result{Debits: r.Debits[:0], Taken: r.Taken[:0], Counted: r.Counted, Why: r.Why[:0], work: r.work}
}

// takenTo is the position up to which unit buckets have given, or 0.
func (r *Result) takenTo() int64 {
	if n := len(r.Taken); n > 0 {
		return r.Taken[n-1].To
	}
	return 0
}

// Debit is taken from a bucket. Bucket is its index in State.Buckets.
type Debit struct {
	Bucket int
	ID     uuid.UUID
	Unit   money.Unit
	Amount money.Decimal
}

package move

import (
	"context"
	"time"

	"tollhouse/billing/tenant"
)

// Route is what is moved, and from where to where.
type Route struct {
	Tenant   tenant.ID
	Name     string
	Sandbox  bool
	Slot     tenant.Slot
	From, To string // host databases
	Token    int64  // grows with each attempt; an older one changes nothing
}

// Reverse is the way back.
func (r Route) Reverse() Route { r.From, r.To = r.To, r.From; return r }

// Compared is what holding both ends against each other came to.
type Compared struct {
	Tables int
	Rows   int64
	Sums   int      // ledger sums that are equal
	Differ []string // in plain words
}

// Preview is what a move would be.
type Preview struct {
	From, To  string
	SizeBytes int64
	Tables    int
	Compare   time.Duration // how long it takes to hold both ends against each other
	Copy      time.Duration // roughly
	Obstacles []string      // in plain words; none: it can begin
}

// Ends moves rows between two host databases. Every call may be cut off
// anywhere and made again.
type Ends interface {
	// Preview looks what a move would be and changes nothing.
	Preview(ctx context.Context, r Route) (Preview, error)
	// Prepare makes an empty slot at the target.
	Prepare(ctx context.Context, r Route) error
	// CopyRows fills the target with the rows of one instant and has it follow from there.
	CopyRows(ctx context.Context, r Route, progress func(table string, done, total int) error) error
	// Lag is how many bytes of changes the target has not got yet.
	Lag(ctx context.Context, r Route) (bytes int64, follows bool, err error)
	// Waiting is what must be finished before a switch, in plain words.
	Waiting(ctx context.Context, r Route) ([]string, error)
	// Fence has nobody write at the source; Unfence takes it back.
	Fence(ctx context.Context, r Route) error
	Unfence(ctx context.Context, r Route) error
	// CaughtUp waits until the target has everything.
	CaughtUp(ctx context.Context, r Route) error
	// Compare holds both ends against each other.
	Compare(ctx context.Context, r Route) (Compared, error)
	// Keep has the source remember its changes, for a stream that is read later;
	// Skip has it forget those up to now.
	Keep(ctx context.Context, r Route) error
	Skip(ctx context.Context, r Route) error
	// Arrived says whether the target is open at an epoch, and since when.
	Arrived(ctx context.Context, r Route, epoch int64) (at time.Time, there bool, err error)
	// Arrive opens the target at an epoch.
	Arrive(ctx context.Context, r Route, epoch int64) error
	// Depart has the source say that the tenant is gone, to be found at an epoch elsewhere.
	Depart(ctx context.Context, r Route, epoch int64) error
	// Unfollow ends the stream to the target.
	Unfollow(ctx context.Context, r Route) error
	// FollowBack has the source follow the target.
	FollowBack(ctx context.Context, r Route) error
	// Clear takes away all that the tenant has at the source.
	Clear(ctx context.Context, r Route) error
}

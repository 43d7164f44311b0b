package pair

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// Node is one of a pair's servers.
type Node string

// The nodes of a pair.
const (
	A Node = "a"
	B Node = "b"
)

// Other is the other one.
func (n Node) Other() Node {
	if n == A {
		return B
	}
	return A
}

// Mode is how a pair works.
type Mode string

// The modes of a pair.
const (
	Forming     Mode = "forming"     // the standby is being made
	Synchronous Mode = "synchronous" // each commit waits for the standby
	Alone       Mode = "alone"       // no standby has all that is answered
	Promoting   Mode = "promoting"   // it was decided who takes over
)

// moves is the one table of what may follow what.
var moves = map[Mode][]Mode{
	Forming:     {Synchronous},
	Synchronous: {Promoting, Alone},
	Promoting:   {Alone},
	Alone:       {Synchronous},
}

// May says whether a mode may follow.
func (m Mode) May(to Mode) bool { return slices.Contains(moves[m], to) }

// Pair is the two servers of a site.
type Pair struct {
	Site      provisioning.SiteID
	Term      int64 // counts decisions
	Primary   Node
	Mode      Mode
	Reason    string     // why it is not as it should be, in plain words
	SuspectAt *time.Time // a server has been missed since
	Steps     []Step     // the newest last
	ChangedAt time.Time
	SeenAt    *time.Time

	fence int64
}

// Step is something that was decided or done.
type Step struct {
	Term   int64     `json:"term"`
	Mode   Mode      `json:"mode"`
	Node   Node      `json:"node"` // the primary from then on
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
}

// keptSteps bounds the history of a pair.
const keptSteps = 30

// ErrNone means that a site has no pair.
var ErrNone = errors.New("the site has no standby")

// Begin writes down that a site has two servers, the first of which is its
// primary. A repeat changes nothing.
func Begin(ctx context.Context, tx tenants.Tx, site provisioning.SiteID) error {
	_, err := tx.Exec(ctx, `
		insert into pair (site_id, term, primary_node, mode, steps, changed_at, next_look_at)
		values ($1, 1, 'a', 'forming', $2, $3, $3)
		on conflict (site_id) do nothing`, site.UUID(), []Step{{Term: 1, Mode: Forming, Node: A, At: tx.At}}, tx.At)
	if err != nil {
		return fmt.Errorf("begin pair of site %s: %w", site, err)
	}
	return nil
}

// End forgets the pair of a site that has none any more.
func End(ctx context.Context, tx tenants.Tx, site provisioning.SiteID) error {
	if _, err := tx.Exec(ctx, `delete from pair where site_id = $1`, site.UUID()); err != nil {
		return fmt.Errorf("end pair of site %s: %w", site, err)
	}
	return nil
}

const columns = `site_id, term, primary_node, mode, reason, suspect_at, steps, changed_at, seen_at, fence`

func scan(row pgx.CollectableRow) (p Pair, err error) {
	err = row.Scan(&p.Site, &p.Term, &p.Primary, &p.Mode, &p.Reason, &p.SuspectAt, &p.Steps, &p.ChangedAt, &p.SeenAt, &p.fence)
	return p, err
}

// Of reads a site's pair; ErrNone if it has none.
func Of(ctx context.Context, tx tenants.Tx, site provisioning.SiteID) (Pair, error) {
	rows, err := tx.Query(ctx, `select `+columns+` from pair where site_id = $1`, site.UUID())
	if err != nil {
		return Pair{}, fmt.Errorf("read pair of site %s: %w", site, err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNone
	}
	if err != nil {
		return Pair{}, fmt.Errorf("pair of site %s: %w", site, err)
	}
	return p, nil
}

// errLost means that another control plane has decided, or looks by now.
var errLost = errors.New("another control plane has decided")

// decide writes a decision down, if the pair is still of the term that it was
// taken in.
func (p Pair) decide(ctx context.Context, tx tenants.Tx, to Mode, primary Node, reason string) error {
	if !p.Mode.May(to) {
		return fmt.Errorf("pair of site %s is %s and can't become %s", p.Site, p.Mode, to)
	}
	steps := append(slices.Clone(p.Steps), Step{Term: p.Term + 1, Mode: to, Node: primary, At: tx.At, Reason: reason})
	done, err := tx.Exec(ctx, `
		update pair
		   set term = term + 1, mode = $3, primary_node = $4, reason = $5, steps = $6, changed_at = $7, suspect_at = null, next_look_at = $7
		 where site_id = $1 and term = $2`, p.Site.UUID(), p.Term, to, primary, reason, steps[max(0, len(steps)-keptSteps):], tx.At)
	if err != nil {
		return fmt.Errorf("decide on pair of site %s: %w", p.Site, err)
	}
	if done.RowsAffected() != 1 {
		return errLost
	}
	return tenants.Record(ctx, tx, tenants.System, tenants.Entry{Action: "pair." + string(to), Object: p.Site.UUID(),
		Detail: map[string]any{"term": p.Term + 1, "primary": primary, "reason": reason}})
}

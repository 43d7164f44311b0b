package usage

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/tenant"
)

// Claims let uses of any sources through once, within one flow: their keys are
// looked up in its first trip, each use is decided in order, and the keys of
// those that were taken are written in a later trip. What is decided and not
// taken leaves no trace.
type Claims struct {
	hasher *hasher
	claims []claim
	known  map[claimKey]owner
	taken  []int
}

// owner is who has a key, and with which body.
type owner struct {
	body Hash
	by   int // number of the use, or Before
}

// Before says that a key was taken in an earlier transaction.
const Before = -1

type claimKey struct {
	source uuid.UUID
	key    Hash
}

type claim struct {
	claimKey
	body Hash
}

// Claims begins a list.
func (g *Gate) Claims(room int) (*Claims, error) {
	h, err := newHasher(g.hashKey)
	if err != nil {
		return nil, err
	}
	return &Claims{hasher: h, claims: make([]claim, 0, room), known: make(map[claimKey]owner, room)}, nil
}

// Add puts a use on the list and gives its number.
func (c *Claims) Add(source uuid.UUID, r *Record) int {
	c.claims = append(c.claims, claim{claimKey{source, c.hasher.key(source, r.Key)}, c.hasher.body(r)})
	return len(c.claims) - 1
}

// The primary key serves this: one probe per hash.
const selectClaimed = `
	select k.source_id, k.key, k.body
	from unnest($1::uuid[], $2::bytea[]) as w (source_id, key)
	join usage_key as k on k.source_id = w.source_id and k.key = w.key`

// QueueLookUp asks which keys were taken before. It must stand behind the locks
// that whoever takes a key holds, so that one taken just now is seen.
func (c *Claims) QueueLookUp(f *tenant.Flow) {
	if len(c.claims) == 0 {
		return
	}
	sources, keys := make([]pgtype.UUID, len(c.claims)), make([][]byte, len(c.claims))
	for i := range c.claims {
		sources[i], keys[i] = id(c.claims[i].source), c.claims[i].key[:]
	}
	var k claimKey
	var key, body pgtype.DriverBytes
	f.Query(selectClaimed, []any{sources, keys}, func(row pgx.CollectableRow) error {
		if err := row.Scan((*[16]byte)(&k.source), &key, &body); err != nil {
			return fmt.Errorf("look up usage keys: %w", err)
		}
		k.key = Hash(key)
		c.known[k] = owner{Hash(body), Before}
		return nil
	})
}

// Decide says whether a use is new, a repeat or a conflict, and of which use.
func (c *Claims) Decide(n int) (outcome Outcome, of int) {
	has, taken := c.known[c.claims[n].claimKey]
	switch {
	case !taken:
		return Accepted, n
	case has.body == c.claims[n].body:
		return Duplicate, has.by
	default:
		return Conflicting, has.by
	}
}

// Take takes the key of a new use for ever.
func (c *Claims) Take(n int) {
	c.known[c.claims[n].claimKey] = owner{c.claims[n].body, n}
	c.taken = append(c.taken, n)
}

const keyBytes = 64

// QueueStore writes the taken keys, in their own order as the gate does.
func (c *Claims) QueueStore(f *tenant.Flow) {
	slices.SortFunc(c.taken, func(i, j int) int { return bytes.Compare(c.claims[i].key[:], c.claims[j].key[:]) })
	rows := tenant.NewCopy("usage_key", keyColumns, len(c.taken)*keyBytes)
	for _, n := range c.taken {
		one := &c.claims[n]
		rows.Row()
		rows.UUID(one.source)
		rows.Bytes(one.key[:])
		rows.Bytes(one.body[:])
	}
	f.Copy(rows)
}

package charging

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/rating"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// covering is what unit buckets have paid of sessions: in bytes, and which
// stretches at what price of their own. A session is priced as one event, so
// its next piece needs to know how much of the earlier ones they paid. The
// sessions are locked since their counters were applied.
type covering struct {
	bytes   map[uuid.UUID]int64
	taken   map[uuid.UUID][]rating.Take // nothing: only bytes are known
	changed map[uuid.UUID]bool
}

func newCovering(uses []*use) *covering {
	c := &covering{bytes: map[uuid.UUID]int64{}, taken: map[uuid.UUID][]rating.Take{}, changed: map[uuid.UUID]bool{}}
	for _, u := range uses {
		if u.session != uuid.Nil {
			c.bytes[u.session], c.taken[u.session] = u.covered, u.taken
		}
	}
	return c
}

func (c *covering) add(session uuid.UUID, bytes int64, taken []rating.Take) {
	if session == uuid.Nil || bytes == 0 {
		return
	}
	c.bytes[session] += bytes
	c.taken[session] = taken
	c.changed[session] = true
}

// keep stores what has changed.
func (c *covering) keep(ctx context.Context, tx tenant.Tx) error {
	kept := make(map[uuid.UUID]usage.Covered, len(c.changed))
	for session := range c.changed {
		document, err := json.Marshal(c.taken[session])
		if err != nil {
			return fmt.Errorf("what was paid of session %s: %w", session, err)
		}
		kept[session] = usage.Covered{Bytes: c.bytes[session], Taken: document}
	}
	return usage.KeepCovered(ctx, tx, kept)
}

// takenOf reads what keep has stored.
func takenOf(document []byte) (taken []rating.Take, err error) {
	if len(document) == 0 || string(document) == "[]" {
		return nil, nil
	}
	err = json.Unmarshal(document, &taken)
	return taken, err
}

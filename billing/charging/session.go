package charging

import (
	"github.com/google/uuid"
)

// covering is what unit buckets have paid of sessions, in bytes. A session is
// priced as one event, so its next piece needs to know how much of the earlier
// ones they paid. The sessions are locked since their counters were applied.
type covering struct {
	bytes   map[uuid.UUID]int64
	changed map[uuid.UUID]int64
}

func newCovering(uses []*use) *covering {
	c := &covering{bytes: map[uuid.UUID]int64{}, changed: map[uuid.UUID]int64{}}
	for _, u := range uses {
		if u.session != uuid.Nil {
			c.bytes[u.session] = u.covered
		}
	}
	return c
}

func (c *covering) add(session uuid.UUID, bytes int64) {
	if session == uuid.Nil || bytes == 0 {
		return
	}
	c.bytes[session] += bytes
	c.changed[session] = c.bytes[session]
}

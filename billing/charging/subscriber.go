package charging

import (
	"context"

	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// subscribers finds the holdings of all identities of a chunk: from memory, and
// the rest with one statement.
func (s *scene) subscribers(ctx context.Context, tx tenant.Tx, wanted map[usage.Identity]holdings) error {
	missing := s.remembered(wanted)
	if len(missing) == 0 {
		return nil
	}
	found, err := loadHoldings(ctx, tx, missing)
	if err != nil {
		return err
	}
	s.remember(found)
	for identity, held := range found {
		wanted[identity] = held
	}
	return nil
}

func (s *scene) remembered(wanted map[usage.Identity]holdings) (missing []usage.Identity) {
	e := s.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.current(s)
	for identity := range wanted {
		if held, known := c.holdings[identity]; known {
			wanted[identity] = held
		} else {
			missing = append(missing, identity)
		}
	}
	return missing
}

// remember keeps what was found. Identities nobody holds are not kept: a
// producer can make up any number of them.
func (s *scene) remember(found map[usage.Identity]holdings) {
	e := s.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	e.makeRoom(&e.kept.identities, len(found), maxIdentities)
	c := e.current(s)
	for identity, held := range found {
		if len(held) == 0 {
			continue
		}
		if _, known := c.holdings[identity]; !known {
			e.kept.identities++
		}
		c.holdings[identity] = held
	}
}

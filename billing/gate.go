package billing

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// UsageHashKey is the name of the secret with which a stack hashes the keys of
// usage records. Set-up makes it once; with another key every record would be
// new, so it never changes.
const UsageHashKey = "usage_hash_key"

// errNoHashKey means that a stack was not set up whole.
var errNoHashKey = errors.New("the stack has no usage hash key")

// gates keeps each tenant's gate: unsealing its key takes a query.
type gates struct {
	seal identity.Sealer
	mu   sync.Mutex
	kept map[tenant.ID]*usage.Gate
}

func (g *gates) of(ctx context.Context, tx tenant.Tx) (*usage.Gate, error) {
	g.mu.Lock()
	gate := g.kept[tx.Tenant]
	g.mu.Unlock()
	if gate != nil {
		return gate, nil
	}
	var sealed []byte
	err := tx.QueryRow(ctx, `select sealed from secret where name = $1`, UsageHashKey).Scan(&sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errNoHashKey
	}
	if err != nil {
		return nil, fmt.Errorf("read usage hash key: %w", err)
	}
	key, err := g.seal.Open(tx.Tenant, UsageHashKey, sealed)
	if err != nil {
		return nil, fmt.Errorf("open usage hash key: %w", err)
	}
	if gate, err = usage.NewGate(key); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.kept == nil {
		g.kept = map[tenant.ID]*usage.Gate{}
	}
	g.kept[tx.Tenant] = gate
	return gate, nil
}

package charging

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// SessionSource names the source that the usage of sessions is of.
const SessionSource = "sessions"

// sessionFeed finds the source of sessions' usage, or makes it. One that was
// made in this transaction is not remembered: it may be rolled back.
func (e *Engine) sessionFeed(ctx context.Context, tx tenant.Tx, zone *time.Location) (uuid.UUID, error) {
	if known, found := e.feeds.Load(tx.Tenant); found {
		return known.(uuid.UUID), nil
	}
	feed, err := usage.FindSource(ctx, tx, SessionSource)
	if err == nil {
		e.feeds.Store(tx.Tenant, feed.ID)
		return feed.ID, nil
	}
	if !errors.Is(err, usage.ErrNoSource) {
		return uuid.Nil, err
	}
	mapping, err := usage.FindPreset("json-events", zone.String())
	if err != nil {
		return uuid.Nil, err
	}
	feed, err = usage.CreateSource(ctx, tx, SessionSource, mapping)
	if errors.Is(err, usage.ErrSourceExists) { // made meanwhile
		return uuid.Nil, usage.ErrRace
	}
	return feed.ID, err
}

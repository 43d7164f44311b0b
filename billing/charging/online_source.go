package charging

import (
	"context"
	"sync"
	"time"

	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// sourceLife is how long a source is remembered: so late does a changed mapping
// count for online requests.
const sourceLife = 5 * time.Second

// maxSources bounds what is remembered. A full memory is dropped whole.
const maxSources = 10_000

// sources remember by name what requests name each time.
type sources struct {
	mu    sync.Mutex
	known map[sourceKey]rememberedSource
}

type sourceKey struct {
	tenant tenant.ID
	name   string
}

type rememberedSource struct {
	feed  usage.Feed
	until time.Time
}

// Source finds a source by its name; usage.ErrNoSource if there is none.
func (o *Online) Source(ctx context.Context, ref tenant.Ref, name string) (usage.Feed, error) {
	key, now := sourceKey{ref.ID, name}, time.Now()
	o.sources.mu.Lock()
	found, is := o.sources.known[key]
	o.sources.mu.Unlock()
	if is && now.Before(found.until) {
		return found.feed, nil
	}
	var feed usage.Feed
	err := o.config.DB.Read(ctx, ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		feed, err = usage.FindSource(ctx, tx, name)
		return err
	})
	if err != nil {
		return usage.Feed{}, err
	}
	o.sources.mu.Lock()
	defer o.sources.mu.Unlock()
	if o.sources.known == nil || len(o.sources.known) >= maxSources {
		o.sources.known = map[sourceKey]rememberedSource{}
	}
	o.sources.known[key] = rememberedSource{feed, now.Add(sourceLife)}
	return feed, nil
}

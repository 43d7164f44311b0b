package local

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// StockKeeper keeps a number of empty slots ready, so that a new stack need not
// wait for a schema to be made.
type StockKeeper struct {
	cloud *Cloud
	want  int
	every time.Duration
	log   *slog.Logger

	stop    context.CancelFunc
	running sync.WaitGroup
}

// NewStockKeeper keeps want slots in the stock and looks every so often.
func NewStockKeeper(cloud *Cloud, want int, every time.Duration) *StockKeeper {
	return &StockKeeper{cloud: cloud, want: want, every: every, log: cloud.config.Log}
}

// Start begins to keep the stock, until Stop.
func (k *StockKeeper) Start(ctx context.Context) {
	ctx, k.stop = context.WithCancel(context.WithoutCancel(ctx))
	k.running.Go(func() { k.run(ctx) })
}

// Stop ends it and waits. A second Stop is harmless, so is one before Start.
func (k *StockKeeper) Stop() {
	if k.stop == nil {
		return
	}
	k.stop()
	k.running.Wait()
}

func (k *StockKeeper) run(ctx context.Context) {
	ticker := time.NewTicker(k.every)
	defer ticker.Stop()
	for {
		if err := k.Fill(ctx, nil); err != nil && ctx.Err() == nil {
			k.log.Error("stock of slots not filled", "host", k.cloud.config.Host, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Fill makes slots until the stock is full, one by one, and tells progress how
// many there are after each. Two at once may make a few too many: they will be
// used.
func (k *StockKeeper) Fill(ctx context.Context, progress func(have, want int)) error {
	for {
		have, err := k.cloud.stock(ctx)
		if err != nil {
			return err
		}
		if progress != nil {
			progress(have, k.want)
		}
		if have >= k.want {
			return nil
		}
		if _, err := k.cloud.config.Server.CreateSlot(ctx, k.cloud.config.database()); err != nil {
			return fmt.Errorf("make a slot: %w", err)
		}
	}
}

func (c *Cloud) stock(ctx context.Context) (count int, err error) {
	if err = c.owner.QueryRow(ctx, `select count(*) from host.slot where state = 'stock'`).Scan(&count); err != nil {
		return 0, fmt.Errorf("count the stock: %w", err)
	}
	return count, nil
}

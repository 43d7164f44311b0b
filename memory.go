package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Collecting garbage was a quarter of our own part of an online debit. So a heap
// may grow by up to garbageRoom before it is collected, but to no more than five
// times what is alive; a heap larger than that room is collected as the runtime
// would do by itself.
const (
	garbageRoom  = 512 << 20
	leastGrowth  = 100
	mostGrowth   = 400
	paceInterval = 10 * time.Second
)

// paceGarbage follows what is alive until ctx ends. GOGC, where it is set,
// decides instead.
func paceGarbage(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(mostGrowth)
	go func() {
		alive := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		ticker := time.NewTicker(paceInterval)
		defer ticker.Stop()
		for last := mostGrowth; ; {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			metrics.Read(alive)
			if growth := growthFor(alive[0].Value.Uint64()); growth != last {
				debug.SetGCPercent(growth)
				last = growth
			}
		}
	}()
}

// growthFor is by how many percent a heap may grow of which so much is alive.
func growthFor(alive uint64) int {
	return int(min(max(garbageRoom*100/max(alive, 1), leastGrowth), mostGrowth))
}

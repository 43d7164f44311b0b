package provisioning

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tollhouse/provisioning/alarm"
	"tollhouse/tenants"
)

// poolSubject is what the alarm about places for new stacks is about.
var poolSubject = uuid.NewSHA1(uuid.NameSpaceOID, []byte("places of new stacks"))

// LookAtPool raises an alarm while there are too few places for new stacks, and
// clears it when there are enough. A registry that knows no host database has
// nothing to say.
func LookAtPool(ctx context.Context, db *tenants.DB) error {
	return db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		all, err := HostDatabases(ctx, tx)
		if err != nil || len(all) == 0 {
			return err
		}
		p, err := PoolOf(ctx, tx)
		if err != nil {
			return err
		}
		if p.Buy() == 0 {
			return alarm.Clear(ctx, tx, alarm.PlacesLow, poolSubject)
		}
		detail := map[string]string{"free": strconv.Itoa(p.Free()), "has": strconv.Itoa(p.Has), "buy": strconv.Itoa(p.Buy())}
		var known bool // what is known is not counted again
		err = tx.QueryRow(ctx, `select exists (select from alarm where kind = $1 and subject = $2 and state <> 'cleared' and detail ->> 'free' = $3)`,
			alarm.PlacesLow, poolSubject, detail["free"]).Scan(&known)
		if err != nil || known {
			return err
		}
		return alarm.Raise(ctx, tx, alarm.Fault{Kind: alarm.PlacesLow, Subject: poolSubject, Detail: detail})
	})
}

// poolEvery is how soon too few places are told.
const poolEvery = 30 * time.Second

// WatchPool looks until ctx ends.
func WatchPool(ctx context.Context, db *tenants.DB, log *slog.Logger) {
	tick := time.NewTicker(poolEvery)
	defer tick.Stop()
	for {
		if err := LookAtPool(ctx, db); err != nil && ctx.Err() == nil {
			log.Error("places of new stacks not counted", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

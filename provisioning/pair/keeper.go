package pair

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// Sight is a server as it is seen.
type Sight struct {
	Answers  bool
	Standby  bool // replays another's log
	Streams  bool // a standby: receives the log now
	Waits    bool // a primary: its commits wait for a standby
	InStep   bool // a primary: it has a standby that is synchronous
	Detail   string
	Location string // of its log
}

// Nodes are the servers of pairs. Each call may be repeated and cut off at any
// point.
type Nodes interface {
	// Look sees one server.
	Look(ctx context.Context, site provisioning.SiteID, n Node) Sight
	// Primary has a server that is no standby run. Standalone says that its
	// commits wait for nobody.
	Primary(ctx context.Context, site provisioning.SiteID, n Node, standalone bool) error
	// Promote makes a standby a primary whose commits wait for nobody.
	Promote(ctx context.Context, site provisioning.SiteID, n Node) error
	// Fence stops a server at once, and sees that it does not come back.
	Fence(ctx context.Context, site provisioning.SiteID, n Node) error
	// Follow makes a server a standby of the other one and has it run: rewound
	// where that is enough, or else copied anew.
	Follow(ctx context.Context, site provisioning.SiteID, n Node) error
}

// Keeper watches pairs and has the standby take over.
type Keeper struct {
	db     *tenants.DB
	nodes  Nodes
	config Config
	log    *slog.Logger
}

// Config bounds the keeper. Zero values take the defaults.
type Config struct {
	Poll      time.Duration // how often a pair is looked at; 500 ms
	Lease     time.Duration // how long a look may take; 2 min: a copy takes its time
	TakeOver  time.Duration // how long a primary may be missed; 2 s
	GiveUp    time.Duration // how long a standby may be; 5 s
	LookTakes time.Duration // at most; 1 s
	Clouds    []string      // whose sites with a standby are taken up by themselves
}

// NewKeeper makes a keeper; Run sets it to work.
func NewKeeper(db *tenants.DB, nodes Nodes, config Config, log *slog.Logger) *Keeper {
	fill := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	fill(&config.Poll, 500*time.Millisecond)
	fill(&config.Lease, 2*time.Minute)
	fill(&config.TakeOver, 2*time.Second)
	fill(&config.GiveUp, 5*time.Second)
	fill(&config.LookTakes, time.Second)
	return &Keeper{db: db, nodes: nodes, config: config, log: log}
}

// Run works until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	tick := time.NewTicker(k.config.Poll)
	defer tick.Stop()
	for {
		if err := k.enlist(ctx); err != nil && ctx.Err() == nil {
			k.log.Error("sites with a standby not taken up", "error", err)
		}
		for ctx.Err() == nil && k.Once(ctx) {
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// enlist begins pairs of sites that should have one, and forgets those of sites
// that go.
func (k *Keeper) enlist(ctx context.Context) error {
	if len(k.config.Clouds) == 0 {
		return nil
	}
	return k.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		rows, err := tx.Query(ctx, `
			select s.id, s.state in ('removing', 'removed', 'clearing', 'cleared')
			  from site s
			  left join pair p on p.site_id = s.id
			 where s.cloud = any ($1) and s.shape ->> 'standby' = 'true' and s.begun > 0
			   and (p.site_id is null) <> (s.state in ('removing', 'removed', 'clearing', 'cleared'))`, k.config.Clouds)
		if err != nil {
			return err
		}
		type change struct {
			site provisioning.SiteID
			goes bool
		}
		due, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c change, err error) {
			err = row.Scan(&c.site, &c.goes)
			return c, err
		})
		for _, c := range due {
			if c.goes {
				err = errors.Join(err, End(ctx, tx, c.site))
			} else {
				err = errors.Join(err, Begin(ctx, tx, c.site))
			}
		}
		return err
	})
}

// Once takes one look at one pair and says whether there was one.
func (k *Keeper) Once(ctx context.Context) bool {
	p, err := k.take(ctx)
	if err != nil {
		if !errors.Is(err, pgx.ErrNoRows) && ctx.Err() == nil {
			k.log.Error("no pair could be claimed", "error", err)
		}
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, k.config.Lease)
	defer cancel()
	err = k.look(ctx, p)
	if err != nil && !errors.Is(err, errLost) {
		k.log.Error("pair not as it should be", "site", p.Site.String(), "mode", string(p.Mode), "error", err)
		err = k.note(context.WithoutCancel(ctx), p, provisioning.ReasonOf(err), p.SuspectAt)
	}
	if err != nil && !errors.Is(err, errLost) {
		k.log.Error("look at a pair not written down", "site", p.Site.String(), "error", err)
	}
	return true
}

// take claims the pair that has waited longest, for the time of a lease.
func (k *Keeper) take(ctx context.Context) (p Pair, err error) {
	err = k.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		rows, err := tx.Query(ctx, `
			update pair set fence = fence + 1, next_look_at = $1
			 where site_id = (select site_id
			                    from pair
			                   where next_look_at <= $2 and ($3::text[] is null or site_id in (select id from site where cloud = any ($3)))
			                   order by next_look_at
			                   limit 1
			                     for update skip locked)
			returning `+columns, tx.At.Add(k.config.Lease), tx.At, k.config.Clouds)
		if err != nil {
			return err
		}
		p, err = pgx.CollectExactlyOneRow(rows, scan)
		return err
	})
	return p, err
}

// note writes what was seen, unless somebody has decided or looked since.
func (k *Keeper) note(ctx context.Context, p Pair, reason string, suspect *time.Time) error {
	return k.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		_, err := tx.Exec(ctx, `
			update pair set reason = $3, suspect_at = $4, seen_at = $5, next_look_at = $6 where site_id = $1 and fence = $2`,
			p.Site.UUID(), p.fence, reason, suspect, tx.At, tx.At.Add(k.config.Poll))
		if err != nil {
			return fmt.Errorf("note pair of site %s: %w", p.Site, err)
		}
		return nil
	})
}

func (k *Keeper) decide(ctx context.Context, p Pair, to Mode, primary Node, reason string) error {
	err := k.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error { return p.decide(ctx, tx, to, primary, reason) })
	if err == nil {
		k.log.Info("pair decided", "site", p.Site.String(), "term", p.Term+1, "mode", string(to), "primary", string(primary))
	}
	return err
}

func (k *Keeper) see(ctx context.Context, p Pair, n Node) Sight {
	ctx, cancel := context.WithTimeout(ctx, k.config.LookTakes)
	defer cancel()
	return k.nodes.Look(ctx, p.Site, n)
}

// missed says since when something is missed, and whether that is too long.
func (k *Keeper) missed(p Pair, patience time.Duration) (since *time.Time, enough bool) {
	now := k.db.Now()
	if p.SuspectAt == nil {
		return &now, false
	}
	return p.SuspectAt, now.Sub(*p.SuspectAt) >= patience
}

// look sees both servers, and decides or does what follows.
func (k *Keeper) look(ctx context.Context, p Pair) error {
	primary, standby := k.see(ctx, p, p.Primary), k.see(ctx, p, p.Primary.Other())
	switch p.Mode {
	case Synchronous:
		return k.keep(ctx, p, primary, standby)
	case Promoting:
		return k.promote(ctx, p, primary)
	default:
		return k.join(ctx, p, primary, standby)
	}
}

// keep looks after a pair that works, and decides when one of it is gone.
func (k *Keeper) keep(ctx context.Context, p Pair, primary, standby Sight) error {
	switch {
	case !primary.Answers || primary.Standby:
		since, enough := k.missed(p, k.config.TakeOver)
		if !enough {
			return k.note(ctx, p, "The primary does not answer.", since)
		}
		if !standby.Answers || !standby.Standby {
			return k.note(ctx, p, "Neither server answers: nobody can take over.", since)
		}
		return k.decide(ctx, p, Promoting, p.Primary.Other(), "The primary did not answer.")
	case !primary.Waits:
		return k.nodes.Primary(ctx, p.Site, p.Primary, false) // somebody has changed its settings
	case !standby.Answers || !primary.InStep:
		since, enough := k.missed(p, k.config.GiveUp)
		if !enough {
			return k.note(ctx, p, "The standby does not follow.", since)
		}
		return k.decide(ctx, p, Alone, p.Primary, "The standby did not follow.")
	}
	return k.note(ctx, p, "", nil)
}

// promote carries out that the other one takes over. The former primary can
// answer no commit by now; it is stopped all the same.
func (k *Keeper) promote(ctx context.Context, p Pair, primary Sight) error {
	if err := k.nodes.Fence(ctx, p.Site, p.Primary.Other()); err != nil {
		k.log.Warn("former primary not stopped yet", "site", p.Site.String(), "error", err)
	}
	if !primary.Answers || primary.Standby || primary.Waits {
		if err := k.nodes.Promote(ctx, p.Site, p.Primary); err != nil {
			return provisioning.Because("The standby could not be promoted.", err)
		}
	}
	return k.decide(ctx, p, Alone, p.Primary, "It was promoted.")
}

// join has a primary run alone while its standby is made, and be waited for
// once it follows.
func (k *Keeper) join(ctx context.Context, p Pair, primary, standby Sight) error {
	if !primary.Answers || primary.Waits && !primary.InStep && !standby.Streams {
		if err := k.nodes.Primary(ctx, p.Site, p.Primary, true); err != nil {
			return provisioning.Because("The primary could not be started.", err)
		}
	}
	if !standby.Answers || !standby.Standby || !standby.Streams {
		if err := k.nodes.Follow(ctx, p.Site, p.Primary.Other()); err != nil {
			return provisioning.Because("The standby could not be made.", err)
		}
		return k.note(ctx, p, "The standby is catching up.", nil)
	}
	if !primary.Waits {
		if err := k.nodes.Primary(ctx, p.Site, p.Primary, false); err != nil {
			return provisioning.Because("The primary could not be told to wait for its standby.", err)
		}
		return k.note(ctx, p, "The standby is catching up.", nil)
	}
	if !primary.InStep {
		return k.note(ctx, p, "The standby is catching up.", nil)
	}
	return k.decide(ctx, p, Synchronous, p.Primary, "")
}

package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres"
	"tollhouse/provisioning"
)

// Cloud makes stacks in one host database.
type Cloud struct {
	config Config
	owner  *pgxpool.Pool

	mu     sync.Mutex
	chosen map[string]time.Time // slots given out by Choose that are still in the stock
}

// Config is what the cloud works with. All but Tracer are needed.
type Config struct {
	Server   *postgres.Server
	Host     string     // name of the host database
	Database string     // as its server calls it; empty: the same
	DB       *tenant.DB // of that database
	Identity *identity.Authority
	Seal     identity.Sealer
	Now      func() time.Time // wall time
	Log      *slog.Logger
	Tracer   pgx.QueryTracer // of the owner's statements; may be nil
}

func (c Config) database() string {
	if c.Database == "" {
		return c.Host
	}
	return c.Database
}

// Few are needed: a stack takes two short transactions.
const ownerConns = 4

// Open makes a cloud, which holds connections of the owner role until Close.
func Open(ctx context.Context, config Config) (*Cloud, error) {
	pool, err := ownerPool(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open host database %s: %w", config.Host, err)
	}
	return &Cloud{config: config, owner: pool, chosen: map[string]time.Time{}}, nil
}

// ownerPool works as the role that holds the host's tables, which never logs in
// itself.
func ownerPool(ctx context.Context, config Config) (*pgxpool.Pool, error) {
	pool, err := pgxpool.ParseConfig(config.Server.AdminURL(config.database()))
	if err != nil {
		return nil, err
	}
	pool.ConnConfig.RuntimeParams["role"] = postgres.RoleOwner
	pool.ConnConfig.Tracer = config.Tracer
	pool.MaxConns = ownerConns
	return pgxpool.NewWithConfig(ctx, pool)
}

// Close lets go of the connections.
func (c *Cloud) Close() { c.owner.Close() }

var _ provisioning.Cloud = (*Cloud)(nil)

// chosenFor is how long a slot that was given out is not given out again. By
// then the registry has it, or whoever asked is gone.
const chosenFor = time.Minute

// errAnotherHost means that this is not the host database that is asked for.
var errAnotherHost = errors.New("another host database is asked for")

// Choose takes an empty slot of the stock and makes one where there is none.
func (c *Cloud) Choose(ctx context.Context, host string) (provisioning.Place, error) {
	if host != "" && host != c.config.Host {
		return provisioning.Place{}, provisioning.Because("The host database "+host+" is not reached from here.", errAnotherHost)
	}
	name, err := c.fromStock(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		name, err = c.makeSlot(ctx)
	}
	if err != nil {
		return provisioning.Place{}, provisioning.Because("The host database has no slot to give.", err)
	}
	slot, err := tenant.ParseSlot(name)
	return provisioning.Place{Host: c.config.Host, Slot: slot}, err
}

// fromStock picks the oldest slot that this process has not given out lately;
// between processes the registry decides.
func (c *Cloud) fromStock(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.config.Now()
	recent := make([]string, 0, len(c.chosen))
	for name, at := range c.chosen {
		if now.Sub(at) > chosenFor {
			delete(c.chosen, name)
		} else {
			recent = append(recent, name)
		}
	}
	var name string
	err := c.owner.QueryRow(ctx, `
		select name from host.slot
		 where state = 'stock' and name <> all ($1)
		 order by made_at, name
		 limit 1`, recent).Scan(&name)
	if err != nil {
		return "", fmt.Errorf("take a slot from the stock: %w", err)
	}
	c.chosen[name] = now
	return name, nil
}

func (c *Cloud) makeSlot(ctx context.Context) (string, error) {
	c.config.Log.Warn("stock of slots is empty, making one", "host", c.config.Host)
	slot, err := c.config.Server.CreateSlot(ctx, c.config.database())
	if err != nil {
		return "", fmt.Errorf("make a slot: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chosen[slot.String()] = c.config.Now()
	return slot.String(), nil
}

// Ensure makes what is not there of a stack.
func (c *Cloud) Ensure(ctx context.Context, want provisioning.Wanted) error {
	there, err := c.placed(ctx, want)
	if err != nil {
		return provisioning.Because("The host database does not answer.", err)
	}
	if there {
		return nil
	}
	if err := c.reserve(ctx, want.Place.Slot); err != nil {
		return provisioning.Because("The slot could not be taken.", err)
	}
	if err := c.setUp(ctx, want); err != nil {
		return provisioning.Because(setUpReason(err), err)
	}
	if err := c.place(ctx, want); err != nil {
		return provisioning.Because("The placement could not be written.", err)
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"tollhouse/billing"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres"
	"tollhouse/infra/secrets"
	"tollhouse/provisioning/enrol"
	"tollhouse/provisioning/fleet"
	"tollhouse/tenants"
)

// runRotateKeys replaces the data keys of the stacks of a host database, or of
// one of them, and with --master the master key too, while everything runs. Cut
// off anywhere it goes on when it is run again.
func runRotateKeys(ctx context.Context, p process) error {
	flags := flag.NewFlagSet("rotate-keys", flag.ContinueOnError)
	flags.SetOutput(p.stderr)
	master := flags.Bool("master", false, "replace the master key as well")
	name := flags.String("tenant", "", "only this tenant's data key")
	switch err := flags.Parse(p.args); {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return errUsage
	case flags.NArg() > 0:
		fmt.Fprintf(p.stderr, "tollhouse rotate-keys: %q is not understood; flags only\n", flags.Arg(0))
		return errUsage
	case *master && *name != "":
		fmt.Fprintln(p.stderr, "tollhouse rotate-keys: the master key is every tenant's: --master and --tenant don't go together")
		return errUsage
	}
	config, err := readMigrateConfig(p.env)
	if err != nil {
		return err
	}
	box, err := secrets.Load(config.MasterKey)
	if err != nil {
		return err
	}
	r := &keyRotation{config: config, box: box, server: postgres.NewServer(config.DatabaseURL, box.Derive), p: p}
	defer r.close()
	if *master {
		return r.master(ctx)
	}
	if err := r.open(ctx); err != nil {
		return err
	}
	return r.dataKeys(ctx, *name)
}

// keyRotation is one run of the role.
type keyRotation struct {
	config migrateConfig
	box    *secrets.Box
	server *postgres.Server
	p      process

	pools   []*pgxpool.Pool
	host    *tenant.DB
	control *tenants.DB
	keys    *secrets.Keyring
}

// rotationConnections is enough for a walk that takes one step at a time.
const rotationConnections = 2

func (r *keyRotation) open(ctx context.Context) error {
	for _, want := range []struct {
		role, database string
		use            func(*pgxpool.Pool)
	}{
		{postgres.RoleApp, r.config.Host, func(pool *pgxpool.Pool) { r.host = tenant.Open(pool, time.Now) }},
		{postgres.RoleKeyring, r.config.Host, func(pool *pgxpool.Pool) { r.keys = secrets.NewKeyring(r.box, pool, time.Now) }},
		{postgres.RoleControl, r.config.Control, func(pool *pgxpool.Pool) { r.control = tenants.Open(pool, time.Now) }},
	} {
		pool, err := r.server.Pool(ctx, want.role, want.database, rotationConnections)
		if err != nil {
			return fmt.Errorf("connect as %s: %w", want.role, err)
		}
		r.pools = append(r.pools, pool)
		want.use(pool)
	}
	return nil
}

func (r *keyRotation) close() {
	for _, pool := range r.pools {
		pool.Close()
	}
}

// dataKeys rotates the key of the named tenant, or of all for "".
func (r *keyRotation) dataKeys(ctx context.Context, name string) error {
	refs, err := r.refs(ctx, name)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.p.stdout, "data keys of %d stacks\n", len(refs))
	rotation := secrets.Rotation{Keys: r.keys, DB: r.host, Reseal: billing.Reseal, Done: func(ref tenant.Ref, resealed int) {
		fmt.Fprintf(r.p.stdout, "%s: %d values sealed anew\n", ref.Name, resealed)
	}}
	return rotation.Run(ctx, refs)
}

func (r *keyRotation) refs(ctx context.Context, name string) ([]tenant.Ref, error) {
	if name == "" {
		return r.host.All(ctx)
	}
	ref, err := r.host.ByName(ctx, name)
	return []tenant.Ref{ref}, err
}

// master puts a new master key before the present one, moves everything over to
// it and then forgets the old one. Passwords derived from it come first: until
// they are set nobody can connect anew.
func (r *keyRotation) master(ctx context.Context) error {
	begun, err := secrets.BeginRotation(r.config.MasterKey)
	if err != nil {
		return err
	}
	if begun {
		fmt.Fprintln(r.p.stdout, "a new master key stands in", r.config.MasterKey)
	} else {
		fmt.Fprintln(r.p.stdout, "going on with a rotation that was cut off")
	}
	if err := r.server.Prepare(ctx); err != nil {
		return err
	}
	if err := r.open(ctx); err != nil {
		return err
	}
	if err := r.moveOver(ctx); err != nil {
		return err
	}
	// What the old master key sealed in the stacks moves to data keys. This
	// waits for whoever was sealing, so the second pass leaves nothing.
	if err := r.dataKeys(ctx, ""); err != nil {
		return err
	}
	if err := r.moveOver(ctx); err != nil {
		return err
	}
	if err := secrets.EndRotation(r.config.MasterKey); err != nil {
		return err
	}
	fmt.Fprintln(r.p.stdout, "the old master key is forgotten: put a copy of the new one apart")
	return nil
}

// moveOver wraps and seals under the new master key what is not so yet.
func (r *keyRotation) moveOver(ctx context.Context) error {
	wrapped, err := r.keys.Rewrap(ctx)
	if err != nil {
		return err
	}
	resealed, err := tenants.Reseal(ctx, r.control, r.box)
	if err != nil {
		return err
	}
	hosts, err := enrol.Reseal(ctx, r.control, r.box)
	if err != nil {
		return err
	}
	resealed += hosts
	sites, err := fleet.Reseal(ctx, r.control, r.box)
	if err != nil {
		return err
	}
	resealed += sites
	fmt.Fprintf(r.p.stdout, "%d data keys wrapped, %d values of the control plane sealed anew\n", wrapped, resealed)
	return nil
}

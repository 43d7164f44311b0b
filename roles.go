package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"tollhouse/api"
	"tollhouse/billing"
	"tollhouse/billing/tenant"
	"tollhouse/infra/mail"
	"tollhouse/infra/openstack"
	"tollhouse/infra/postgres"
	"tollhouse/infra/secrets"
	"tollhouse/infra/stripe"
	"tollhouse/provisioning"
)

func logTo(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
}

// runHost carries stacks of a database that `migrate` has prepared.
func runHost(ctx context.Context, p process) error {
	if isEnrolled(p.env) {
		return runOwnHost(ctx, p)
	}
	config, err := readHostConfig(p.env)
	if err != nil {
		return err
	}
	plant, err := newPlant(logTo(p.stderr, config.Log), config.MasterKey)
	if err != nil {
		return err
	}
	defer plant.close()
	keys := stripe.Keys{Secret: config.Stripe.SecretKey, WebhookSecrets: config.Stripe.WebhookSecrets}
	provider := stripe.New("", plant.accounts.stripe(func(context.Context, tenant.ID) (stripe.Keys, error) { return keys, nil }), time.Now)
	listener, err := config.Listen.listener(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	server := postgres.NewServer(config.DatabaseURL, plant.box.Derive)
	var messages billing.MessageSender
	if config.Mail.URL != "" {
		sender, err := mail.New(config.Mail.URL, config.Mail.From)
		if err != nil {
			return err
		}
		sender.ReturnTo(config.Mail.Return)
		messages = sender
	}
	plant.networks, plant.reachable, plant.vies = config.Networks, config.Reachable, config.VIES
	host, err := plant.startHost(ctx, server, config.Database, config.Data, config.PublicURL, provider, messages)
	if err != nil {
		return err
	}
	if config.Mail.Returns != "" {
		returns, err := mail.Listen(ctx, config.Mail.Returns, host, plant.log)
		if err != nil {
			return err
		}
		defer returns.Stop()
	}
	handler, err := plant.webHandler(api.Config{Host: host, Ready: ready(host.Ready), PublicURL: config.PublicURL}, withPages(pageSources{host: host, publicURL: config.PublicURL}, plant.log))
	if err != nil {
		return err
	}
	return plant.serve(ctx, listener, api.ThroughProxies(handler, config.Proxies))
}

// runControl keeps operators and makes their stacks.
func runControl(ctx context.Context, p process) error {
	config, err := readControlConfig(p.env)
	if err != nil {
		return err
	}
	plant, err := newPlant(logTo(p.stderr, config.Log), config.MasterKey)
	if err != nil {
		return err
	}
	defer plant.close()
	plant.data = config.Data
	if config.Cloud != nil {
		// It is reached when it is first needed: we start while it is down.
		cloud, err := openstack.New(*config.Cloud)
		if err != nil {
			return err
		}
		plant.clouds = map[string]provisioning.Sites{"openstack": cloud}
	}
	listener, err := config.Listen.listener(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	server, hostServer := postgres.NewServer(config.DatabaseURL, plant.box.Derive), postgres.NewServer(config.HostURL, plant.box.Derive)
	control, keeper, err := plant.startControl(ctx, server, config.Database, hostServer, config.HostDB, config.Stock)
	if err != nil {
		return err
	}
	clouds, err := localClouds(config.Sites)
	if err != nil {
		return err
	}
	publicURL := config.Desk.URL
	if publicURL == "" {
		publicURL = "http://" + listener.Addr().String()
		config.Desk.URL = publicURL
	}
	plant.openDesk(ctx, control, config.Desk)
	plant.startFleet(ctx, control, clouds, control.Desk, nil)
	keeper.Start(context.WithoutCancel(ctx))
	if err := firstStaff(ctx, control, p.stdout); err != nil {
		return err
	}
	if config.House != "" {
		if err := houseAtStart(ctx, control, config.House, p.stdout); err != nil {
			return err
		}
	}
	handler, err := plant.webHandler(api.Config{Control: control, Ready: ready(control.DB.Ready), PublicURL: publicURL},
		withPages(pageSources{control: control, publicURL: publicURL}, plant.log))
	if err != nil {
		return err
	}
	return plant.serve(ctx, listener, api.ThroughProxies(handler, config.Proxies))
}

// firstStaff makes the first staff user of an empty registry and shows its
// password, once.
func firstStaff(ctx context.Context, control *api.Control, out io.Writer) error {
	const email = "admin@tollhouse.example"
	password, err := control.Staff.EnsureFirst(ctx, email)
	if err == nil && password != "" {
		fmt.Fprintf(out, "first staff user: %s, password (shown once): %s\n", email, password)
	}
	return err
}

// runMigrate brings the control plane's and a host's databases up to date,
// every tenant's schema included. Cut off, it goes on where it was.
func runMigrate(ctx context.Context, p process) error {
	config, err := readMigrateConfig(p.env)
	if err != nil {
		return err
	}
	box, err := secrets.Load(config.MasterKey)
	if err != nil {
		return err
	}
	server := postgres.NewServer(config.DatabaseURL, box.Derive)
	if err := server.Prepare(ctx); err != nil {
		return err
	}
	fmt.Fprintln(p.stdout, "control database", config.Control)
	if err := server.MigrateControl(ctx, config.Control); err != nil {
		return err
	}
	fmt.Fprintln(p.stdout, "host database", config.Host)
	if err := server.MigrateHost(ctx, config.Host); err != nil {
		return err
	}
	return server.MigrateSlots(ctx, config.Host, func(done, total int) { fmt.Fprintf(p.stdout, "stack %d of %d\n", done, total) })
}

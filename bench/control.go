package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"tollhouse/api"
	"tollhouse/billing"
	"tollhouse/billing/account"
	"tollhouse/billing/tenant"
	"tollhouse/infra/local"
	"tollhouse/infra/postgres"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// controlPlane is a control plane and a host behind one API on a loopback
// address, wired as the product wires them.
type controlPlane struct {
	*plant
	url    string
	cloud  *local.Cloud
	keeper *local.StockKeeper
	staff  *api.Control
}

// connections of each pool; the product's control plane has as many.
const controlConnections = 12

// stockEvery is how often the product's keeper looks after the stock.
const stockEvery = time.Second

func openControlPlane(ctx context.Context, stock int) (_ *controlPlane, err error) {
	p, err := startPlant(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if err := p.server.MigrateControl(ctx, controlDatabase); err != nil {
		return nil, err
	}
	if err := p.server.MigrateHost(ctx, hostDatabase); err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &controlPlane{plant: p, url: "http://" + listener.Addr().String()}
	if err := c.compose(ctx, stock); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return c, c.serve(ctx, listener)
}

func (c *controlPlane) compose(ctx context.Context, stock int) error {
	control, err := c.pool(ctx, postgres.RoleControl, controlDatabase, controlConnections)
	if err != nil {
		return err
	}
	setUp, err := c.pool(ctx, postgres.RoleApp, hostDatabase, controlConnections)
	if err != nil {
		return err
	}
	c.cloud, err = local.Open(ctx, local.Config{Server: c.server, Host: hostDatabase, DB: tenant.Open(setUp, time.Now), Identity: c.authority,
		Seal: c.box.Tenants(), Now: time.Now, Log: c.log})
	if err != nil {
		return err
	}
	c.onStop(c.cloud.Close)
	db := tenants.Open(control, time.Now)
	reconciler := provisioning.New(db, c.cloud, provisioning.Config{}, c.log)
	reconciler.Start(context.WithoutCancel(ctx))
	c.onStop(reconciler.Stop)
	c.keeper = local.NewStockKeeper(c.cloud, stock, stockEvery)
	c.onStop(c.keeper.Stop)
	knowsTaxesOf := func(country string) bool { _, err := account.TaxRatesOf(country); return err == nil }
	c.staff = &api.Control{DB: db, Commands: tenants.NewCommands(db, c.box),
		Registry: tenants.NewRegistry(reconciler, c.passwords, knowsTaxesOf, time.Now),
		Staff:    tenants.NewStaff(db, c.passwords, c.box, time.Now)}
	return nil
}

// serve answers until the plant is closed.
func (c *controlPlane) serve(ctx context.Context, listener net.Listener) error {
	app, err := c.pool(ctx, postgres.RoleApp, hostDatabase, hostConnections)
	if err != nil {
		return err
	}
	host := billing.NewHost(billing.Config{DB: tenant.Open(app, time.Now), Identity: c.authority, Seal: c.box.Tenants(),
		Inbox: filepath.Join(c.dir, "inbox"), PublicURL: c.url, Now: time.Now, Log: c.log})
	echo, err := api.New(api.Config{Host: host, Control: c.staff, Authority: c.authority, Passwords: c.passwords, Log: c.log, Now: time.Now,
		Ready: host.Ready, PublicURL: c.url})
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() { served <- api.Serve(serving, listener, api.ByHostName(echo), c.log) }()
	c.onStop(func() {
		stop()
		if err := <-served; err != nil {
			c.log.Warn("API did not stop in good order", "error", err)
		}
	})
	return nil
}

// signIn makes the first staff user and gives a client that speaks as it.
func (c *controlPlane) signIn(ctx context.Context) (*client, error) {
	const email = "admin@tollhouse.example"
	password, err := c.staff.Staff.EnsureFirst(ctx, email)
	if err != nil {
		return nil, err
	}
	cl := &client{url: c.url, http: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	var answer struct {
		Token string `json:"access_token"`
	}
	status, err := cl.post(ctx, "/staff/v1/sign-in", map[string]string{"email": email, "password": password}, &answer)
	if err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("staff sign-in: %d: %w", status, err)
	}
	cl.token = answer.Token
	return cl, nil
}

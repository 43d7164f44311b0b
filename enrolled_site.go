package main

import (
	"context"
	"hash/fnv"
	"net/http"
	"net/netip"
	"os"

	"tollhouse/api"
	"tollhouse/infra/postgres"
	"tollhouse/infra/relay"
	"tollhouse/provisioning/machine"
)

// openDoor makes the host's API, with a door before it that shares what charges
// with the site's workers. What was promised of speed is kept by the host for
// what it serves itself; a worker serves its one operator as requests come.
func (h *ownHost) openDoor(ctx context.Context, c machine.Configuration) error {
	handler, err := h.plant.webHandler(api.Config{Host: h.host, Ready: ready(h.host.Ready), PublicURL: h.public},
		withPages(pageSources{host: h.host, publicURL: h.public}, h.plant.log))
	if err != nil {
		return err
	}
	h.door = relay.New(relay.Config{Own: handler, Shares: h.shares, Header: api.HeaderBeside, Word: besideWord(h.plant.box), Log: h.plant.log})
	h.nameWorkers(c)
	h.plant.until(ctx, h.door.Keep)
	return nil
}

// shares says whether a worker may answer a request. A sandbox is found anew for
// each request by the host alone: a fresh copy may take its place at any moment.
func (h *ownHost) shares(r *http.Request) bool {
	return api.Charges(r) && api.TenantOf(r) == h.operatorName()
}

func (h *ownHost) operatorName() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.operator
}

// changed takes a new configuration. Under another address, or with another
// certificate, the host goes on from its start.
func (h *ownHost) changed(ctx context.Context, c machine.Configuration) {
	if c.PublicURL != "" && c.PublicURL != h.public || !h.secure.isAs(c.HTTPS) {
		path, err := os.Executable()
		if err == nil {
			h.plant.log.Info("going on under another address", "address", c.PublicURL)
			h.goOnAs(path)
			return
		}
		h.plant.log.Error("the host does not take its new address", "error", err)
	}
	h.furnish(ctx, c)
	h.openInside(ctx, c)
	h.nameWorkers(c)
}

func (h *ownHost) nameWorkers(c machine.Configuration) {
	var addresses []netip.AddrPort
	if c.Workers != nil {
		addresses = c.Workers.Addresses
	}
	h.door.Workers(addresses)
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.Stack != nil {
		h.operator = c.Stack.Operator.Name
	}
}

// openInside has the database server answer the site's workers and its standby,
// once it has some. One that answers them goes on to until the host is started again. What
// fails is tried again with the next report: the host does without them.
func (h *ownHost) openInside(ctx context.Context, c machine.Configuration) {
	if !isInside(c) || h.cluster == nil {
		return
	}
	at, err := h.store.OwnAddress(ctx)
	if err == nil && at.IsLoopback() {
		at = loopbackOf(h.config.Data)
	}
	var certificate []byte
	if err == nil {
		certificate, err = h.cluster.Listen(ctx, at)
	}
	if err != nil {
		h.plant.log.Error("the database is not open to its site", "error", err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.inside = &machine.Inside{Address: netip.AddrPortFrom(at, postgres.NetworkPort), Certificate: string(certificate)}
}

// loopbackOf is an address of this machine alone that belongs to one folder:
// sites that share a machine have a server each, all at the same port.
func loopbackOf(data string) netip.Addr {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(data))
	n := sum.Sum32()
	return netip.AddrFrom4([4]byte{127, 64 | byte(n>>16)&63, byte(n >> 8), 1 + byte(n)%254})
}

// isInside says whether other machines of its site use a host's database.
func isInside(c machine.Configuration) bool { return c.Workers != nil || c.Standby != nil }

// fillInside tells where the site's machines reach the database.
func (h *ownHost) fillInside(ctx context.Context, c machine.Configuration, r *machine.Report) {
	h.mu.Lock()
	r.Inside = h.inside
	h.mu.Unlock()
	if r.Inside != nil || !isInside(c) {
		return
	}
	h.openInside(ctx, c)
	h.mu.Lock()
	defer h.mu.Unlock()
	r.Inside = h.inside
}

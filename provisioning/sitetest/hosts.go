package sitetest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tollhouse/provisioning"
)

// Hosts are machines that speak as a test says.
type Hosts struct {
	mu        sync.Mutex
	seen      map[provisioning.SiteID]provisioning.Seen
	invited   map[provisioning.SiteID]int
	withdrawn map[provisioning.SiteID]int
	Last      time.Duration // how long invitations last; an hour
	At        func() time.Time
}

// NewHosts makes hosts of which none has come yet.
func NewHosts() *Hosts {
	return &Hosts{seen: map[provisioning.SiteID]provisioning.Seen{}, invited: map[provisioning.SiteID]int{}, withdrawn: map[provisioning.SiteID]int{},
		Last: time.Hour, At: time.Now}
}

// Say has a site's host say something, now.
func (h *Hosts) Say(id provisioning.SiteID, s provisioning.Seen) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.At = h.At()
	h.seen[id] = s
}

// Come has a site's host enrol and be well.
func (h *Hosts) Come(id provisioning.SiteID) {
	h.Say(id, provisioning.Seen{Enrolled: true, Healthy: true})
}

// Invited is how often a site was invited.
func (h *Hosts) Invited(id provisioning.SiteID) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.invited[id]
}

// Withdrawn is how often a site's invitations were withdrawn.
func (h *Hosts) Withdrawn(id provisioning.SiteID) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.withdrawn[id]
}

// Invite implements provisioning.Hosts.
func (h *Hosts) Invite(_ context.Context, site provisioning.Site) (provisioning.Invitation, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.invited[site.ID]++
	data := fmt.Sprintf("#!/bin/sh\n# %s, %d\n", site.ID, h.invited[site.ID])
	made := provisioning.Invitation{UserData: site.UserData, Revision: site.Revision, Until: h.At().Add(h.Last)}
	if made.UserData == "" {
		made.UserData = data
	}
	if site.Shape.Workers > 0 {
		made.WorkerData = data + "# beside\n"
	}
	if site.Shape.Standby {
		made.StandbyData = data + "# standby\n"
	}
	return made, nil
}

// Seen implements provisioning.Hosts.
func (h *Hosts) Seen(_ context.Context, id provisioning.SiteID) (provisioning.Seen, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen[id], nil
}

// Withdraw implements provisioning.Hosts.
func (h *Hosts) Withdraw(_ context.Context, id provisioning.SiteID) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.withdrawn[id]++
	delete(h.seen, id)
	return nil
}

var _ provisioning.Hosts = (*Hosts)(nil)

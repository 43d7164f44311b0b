package openstack

import (
	"context"

	"tollhouse/provisioning"
)

// Bare asks Heat for a site's stack and does nothing else: what we cost is
// measured beside it.
func (c *Cloud) Bare(ctx context.Context, want provisioning.Site) error {
	network, err := c.providerNetwork(ctx)
	if err != nil {
		return plain(err)
	}
	return plain(c.create(ctx, want.ID, c.request(want, network, nil)))
}

// Glance tells how far a site is, and no more.
func (c *Cloud) Glance(ctx context.Context, id provisioning.SiteID) (provisioning.Phase, error) {
	s, err := c.find(ctx, id)
	if err != nil || s == nil {
		return provisioning.SiteAbsent, plain(err)
	}
	return s.phase(), nil
}

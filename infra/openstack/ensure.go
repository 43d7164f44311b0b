package openstack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"tollhouse/provisioning"
)

var (
	errNotOurs  = errors.New("not ours")
	errLeaving  = errors.New("being deleted")
	errSmaller  = errors.New("a data volume never shrinks")
	errUnusable = errors.New("not to be made")
)

// Ensure implements provisioning.Sites.
func (c *Cloud) Ensure(ctx context.Context, want provisioning.Site) (provisioning.Observed, error) {
	want.Image = cmp.Or(want.Image, c.image)
	if err := check(want); err != nil {
		return provisioning.Observed{}, err
	}
	seen, err := c.ensure(ctx, want)
	return seen, plain(err)
}

func (c *Cloud) ensure(ctx context.Context, want provisioning.Site) (provisioning.Observed, error) {
	s, err := c.find(ctx, want.ID)
	if err != nil {
		return provisioning.Observed{}, err
	}
	if s == nil {
		return c.ensureNew(ctx, want)
	}
	switch phase := s.phase(); {
	case phase == provisioning.SiteLeaving:
		return provisioning.Observed{}, provisioning.Because("The site is being deleted: it can be made again when that has ended.", errLeaving)
	case s.Parameters.number("revision") > want.Revision:
		return c.look(ctx, s)
	case phase == provisioning.SiteMaking:
		if seen, silent, err := c.lookClosely(ctx, s); err != nil || !silent {
			return seen, err
		}
	}
	if small := s.Parameters.number("data_gb"); int64(want.Shape.DataGB) < small {
		return provisioning.Observed{}, provisioning.Because(
			fmt.Sprintf("The data volume has %d GB and cannot shrink to %d GB.", small, want.Shape.DataGB), errSmaller)
	}
	network, err := c.providerNetwork(ctx)
	if err != nil {
		return provisioning.Observed{}, err
	}
	p := c.request(want, network, s.Parameters)
	if s.phase() == provisioning.SiteStanding && s.Parameters["asked"] == p["asked"] {
		return c.look(ctx, s)
	}
	return c.change(ctx, s, want.ID, p)
}

// check refuses what would only fail half-way.
func check(want provisioning.Site) error {
	s := want.Shape
	for _, wrong := range []struct {
		is    bool
		words string
	}{
		{want.ID == provisioning.SiteID{}, "The site has no id."},
		{want.Image == "", "The site names no image for its machines."},
		{want.UserData == "", "The site has no user-data: its machine could never enrol."},
		{s.Flavor == "", "The site's size names no flavour."},
		{s.Workers < 0 || s.Workers > 200, "A site has from 0 to 200 workers."},
		{s.BootGB < 1 || s.DataGB < 1, "A site's volumes have at least 1 GB each."},
		{want.Lacks(), "The site has machines beside its first and no user-data for them."},
		{len(want.UserData) > 48<<10 || len(want.WorkerData) > 48<<10 || len(want.StandbyData) > 48<<10, "User-data is longer than the 48 KiB that a cloud takes."},
	} {
		if wrong.is {
			return provisioning.Because(wrong.words, errUnusable)
		}
	}
	return nil
}

func (c *Cloud) ensureNew(ctx context.Context, want provisioning.Site) (provisioning.Observed, error) {
	network, err := c.providerNetwork(ctx)
	if err != nil {
		return provisioning.Observed{}, err
	}
	err = c.create(ctx, want.ID, c.request(want, network, nil))
	// Taken: another process, or we before our answer was lost. Its stack is this
	// site's, whoever asked for it.
	if err != nil && status(err) != http.StatusConflict {
		return provisioning.Observed{}, err
	}
	s, err := c.find(ctx, want.ID)
	if err != nil {
		return provisioning.Observed{}, err
	}
	if s == nil {
		return provisioning.Observed{Phase: provisioning.SiteMaking, Revision: want.Revision}, nil
	}
	return c.look(ctx, s)
}

// change takes a stack to what is wanted now: volumes first, then what has gone
// is named to Heat, then Heat is asked.
func (c *Cloud) change(ctx context.Context, s *stack, id provisioning.SiteID, p asked) (provisioning.Observed, error) {
	parts, err := c.resources(ctx, s)
	if err != nil {
		return provisioning.Observed{}, err
	}
	stands, err := c.survey(ctx, id, parts)
	if err != nil {
		return provisioning.Observed{}, err
	}
	// A machine that failed holds the volumes and ports that its successor needs, and
	// Heat makes the successor first.
	if cleared, err := c.clearFailed(ctx, id, parts, stands); err != nil || !cleared {
		return c.notYet(ctx, s, "a machine that failed is still being taken away", err)
	}
	if err := c.clearUntold(ctx, id, parts); err != nil {
		return provisioning.Observed{}, err
	}
	if err := c.openAgain(ctx, parts); err != nil {
		return provisioning.Observed{}, err
	}
	grown, err := c.growData(ctx, parts, stands, p.number("data_gb"))
	if err != nil || !grown {
		return c.notYet(ctx, s, "a data volume is still growing", err)
	}
	for _, r := range stands.gone(parts) {
		if err := c.unhealthy(ctx, r, "gone from the cloud"); err != nil {
			return provisioning.Observed{}, err
		}
	}
	err = c.update(ctx, s, id, p)
	// Somebody else's update is under way, or ours of before.
	if err != nil && status(err) != http.StatusConflict {
		return provisioning.Observed{}, err
	}
	if s, err = c.find(ctx, id); err != nil || s == nil {
		return provisioning.Observed{}, err
	}
	return c.look(ctx, s)
}

// notYet tells of what must end before Heat can be asked; Ensure is called again.
func (c *Cloud) notYet(ctx context.Context, s *stack, because string, err error) (provisioning.Observed, error) {
	if err != nil {
		return provisioning.Observed{}, err
	}
	seen, err := c.look(ctx, s)
	seen.Phase, seen.Reason, seen.Detail = provisioning.SiteMaking, "", because
	return seen, err
}

// clearing is how often Ensure looks for a machine that goes; Nova takes seconds.
const clearing = 20

// clearFailed takes away machines of the site that Nova has given up.
func (c *Cloud) clearFailed(ctx context.Context, id provisioning.SiteID, parts []resource, stands survey) (done bool, err error) {
	failed := 0
	for _, one := range stands.servers {
		if one.Status != "ERROR" {
			continue
		}
		failed++
		if err := c.call(ctx, nova, "DELETE", "servers/"+one.ID, nil, nil); err != nil && status(err) != http.StatusNotFound {
			return false, err
		}
		delete(stands.servers, one.ID)
	}
	for try := 0; failed > 0 && try < clearing; try++ {
		if err := c.pause(ctx, time.Second/2); err != nil {
			return false, err
		}
		now, err := c.survey(ctx, id, parts)
		if err != nil {
			return false, err
		}
		failed = 0
		for _, one := range now.servers {
			if one.Status == "ERROR" {
				failed++
			}
		}
	}
	return failed == 0, nil
}

// clearUntold undoes what an engine that died had made and not written down, where
// Heat could not make it a second time: a router is on a network once, a port has
// one public address, and a network has a range of addresses once.
func (c *Cloud) clearUntold(ctx context.Context, id provisioning.SiteID, parts []resource) error {
	router, network, known := "", "", map[string]bool{}
	for _, r := range parts {
		known[r.Physical] = true
		switch {
		case r.Parent != "":
		case r.Name == "router":
			router = r.Physical
		case r.Name == "network":
			network = r.Physical
		}
	}
	for _, r := range parts {
		switch {
		case stepState(r.Status) != stepFailed || r.Parent != "": // what is under way is a living engine's
		case r.Name == "router_interface" && router != "":
			if err := c.unplug(ctx, router); err != nil {
				return err
			}
		case r.Name == "subnet" && network != "":
			if err := c.clearSubnets(ctx, network, c.siteTag(id), known); err != nil {
				return err
			}
		case r.Name == "address":
			addresses, err := c.list(ctx, kindOf("floating ip"), id.String())
			if err != nil {
				return err
			}
			for _, t := range addresses {
				if known[t.ID] {
					continue
				}
				if err := c.delete(ctx, t); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// clearSubnets takes away subnets of the site's name on the site's own network that
// Heat does not know. It tags a subnet after it has made it: one that was cut off in
// between bears its name only.
func (c *Cloud) clearSubnets(ctx context.Context, network, name string, known map[string]bool) error {
	var found struct {
		Subnets []struct{ ID, Name string }
	}
	if err := c.call(ctx, neutron, "GET", "subnets?network_id="+url.QueryEscape(network), nil, &found); err != nil {
		return err
	}
	for _, s := range found.Subnets {
		if s.Name != name || known[s.ID] {
			continue
		}
		if err := c.call(ctx, neutron, "DELETE", "subnets/"+url.PathEscape(s.ID), nil, nil); err != nil && status(err) != http.StatusNotFound {
			return err
		}
	}
	return nil
}

// growth is how long Ensure stays for a volume that grows: Cinder takes seconds.
const growth = 20

// growData makes the data volumes larger while their machines run; Heat would
// take them away from the machines for it.
func (c *Cloud) growData(ctx context.Context, parts []resource, stands survey, gb int64) (done bool, err error) {
	waiting := map[string]bool{}
	for _, r := range parts {
		v, found := stands.volumes[r.Physical]
		if r.Name != "first_data" && r.Name != "standby_data" || !found || v.Size >= gb {
			continue
		}
		if v.Status != "extending" {
			err := c.call(ctx, cinder, "POST", "volumes/"+r.Physical+"/action", map[string]any{"os-extend": map[string]any{"new_size": gb}}, nil)
			if err != nil {
				return false, err
			}
		}
		waiting[r.Physical] = true
	}
	for try := 0; len(waiting) > 0 && try < growth; try++ {
		if err := c.pause(ctx, time.Second/2); err != nil {
			return false, err
		}
		for id := range waiting {
			var now struct{ Volume volume }
			if err := c.call(ctx, cinder, "GET", "volumes/"+id, nil, &now); err != nil {
				return false, err
			}
			if now.Volume.Status == "error_extending" {
				return false, provisioning.Because("Cinder could not make the data volume larger.", fmt.Errorf("volume %s is %s", id, now.Volume.Status))
			}
			if now.Volume.Size >= gb && now.Volume.Status != "extending" {
				delete(waiting, id)
			}
		}
	}
	return len(waiting) == 0, nil
}

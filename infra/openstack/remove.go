package openstack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"tollhouse/provisioning"
)

// Remove implements provisioning.Sites.
func (c *Cloud) Remove(ctx context.Context, id provisioning.SiteID) (provisioning.Observed, error) {
	seen, err := c.remove(ctx, id)
	return seen, plain(err)
}

func (c *Cloud) remove(ctx context.Context, id provisioning.SiteID) (provisioning.Observed, error) {
	s, err := c.find(ctx, id)
	if err != nil {
		return provisioning.Observed{}, err
	}
	if s == nil {
		return c.removeLeftovers(ctx, id)
	}
	// Heat tries a deletion that failed again, from where it stood. One under way
	// is left alone.
	if s.Status != "DELETE_IN_PROGRESS" {
		if s.Status == "DELETE_FAILED" {
			if err := c.clearBlocking(ctx, s, id); err != nil {
				return provisioning.Observed{}, err
			}
		}
		if err := c.deleteStack(ctx, s); err != nil {
			return provisioning.Observed{}, err
		}
	}
	failed := s
	if s, err = c.find(ctx, id); err != nil {
		return provisioning.Observed{}, err
	}
	if s == nil {
		return c.removeLeftovers(ctx, id)
	}
	seen, silent, err := c.lookClosely(ctx, s)
	seen.Phase = provisioning.SiteLeaving // Heat may not have begun yet
	if silent && err == nil && s.Status == "DELETE_IN_PROGRESS" {
		if err = c.clearBlocking(ctx, s, id); err == nil {
			err = c.deleteStack(ctx, s)
		}
	}
	if seen.Reason == "" && failed.Status == "DELETE_FAILED" {
		// Why it failed before is worth knowing while it is tried again.
		seen.Reason, seen.Detail = why(failed, seen.Steps)
	}
	return seen, err
}

// clearBlocking takes away what keeps a stack from being deleted though Heat does
// not know it: a router's place on the network, and ports of the site's names on the
// site's own network, which an engine that died had made and not written down.
func (c *Cloud) clearBlocking(ctx context.Context, s *stack, id provisioning.SiteID) error {
	parts, err := c.resources(ctx, s)
	if err != nil {
		return err
	}
	for _, r := range parts {
		if r.Parent != "" || r.Physical == "" {
			continue
		}
		if r.Name == "router" {
			err = c.unplug(ctx, r.Physical)
		}
		if r.Name == "network" {
			err = c.clearPorts(ctx, r.Physical, c.siteTag(id)+"-")
		}
		if err != nil && status(err) == 0 {
			return err
		}
	}
	return nil
}

func (c *Cloud) clearPorts(ctx context.Context, network, prefix string) error {
	var found struct {
		Ports []struct{ ID, Name string }
	}
	if err := c.call(ctx, neutron, "GET", "ports?network_id="+network, nil, &found); err != nil {
		return err
	}
	for _, p := range found.Ports {
		if !strings.HasPrefix(p.Name, prefix) {
			continue
		}
		if err := c.call(ctx, neutron, "DELETE", "ports/"+p.ID, nil, nil); err != nil && status(err) == 0 {
			return err
		}
	}
	return nil
}

func (c *Cloud) deleteStack(ctx context.Context, s *stack) error {
	err := c.call(ctx, heat, "DELETE", s.path(), nil, nil)
	if status(err) == http.StatusNotFound {
		return nil
	}
	return err
}

// removeLeftovers deletes what bears the site's tag though its stack is gone.
func (c *Cloud) removeLeftovers(ctx context.Context, id provisioning.SiteID) (provisioning.Observed, error) {
	left, err := c.things(ctx, id.String())
	if err != nil {
		return provisioning.Observed{}, err
	}
	if len(left) == 0 {
		return provisioning.Observed{Phase: provisioning.SiteAbsent}, nil
	}
	seen := provisioning.Observed{Phase: provisioning.SiteLeaving}
	for _, t := range left {
		step := provisioning.Step{Name: strings.TrimSpace("left over: " + t.kind.name + " " + t.Name), State: stepWorking}
		// What hangs on something that is going yet is taken the next time.
		if err := c.delete(ctx, t); err != nil {
			if status(err) == 0 {
				return seen, err
			}
			step.State, step.Detail = stepFailed, words(err)
			if seen.Reason == "" {
				seen.Reason, seen.Detail = fmt.Sprintf("A %s that the stack left over does not go yet.", t.kind.name), step.Detail
			}
		}
		seen.Steps = append(seen.Steps, step)
	}
	return seen, nil
}

// delete takes one thing away. It bears our mark and a site's tag: list gave it.
func (c *Cloud) delete(ctx context.Context, t thing) error {
	if t.kind.name == "router" {
		if err := c.unplug(ctx, t.ID); err != nil {
			return err
		}
	}
	if t.kind.name == "port" {
		var port struct {
			Owner string `json:"device_owner"`
		}
		if err := json.Unmarshal(t.raw, &port); err == nil && strings.HasPrefix(port.Owner, "network:router") {
			return nil // goes with its router
		}
	}
	err := c.call(ctx, t.kind.service, "DELETE", t.kind.path+"/"+t.ID, nil, nil)
	if status(err) == http.StatusNotFound {
		return nil
	}
	return err
}

// unplug takes a router of ours off its networks.
func (c *Cloud) unplug(ctx context.Context, router string) error {
	var found struct {
		Ports []struct {
			ID    string
			Owner string `json:"device_owner"`
		}
	}
	if err := c.call(ctx, neutron, "GET", "ports?device_id="+router, nil, &found); err != nil {
		return err
	}
	for _, p := range found.Ports {
		if !strings.HasPrefix(p.Owner, "network:router_interface") {
			continue
		}
		err := c.call(ctx, neutron, "PUT", "routers/"+router+"/remove_router_interface", map[string]any{"port_id": p.ID}, nil)
		if err != nil && status(err) != http.StatusNotFound {
			return err
		}
	}
	return nil
}

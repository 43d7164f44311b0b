package openstack

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"

	"tollhouse/provisioning"
)

// Room implements provisioning.Sites. Hypervisors are shown to administrators
// only: without that right they are left out, and quotas and flavours remain.
func (c *Cloud) Room(ctx context.Context) (provisioning.Room, error) {
	room, err := c.room(ctx)
	return room, plain(err)
}

func (c *Cloud) room(ctx context.Context) (room provisioning.Room, err error) {
	room.At = c.now().UTC()
	if room.Flavors, err = c.flavors(ctx); err != nil {
		return room, err
	}
	if room.Quotas, err = c.quotas(ctx); err != nil {
		return room, err
	}
	room.Hypervisors, err = c.hypervisors(ctx)
	if status(err) == http.StatusForbidden {
		return room, nil
	}
	return room, err
}

func (c *Cloud) flavors(ctx context.Context) ([]provisioning.Flavor, error) {
	var found struct {
		Flavors []struct {
			Name             string
			VCPUs, RAM, Disk int
		}
	}
	if err := c.call(ctx, nova, "GET", "flavors/detail?limit=1000", nil, &found); err != nil {
		return nil, err
	}
	all := make([]provisioning.Flavor, len(found.Flavors))
	for i, f := range found.Flavors {
		all[i] = provisioning.Flavor{Name: f.Name, VCPUs: f.VCPUs, MemoryMB: f.RAM, DiskGB: f.Disk}
	}
	return all, nil
}

// quotas are our project's, as each service has them.
func (c *Cloud) quotas(ctx context.Context) ([]provisioning.Amount, error) {
	var compute struct {
		Limits struct {
			Absolute struct {
				Instances    int64 `json:"maxTotalInstances"`
				Cores        int64 `json:"maxTotalCores"`
				RAM          int64 `json:"maxTotalRAMSize"`
				UsedServers  int64 `json:"totalInstancesUsed"`
				UsedCores    int64 `json:"totalCoresUsed"`
				UsedMemoryMB int64 `json:"totalRAMUsed"`
			}
		}
	}
	var volumes struct {
		Limits struct {
			Absolute struct {
				Volumes     int64 `json:"maxTotalVolumes"`
				GB          int64 `json:"maxTotalVolumeGigabytes"`
				UsedVolumes int64 `json:"totalVolumesUsed"`
				UsedGB      int64 `json:"totalGigabytesUsed"`
			}
		}
	}
	if err := c.call(ctx, nova, "GET", "limits", nil, &compute); err != nil {
		return nil, err
	}
	if err := c.call(ctx, cinder, "GET", "limits", nil, &volumes); err != nil {
		return nil, err
	}
	n, v := compute.Limits.Absolute, volumes.Limits.Absolute
	all := []provisioning.Amount{
		{What: "servers", Limit: n.Instances, Used: n.UsedServers}, {What: "vcpu", Limit: n.Cores, Used: n.UsedCores},
		{What: "memory_mb", Limit: n.RAM, Used: n.UsedMemoryMB},
		{What: "volumes", Limit: v.Volumes, Used: v.UsedVolumes}, {What: "volume_gb", Limit: v.GB, Used: v.UsedGB},
	}
	net, err := c.networkQuotas(ctx)
	if err != nil {
		return nil, err
	}
	stacks, err := c.stacks(ctx)
	if err != nil {
		return nil, err
	}
	all = append(all, net...)
	return append(all, provisioning.Amount{What: "stacks", Limit: -1, Used: int64(len(stacks))}), nil
}

func (c *Cloud) networkQuotas(ctx context.Context) ([]provisioning.Amount, error) {
	project, err := c.project(ctx)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Quota map[string]struct{ Limit, Used int64 }
	}
	if err := c.call(ctx, neutron, "GET", "quotas/"+project+"/details.json", nil, &answer); err != nil {
		if code := status(err); code == http.StatusNotFound || code == http.StatusForbidden {
			return nil, nil // not every cloud tells
		}
		return nil, err
	}
	var all []provisioning.Amount
	for _, what := range []struct{ ours, theirs string }{{"networks", "network"}, {"ports", "port"}, {"routers", "router"}, {"addresses", "floatingip"}} {
		if q, told := answer.Quota[what.theirs]; told {
			all = append(all, provisioning.Amount{What: what.ours, Limit: q.Limit, Used: q.Used})
		}
	}
	return all, nil
}

// project is the id of our project, which our token names.
func (c *Cloud) project(ctx context.Context) (string, error) {
	if _, err := c.client(ctx, neutron); err != nil { // signs in
		return "", err
	}
	answer, ok := c.provider.GetAuthResult().(tokens.CreateResult)
	if !ok {
		return "", fmt.Errorf("Keystone's answer names no project: %T", c.provider.GetAuthResult())
	}
	p, err := answer.ExtractProject()
	if err != nil || p == nil {
		return "", &callError{Service: keystone, doing: "read the project", err: errorOr(err, gophercloud.ErrResourceNotFound{Name: "project"})}
	}
	return p.ID, nil
}

func errorOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// hypervisors are what Nova runs on, with the amounts that Placement gives out:
// what there is, times how often it may be promised, less what is held back.
func (c *Cloud) hypervisors(ctx context.Context) ([]provisioning.Hypervisor, error) {
	var hosts struct {
		Hypervisors []struct {
			ID     string
			Name   string `json:"hypervisor_hostname"`
			State  string
			Status string
		}
	}
	if err := c.call(ctx, nova, "GET", "os-hypervisors", nil, &hosts); err != nil {
		return nil, err
	}
	all := make([]provisioning.Hypervisor, 0, len(hosts.Hypervisors))
	for _, h := range hosts.Hypervisors {
		amounts, err := c.amounts(ctx, h.ID)
		if err != nil && status(err) != http.StatusNotFound {
			return nil, err
		}
		all = append(all, provisioning.Hypervisor{Name: h.Name, Up: h.State == "up" && h.Status == "enabled", Amounts: amounts})
	}
	slices.SortFunc(all, func(a, b provisioning.Hypervisor) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return all, nil
}

func (c *Cloud) amounts(ctx context.Context, provider string) ([]provisioning.Amount, error) {
	var has struct {
		Inventories map[string]struct {
			Total    int64
			Reserved int64
			Ratio    float64 `json:"allocation_ratio"`
		}
	}
	var used struct{ Usages map[string]int64 }
	if err := c.call(ctx, placement, "GET", "resource_providers/"+provider+"/inventories", nil, &has); err != nil {
		return nil, err
	}
	if err := c.call(ctx, placement, "GET", "resource_providers/"+provider+"/usages", nil, &used); err != nil {
		return nil, err
	}
	var all []provisioning.Amount
	for _, class := range []struct{ ours, theirs string }{{"vcpu", "VCPU"}, {"memory_mb", "MEMORY_MB"}, {"disk_gb", "DISK_GB"}} {
		if i, told := has.Inventories[class.theirs]; told {
			all = append(all, provisioning.Amount{What: class.ours, Limit: int64(float64(i.Total-i.Reserved) * i.Ratio), Used: used.Usages[class.theirs]})
		}
	}
	return all, nil
}

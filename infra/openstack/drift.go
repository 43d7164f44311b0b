package openstack

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"tollhouse/provisioning"
)

// drift tells what differs between what was asked for and what stands.
func (c *Cloud) drift(ctx context.Context, s *stack, parts []resource) ([]string, error) {
	id, err := uuid.Parse(s.Parameters["site"])
	if err != nil {
		return nil, fmt.Errorf("stack %s names no site: %w", s.Name, err)
	}
	stands, err := c.survey(ctx, provisioning.SiteID(id), parts)
	if err != nil {
		return nil, err
	}
	var found []string
	workers := int64(0)
	for _, r := range parts {
		name, _, known := partOf(r)
		if !known {
			continue
		}
		switch r.Type {
		case "OS::Nova::Server":
			flavor := s.Parameters["flavor"]
			if r.Parent != "" {
				workers, flavor = workers+1, s.Parameters["worker_flavor"]
			}
			found = append(found, serverDrift(name, stands.servers, r.Physical, flavor)...)
		case "OS::Cinder::Volume":
			found = append(found, volumeDrift(name, stands.volumes, r, s.Parameters)...)
		}
	}
	if wanted := s.Parameters.number("worker_count"); workers != wanted {
		found = append(found, fmt.Sprintf("there are %d workers, %d were asked for", workers, wanted))
	}
	for _, r := range parts {
		if r.Type != securityGroup || r.Physical == "" {
			continue
		}
		name, _, _ := partOf(r)
		rules, err := c.ruleDrift(ctx, name, r)
		if err != nil {
			return nil, err
		}
		found = append(found, rules...)
	}
	ports, err := c.portDrift(ctx, parts)
	return append(found, ports...), err
}

func serverDrift(name string, servers map[string]server, id, flavor string) []string {
	one, stands := servers[id]
	switch {
	case !stands:
		return []string{name + " is gone"}
	case one.Status == "ERROR":
		return []string{strings.TrimSuffix(fmt.Sprintf("%s has failed: %s", name, brief(one.Fault.Message)), ": ")}
	case one.Status != "ACTIVE":
		return []string{fmt.Sprintf("%s is %s, not running", name, strings.ToLower(one.Status))}
	case one.Flavor.Name != flavor:
		return []string{fmt.Sprintf("%s has flavour %s, %s was asked for", name, one.Flavor.Name, flavor)}
	}
	return nil
}

func volumeDrift(name string, volumes map[string]volume, r resource, p asked) (found []string) {
	v, stands := volumes[r.Physical]
	if !stands {
		return []string{name + " is gone"}
	}
	gb := p.number("boot_gb")
	if strings.HasSuffix(r.Name, "_data") {
		gb = p.number("data_gb")
	}
	if v.Size != gb {
		found = append(found, fmt.Sprintf("%s has %d GB, %d were asked for", name, v.Size, gb))
	}
	if len(v.Attachments) == 0 {
		found = append(found, name+" is attached to no machine")
	}
	return found
}

const securityGroup = "OS::Neutron::SecurityGroup"

// rule is one of a security group.
type rule struct {
	ID        string `json:"id"`
	Direction string `json:"direction"`
	EtherType string `json:"ethertype"`
	Protocol  string `json:"protocol"`
	Min       int    `json:"port_range_min"`
	Max       int    `json:"port_range_max"`
	Prefix    string `json:"remote_ip_prefix"`
	Group     string `json:"remote_group_id"`
}

func (r rule) String() string {
	from := r.Prefix
	if r.Group != "" {
		from = "a group"
	}
	if from == "" {
		from = "everywhere"
	}
	what := r.Protocol
	if what == "" {
		what = "everything"
	}
	if r.Min != 0 || r.Max != 0 {
		what = fmt.Sprintf("%s %d", what, r.Min)
		if r.Max != r.Min {
			what += fmt.Sprintf("-%d", r.Max)
		}
	}
	return fmt.Sprintf("%s %s, %s", what, map[string]string{"ingress": "from " + from, "egress": "to " + from}[r.Direction], r.EtherType)
}

// allowed are the rules of site.yaml. Neutron lets everything out by itself.
func allowed(group resource) []rule {
	open := []rule{{Direction: "egress", EtherType: "IPv4"}, {Direction: "egress", EtherType: "IPv6"}}
	if group.Name == "firewall" {
		return append(open, rule{Direction: "ingress", EtherType: "IPv4", Protocol: "tcp", Min: 443, Max: 443, Prefix: "0.0.0.0/0"})
	}
	for _, port := range []int{443, 5432} {
		open = append(open, rule{Direction: "ingress", EtherType: "IPv4", Protocol: "tcp", Min: port, Max: port, Group: group.Physical})
	}
	return open
}

func (c *Cloud) ruleDrift(ctx context.Context, name string, group resource) (found []string, err error) {
	missing, more, err := c.rules(ctx, group)
	if err != nil {
		return nil, err
	}
	for _, r := range more {
		found = append(found, fmt.Sprintf("%s lets through what was not asked for: %s", name, r))
	}
	for _, r := range missing {
		found = append(found, fmt.Sprintf("%s no longer lets through: %s", name, r))
	}
	slices.Sort(found)
	return found, nil
}

// rules are those that a security group lacks, and those that it has and should not.
func (c *Cloud) rules(ctx context.Context, group resource) (missing, more []rule, err error) {
	var answer struct {
		Rules []rule `json:"security_group_rules"`
	}
	if err := c.call(ctx, neutron, "GET", "security-group-rules?security_group_id="+url.QueryEscape(group.Physical), nil, &answer); err != nil {
		return nil, nil, err
	}
	missing = allowed(group)
	for _, r := range answer.Rules {
		r.ID = ""
		if at := slices.Index(missing, r); at >= 0 {
			missing = slices.Delete(missing, at, at+1)
			continue
		}
		more = append(more, r)
	}
	return missing, more, nil
}

// openAgain gives the site's security groups the rules that they lack: Heat does
// not look for them, and an engine that dies between a group and its rules leaves
// it to the next as whole. What somebody has opened besides stays, and is told.
func (c *Cloud) openAgain(ctx context.Context, parts []resource) error {
	for _, r := range parts {
		if r.Type != securityGroup || r.Physical == "" {
			continue
		}
		missing, _, err := c.rules(ctx, r)
		if status(err) == http.StatusNotFound {
			continue // the whole group is gone, which is Heat's to make again
		}
		if err != nil {
			return err
		}
		for _, one := range missing {
			err := c.call(ctx, neutron, "POST", "security-group-rules", map[string]any{"security_group_rule": one.asked(r.Physical)}, nil)
			if err != nil && status(err) != http.StatusConflict { // Heat has just made it itself
				return err
			}
		}
	}
	return nil
}

// asked is a rule as Neutron is asked for it.
func (r rule) asked(group string) map[string]any {
	body := map[string]any{"security_group_id": group, "direction": r.Direction, "ethertype": r.EtherType}
	if r.Protocol != "" {
		body["protocol"], body["port_range_min"], body["port_range_max"] = r.Protocol, r.Min, r.Max
	}
	if r.Prefix != "" {
		body["remote_ip_prefix"] = r.Prefix
	}
	if r.Group != "" {
		body["remote_group_id"] = r.Group
	}
	return body
}

// portDrift finds ports on the site's network that are not the site's: somebody
// else's machine in it.
func (c *Cloud) portDrift(ctx context.Context, parts []resource) (found []string, err error) {
	ours, network := map[string]bool{}, ""
	for _, r := range parts {
		ours[r.Physical] = true
		if r.Name == "network" && r.Parent == "" {
			network = r.Physical
		}
	}
	var answer struct {
		Ports []struct {
			ID    string
			Name  string
			Owner string `json:"device_owner"`
		}
	}
	if err := c.call(ctx, neutron, "GET", "ports?network_id="+url.QueryEscape(network), nil, &answer); err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, p := range answer.Ports {
		there[p.ID] = true
		if !ours[p.ID] && !strings.HasPrefix(p.Owner, "network:") {
			found = append(found, strings.TrimSpace(fmt.Sprintf("a port that is not the site's is on its network: %s %s", p.ID, p.Name)))
		}
	}
	for _, r := range parts {
		if name, _, known := partOf(r); known && r.Type == "OS::Neutron::Port" && !there[r.Physical] {
			found = append(found, name+" is gone")
		}
	}
	slices.Sort(found)
	return found, nil
}

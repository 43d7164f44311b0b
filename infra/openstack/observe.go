package openstack

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"tollhouse/provisioning"
)

// Observe implements provisioning.Sites.
func (c *Cloud) Observe(ctx context.Context, id provisioning.SiteID) (provisioning.Observed, error) {
	s, err := c.find(ctx, id)
	if err != nil {
		return provisioning.Observed{}, plain(err)
	}
	if s == nil {
		return provisioning.Observed{Phase: provisioning.SiteAbsent}, nil
	}
	seen, err := c.look(ctx, s)
	return seen, plain(err)
}

// DefaultSilence is how long Heat may report nothing before we say so and ask it
// again. An engine that dies takes its work with it and leaves the stack "in
// progress" for ever; asked again, another takes it up. One that is only slow goes
// on with what it does.
const DefaultSilence = 5 * time.Minute

// look tells how a site's stack is.
func (c *Cloud) look(ctx context.Context, s *stack) (provisioning.Observed, error) {
	seen, _, err := c.lookClosely(ctx, s)
	return seen, err
}

// lookClosely also tells whether Heat has fallen silent in the middle of its work.
func (c *Cloud) lookClosely(ctx context.Context, s *stack) (seen provisioning.Observed, silent bool, err error) {
	seen = provisioning.Observed{Phase: s.phase(), Revision: s.Parameters.number("revision"), Ref: s.ID, Address: s.address()}
	parts, err := c.resources(ctx, s)
	if err != nil {
		return seen, false, err
	}
	happened, err := c.events(ctx, s)
	if err != nil {
		return seen, false, err
	}
	seen.Steps = steps(parts, happened)
	if strings.HasSuffix(s.Status, "_IN_PROGRESS") {
		quiet := c.now().Sub(latest(happened, s))
		if silent = quiet > c.silence; silent {
			seen.Reason = fmt.Sprintf("Heat has reported nothing for %s: see whether its engine runs.", quiet.Round(time.Second))
		}
	}
	switch seen.Phase {
	case provisioning.SiteStanding:
		seen.Drift, err = c.drift(ctx, s, parts)
	case provisioning.SiteBroken, provisioning.SiteLeaving:
		if !silent {
			seen.Reason, seen.Detail = why(s, seen.Steps)
		}
	}
	return seen, silent, err
}

// why gives the reason of a failure, and the cloud's words for it. The part that
// failed says more than the stack does.
func why(s *stack, all []provisioning.Step) (reason, detail string) {
	if !strings.HasSuffix(s.Status, "_FAILED") {
		return "", ""
	}
	detail = brief(s.Reason)
	for _, step := range all {
		if step.State == stepFailed && step.Detail != "" {
			if said, known := reasonFor(step.Detail); known {
				return said, step.Detail
			}
		}
	}
	if said, known := reasonFor(detail); known {
		return said, detail
	}
	for _, step := range all {
		if step.State == stepFailed {
			return fmt.Sprintf("The cloud could not make a part of the site: %s.", step.Name), detail
		}
	}
	return "The cloud could not make the site.", detail
}

// event is something that Heat did.
type event struct {
	Time     string `json:"event_time"`
	Name     string `json:"resource_name"`
	Physical string `json:"physical_resource_id"`
	Status   string `json:"resource_status"`
	Reason   string `json:"resource_status_reason"`
	Links    []struct{ Rel, Href string }
}

// newestEvents is how many are read: a site's parts take three each at most.
const newestEvents = "400"

func (c *Cloud) events(ctx context.Context, s *stack) ([]event, error) {
	var found struct{ Events []event }
	query := url.Values{"nested_depth": {nesting}, "sort_dir": {"desc"}, "limit": {newestEvents}}
	err := c.call(ctx, heat, "GET", s.path()+"/events?"+query.Encode(), nil, &found)
	slices.Reverse(found.Events) // oldest first
	return found.Events, err
}

func latest(events []event, s *stack) time.Time {
	var last time.Time
	for _, text := range []string{s.Created} {
		if t := heatTime(text); t != nil {
			last = *t
		}
	}
	for _, e := range events {
		if t := heatTime(e.Time); t != nil && t.After(last) {
			last = *t
		}
	}
	return last
}

// The states of a step.
const (
	stepWaiting = "waiting"
	stepWorking = "working"
	stepDone    = "done"
	stepFailed  = "failed"
)

func stepState(heatStatus string) string {
	_, how, _ := strings.Cut(heatStatus, "_")
	switch {
	case strings.HasPrefix(heatStatus, "INIT"):
		return stepWaiting
	case how == "COMPLETE":
		return stepDone
	case how == "FAILED":
		return stepFailed
	}
	return stepWorking
}

// partNames are a site's parts as people call them, in the order they are made.
var partNames = []struct{ resource, name string }{
	{"network", "network"}, {"subnet", "subnet"}, {"router", "router"}, {"router_interface", "router on the network"},
	{"firewall", "firewall"}, {"inner_firewall", "firewall between machines"}, {"apart", "machines apart"},
	{"first_port", "port"}, {"address", "address"}, {"first_boot", "boot volume"}, {"first_data", "data volume"},
	{"first", "machine"}, {"first_data_attachment", "data volume on the machine"},
	{"standby_port", "standby: port"}, {"standby_boot", "standby: boot volume"}, {"standby_data", "standby: data volume"},
	{"standby", "standby: machine"}, {"standby_data_attachment", "standby: data volume on the machine"},
	{"port", "port"}, {"boot", "boot volume"}, {"machine", "machine"},
}

// partOf names a part and gives its rank; workers come last, by number. What only
// holds other parts has none.
func partOf(r resource) (name string, rank int, found bool) {
	for i, p := range partNames {
		if p.resource != r.Name {
			continue
		}
		if r.Parent == "" {
			return p.name, i, true
		}
		n := 0
		_, _ = fmt.Sscan(r.Parent, &n)
		return fmt.Sprintf("worker %d: %s", n+1, p.name), (n+1)*100 + i, true
	}
	return "", 0, false
}

// steps tells the parts in order, with the times of Heat's events.
func steps(parts []resource, happened []event) []provisioning.Step {
	type ranked struct {
		provisioning.Step
		rank int
	}
	var all []ranked
	for _, r := range parts {
		name, rank, found := partOf(r)
		if !found {
			continue
		}
		step := provisioning.Step{Name: name, State: stepState(r.Status)}
		if step.State == stepFailed {
			step.Detail = brief(r.Reason)
		}
		of := stackLink(r.Links)
		for _, e := range happened {
			if e.Name != r.Name || stackLink(e.Links) != of {
				continue
			}
			at := heatTime(e.Time)
			if strings.HasSuffix(e.Status, "_IN_PROGRESS") {
				step.BeganAt = at
			}
			step.ChangedAt = at
		}
		all = append(all, ranked{step, rank})
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return a.rank - b.rank })
	told := make([]provisioning.Step, len(all))
	for i, one := range all {
		told[i] = one.Step
	}
	return told
}

// stackLink is the stack that a resource or an event belongs to.
func stackLink(links []struct{ Rel, Href string }) string {
	for _, l := range links {
		if l.Rel == "stack" {
			return l.Href
		}
	}
	return ""
}

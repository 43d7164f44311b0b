package openstack

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tollhouse/provisioning"
)

// stack is a site's Heat stack.
type stack struct {
	ID         string
	Name       string   `json:"stack_name"`
	Status     string   `json:"stack_status"` // CREATE_COMPLETE and the like
	Reason     string   `json:"stack_status_reason"`
	Created    string   `json:"creation_time"`
	Tags       []string `json:"tags"`
	Parameters asked
	Outputs    []struct {
		Key   string `json:"output_key"`
		Value any    `json:"output_value"`
	}
}

func (s *stack) path() string { return "stacks/" + url.PathEscape(s.Name) + "/" + s.ID }

func (s *stack) address() string {
	for _, o := range s.Outputs {
		if text, ok := o.Value.(string); ok && o.Key == "address" {
			return text
		}
	}
	return ""
}

// phase reads Heat's state: an action and how far it is.
func (s *stack) phase() provisioning.Phase {
	action, how, _ := strings.Cut(s.Status, "_")
	switch {
	case action == "DELETE" && how == "COMPLETE":
		return provisioning.SiteAbsent
	case action == "DELETE":
		return provisioning.SiteLeaving
	case how == "COMPLETE":
		return provisioning.SiteStanding
	case how == "FAILED":
		return provisioning.SiteBroken
	}
	return provisioning.SiteMaking
}

// find looks for a site's stack; nil if there is none. One of its name that does
// not bear its tags is not ours, and is left alone.
func (c *Cloud) find(ctx context.Context, id provisioning.SiteID) (*stack, error) {
	var found struct{ Stack *stack }
	err := c.call(ctx, heat, "GET", "stacks/"+c.stackName(id), nil, &found)
	if status(err) == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := found.Stack
	if s.phase() == provisioning.SiteAbsent {
		return nil, nil
	}
	if !slices.Contains(s.Tags, c.mark) || !slices.Contains(s.Tags, c.siteTag(id)) {
		return nil, provisioning.Because("A Heat stack with the site's name does not bear our tags: it is not ours, and stays as it is.", errNotOurs)
	}
	return s, nil
}

// longestMinutes is how long Heat may work on one request.
const longestMinutes = 60

// body is a request to create a stack or to update it.
func (c *Cloud) body(id provisioning.SiteID, p asked) map[string]any {
	return map[string]any{
		"stack_name": c.stackName(id), "template": siteTemplate, "files": files, "parameters": p,
		"tags": c.mark + "," + c.siteTag(id), "timeout_mins": longestMinutes, "disable_rollback": true,
	}
}

func (c *Cloud) create(ctx context.Context, id provisioning.SiteID, p asked) error {
	err := c.call(ctx, heat, "POST", "stacks", c.body(id, p), nil)
	// Heat does not say why it failed when Keystone forbade a trust.
	if status(err) == http.StatusInternalServerError && (c.config.Auth.ApplicationCredentialID != "" || c.config.Auth.ApplicationCredentialName != "") {
		return provisioning.Because("Heat could not make a trust from our application credential, it seems: make it \"unrestricted\"; "+
			"where the cloud forbids trusts from such credentials, sign in with a user and password.", err)
	}
	return err
}

// update asks for a change. Heat is not told to look at what really stands
// ("converge"): it would then set what Neutron does not let it set. What has gone
// is named to it before.
func (c *Cloud) update(ctx context.Context, s *stack, id provisioning.SiteID, p asked) error {
	return c.call(ctx, heat, "PUT", s.path(), c.body(id, p), nil)
}

// resource is a part of a stack, or of a worker's in it.
type resource struct {
	Name     string `json:"resource_name"`
	Physical string `json:"physical_resource_id"`
	Type     string `json:"resource_type"`
	Status   string `json:"resource_status"`
	Reason   string `json:"resource_status_reason"`
	Parent   string `json:"parent_resource"`
	Created  string `json:"creation_time"`
	Updated  string `json:"updated_time"`
	Links    []struct{ Rel, Href string }
}

// nesting is how deep workers' parts lie: stack, group, worker.
const nesting = "2"

func (c *Cloud) resources(ctx context.Context, s *stack) ([]resource, error) {
	var found struct{ Resources []resource }
	err := c.call(ctx, heat, "GET", s.path()+"/resources?nested_depth="+nesting, nil, &found)
	return found.Resources, err
}

// unhealthy tells Heat that a part is gone or unusable, so that the next update
// makes it again.
func (c *Cloud) unhealthy(ctx context.Context, r resource, why string) error {
	for _, link := range r.Links {
		if link.Rel != "stack" {
			continue
		}
		_, path, found := strings.Cut(link.Href, "/stacks/")
		if !found {
			continue
		}
		return c.call(ctx, heat, "PATCH", "stacks/"+path+"/resources/"+url.PathEscape(r.Name), map[string]any{
			"mark_unhealthy": true, "resource_status_reason": why}, nil)
	}
	return nil
}

// heatTime reads Heat's times, which are UTC and do not always say so.
func heatTime(text string) *time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			t = t.UTC()
			return &t
		}
	}
	return nil
}

package openstack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"tollhouse/provisioning"
)

// thing is something in the cloud that bears our tags.
type thing struct {
	kind *kind
	ID   string
	Name string
	Site string // the id in its tags
	At   time.Time
	raw  json.RawMessage
}

// kind is a sort of thing: how those of ours are listed and deleted. Clouds tag
// networks and machines, hold metadata of volumes, and have only descriptions or
// names for the rest.
type kind struct {
	name    string
	service service
	path    string // of the collection, beneath the service's address
	detail  string // where it is listed, if elsewhere
	many    string // key of the list in the answer
	tagged  bool   // tags can be searched for
	paged   bool   // the list is given in pages
}

// kinds in the order in which what is left over can be deleted.
var kinds = []*kind{
	{name: "server", service: nova, path: "servers", detail: "servers/detail", many: "servers", tagged: true, paged: true},
	{name: "floating ip", service: neutron, path: "floatingips", many: "floatingips", paged: true},
	{name: "volume", service: cinder, path: "volumes", detail: "volumes/detail", many: "volumes", paged: true},
	{name: "router", service: neutron, path: "routers", many: "routers", tagged: true, paged: true},
	{name: "port", service: neutron, path: "ports", many: "ports", tagged: true, paged: true},
	{name: "subnet", service: neutron, path: "subnets", many: "subnets", tagged: true, paged: true},
	{name: "network", service: neutron, path: "networks", many: "networks", tagged: true, paged: true},
	{name: "security group", service: neutron, path: "security-groups", many: "security_groups", paged: true},
	{name: "server group", service: nova, path: "os-server-groups", many: "server_groups"},
}

// page is how many are asked for at once.
const page = 500

// mostPages bounds what is listed: beyond it our own mark is no longer sure to be
// told in time.
const mostPages = 100

// list gives all of a kind that bear our mark, and a site's tag if one is given.
func (c *Cloud) list(ctx context.Context, k *kind, site string) ([]thing, error) {
	query := url.Values{}
	if k.tagged {
		tag := c.mark
		if site != "" {
			tag = c.mark + "-site-" + site
		}
		query.Set("tags", tag)
	} else if site != "" && k.service == neutron {
		query.Set("description", c.mark+"-site-"+site)
	} else if site != "" && k.name == "volume" {
		query.Set("metadata", fmt.Sprintf(`{"tollhouse_site": %q}`, site))
	}
	path := k.path
	if k.detail != "" {
		path = k.detail
	}
	var all []thing
	for range mostPages {
		if k.paged {
			query.Set("limit", strconv.Itoa(page))
		}
		var answer map[string]json.RawMessage
		if err := c.call(ctx, k.service, "GET", path+"?"+query.Encode(), nil, &answer); err != nil {
			return nil, err
		}
		var found []json.RawMessage
		if err := json.Unmarshal(answer[k.many], &found); err != nil {
			return nil, fmt.Errorf("%s: list %ss: %w", k.service, k.name, err)
		}
		last := ""
		for _, raw := range found {
			t, ours, err := c.read(k, raw)
			if err != nil {
				return nil, err
			}
			last = t.ID
			if ours && (site == "" || t.Site == site) {
				all = append(all, t)
			}
		}
		if !k.paged || len(found) < page {
			return all, nil
		}
		query.Set("marker", last)
	}
	return nil, fmt.Errorf("%s has more %ss than can be looked through", k.service, k.name)
}

// read finds our marks on a thing, wherever its kind bears them.
func (c *Cloud) read(k *kind, raw json.RawMessage) (thing, bool, error) {
	var said struct {
		ID          string
		Name        string
		Description string
		Tags        []string
		Metadata    map[string]string
		CreatedAt   string `json:"created_at"`
		Created     string
	}
	if err := json.Unmarshal(raw, &said); err != nil {
		return thing{}, false, fmt.Errorf("%s: read a %s: %w", k.service, k.name, err)
	}
	t := thing{kind: k, ID: said.ID, Name: said.Name, raw: raw}
	for _, at := range []string{said.CreatedAt, said.Created} {
		if when := heatTime(at); when != nil {
			t.At = *when
		}
	}
	marks := append(said.Tags, said.Description)
	if k.name == "server group" {
		marks = append(marks, said.Name)
	}
	for _, mark := range marks {
		if site, ours := c.siteOf(mark); ours {
			t.Site = site
			return t, true, nil
		}
	}
	if said.Metadata["tollhouse_mark"] == c.mark && said.Metadata["tollhouse_site"] != "" {
		t.Site = said.Metadata["tollhouse_site"]
		return t, true, nil
	}
	return t, false, nil
}

// things lists all that bears our marks, of one site or of all.
func (c *Cloud) things(ctx context.Context, site string) ([]thing, error) {
	var all []thing
	for _, k := range kinds {
		found, err := c.list(ctx, k, site)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// server and volume are what survey reads of them.
type server struct {
	ID     string
	Name   string
	Status string
	Flavor struct {
		Name string `json:"original_name"`
	}
	Fault struct{ Message string }
}

type volume struct {
	ID          string
	Name        string
	Status      string
	Size        int64
	Attachments []struct {
		Server string `json:"server_id"`
	}
}

// survey is what stands of a site, as Nova and Cinder have it.
type survey struct {
	servers map[string]server
	volumes map[string]volume
}

func (c *Cloud) survey(ctx context.Context, id provisioning.SiteID) (survey, error) {
	s := survey{servers: map[string]server{}, volumes: map[string]volume{}}
	for _, k := range kinds {
		if k.name != "server" && k.name != "volume" {
			continue
		}
		found, err := c.list(ctx, k, id.String())
		if err != nil {
			return s, err
		}
		for _, t := range found {
			var one server
			var v volume
			if k.name == "server" {
				err = json.Unmarshal(t.raw, &one)
				s.servers[t.ID] = one
			} else {
				err = json.Unmarshal(t.raw, &v)
				s.volumes[t.ID] = v
			}
			if err != nil {
				return s, fmt.Errorf("%s: read %s %s: %w", k.service, k.name, t.ID, err)
			}
		}
	}
	return s, nil
}

// gone are the parts of a stack that the cloud no longer has, or has broken.
// Heat believes that they stand.
func (s survey) gone(parts []resource) []resource {
	return slices.DeleteFunc(slices.Clone(parts), func(r resource) bool {
		if r.Physical == "" || stepState(r.Status) != stepDone {
			return true
		}
		switch r.Type {
		case "OS::Nova::Server":
			one, stands := s.servers[r.Physical]
			return stands && one.Status != "ERROR"
		case "OS::Cinder::Volume":
			one, stands := s.volumes[r.Physical]
			return stands && one.Status != "error"
		}
		return true
	})
}

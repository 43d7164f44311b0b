package openstack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

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
	named   bool   // its name is the site's tag
	paged   bool   // the list is given in pages
}

// kinds in the order in which what is left over can be deleted.
var kinds = []*kind{
	// Heat tags a server when it runs: one that failed has its metadata only.
	{name: "server", service: nova, path: "servers", detail: "servers/detail", many: "servers", paged: true},
	{name: "floating ip", service: neutron, path: "floatingips", many: "floatingips", paged: true},
	{name: "volume", service: cinder, path: "volumes", detail: "volumes/detail", many: "volumes", paged: true},
	{name: "router", service: neutron, path: "routers", many: "routers", tagged: true, named: true, paged: true},
	{name: "port", service: neutron, path: "ports", many: "ports", tagged: true, paged: true},
	{name: "subnet", service: neutron, path: "subnets", many: "subnets", tagged: true, named: true, paged: true},
	{name: "network", service: neutron, path: "networks", many: "networks", tagged: true, named: true, paged: true},
	{name: "security group", service: neutron, path: "security-groups", many: "security_groups", paged: true},
	{name: "server group", service: nova, path: "os-server-groups", many: "server_groups"},
}

// page is how many are asked for at once.
const page = 500

// mostPages bounds what is listed: beyond it our own mark is no longer sure to be
// told in time.
const mostPages = 100

// list gives all of a kind that bear our mark, and a site's tag if one is given.
// Heat tags after it has made: what an engine that died in between had made bears
// the site's tag as its name only, and is looked for by that as well.
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
	all, err := c.search(ctx, k, site, query)
	if err != nil || !k.named {
		return all, err
	}
	query = url.Values{}
	if site != "" {
		query.Set("name", c.mark+"-site-"+site)
	}
	named, err := c.search(ctx, k, site, query)
	for _, t := range named {
		if !slices.ContainsFunc(all, func(known thing) bool { return known.ID == t.ID }) {
			all = append(all, t)
		}
	}
	return all, err
}

// search gives those of ours that a query finds.
func (c *Cloud) search(ctx context.Context, k *kind, site string, query url.Values) ([]thing, error) {
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
	if site, is := c.siteOf(said.Name); is && k.named && uuid.Validate(site) == nil {
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
	Fault    struct{ Message string }
	Metadata map[string]string
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

// survey looks at a site's machines and volumes. Parts that Heat knows and a search
// does not find are asked for one by one.
func (c *Cloud) survey(ctx context.Context, id provisioning.SiteID, parts []resource) (survey, error) {
	s := survey{servers: map[string]server{}, volumes: map[string]volume{}}
	var tagged struct{ Servers []server }
	query := url.Values{"tags": {c.siteTag(id)}, "limit": {strconv.Itoa(page)}}
	if err := c.call(ctx, nova, "GET", "servers/detail?"+query.Encode(), nil, &tagged); err != nil {
		return s, err
	}
	for _, one := range tagged.Servers {
		s.servers[one.ID] = one
	}
	for _, r := range parts {
		if _, found := s.servers[r.Physical]; found || r.Type != "OS::Nova::Server" || r.Physical == "" {
			continue
		}
		var answer struct{ Server server }
		err := c.call(ctx, nova, "GET", "servers/"+url.PathEscape(r.Physical), nil, &answer)
		if status(err) == http.StatusNotFound {
			continue
		}
		if err != nil {
			return s, err
		}
		if answer.Server.Metadata["tollhouse_site"] == id.String() {
			s.servers[r.Physical] = answer.Server
		}
	}
	volumes, err := c.list(ctx, kindOf("volume"), id.String())
	if err != nil {
		return s, err
	}
	for _, t := range volumes {
		var v volume
		if err := json.Unmarshal(t.raw, &v); err != nil {
			return s, fmt.Errorf("Cinder: read volume %s: %w", t.ID, err)
		}
		s.volumes[t.ID] = v
	}
	return s, nil
}

func kindOf(name string) *kind {
	return kinds[slices.IndexFunc(kinds, func(k *kind) bool { return k.name == name })]
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

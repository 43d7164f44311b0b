package openstack

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"tollhouse/provisioning"
)

//go:embed site.yaml
var siteTemplate string

//go:embed worker.yaml
var workerTemplate string

// files are the templates that site.yaml names.
var files = map[string]string{"worker.yaml": workerTemplate}

// asked is what a Heat stack is asked for, or was. Texts, as Heat answers them.
type asked map[string]string

// lasting are chosen when a machine is made and stay: the image and the size of
// the boot volume could only change with a new machine, and the network with all.
var lasting = []string{"image", "boot_gb", "external_network", "name"}

// stackName is a site's name in Heat. Heat has one stack of a name, so that two
// who create a site at once end in one.
func (c *Cloud) stackName(id provisioning.SiteID) string { return c.mark + "-" + id.String() }

// siteTag is borne by all that is a site's.
func (c *Cloud) siteTag(id provisioning.SiteID) string { return c.mark + "-site-" + id.String() }

// siteOf reads a site's tag back.
func (c *Cloud) siteOf(tag string) (id string, ours bool) {
	return strings.CutPrefix(tag, c.mark+"-site-")
}

// request writes down what is wanted as parameters. Those that last are taken
// from what stands.
func (c *Cloud) request(want provisioning.Site, network string, standing asked) asked {
	s := want.Shape
	p := asked{
		"revision": strconv.FormatInt(want.Revision, 10), "site": want.ID.String(), "mark": c.mark, "tag": c.siteTag(want.ID),
		"name": hostName(want.Name), "external_network": network, "image": want.Image,
		"flavor": s.Flavor, "worker_flavor": s.WorkerFlavor, "worker_count": strconv.Itoa(s.Workers),
		"boot_gb": strconv.Itoa(s.BootGB), "data_gb": strconv.Itoa(s.DataGB), "with_standby": strconv.FormatBool(s.Standby),
	}
	if p["worker_flavor"] == "" {
		p["worker_flavor"] = s.Flavor
	}
	for _, name := range lasting {
		if stands := standing[name]; stands != "" {
			p[name] = stands
		}
	}
	p["asked"] = p.digest()
	p["user_data"], p["worker_data"], p["standby_user_data"] = want.UserData, want.WorkerData, want.StandbyData
	return p
}

// changing is what a site may become while it stands.
var changing = []string{"revision", "flavor", "worker_flavor", "worker_count", "data_gb", "with_standby"}

// digest tells requests apart, the templates among what is asked. User-data is
// left out: it changes nothing of what stands.
func (a asked) digest() string {
	h := sha256.New()
	for _, name := range changing {
		_, _ = fmt.Fprintf(h, "%s=%s\n", name, a[name])
	}
	_, _ = h.Write([]byte(siteTemplate + "\x00" + workerTemplate))
	return hex.EncodeToString(h.Sum(nil))
}

func (a asked) number(name string) int64 {
	n, err := strconv.ParseInt(a[name], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// hostName makes an operator's name one that a machine can bear.
func hostName(name string) string {
	name = strings.Trim(notInNames.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if len(name) > 40 {
		name = strings.Trim(name[:40], "-")
	}
	if name == "" {
		return "site"
	}
	return name
}

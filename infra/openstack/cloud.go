package openstack

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"

	"tollhouse/provisioning"
)

// Cloud makes sites in one project of an OpenStack cloud.
type Cloud struct {
	*session
	mark    string
	image   string // of sites that name none; may be empty
	pause   sleeper
	now     func() time.Time
	silence time.Duration
	network struct {
		sync.Mutex
		name string // asked for, or found
	}
}

var _ provisioning.Sites = (*Cloud)(nil)

// New makes a cloud. It does not speak to it yet.
func New(c Config) (*Cloud, error) {
	if c.Mark == "" {
		c.Mark = DefaultMark
	}
	if err := CheckMark(c.Mark); err != nil {
		return nil, fmt.Errorf("the mark %w", err)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	s, err := newSession(c)
	if err != nil {
		return nil, err
	}
	cloud := &Cloud{session: s, mark: c.Mark, image: c.Image, now: c.Now, pause: c.Sleep, silence: cmp.Or(c.Silence, DefaultSilence)}
	cloud.network.name = c.Network
	return cloud, nil
}

// providerNetwork is the network that sites are joined to.
func (c *Cloud) providerNetwork(ctx context.Context) (string, error) {
	c.network.Lock()
	defer c.network.Unlock()
	if c.network.name != "" {
		return c.network.name, nil
	}
	var found struct {
		Networks []struct{ ID, Name string }
	}
	if err := c.call(ctx, neutron, "GET", "networks?"+url.Values{"router:external": {"true"}, "fields": {"id", "name"}}.Encode(), nil, &found); err != nil {
		return "", err
	}
	switch len(found.Networks) {
	case 1:
		c.network.name = found.Networks[0].ID
		return c.network.name, nil
	case 0:
		return "", provisioning.Because("The cloud has no external network that sites could be joined to.", errNetwork)
	}
	names := ""
	for _, n := range found.Networks {
		names += " " + n.Name
	}
	return "", provisioning.Because("The cloud has several external networks: one must be chosen in our settings.", fmt.Errorf("%w:%s", errNetwork, names))
}

var errNetwork = fmt.Errorf("no provider network")

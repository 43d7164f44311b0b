package openstack

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
)

// service is one of the cloud's, by the name that people know it by.
type service string

const (
	keystone  service = "Keystone"
	nova      service = "Nova"
	neutron   service = "Neutron"
	cinder    service = "Cinder"
	heat      service = "Heat"
	placement service = "Placement"
)

// opener makes a client from the catalogue that Keystone gave, at a
// microversion of its API. Nova's is the last that still tells what hypervisors
// hold; servers bear tags and their flavour's name since before.
type opener struct {
	open    func(*gophercloud.ProviderClient, gophercloud.EndpointOpts) (*gophercloud.ServiceClient, error)
	kind    string
	version string
}

var openers = map[service]opener{
	nova:      {openstack.NewComputeV2, "compute", "2.79"},
	neutron:   {openstack.NewNetworkV2, "network", ""},
	cinder:    {openstack.NewBlockStorageV3, "volume", "3.59"},
	heat:      {openstack.NewOrchestrationV1, "orchestration", ""},
	placement: {openstack.NewPlacementV1, "placement", "1.14"},
}

// session is our way into the cloud. It signs in when it is first used, not when
// it is made: the control plane starts while the cloud is down.
type session struct {
	config   Config
	provider *gophercloud.ProviderClient

	mu      sync.Mutex
	signed  bool
	clients map[service]*gophercloud.ServiceClient
}

func newSession(c Config) (*session, error) {
	provider, err := openstack.NewClient(c.Auth.IdentityEndpoint)
	if err != nil {
		return nil, fmt.Errorf("Keystone's address %q cannot be used: %w", c.Auth.IdentityEndpoint, err)
	}
	next := c.Transport
	if next == nil {
		next = &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: secure(c.TLS), TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConnsPerHost: 8, MaxConnsPerHost: 16, IdleConnTimeout: time.Minute}
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	provider.HTTPClient = http.Client{Transport: persistent{next: next, sleep: c.Sleep, now: c.Now}}
	provider.UserAgent.Prepend("tollhouse")
	// A token that is about to end is renewed before it is used. Heat works with the
	// token that it was asked with, so it has to last for a while.
	provider.ReauthBeforeTokenExpiration = 10 * time.Minute
	return &session{config: c, provider: provider, clients: map[service]*gophercloud.ServiceClient{}}, nil
}

func secure(t *tls.Config) *tls.Config {
	if t == nil {
		t = &tls.Config{}
	}
	t = t.Clone()
	t.MinVersion = tls.VersionTLS12
	return t
}

// client signs in if nobody has, and gives a service's client.
func (s *session) client(ctx context.Context, of service) (*gophercloud.ServiceClient, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.signed {
		if err := openstack.Authenticate(ctx, s.provider, s.config.Auth); err != nil {
			return nil, &callError{Service: keystone, doing: "sign in", err: err, before: true}
		}
		s.signed = true
	}
	if c := s.clients[of]; c != nil {
		return c, nil
	}
	how := openers[of]
	c, err := how.open(s.provider, s.config.Endpoint)
	if err != nil {
		return nil, &callError{Service: of, doing: "find its address", err: err, before: true}
	}
	c.Microversion, c.Type = how.version, how.kind
	s.clients[of] = c
	return c, nil
}

// call does one request and reads its answer. The path is below the service's
// address and may have a query.
func (s *session) call(ctx context.Context, of service, method, path string, body, into any) error {
	c, err := s.client(ctx, of)
	if err != nil {
		return err
	}
	answer, err := c.Request(ctx, method, c.ServiceURL(path), &gophercloud.RequestOpts{
		JSONBody: body, JSONResponse: into, OkCodes: []int{http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent},
	})
	if into == nil && answer != nil && err == nil {
		_ = answer.Body.Close()
	}
	if err != nil {
		return &callError{Service: of, doing: method + " " + path, err: err}
	}
	return nil
}

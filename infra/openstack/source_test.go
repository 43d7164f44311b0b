//go:build !openstack

package openstack_test

import (
	"context"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"tollhouse/infra/openstack"
)

// newLab gives a test the answers that were recorded for it. What a hand did to
// the lab then is in them.
func newLab(t *testing.T, mark string) *lab {
	t.Helper()
	p := play(t)
	cloud, err := openstack.New(openstack.Config{
		Auth: gophercloud.AuthOptions{IdentityEndpoint: "http://127.0.0.1:25000/v3", Username: "recorded", Password: "recorded", AllowReauth: true,
			DomainName: "Default", Scope: &gophercloud.AuthScope{ProjectName: "recorded", DomainName: "Default"}},
		Endpoint: gophercloud.EndpointOpts{Region: "RegionOne", Availability: gophercloud.AvailabilityPublic},
		Mark:     mark, Transport: p, Now: func() time.Time { return p.tape.At },
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	return &lab{t: t, cloud: cloud}
}

// lab is what a lab answered.
type lab struct {
	t     *testing.T
	cloud *openstack.Cloud
}

func (*lab) quietly(func()) {}

func (*lab) byHand(func(*admin)) {}

// admin is whoever works in a lab by hand; there is none.
type admin struct{ hands }

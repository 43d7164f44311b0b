//go:build openstack

package openstack_test

import (
	"os"
	"testing"
	"time"

	"tollhouse/infra/openstack"
	"tollhouse/provisioning"
	"tollhouse/provisioning/sitetest"
)

// What every cloud of sites must do, with an administrator's rights: hypervisors
// are among it.
func TestCloud_isACloudOfSites(t *testing.T) {
	t.Parallel()
	l := newLab(t, "test-conform")
	c := config(t)
	c.Mark, c.Auth.Username, c.Auth.Password = "test-conform", os.Getenv("OS_USERNAME"), os.Getenv("OS_PASSWORD")
	cloud, err := openstack.New(c)
	if err != nil {
		t.Fatal(err)
	}
	l.cloud = cloud
	small := provisioning.Shape{Flavor: "tollhouse.small", WorkerFlavor: "tollhouse.small", BootGB: 20, DataGB: 20}
	grown := small
	grown.Workers, grown.DataGB = 1, 30
	sitetest.Run(t, sitetest.Config{Sites: cloud, Shape: small, Grown: grown, Image: "debian-12", Patience: limit, Every: 2 * time.Second})
}

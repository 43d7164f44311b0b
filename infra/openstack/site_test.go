package openstack_test

import (
	"testing"

	"github.com/google/uuid"

	"tollhouse/provisioning"
)

// aSite is a small one; its id is the same in every run of a test.
func aSite(t *testing.T) provisioning.Site {
	return provisioning.Site{ID: provisioning.SiteID(uuid.NewSHA1(uuid.NameSpaceURL, []byte(t.Name()))), Name: "Nordnetz", Revision: 1,
		Image: "debian-12", UserData: "#!/bin/sh\necho first\n", WorkerData: "#!/bin/sh\necho worker\n", StandbyData: "#!/bin/sh\necho standby\n",
		Shape: provisioning.Shape{Flavor: "tollhouse.small", WorkerFlavor: "tollhouse.small", BootGB: 20, DataGB: 50}}
}

package sitetest

import (
	"testing"
	"time"

	"tollhouse/provisioning"
)

func TestMemory_isACloudOfSites(t *testing.T) {
	small := provisioning.Shape{Flavor: "tollhouse.small", WorkerFlavor: "tollhouse.small", BootGB: 20, DataGB: 50}
	grown := small
	grown.Workers, grown.DataGB = 2, 100
	Run(t, Config{Sites: NewMemory(), Shape: small, Grown: grown, Every: time.Millisecond})
}

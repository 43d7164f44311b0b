package openstack_test

import "tollhouse/provisioning"

// hands is what an administrator or a clumsy hand does in a lab.
type hands interface {
	do(service, method, path string, body any, header ...string) map[string]any
	list(service, path, many string) []map[string]any
	stack(name, tag string)
	noStack(name string)
	volume(name string, metadata map[string]any)
	hasVolume(name string) bool
	hasNetwork(name string) bool
	network(name string, tags ...string)
	quota(cores int)
	userData(site provisioning.SiteID) string
}

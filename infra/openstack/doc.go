// Package openstack makes dedicated stacks' sites in an OpenStack cloud.
//
// It owns how a site looks there: one Heat stack (site.yaml) with network,
// router, firewall, volumes and machines, and the tags by which all of it is
// found again. It does not own when a site is made or tried again
// (provisioning), nor what the machines do (their user-data is given).
//
// A Heat stack bears the site's id in its name, so that two who create it at
// once end in one. What is asked for is written into its parameters, with the
// revision and a digest of the whole: the cloud itself remembers, and a process
// that was killed finds there how far it came.
//
//	absent ──Ensure──> making ──Heat──> standing ──Ensure──> making
//	                     │ ▲                │
//	                Heat │ │ Ensure         │ Remove
//	                     ▼ │                ▼
//	                   broken ──Remove──> leaving ──leftovers gone──> absent
//
// Always true:
//   - Nothing is changed or deleted that does not bear our tag and the site's.
//   - An older revision never overwrites a newer one.
//   - A data volume never shrinks, and it grows while its machine runs.
//   - A machine is not made anew because its image or user-data changed.
//   - Every call has a time limit and every repetition a bound.
//   - What people are told is plain; the cloud's own words go with it.
package openstack

// Package sitetest holds what every cloud of sites must do, as a suite that
// runs against each of them, and a cloud in memory for tests above.
//
// It owns no rule of its own: what it demands is written at
// provisioning.Sites.
package sitetest

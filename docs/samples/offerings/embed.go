// Package offerings holds offer files that ship with Tollhouse: to be read, to
// be tried with `tollhouse rate`, and sold by the demo's operators.
//
// It owns the files, not their meaning (billing/catalog).
package offerings

import "embed"

// Files are the offers, a YAML document each.
//
//go:embed *.yaml
var Files embed.FS

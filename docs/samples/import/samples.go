// Package samples holds the files of an import as they look: a small operator's
// subscribers with all that is theirs, to be read, downloaded and imported.
//
// It owns the files, not their meaning (billing/intake).
package samples

import "embed"

// Files are the samples, a kind of file each.
//
//go:embed *.csv *.zip
var Files embed.FS

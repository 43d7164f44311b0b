package openstack_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tape holds what a lab answered in one test, so that the same test runs again
// without a lab. Ids and tokens are replaced, so that a new recording differs only
// where the cloud answers otherwise.
type tape struct {
	At        time.Time
	Bodies    []json.RawMessage // each once
	Exchanges []exchange
}

type exchange struct {
	Ask    string // method and URL
	Status int
	Header map[string]string `json:",omitempty"`
	Body   int               // one more than its place in Bodies; 0 for none
}

func tapePath(t *testing.T) string {
	return filepath.Join("testdata", "tapes", strings.ReplaceAll(t.Name(), "/", "-")+".json")
}

package api

import (
	"crypto/rand"
	"encoding/hex"
	"regexp"
)

// traceparent is the header of the W3C Trace Context, level 1.
const (
	traceparent = "Traceparent"
	traceHeader = "Trace-Id"
)

var traceparentForm = regexp.MustCompile(`^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}`)

// Ids of zeros, and version ff, are invalid by the standard.
const (
	zeroTrace      = "00000000000000000000000000000000"
	zeroParent     = "0000000000000000"
	invalidVersion = "ff"
)

// traceID goes on with the caller's trace or begins one.
func traceID(header string) string {
	found := traceparentForm.FindStringSubmatch(header)
	if found != nil && header[:2] != invalidVersion && found[1] != zeroTrace && found[2] != zeroParent {
		return found[1]
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // crypto/rand.Read never fails
	return hex.EncodeToString(id[:])
}

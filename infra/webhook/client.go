package webhook

import (
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// Client is for one request to an address that an operator has given: it reaches
// the public network and what is allowed besides, follows no redirect, and looks
// at each address when it is about to be reached.
func Client(to *url.URL, allowed []netip.Prefix, limit time.Duration) *http.Client {
	return (&Sender{Timeout: limit}).client(allowed, to.Scheme == "http")
}

// Fault is what an operator is told of a request that failed.
func Fault(err error) string { return fault(err) }

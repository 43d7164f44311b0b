package machine

import "tollhouse/billing/hosting"

// News answers a host that asks what its operator has agreed with us and owes.
type News struct {
	// Known is false where nobody can say it now: what the host was told before
	// stays.
	Known bool `json:"known"`
	hosting.News
}

// Document is one bill's document.
type Document struct {
	PDF []byte `json:"pdf"`
}

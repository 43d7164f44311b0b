package session

import (
	"fmt"
	"net/url"
	"time"

	"tollhouse/billing/usage"
)

// Policy is how an operator grants: data of its own, kept as JSON.
type Policy struct {
	Voice   Quota `json:"voice"`
	Data    Quota `json:"data"`
	Message Quota `json:"message"`
	Content Quota `json:"content"`
	// GraceSeconds is how much longer than its validity a reservation lasts.
	GraceSeconds int64   `json:"grace_seconds"`
	Groups       []Group `json:"groups,omitempty"`
}

// Quota is what is granted at once of one kind of usage.
type Quota struct {
	Units        int64 `json:"units"` // seconds, bytes or events
	ValidSeconds int64 `json:"valid_seconds"`
	// HoldSeconds is how long an idle service may keep its quota.
	HoldSeconds int64 `json:"hold_seconds"`
	// Final is what happens after the last quota.
	Final Final `json:"final"`
}

// Group says what a rating group of the network stands for.
type Group struct {
	Number      int64      `json:"number"`
	Name        string     `json:"name"`
	Kind        usage.Kind `json:"kind"`
	Destination string     `json:"destination,omitempty"`
	Quality     string     `json:"quality,omitempty"`
}

// DefaultPolicy is an operator's before it says otherwise: calls of five
// minutes, 100 MB, single messages and events.
func DefaultPolicy() Policy {
	end := Final{Action: EndService}
	return Policy{
		Voice:        Quota{300, 600, 60, end},
		Data:         Quota{100_000_000, 3600, 900, end},
		Message:      Quota{1, 300, 60, end},
		Content:      Quota{1, 600, 60, end},
		GraceSeconds: 60,
	}
}

// Of is the quota of a kind.
func (p *Policy) Of(kind usage.Kind) *Quota {
	switch kind {
	case usage.Voice:
		return &p.Voice
	case usage.Data:
		return &p.Data
	case usage.Message:
		return &p.Message
	default:
		return &p.Content
	}
}

// Group finds what a rating group stands for.
func (p *Policy) Group(number int64) (Group, bool) {
	for _, g := range p.Groups {
		if g.Number == number {
			return g, true
		}
	}
	return Group{}, false
}

// Wanted is how much is to be granted if the balance reaches: what is asked,
// but no more than the policy's quota.
func (q *Quota) Wanted(asked int64) int64 {
	if asked > 0 && asked < q.Units {
		return asked
	}
	return q.Units
}

// Bounds of a policy.
const (
	maxQuotaSeconds = 31 * 24 * 3600
	maxGraceSeconds = 24 * 3600
	maxGroups       = 500
	maxText         = 255
)

// PolicyError names the field of a policy that is not as it should be.
type PolicyError struct{ Field, Reason, Want string }

func (e *PolicyError) Error() string { return e.Field + " " + e.Reason + "; wanted: " + e.Want }

// Check finds what is wrong with a policy: everything, so that a form can show it.
func (p *Policy) Check() (faults []*PolicyError) {
	add := func(field, reason, want string) { faults = append(faults, &PolicyError{field, reason, want}) }
	for _, kind := range []usage.Kind{usage.Voice, usage.Data, usage.Message, usage.Content} {
		p.Of(kind).check(string(kind), add)
	}
	if p.GraceSeconds < 0 || p.GraceSeconds > maxGraceSeconds {
		add("grace_seconds", "is out of range", fmt.Sprintf("0 to %d seconds", maxGraceSeconds))
	}
	if len(p.Groups) > maxGroups {
		add("groups", "are too many", fmt.Sprintf("at most %d", maxGroups))
	}
	seen := map[int64]bool{}
	for i, g := range p.Groups {
		name := func(part string) string { return fmt.Sprintf("groups.%d.%s", i, part) }
		switch {
		case g.Number < 0 || g.Number > 1<<32-1:
			add(name("number"), "is out of range", "0 to 4294967295")
		case seen[g.Number]:
			add(name("number"), "is named twice", "each rating group once")
		}
		seen[g.Number] = true
		if !chargeable(g.Kind) {
			add(name("kind"), "is none", "voice, data, message or content")
		}
		if len(g.Name) > maxText || len(g.Destination) > maxText || len(g.Quality) > maxText {
			add(name("name"), "is too long", fmt.Sprintf("texts of at most %d bytes", maxText))
		}
	}
	return faults
}

func (q *Quota) check(name string, add func(field, reason, want string)) {
	if q.Units < 1 || q.Units > maxUnits {
		add(name+".units", "is out of range", "1 or more seconds, bytes or events")
	}
	if q.ValidSeconds < 1 || q.ValidSeconds > maxQuotaSeconds {
		add(name+".valid_seconds", "is out of range", fmt.Sprintf("1 to %d seconds", maxQuotaSeconds))
	}
	if q.HoldSeconds < 0 || q.HoldSeconds > maxQuotaSeconds {
		add(name+".hold_seconds", "is out of range", fmt.Sprintf("0 to %d seconds", maxQuotaSeconds))
	}
	switch {
	case !q.Final.Action.Valid():
		add(name+".final.action", "is none", "terminate, redirect or restrict")
	case q.Final.Action == Redirect && !isAddress(q.Final.RedirectTo):
		add(name+".final.redirect_to", "is no address", "an address such as https://example.com/top-up")
	case q.Final.Action == Restrict && q.Final.FilterID == "":
		add(name+".final.filter_id", "is missing", "the name of a filter that the network knows")
	}
}

func isAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && len(text) <= 2048
}

// heldFor is how long a reservation of the quota lasts.
func (p *Policy) heldFor(q *Quota) time.Duration {
	return time.Duration(q.ValidSeconds+p.GraceSeconds) * time.Second
}

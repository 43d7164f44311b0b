package identity

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"tollhouse/billing/identity/limit"
)

// perAddress is how often one address may try to sign in, or have something
// sent, at browsers that are not known. Many subscribers share an address
// behind a carrier's translation, so who gets in gets the token back.
var perAddress = limit.Rate{Burst: 30, PerMinute: 30}

// ErrTooMany means that an address has tried too often; TooManyError says when
// it may again.
var ErrTooMany = errors.New("too many attempts from this address")

// TooManyError tells how long to wait.
type TooManyError struct{ RetryAfter time.Duration }

func (e *TooManyError) Error() string {
	return fmt.Sprintf("%s: wait %d seconds", ErrTooMany, e.Seconds())
}

// Is makes it an ErrTooMany.
func (e *TooManyError) Is(target error) bool { return target == ErrTooMany }

// Seconds is the wait in whole seconds.
func (e *TooManyError) Seconds() int { return int((e.RetryAfter + time.Second - 1) / time.Second) }

// busySeconds is about how long a full line of passwords takes.
const busySeconds = 3

// RetryAfter is what a Retry-After header says of a refusal, in seconds: 0
// where waiting changes nothing.
func RetryAfter(err error) int {
	if many, is := errors.AsType[*TooManyError](err); is {
		return many.Seconds()
	}
	if errors.Is(err, ErrBusy) {
		return busySeconds
	}
	return 0
}

// origin is where an attempt comes from.
type origin struct {
	address   string // of the caller; empty: not known, and not limited
	userAgent string
	device    string // the cookie of a browser that has signed in before, or ""
}

// place is what an address is limited by: an IPv6 customer has a whole /64.
func (o origin) place() string {
	const customer = 64
	ip, err := netip.ParseAddr(o.address)
	if err != nil {
		return o.address
	}
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		network, _ := ip.Prefix(customer) // never fails for an IPv6 address
		return network.String()
	}
	return ip.String()
}

// admit takes a token of the address before anything is done, unless a browser
// says that it is known, which admitDevice looks at.
func (a *Authority) admit(o origin) error {
	if o.device != "" {
		return nil
	}
	return a.takeToken(o)
}

// admitDevice takes the token where a browser said that it is known and is not.
// A known one has a counter of its own, which strangers at the same address
// cannot fill.
func (a *Authority) admitDevice(t attempt) error {
	if t.device == "" || t.known {
		return nil
	}
	return a.takeToken(t.origin)
}

func (a *Authority) takeToken(o origin) error {
	if o.address == "" {
		return nil
	}
	if ok, wait := a.addresses.Allow(o.place()); !ok {
		return &TooManyError{RetryAfter: wait}
	}
	return nil
}

// refund gives the token back of somebody who got in.
func (a *Authority) refund(t attempt) {
	if !t.known && t.address != "" {
		a.addresses.Refund(t.place())
	}
}

// kept is a text from outside, fit to be stored: valid, without zero bytes, not
// too long.
func kept(text string, most int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "?")
	for len(text) > most {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}

// findable is a text to look for in the database; one that it could not hold
// is nobody's.
func findable(text string) string {
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return ""
	}
	return strings.TrimSpace(text)
}

// The answer to a request that somebody be sent something comes after
// sendFloor: what is done for a user who is there takes a small part of it.
const sendFloor = 120 * time.Millisecond

// evenly runs fn and returns no sooner than sendFloor after it began, so that
// the time tells nothing of what was done.
func evenly(ctx context.Context, fn func() error) error {
	floor := time.NewTimer(sendFloor)
	defer floor.Stop()
	err := fn()
	select {
	case <-floor.C:
	case <-ctx.Done():
	}
	return err
}

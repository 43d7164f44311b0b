package network

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"syscall"
	"time"

	"tollhouse/billing/charging"
)

// ErrRefused means that an address must not be called.
var ErrRefused = errors.New("this address must not be called")

const callTimeout = 10 * time.Second

// Notifier calls back.
type Notifier struct {
	client  *http.Client
	allowed []netip.Prefix // private networks that may be called
}

// New makes a notifier. Cores mostly stand in private networks: those that may
// be called are named.
func New(allowed []netip.Prefix) *Notifier {
	n := &Notifier{allowed: allowed}
	dialer := &net.Dialer{Timeout: callTimeout, Control: func(_, address string, _ syscall.RawConn) error { return n.check(address) }}
	n.client = &http.Client{Timeout: callTimeout,
		Transport:     &http.Transport{DialContext: dialer.DialContext, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return n
}

// check looks at an address as it is about to be called: a name may lead
// anywhere by then.
func (n *Notifier) check(address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrRefused, address)
	}
	ip := to.Addr().Unmap()
	if slices.ContainsFunc(n.allowed, func(p netip.Prefix) bool { return p.Contains(ip) }) {
		return nil
	}
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || shared.Contains(ip) {
		return fmt.Errorf("%w: %s is private; the host's settings name private networks that may be called", ErrRefused, ip)
	}
	return nil
}

// shared is the address space of carriers (RFC 6598), private to them.
var shared = netip.MustParsePrefix("100.64.0.0/10")

// notifyRequest is the standard's ChargingNotifyRequest.
type notifyRequest struct {
	NotificationType       string    `json:"notificationType"`
	ReauthorizationDetails []details `json:"reauthorizationDetails,omitempty"`
}

type details struct {
	RatingGroup int64 `json:"ratingGroup"`
}

func bodyOf(n charging.Notice) ([]byte, error) {
	r := notifyRequest{NotificationType: "ABORT_CHARGING"}
	if n.Kind == charging.Reauthorize {
		r.NotificationType = "REAUTHORIZATION"
		for _, group := range n.Groups {
			if number, err := strconv.ParseInt(group, 10, 64); err == nil {
				r.ReauthorizationDetails = append(r.ReauthorizationDetails, details{number})
			}
		}
	}
	return json.Marshal(r)
}

// Tell implements billing.Network.
func (n *Notifier) Tell(ctx context.Context, notice charging.Notice) error {
	to, err := url.Parse(notice.URI)
	if err != nil || to.Host == "" || to.Scheme != "http" && to.Scheme != "https" {
		return fmt.Errorf("%w: %.200q", ErrRefused, notice.URI)
	}
	body, err := bodyOf(notice)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("call %s: %w", to.Host, err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := n.client.Do(r)
	if err != nil {
		return fmt.Errorf("call %s: %w", to.Host, err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be used again
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("call %s: answered %s", to.Host, answer.Status)
	}
	return nil
}

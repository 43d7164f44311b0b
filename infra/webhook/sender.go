package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"tollhouse/billing/event"
)

// Bounds of a message.
const (
	timeout  = 15 * time.Second
	sideBy   = 32       // messages at a time
	excerpt  = 2_000    // bytes kept of an answer
	maxReply = 64 << 10 // bytes read of it
)

// Sender posts messages.
type Sender struct {
	// Resolver finds addresses; nil: the system's.
	Resolver *net.Resolver
	// Timeout of one message; 0: 15 seconds.
	Timeout time.Duration
	// Now is wall time.
	Now func() time.Time
}

// Send implements event.Sender.
func (s *Sender) Send(ctx context.Context, requests []event.Request) []event.Answer {
	answers := make([]event.Answer, len(requests))
	free := make(chan struct{}, sideBy)
	var all sync.WaitGroup
	for i := range requests {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			began := s.Now()
			answers[i] = s.post(ctx, requests[i])
			answers[i].Took = s.Now().Sub(began)
		})
	}
	all.Wait()
	return answers
}

// client is for one message: a connection that is kept might have been opened
// under another operator's list.
func (s *Sender) client(allowed []netip.Prefix, plain bool) *http.Client {
	dialer := &net.Dialer{Timeout: s.limit(), Resolver: s.Resolver, Control: func(network, address string, _ syscall.RawConn) error {
		if !strings.HasPrefix(network, "tcp") {
			return fmt.Errorf("%w: %s", ErrRefused, network)
		}
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %s", ErrRefused, address)
		}
		ip := to.Addr().Unmap().WithZone("")
		if plain && !slices.ContainsFunc(allowed, func(p netip.Prefix) bool { return p.Contains(ip) }) {
			return fmt.Errorf("%w: without https only networks that are allowed are reached", ErrRefused)
		}
		return check(to.Addr(), allowed)
	}}
	return &http.Client{
		Timeout: s.limit(),
		Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, TLSHandshakeTimeout: s.limit(), ResponseHeaderTimeout: s.limit(),
			MaxResponseHeaderBytes: maxReply},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (s *Sender) limit() time.Duration {
	if s.Timeout > 0 {
		return s.Timeout
	}
	return timeout
}

func (s *Sender) post(ctx context.Context, r event.Request) event.Answer {
	to, err := url.Parse(r.URL)
	if err != nil || to.Hostname() == "" || to.Scheme != "https" && to.Scheme != "http" {
		return event.Answer{Error: ErrRefused.Error()}
	}
	out, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return event.Answer{Error: err.Error()}
	}
	for name, value := range r.Header {
		out.Header[name] = []string{value} // as written: Standard Webhooks writes its headers small
	}
	client := s.client(r.Networks, to.Scheme == "http")
	answer, err := client.Do(out)
	if err != nil {
		return event.Answer{Error: fault(err)}
	}
	defer func() { _ = answer.Body.Close() }()
	// its status says whether it has taken the message; how it ends its answer is its own affair
	text, _ := io.ReadAll(io.LimitReader(answer.Body, excerpt))
	return event.Answer{Status: answer.StatusCode, Body: clean(text)}
}

// fault is what an operator is told: without the address, which it knows.
func fault(err error) string {
	var outer *url.Error
	if errors.As(err, &outer) {
		if outer.Timeout() {
			return "did not answer in time"
		}
		err = outer.Err
	}
	return clean([]byte(err.Error()))
}

// clean is the beginning of a text, fit to be stored and shown.
func clean(text []byte) string {
	text = text[:min(len(text), excerpt)]
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, string(text))
}

package enrolment

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
	"strings"
	"sync/atomic"
	"time"

	"tollhouse/provisioning/machine"
)

// Client speaks to the control plane for one machine.
type Client struct {
	store  *Store
	http   *http.Client
	now    func() time.Time
	offset atomic.Int64 // how far our clock is behind the control plane's, in nanoseconds
}

// NewClient makes a client.
func NewClient(store *Store, now func() time.Time) *Client {
	return &Client{store: store, http: &http.Client{Timeout: 30 * time.Second}, now: now}
}

// Refused is an answer of the control plane that is not what was asked for.
type Refused struct {
	Status int
	Title  string
	Detail string
}

func (r *Refused) Error() string {
	if r.Detail == "" {
		return fmt.Sprintf("the control plane refuses: %s (%d)", r.Title, r.Status)
	}
	return fmt.Sprintf("the control plane refuses: %s: %s (%d)", r.Title, r.Detail, r.Status)
}

// Final says whether the same request would be refused again.
func (r *Refused) Final() bool {
	return r.Status >= 400 && r.Status < 500 && r.Status != http.StatusTooManyRequests && r.Status != http.StatusRequestTimeout
}

// ErrPlain refuses to send a token over a line that others can read.
var ErrPlain = errors.New("the control plane's address begins with http://, over which others could read the token: https:// is wanted")

// CheckControl checks the control plane's address. Plain HTTP is for addresses
// that no traffic outside leads to.
func CheckControl(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("%q is no address of a control plane: https://... is wanted", address)
	}
	if u.Scheme == "https" {
		return nil
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()) {
		return nil
	}
	if u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost") {
		return nil
	}
	return ErrPlain
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 20

// apply sends an application to enrol.
func (c *Client) apply(ctx context.Context, a machine.Application) (machine.Welcome, error) {
	var welcome machine.Welcome
	body, err := json.Marshal(a)
	if err != nil {
		return welcome, err
	}
	return welcome, c.send(ctx, http.MethodPost, machine.PathEnrol, body, nil, &welcome)
}

// signed sends a request as the machine. One whose clock is wrong learns the
// right time from the refusal, and is sent once more by it.
func (c *Client) signed(ctx context.Context, method, path string, body, into any) error {
	text := []byte{}
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	before := c.offset.Load()
	err := c.signedOnce(ctx, method, path, text, into)
	if refused := (*Refused)(nil); errors.As(err, &refused) && refused.Status == http.StatusUnauthorized && abs(c.offset.Load()-before) > int64(time.Second) {
		return c.signedOnce(ctx, method, path, text, into)
	}
	return err
}

func abs(n int64) int64 { return max(n, -n) }

// signedOnce sends a signed request. Those of a machine go one after the other:
// one that is overtaken would be taken for a repeat.
func (c *Client) signedOnce(ctx context.Context, method, path string, body []byte, into any) error {
	c.store.sending.Lock()
	defer c.store.sending.Unlock()
	at := c.now().Add(time.Duration(c.offset.Load()))
	identity, err := c.store.next(at)
	if err != nil {
		return err
	}
	request := machine.Request{Method: method, Path: path, Machine: identity.Machine, Time: at, Number: identity.Number, Body: body}.Signed(identity.Keys.Sign)
	return c.send(ctx, method, path, body, request.Put, into)
}

func (c *Client) send(ctx context.Context, method, path string, body []byte, sign func(http.Header), into any) error {
	request, err := http.NewRequestWithContext(ctx, method, c.store.Identity().Control+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if len(body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}
	if sign != nil {
		sign(request.Header)
	}
	sent := c.now()
	response, err := c.http.Do(request)
	if err != nil {
		return plainly(err)
	}
	defer func() { _ = response.Body.Close() }()
	c.learnTime(response.Header, sent)
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the control plane's answer: %w", err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		refused := &Refused{Status: response.StatusCode, Title: http.StatusText(response.StatusCode)}
		_ = json.Unmarshal(answer, refused) // a proxy answers otherwise
		refused.Status = response.StatusCode
		return refused
	}
	if into == nil || len(answer) == 0 {
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("read the control plane's answer: %w", err)
	}
	return nil
}

// learnTime compares clocks. The header tells whole seconds, so an answer that
// took long, or a difference of less, tells nothing.
func (c *Client) learnTime(h http.Header, sent time.Time) {
	theirs, err := http.ParseTime(h.Get("Date"))
	took := c.now().Sub(sent)
	if err != nil || took > 5*time.Second {
		return
	}
	off := theirs.Add(500 * time.Millisecond).Sub(sent.Add(took / 2))
	if off.Abs() < 1500*time.Millisecond {
		off = 0
	}
	c.offset.Store(int64(off))
}

// plainly takes the address out of an error: it is told beside it anyway.
func plainly(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	if dns := (*net.DNSError)(nil); errors.As(err, &dns) {
		return fmt.Errorf("the control plane's name %s is not known here: %w", dns.Name, err)
	}
	return fmt.Errorf("the control plane is not reached: %w", err)
}

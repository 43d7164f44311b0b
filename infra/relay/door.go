package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a door is made of.
type Config struct {
	Own    http.Handler               // the host itself
	Shares func(r *http.Request) bool // whether a worker may answer it, and it may be asked twice
	Header string                     // which carries the word
	Word   string                     // by which workers know their host
	Log    *slog.Logger
}

// Door stands before a host and sends each request that may be shared to
// whoever has the fewest under way: the host itself or a worker.
type Door struct {
	Config
	transport *http.Transport
	own       atomic.Int64 // requests under way at the host, of those that may be shared
	mu        sync.Mutex
	workers   atomic.Pointer[[]*worker]
}

// worker is one of the site.
type worker struct {
	address netip.AddrPort
	fit     atomic.Bool
	flying  atomic.Int64 // requests under way
	turn    atomic.Int64 // counts the requests it got
}

// Bounds of a request to a worker. A charge takes milliseconds: who takes this
// long is stuck, and the host answers.
const (
	dialBound   = time.Second
	answerBound = 5 * time.Second
	askEvery    = 500 * time.Millisecond
	askBound    = 2 * time.Second
	idleBound   = 30 * time.Second
	idleEach    = 512
	// What is larger than maxShared is no charge as they come; the host reads it
	// by its own bounds.
	maxShared = 64 << 10
	maxAnswer = 1 << 20
)

// New makes a door. It shares nothing until Workers names some and Keep runs.
func New(config Config) *Door {
	d := &Door{Config: config}
	dialer := net.Dialer{Timeout: dialBound}
	d.transport = &http.Transport{DialContext: dialer.DialContext, ResponseHeaderTimeout: answerBound, IdleConnTimeout: idleBound,
		MaxIdleConnsPerHost: idleEach, DisableCompression: true}
	d.workers.Store(&[]*worker{})
	return d
}

// Workers names the workers there are. One that stays goes on as it was; a new
// one gets nothing until it has said that it is fit.
func (d *Door) Workers(addresses []netip.AddrPort) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known := map[netip.AddrPort]*worker{}
	for _, w := range *d.workers.Load() {
		known[w.address] = w
	}
	named := make([]*worker, 0, len(addresses))
	for _, address := range addresses {
		w := known[address]
		if w == nil {
			w = &worker{address: address}
		}
		named = append(named, w)
	}
	d.workers.Store(&named)
}

// Keep asks every worker again and again whether it is fit, until ctx ends.
func (d *Door) Keep(ctx context.Context) {
	defer d.transport.CloseIdleConnections()
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		var asking sync.WaitGroup
		for _, w := range *d.workers.Load() {
			asking.Go(func() { d.ask(ctx, w) })
		}
		asking.Wait()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (d *Door) ask(ctx context.Context, w *worker) {
	ctx, cancel := context.WithTimeout(ctx, askBound)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.address.String()+"/readyz", http.NoBody)
	if err != nil {
		d.leave(w, err)
		return
	}
	request.Header.Set(d.Header, d.Word)
	answer, err := d.transport.RoundTrip(request)
	if err != nil {
		d.leave(w, err)
		return
	}
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer))
	_ = answer.Body.Close()
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%w: it answers %d", errUnfit, answer.StatusCode)
	}
	if err != nil {
		d.leave(w, err)
		return
	}
	if w.fit.CompareAndSwap(false, true) {
		d.Log.Info("a worker charges", "worker", w.address.String())
	}
}

// errUnfit means that a worker does not charge at present.
var errUnfit = errors.New("the worker is not fit to charge")

// leave gives a worker no more requests until it has said that it is fit.
func (d *Door) leave(w *worker, err error) {
	if w.fit.CompareAndSwap(true, false) {
		d.Log.Warn("a worker is left out", "worker", w.address.String(), "requests", w.turn.Load(), "error", err)
	}
}

// ServeHTTP implements http.Handler.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !d.Shares(r) {
		d.Own.ServeHTTP(w, r)
		return
	}
	to := d.least()
	if to == nil {
		d.serve(w, r)
		return
	}
	defer to.flying.Add(-1)
	body, err := io.ReadAll(io.LimitReader(r.Body, maxShared+1))
	rest := r.Body
	again := func() *http.Request {
		mine := r.Clone(r.Context())
		mine.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(body), rest), rest}
		return mine
	}
	if err != nil || len(body) > maxShared {
		d.serve(w, again()) // which meets the fault as it would have
		return
	}
	d.forward(w, r, to, body, func() { d.serve(w, again()) })
}

// serve has the host answer.
func (d *Door) serve(w http.ResponseWriter, r *http.Request) {
	d.own.Add(1)
	defer d.own.Add(-1)
	d.Own.ServeHTTP(w, r)
}

// least takes the fit worker with the fewest requests under way; nil where the
// host itself has no more than that.
func (d *Door) least() *worker {
	var found *worker
	few := d.own.Load()
	for _, w := range *d.workers.Load() {
		if n := w.flying.Load(); n < few && w.fit.Load() {
			found, few = w, n
		}
	}
	if found != nil {
		found.flying.Add(1)
		found.turn.Add(1)
	}
	return found
}

// forward has a worker answer. Where no whole answer comes, the host answers the
// same request, once. The worker may have charged it and died before it said so:
// the request's own key (Shares) makes that the same charge and no second one.
func (d *Door) forward(w http.ResponseWriter, r *http.Request, to *worker, body []byte, own func()) {
	sent := r.Clone(r.Context())
	sent.Body, sent.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	proxy := httputil.ReverseProxy{
		Transport: d.transport,
		ErrorLog:  slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // told by leave
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(&url.URL{Scheme: "http", Host: to.address.String()})
			p.Out.Host = p.In.Host
			// One address and no other: the host found out whose request it is.
			if client, _, err := net.SplitHostPort(p.In.RemoteAddr); err == nil {
				p.Out.Header.Set("X-Forwarded-For", client)
			}
			p.Out.Header.Set(d.Header, d.Word)
		},
		ModifyResponse: whole,
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) {
			if r.Context().Err() != nil {
				return // who asked is gone
			}
			d.leave(to, err)
			own()
		},
	}
	proxy.ServeHTTP(w, sent)
}

// whole reads an answer to its end before any of it is passed on, so that one
// that breaks off is no answer. Neither is that of a worker which can't charge.
func whole(answer *http.Response) error {
	if answer.StatusCode == http.StatusServiceUnavailable {
		return errUnfit
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return fmt.Errorf("read the worker's answer: %w", err)
	}
	if len(body) > maxAnswer {
		return fmt.Errorf("read the worker's answer: more than %d bytes", maxAnswer)
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

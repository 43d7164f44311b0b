//go:build openstack

package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// gate stands between a control plane and its cloud: a door for each of the
// cloud's services, whose addresses it puts in the place of their own. It notes
// what is asked of sites, and can kill who asks at a given request: before the
// cloud hears it, or when the cloud has answered and nobody has read it.
type gate struct {
	t    *testing.T
	kill func()

	mu    sync.Mutex
	doors map[string]string // by the service's address
	asked []asking
	left  int // requests until it kills; zero: it does not
	after bool
}

// asking is a request that concerned a site or changed something.
type asking struct {
	method, url string
	from, to    time.Time
}

func newGate(t *testing.T) *gate {
	t.Helper()
	return &gate{t: t, doors: map[string]string{}}
}

// at is where a link of the cloud leads through the gate.
func (g *gate) at(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		g.t.Fatal(err)
	}
	return strings.Replace(link, u.Host, g.door(u.Host), 1)
}

// door is the address of a service's door, which is opened when it is first
// wanted.
func (g *gate) door(service string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if open, is := g.doors[service]; is {
		return open
	}
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		g.t.Error(err)
		return service
	}
	to := &url.URL{Scheme: "http", Host: service}
	proxy := &httputil.ReverseProxy{ModifyResponse: g.readdress, FlushInterval: -1,
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Header.Del("Accept-Encoding") },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { panic(http.ErrAbortHandler) }} // as if nobody were there
	server := &http.Server{Handler: g.watch(proxy), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	g.t.Cleanup(func() { _ = server.Close() })
	g.doors[service] = listener.Addr().String()
	return g.doors[service]
}

var serviceLink = regexp.MustCompile(`http://(127\.0\.0\.1:\d+)`)

// readdress puts our doors in the place of the services' addresses.
func (g *gate) readdress(r *http.Response) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	_ = r.Body.Close()
	ours := func(link []byte) []byte { return append([]byte("http://"), g.door(string(link[len("http://"):]))...) }
	body = serviceLink.ReplaceAllFunc(body, ours)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	if location := r.Header.Get("Location"); location != "" {
		r.Header.Set("Location", string(serviceLink.ReplaceAllFunc([]byte(location), ours)))
	}
	return nil
}

// arm has the gate kill at the nth request from now on.
func (g *gate) arm(nth int, after bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left, g.after = nth, after
}

var siteName = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

func (g *gate) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		counts := !strings.Contains(r.URL.Path, "/auth/") && (r.Method != http.MethodGet || siteName.MatchString(r.URL.String()))
		if !counts {
			next.ServeHTTP(w, r)
			return
		}
		one := asking{method: r.Method, url: r.URL.String(), from: time.Now()}
		g.mu.Lock()
		now := g.left == 1
		g.left = max(0, g.left-1)
		after := g.after
		g.mu.Unlock()
		if now && !after {
			g.kill()
			panic(http.ErrAbortHandler)
		}
		if now {
			next.ServeHTTP(&nobody{}, r.WithContext(context.WithoutCancel(r.Context())))
			g.kill()
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
		one.to = time.Now()
		g.mu.Lock()
		g.asked = append(g.asked, one)
		g.mu.Unlock()
	})
}

// requests are those that were noted so far.
func (g *gate) requests() []asking {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]asking{}, g.asked...)
}

// nobody reads an answer.
type nobody struct{ header http.Header }

func (n *nobody) Header() http.Header {
	if n.header == nil {
		n.header = http.Header{}
	}
	return n.header
}

func (*nobody) Write(p []byte) (int, error) { return len(p), nil }

func (*nobody) WriteHeader(int) {}

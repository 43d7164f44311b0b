package relay_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollhouse/infra/relay"
)

const (
	header = "X-Word"
	word   = "the word"
)

// place is a host's door with two workers, each of which counts what it answers.
type place struct {
	door    *relay.Door
	own     atomic.Int64
	workers [2]*helper
}

type helper struct {
	*httptest.Server
	answered atomic.Int64
	answer   atomic.Pointer[http.HandlerFunc] // instead of its usual one
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{}
	echo := func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Millisecond)
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(append([]byte(r.Host+" "), body...))
	}
	p.door = relay.New(relay.Config{Header: header, Word: word, Log: slog.New(slog.DiscardHandler),
		Shares: func(r *http.Request) bool { return r.Method == http.MethodPost },
		Own:    http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.own.Add(1); echo(w, r) })})
	var addresses []netip.AddrPort
	for i := range p.workers {
		h := &helper{}
		h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get(header) != word {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			if r.URL.Path == "/readyz" {
				return
			}
			h.answered.Add(1)
			if other := h.answer.Load(); other != nil {
				(*other)(w, r)
				return
			}
			echo(w, r)
		}))
		t.Cleanup(h.Close)
		p.workers[i] = h
		addresses = append(addresses, netip.MustParseAddrPort(h.Listener.Addr().String()))
	}
	p.door.Workers(addresses)
	ctx, stop := context.WithCancel(context.Background())
	kept := make(chan struct{})
	go func() { defer close(kept); p.door.Keep(ctx) }()
	t.Cleanup(func() { stop(); <-kept })
	return p
}

// flood sends requests, many at a time, and wants each to be answered rightly.
func (p *place) flood(t *testing.T, requests int) {
	t.Helper()
	var asking sync.WaitGroup
	var next atomic.Int64
	for range 16 {
		asking.Go(func() {
			for next.Add(1) <= int64(requests) {
				answer := httptest.NewRecorder()
				p.door.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "http://nordnetz.example/charge", strings.NewReader("one message")))
				if answer.Code != http.StatusOK || answer.Body.String() != "nordnetz.example one message" {
					t.Errorf("answered %d %q", answer.Code, answer.Body)
				}
			}
		})
	}
	asking.Wait()
}

// works waits until workers get requests.
func (p *place) works(t *testing.T, workers ...*helper) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		before := make([]int64, len(workers))
		for i, h := range workers {
			before[i] = h.answered.Load()
		}
		p.flood(t, 64)
		all := true
		for i, h := range workers {
			all = all && h.answered.Load() > before[i]
		}
		if all {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("not all workers get requests")
		}
	}
}

func TestDoor_sharesWithWhoIsFit(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.works(t, p.workers[0], p.workers[1])
	own, shared := p.own.Load(), p.workers[0].answered.Load()+p.workers[1].answered.Load()
	p.flood(t, 200)
	if p.own.Load() == own {
		t.Error("the host itself answers nothing")
	}
	if got := p.own.Load() + p.workers[0].answered.Load() + p.workers[1].answered.Load(); got != own+shared+200 {
		t.Errorf("200 requests were answered %d times", got-own-shared)
	}
	own = p.own.Load()
	answer := httptest.NewRecorder()
	p.door.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/page", http.NoBody))
	if p.own.Load() != own+1 {
		t.Error("what is not to be shared was")
	}
	p.door.Workers(nil)
	own = p.own.Load()
	p.flood(t, 50)
	if p.own.Load() != own+50 {
		t.Error("workers that are gone got requests")
	}
}

// However a worker fails, the host answers, and the worker is left out until it
// says that it is fit.
func TestDoor_answersWhatAWorkerDoesNot(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]http.HandlerFunc{
		"not fit":                   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"cut off before its answer": func(w http.ResponseWriter, _ *http.Request) { cut(w) },
		"cut off in its answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("half of"))
			_ = http.NewResponseController(w).Flush()
			cut(w)
		},
	} {
		p := newPlace(t)
		p.works(t, p.workers[0], p.workers[1])
		p.workers[0].answer.Store(&fault)
		p.flood(t, 300)
		p.workers[0].answer.Store(nil)
		p.works(t, p.workers[0], p.workers[1])
		t.Log(name, "was answered")
	}
	p := newPlace(t)
	p.works(t, p.workers[0], p.workers[1])
	p.workers[0].CloseClientConnections()
	_ = p.workers[0].Listener.Close()
	p.flood(t, 300)
	p.works(t, p.workers[1])
}

func cut(w http.ResponseWriter) {
	var conn net.Conn
	var err error
	if conn, _, err = http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

//go:build !openstack

package openstack_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
)

// player answers from a tape: the same question gets its answers in their order.
type player struct {
	t    *testing.T
	mu   sync.Mutex
	tape tape
	used []bool
}

func play(t *testing.T) *player {
	t.Helper()
	text, err := os.ReadFile(tapePath(t))
	if err != nil {
		t.Fatalf("no recorded answers; make test-openstack RECORD=1 records them: %v", err)
	}
	p := &player{t: t}
	if err := json.Unmarshal(text, &p.tape); err != nil {
		t.Fatal(err)
	}
	p.used = make([]bool, len(p.tape.Exchanges))
	t.Cleanup(func() {
		for i, used := range p.used {
			if !used && !t.Failed() {
				t.Errorf("%s was asked when this was recorded, and is not any more: record it anew", p.tape.Exchanges[i].Ask)
			}
		}
	})
	return p
}

func (p *player) RoundTrip(q *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if q.Body != nil {
		_, _ = io.Copy(io.Discard, q.Body)
		_ = q.Body.Close()
	}
	ask := q.Method + " " + q.URL.String()
	for i, e := range p.tape.Exchanges {
		if p.used[i] || e.Ask != ask {
			continue
		}
		p.used[i] = true
		answer := &http.Response{StatusCode: e.Status, Status: fmt.Sprint(e.Status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: q}
		for name, value := range e.Header {
			answer.Header.Set(name, value)
		}
		var body []byte
		if e.Body > 0 {
			body = p.tape.Bodies[e.Body-1]
		}
		answer.Body = io.NopCloser(bytes.NewReader(body))
		return answer, nil
	}
	p.t.Errorf("%s has no recorded answer (left): record it anew with make test-openstack RECORD=1", ask)
	return &http.Response{StatusCode: http.StatusNotImplemented, Body: io.NopCloser(strings.NewReader("{}")), Header: http.Header{}, Request: q}, nil
}

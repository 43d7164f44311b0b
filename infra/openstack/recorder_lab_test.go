//go:build openstack

package openstack_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// kept are the headers that we read.
var kept = []string{"Location", "Content-Type", "X-Subject-Token", "Retry-After"}

// recorder notes the answers that pass through it.
type recorder struct {
	next http.RoundTripper
	mu   sync.Mutex
	off  bool
	tape tape
}

func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	answer, err := r.next.RoundTrip(q)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(text))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.off {
		return answer, nil
	}
	e := exchange{Ask: q.Method + " " + q.URL.String(), Status: answer.StatusCode, Header: map[string]string{}}
	for _, name := range kept {
		if value := answer.Header.Get(name); value != "" {
			e.Header[name] = value
		}
	}
	if len(text) > 0 {
		e.Body = r.body(text)
	}
	r.tape.Exchanges = append(r.tape.Exchanges, e)
	return answer, nil
}

func (r *recorder) pause(off bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.off = off
}

// unread are fields that we never look at, and much of what is said.
var unread = map[string]bool{"logical_resource_id": true, "required_by": true, "template_description": true, "notification_topics": true,
	"capabilities": true, "OS-EXT-SRV-ATTR:user_data": true, "accessIPv4": true, "accessIPv6": true, "addresses": true,
	"volume_image_metadata": true, "os-extended-volumes:volumes_attached": true, "binding:vif_details": true, "roles": true, "user": true, "audit_ids": true}

func (r *recorder) body(text []byte) int {
	var said any
	if json.Unmarshal(text, &said) == nil {
		if short, err := json.Marshal(without(said)); err == nil {
			text = short
		}
	} else if quoted, err := json.Marshal(string(text)); err == nil {
		text = quoted
	}
	for i, known := range r.tape.Bodies {
		if bytes.Equal(known, text) {
			return i + 1
		}
	}
	r.tape.Bodies = append(r.tape.Bodies, text)
	return len(r.tape.Bodies)
}

func without(said any) any {
	switch v := said.(type) {
	case map[string]any:
		for name, value := range v {
			if unread[name] {
				delete(v, name)
			} else if links, is := value.([]any); is && name == "links" {
				v[name] = stackLinks(links)
			} else {
				v[name] = without(value)
			}
		}
	case []any:
		for i := range v {
			v[i] = without(v[i])
		}
	}
	return said
}

func stackLinks(links []any) []any {
	left := []any{}
	for _, l := range links {
		if link, is := l.(map[string]any); is && link["rel"] == "stack" {
			left = append(left, link)
		}
	}
	return left
}

var anID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{32}\b`)

// save writes the tape with ids by the order in which they came up. A site's own id
// is the same in every run and stays.
func (r *recorder) save(t *testing.T, site string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tape.At = time.Now().UTC().Truncate(time.Second)
	text, err := json.MarshalIndent(r.tape, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	text = anID.ReplaceAllFunc(text, func(id []byte) []byte {
		was := string(id)
		if was == site {
			return id
		}
		if names[was] == "" {
			names[was] = fmt.Sprintf("%08d-0000-4000-8000-%012d", len(names)+1, len(names)+1)
			if len(was) == 32 {
				names[was] = strings.ReplaceAll(names[was], "-", "")
			}
		}
		return []byte(names[was])
	})
	// The client looks at its own clock for when a token ends: these never do.
	text = regexp.MustCompile(`("expires_at": )"[^"]+"`).ReplaceAll(text, []byte(`$1"2999-01-01T00:00:00.000000Z"`))
	text = regexp.MustCompile(`("X-Subject-Token": )"[^"]+"`).ReplaceAll(text, []byte(`$1"a-token"`))
	if err := os.MkdirAll(filepath.Dir(tapePath(t)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tapePath(t), append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

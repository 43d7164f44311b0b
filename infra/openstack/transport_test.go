package openstack_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"tollhouse/infra/openstack"
	"tollhouse/provisioning"
)

// sky is a cloud of a Keystone and whatever a test says the rest answers.
type sky struct {
	mu     sync.Mutex
	tokens int
	asked  []string
	waited []time.Duration
	now    time.Time
	answer func(n int, q *http.Request) (int, string, http.Header, error) // n counts from 1
	n      int
	lost   bool // the catalogue's addresses lead nowhere
	image  string
}

func reply(q *http.Request, code int, body string, h http.Header) *http.Response {
	if h == nil {
		h = http.Header{}
	}
	return &http.Response{StatusCode: code, Status: fmt.Sprint(code), Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: q}
}

func (s *sky) RoundTrip(q *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.Body != nil {
		_, _ = io.Copy(io.Discard, q.Body)
	}
	if strings.HasSuffix(q.URL.Path, "/auth/tokens") {
		s.tokens++
		entry := func(kind string) string {
			return fmt.Sprintf(`{"type":%q,"endpoints":[{"interface":"public","region":"r","region_id":"r","url":"http://sky/%s"}]}`, kind, kind)
		}
		return reply(q, http.StatusCreated, fmt.Sprintf(`{"token":{"expires_at":%q,"project":{"id":"p"},"catalog":[%s,%s,%s,%s]}}`,
			time.Now().Add(24*time.Hour).UTC().Format(time.RFC3339), entry("orchestration"), entry("network"), entry("compute"), entry("volumev3")),
			http.Header{"X-Subject-Token": {fmt.Sprintf("token-%d", s.tokens)}}), nil
	}
	for service, version := range map[string]string{"orchestration": "v1.0", "network": "v2.0", "compute": "v2.1", "volumev3": "v3.0"} {
		if q.URL.Path == "/"+service+"/" {
			if s.lost {
				return reply(q, http.StatusNotFound, "", nil), nil
			}
			return reply(q, http.StatusOK, fmt.Sprintf(`{"versions":[{"id":%q,"status":"CURRENT","links":[{"rel":"self","href":"http://sky/%s/%s"}]}]}`, version, service, version), nil), nil
		}
	}
	s.n++
	s.asked = append(s.asked, q.Method+" "+q.URL.Path+" "+q.Header.Get("X-Auth-Token"))
	code, body, h, err := s.answer(s.n, q)
	if err != nil {
		return nil, err
	}
	return reply(q, code, body, h), nil
}

func (s *sky) cloud(t *testing.T) *openstack.Cloud {
	t.Helper()
	s.now = time.Now()
	cloud, err := openstack.New(openstack.Config{
		Auth: gophercloud.AuthOptions{IdentityEndpoint: "http://sky/v3", Username: "u", Password: "p", DomainName: "d", AllowReauth: true,
			Scope: &gophercloud.AuthScope{ProjectID: "p"}},
		Endpoint: gophercloud.EndpointOpts{Region: "r"}, Image: s.image, Transport: s, Now: func() time.Time { return s.now },
		Sleep: func(_ context.Context, d time.Duration) error {
			s.waited, s.now = append(s.waited, d), s.now.Add(d)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return cloud
}

const nothingThere = `{"code":404,"error":{"message":"The Stack could not be found."}}`

func TestCall_isRepeatedWithinBounds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer func(n int, q *http.Request) (int, string, http.Header, error)
		asked  int
		waits  []time.Duration // at most; the first exactly, if asked for
		reason string
	}{
		{"a fault that passes", func(n int, _ *http.Request) (int, string, http.Header, error) {
			if n < 4 {
				return 503, "", nil, nil
			}
			return 404, nothingThere, nil, nil
		}, 4, []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second}, ""},
		{"a fault that stays", func(int, *http.Request) (int, string, http.Header, error) { return 502, "bad gateway", nil, nil },
			5, []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second}, "Heat has a fault of its own (502)."},
		{"too many at once", func(n int, _ *http.Request) (int, string, http.Header, error) {
			if n == 1 {
				return 429, "", http.Header{"Retry-After": {"7"}}, nil
			}
			return 404, nothingThere, nil, nil
		}, 2, []time.Duration{7 * time.Second}, ""},
		{"too long a wait", func(int, *http.Request) (int, string, http.Header, error) {
			return 429, "", http.Header{"Retry-After": {"600"}}, nil
		}, 1, nil, "Heat asks us to wait."},
		{"a line that breaks", func(n int, _ *http.Request) (int, string, http.Header, error) {
			if n == 1 {
				return 0, "", nil, errors.New("connection reset by peer")
			}
			return 404, nothingThere, nil, nil
		}, 2, []time.Duration{250 * time.Millisecond}, ""},
		{"nobody there", func(int, *http.Request) (int, string, http.Header, error) {
			return 0, "", nil, errors.New("connection refused")
		},
			5, []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second}, "Heat does not answer."},
		{"no Keystone behind it", func(int, *http.Request) (int, string, http.Header, error) {
			return 503, `{"message":"The server is currently unavailable.<br /><br />\nThe Keystone service is temporarily unavailable.","code":"503"}`, nil, nil
		}, 5, []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second}, "The cloud's services do not reach Keystone."},
		{"no right", func(int, *http.Request) (int, string, http.Header, error) { return 403, "{}", nil, nil },
			1, nil, "Heat does not allow us to do this: see the rights of our user."},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &sky{answer: c.answer}
			seen, err := s.cloud(t).Observe(context.Background(), aSite(t).ID)
			told := (*provisioning.Fault)(nil)
			if c.reason == "" && (err != nil || seen.Phase != provisioning.SiteAbsent) {
				t.Errorf("got %+v, %v", seen, err)
			}
			if err != nil && strings.Contains(err.Error(), "Expected HTTP response code") {
				t.Errorf("the library's words are told: %v", err)
			}
			if c.reason != "" && (!errors.As(err, &told) || told.Reason != c.reason) {
				t.Errorf("got %v, want %q", err, c.reason)
			}
			if len(s.asked) != c.asked || len(s.waited) != len(c.waits) {
				t.Fatalf("asked %d times with pauses of %v", len(s.asked), s.waited)
			}
			for i, most := range c.waits {
				if s.waited[i] > most || s.waited[i] < most/2 {
					t.Errorf("pause %d is %s, want %s to %s", i+1, s.waited[i], most/2, most)
				}
			}
		})
	}
}

// A token that ended in the middle is renewed, and the call goes on.
func TestCall_renewsATokenThatHasEnded(t *testing.T) {
	t.Parallel()
	s := &sky{}
	s.answer = func(n int, q *http.Request) (int, string, http.Header, error) {
		if n > 1 && q.Header.Get("X-Auth-Token") == "token-1" {
			return 401, `{"error":{"message":"The request you have made requires authentication."}}`, nil, nil
		}
		return 404, nothingThere, nil, nil
	}
	cloud := s.cloud(t)
	for range 3 {
		if seen, err := cloud.Observe(context.Background(), aSite(t).ID); err != nil || seen.Phase != provisioning.SiteAbsent {
			t.Fatalf("got %+v, %v", seen, err)
		}
	}
	if s.tokens != 2 || len(s.asked) != 4 {
		t.Errorf("%d tokens, asked %v", s.tokens, s.asked)
	}
}

// An address that leads nowhere does not mean that nothing stands.
func TestObserve_takesAWrongAddressForNoAnswer(t *testing.T) {
	t.Parallel()
	s := &sky{lost: true}
	seen, err := s.cloud(t).Observe(context.Background(), aSite(t).ID)
	if err == nil || seen.Phase == provisioning.SiteAbsent {
		t.Errorf("got %+v, %v", seen, err)
	}
}

// Whoever creates a stack second, or again after an answer was lost, finds it.
func TestEnsure_takesAStackThatIsThereAlready(t *testing.T) {
	t.Parallel()
	want := aSite(t)
	s := &sky{}
	made := false
	s.answer = func(_ int, q *http.Request) (int, string, http.Header, error) {
		switch path := q.URL.Path; {
		case strings.HasSuffix(path, "/networks"):
			return 200, `{"networks":[{"id":"n","name":"public"}]}`, nil, nil
		case q.Method == http.MethodPost && strings.HasSuffix(path, "/stacks"):
			made = true
			return 409, `{"error":{"message":"The Stack (x) already exists."}}`, nil, nil
		case strings.HasSuffix(path, "/resources"):
			return 200, `{"resources":[]}`, nil, nil
		case strings.HasSuffix(path, "/events"):
			return 200, `{"events":[]}`, nil, nil
		case made:
			return 200, fmt.Sprintf(`{"stack":{"id":"s","stack_name":"tollhouse-%s","stack_status":"CREATE_IN_PROGRESS","tags":["tollhouse","tollhouse-site-%s"],"parameters":{"revision":"1"}}}`, want.ID, want.ID), nil, nil
		}
		return 404, nothingThere, nil, nil
	}
	seen, err := s.cloud(t).Ensure(context.Background(), want)
	if err != nil || seen.Phase != provisioning.SiteMaking || seen.Ref != "s" {
		t.Errorf("got %+v, %v", seen, err)
	}
}

// A site that names no image gets the one of the settings; the reconciler of
// sites names none.
func TestEnsure_takesTheImageOfTheSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ named, asked string }{{"", "debian-of-ours"}, {"debian-12", "debian-12"}} {
		want := aSite(t)
		want.Image = c.named
		var asked struct{ Parameters map[string]string }
		s := &sky{image: "debian-of-ours"}
		s.answer = func(_ int, q *http.Request) (int, string, http.Header, error) {
			switch {
			case strings.HasSuffix(q.URL.Path, "/networks"):
				return 200, `{"networks":[{"id":"n","name":"public"}]}`, nil, nil
			case q.Method == http.MethodPost:
				body, err := q.GetBody()
				if err == nil {
					err = json.NewDecoder(body).Decode(&asked)
				}
				return 400, `{"error":{"message":"enough"}}`, nil, err
			}
			return 404, nothingThere, nil, nil
		}
		if _, err := s.cloud(t).Ensure(context.Background(), want); err == nil || asked.Parameters["image"] != c.asked {
			t.Errorf("a site that names %q: the cloud was asked for %q (%v)", c.named, asked.Parameters["image"], err)
		}
	}
}

func TestEnsure_refusesWhatCouldNeverStand(t *testing.T) {
	t.Parallel()
	s := &sky{answer: func(int, *http.Request) (int, string, http.Header, error) { return 500, "", nil, nil }}
	cloud := s.cloud(t)
	for words, spoil := range map[string]func(*provisioning.Site){
		"no image":              func(w *provisioning.Site) { w.Image = "" },
		"no flavour":            func(w *provisioning.Site) { w.Shape.Flavor = "" },
		"no user-data":          func(w *provisioning.Site) { w.UserData = "" },
		"from 0 to 200 workers": func(w *provisioning.Site) { w.Shape.Workers = 201 },
		"no user-data for them": func(w *provisioning.Site) { w.Shape.Workers, w.WorkerData = 1, "" },
		"at least 1 GB":         func(w *provisioning.Site) { w.Shape.DataGB = 0 },
		"48 KiB":                func(w *provisioning.Site) { w.UserData = strings.Repeat("x", 49<<10) },
		"no id":                 func(w *provisioning.Site) { w.ID = provisioning.SiteID{} },
	} {
		want := aSite(t)
		spoil(&want)
		if _, err := cloud.Ensure(context.Background(), want); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
	}
	if len(s.asked) != 0 {
		t.Errorf("the cloud was asked %v", s.asked)
	}
}

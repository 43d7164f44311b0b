package network_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"tollhouse/billing/charging"
	"tollhouse/infra/network"
)

var here = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func TestTell_saysItInTheStandardsWords(t *testing.T) {
	t.Parallel()
	var got []string
	core := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.URL.Path+" "+r.Header.Get("Content-Type")+" "+string(body))
		w.WriteHeader(http.StatusNoContent)
	}))
	defer core.Close()
	n := network.New(here)
	for _, notice := range []charging.Notice{
		{Kind: charging.Reauthorize, URI: core.URL + "/notify/7", Groups: []string{"10", "not a group", "20"}},
		{Kind: charging.Abort, URI: core.URL + "/notify/7"},
	} {
		if err := n.Tell(context.Background(), notice); err != nil {
			t.Error(err)
		}
	}
	want := []string{
		`POST /notify/7 application/json {"notificationType":"REAUTHORIZATION","reauthorizationDetails":[{"ratingGroup":10},{"ratingGroup":20}]}`,
		`POST /notify/7 application/json {"notificationType":"ABORT_CHARGING"}`,
	}
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Errorf("got %q, want %q", got, want)
			break
		}
	}
}

func TestTell_callsNoPrivateAddress(t *testing.T) {
	t.Parallel()
	core := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was called") }))
	defer core.Close()
	n := network.New(nil)
	for _, uri := range []string{core.URL, "http://localhost:1/x", "http://10.0.0.1/x", "http://[::1]:9/x", "http://169.254.169.254/x", "http://100.64.0.1/x", "ftp://x", "/x", ""} {
		if err := n.Tell(context.Background(), charging.Notice{URI: uri}); !errors.Is(err, network.ErrRefused) {
			t.Errorf("%s: %v", uri, err)
		}
	}
}

func TestTell_followsNoRedirectAndTellsOfRefusals(t *testing.T) {
	t.Parallel()
	calls := 0
	core := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		http.Redirect(w, r, "http://10.0.0.1/", http.StatusTemporaryRedirect)
	}))
	defer core.Close()
	if err := network.New(here).Tell(context.Background(), charging.Notice{URI: core.URL}); err == nil || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

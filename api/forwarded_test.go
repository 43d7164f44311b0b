package api_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"tollhouse/api"
)

func TestThroughProxies_believesOurProxiesOnly(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		peer      string
		forwarded []string
		want      string
	}{
		"a stranger who speaks for another":       {"203.0.113.9:4000", []string{"198.51.100.1"}, "203.0.113.9:4000"},
		"our proxy":                               {"10.1.2.3:4000", []string{"198.51.100.1"}, "198.51.100.1:0"},
		"two of ours, the caller made one up":     {"10.1.2.3:4000", []string{"1.1.1.1, 198.51.100.1, 10.9.9.9"}, "198.51.100.1:0"},
		"two headers":                             {"10.1.2.3:4000", []string{"1.1.1.1", "198.51.100.1"}, "198.51.100.1:0"},
		"no list of addresses":                    {"10.1.2.3:4000", []string{"198.51.100.1, <script>"}, "10.1.2.3:0"},
		"nothing told":                            {"10.1.2.3:4000", nil, "10.1.2.3:0"},
		"IPv6":                                    {"[fd00::1]:4000", []string{"2001:db8::7"}, "[2001:db8::7]:0"},
		"an IPv4 address written as IPv6 of ours": {"[::ffff:10.1.2.3]:4000", []string{"198.51.100.1"}, "198.51.100.1:0"},
	} {
		got := ""
		handler := api.ThroughProxies(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }), trusted)
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		for _, value := range c.forwarded {
			r.Header.Add("X-Forwarded-For", value)
		}
		handler.ServeHTTP(httptest.NewRecorder(), r)
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

package api

import (
	"net"
	"net/http"
	"strings"
)

// localSuffix ends the host names that name a tenant. Browsers and resolvers
// send all of .localhost to this machine (RFC 6761, 6.3).
const localSuffix = ".localhost"

// ByHostName lets <tenant>.localhost stand for /t/<tenant>. A path that names
// a tenant already is left alone: whose token it needs follows from the path.
func ByHostName(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := tenantOfHost(r.Host)
		if name == "" || strings.HasPrefix(r.URL.Path, "/t/") || processPath(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		inner := r.Clone(r.Context())
		inner.URL.Path = "/t/" + name + r.URL.Path
		if r.URL.RawPath != "" {
			inner.URL.RawPath = "/t/" + name + r.URL.RawPath
		}
		next.ServeHTTP(w, inner)
	})
}

func tenantOfHost(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	name, found := strings.CutSuffix(strings.ToLower(host), localSuffix)
	if !found || strings.Contains(name, ".") {
		return ""
	}
	return name
}

// processPath says whether a path speaks of the process, under any name.
func processPath(path string) bool {
	return path == "/healthz" || path == "/readyz" || path == "/metrics" || strings.HasPrefix(path, "/static/")
}

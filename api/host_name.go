package api

import (
	"net"
	"net/http"
	"strings"
)

// localSuffix ends the host names that name a tenant. Browsers and resolvers
// send all of .localhost to this machine (RFC 6761, 6.3).
const localSuffix = ".localhost"

// StaffName is the host name of hosting staff's door; no operator may have it.
const StaffName = "staff"

// ByHostName lets <tenant>.localhost stand for /t/<tenant>, and staff.localhost
// for /staff. A path that names its place already is left alone: whose token it
// needs follows from the path.
func ByHostName(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := tenantOfHost(r.Host)
		prefix := "/t/" + name
		if name == StaffName {
			prefix = "/" + StaffName
		}
		if name == "" || strings.HasPrefix(r.URL.Path, "/t/") || strings.HasPrefix(r.URL.Path, "/"+StaffName+"/") || processPath(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		inner := r.Clone(r.Context())
		inner.URL.Path = prefix + r.URL.Path
		if r.URL.RawPath != "" {
			inner.URL.RawPath = prefix + r.URL.RawPath
		}
		next.ServeHTTP(w, inner)
	})
}

// TenantOf is the name of the tenant that a request is for, by its path or its
// host name; empty if it speaks of none.
func TenantOf(r *http.Request) string {
	if rest, under := strings.CutPrefix(r.URL.Path, "/t/"); under {
		name, _, _ := strings.Cut(rest, "/")
		return name
	}
	name := tenantOfHost(r.Host)
	if name == StaffName || strings.HasPrefix(r.URL.Path, "/"+StaffName+"/") || processPath(r.URL.Path) {
		return ""
	}
	return name
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

package api

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ThroughProxies gives requests that came through our own proxies the address
// of whom the proxies speak for: limits are kept by address. X-Forwarded-For is
// read from its end, as far as trusted proxies wrote it; what a stranger wrote
// before that is not believed.
func ThroughProxies(next http.Handler, trusted []netip.Prefix) http.Handler {
	if len(trusted) == 0 {
		return next
	}
	ours := func(a netip.Addr) bool {
		return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !ours(peer.Addr().Unmap()) {
			next.ServeHTTP(w, r)
			return
		}
		client := forwardedFor(r.Header.Values("X-Forwarded-For"), peer.Addr().Unmap(), ours)
		r.RemoteAddr = net.JoinHostPort(client.String(), "0")
		next.ServeHTTP(w, r)
	})
}

// forwardedFor is the last address that no proxy of ours has; peer if the
// header is not there or is no list of addresses.
func forwardedFor(headers []string, peer netip.Addr, ours func(netip.Addr) bool) netip.Addr {
	hops := strings.Split(strings.Join(headers, ","), ",")
	last := peer
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return last
		}
		if last = hop.Unmap(); !ours(last) {
			return last
		}
	}
	return last
}

package enrolment

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
)

// OwnAddress is this machine's address on the way to the control plane: that of
// its site's network. Nothing is sent to find it out.
func (s *Store) OwnAddress(ctx context.Context) (netip.Addr, error) {
	control, err := url.Parse(s.Identity().Control)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("address of the control plane: %w", err)
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "udp", net.JoinHostPort(control.Hostname(), cmp.Or(control.Port(), "443")))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("own address on the way to %s: %w", control.Host, err)
	}
	defer func() { _ = conn.Close() }()
	own, err := netip.ParseAddrPort(conn.LocalAddr().String())
	if err != nil {
		return netip.Addr{}, fmt.Errorf("own address: %w", err)
	}
	return own.Addr().Unmap(), nil
}

package webhook

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"tollhouse/billing/event"
)

func TestCheck_refusesWhatIsNotPublic(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "255.255.255.255",
		"224.0.0.1", "198.18.0.1", "192.0.2.7", "240.0.0.1", "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "2001:db8::1",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::10.0.0.1",
		"2002:7f00:1::", "2002:a00:1::1", "2001::1", "fe80::1%eth0"} {
		if err := check(netip.MustParseAddr(text), nil); !errors.Is(err, ErrRefused) {
			t.Errorf("%s is let through", text)
		}
	}
	for _, text := range []string{"1.1.1.1", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"} {
		if err := check(netip.MustParseAddr(text), nil); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	own := []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16")}
	if check(netip.MustParseAddr("10.20.3.4"), own) != nil || check(netip.MustParseAddr("::ffff:10.20.3.4"), own) != nil || check(netip.MustParseAddr("10.21.0.1"), own) == nil {
		t.Error("the operator's own network")
	}
}

func server(t *testing.T, handle http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	return s
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}

func send(s *Sender, r event.Request) event.Answer {
	s.Now, s.Timeout = time.Now, 2*time.Second
	return s.Send(context.Background(), []event.Request{r})[0]
}

func TestSend_refusesLoopbackUnlessAllowed(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	s := server(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	for _, url := range []string{s.URL, strings.Replace(s.URL, "127.0.0.1", "localhost", 1), strings.Replace(s.URL, "127.0.0.1", "[::ffff:127.0.0.1]", 1),
		strings.Replace(s.URL, "127.0.0.1", "2130706433", 1), strings.Replace(s.URL, "http://127.0.0.1", "https://127.0.0.1", 1)} {
		if a := send(&Sender{}, event.Request{URL: url}); a.Status != 0 || a.Error == "" {
			t.Errorf("%s: %+v", url, a)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d requests reached a loopback server", hits.Load())
	}
	if a := send(&Sender{}, event.Request{URL: s.URL, Networks: loopback}); a.Status != 200 {
		t.Errorf("allowed: %+v", a)
	}
}

func TestSend_followsNoRedirect(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	inner := server(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	for _, status := range []int{301, 302, 303, 307, 308} {
		outer := server(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inner.URL, status) })
		if a := send(&Sender{}, event.Request{URL: outer.URL, Networks: loopback}); a.Status != status {
			t.Errorf("%d: %+v", status, a)
		}
	}
	if hits.Load() != 0 {
		t.Error("a redirect was followed")
	}
}

// A name that leads to a public address when it is looked at, and to loopback
// when it is dialled: what is dialled is what counts.
func TestSend_refusesARebindingName(t *testing.T) {
	t.Parallel()
	var hits, asked atomic.Int64
	s := server(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	resolver := fakeDNS(t, func() [4]byte {
		if asked.Add(1) == 1 {
			return [4]byte{192, 0, 2, 1} // refused too, but another address
		}
		return [4]byte{127, 0, 0, 1}
	})
	for range 3 {
		if a := send(&Sender{Resolver: resolver}, event.Request{URL: "http://hooks.example.com:" + port}); a.Status != 0 || !strings.Contains(a.Error, "allowed") {
			t.Errorf("%+v", a)
		}
	}
	if hits.Load() != 0 || asked.Load() < 2 {
		t.Errorf("%d requests reached loopback, %d names asked for", hits.Load(), asked.Load())
	}
}

func TestSend_boundsWhatItReads(t *testing.T) {
	t.Parallel()
	s := server(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 1000 {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	if a := send(&Sender{}, event.Request{URL: s.URL, Networks: loopback}); a.Status != 200 || len(a.Body) > excerpt {
		t.Errorf("%d, %d bytes", a.Status, len(a.Body))
	}
}

func fakeDNS(t *testing.T, answer func() [4]byte) *net.Resolver {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buffer[:n]) != nil || len(m.Questions) == 0 {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, Type: q.Type, TTL: 0}, Body: &dnsmessage.AResource{A: answer()}}}
			}
			if packed, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(packed, from)
			}
		}
	}()
	dialer := &net.Dialer{}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

package https

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const name = "billing.nordnetz.example"

// host is one that answers by TLS.
type host struct {
	*Certificates

	address string
}

// answers starts a host at the port at which the authority looks.
func answers(t *testing.T, a *authority, folder string) (host, func()) {
	t.Helper()
	certificates, err := New(Config{Name: name, Directory: a.directory, Folder: folder, Client: a.client, Resolver: a.resolver, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", a.looksAt))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelWarn),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) })}
	ctx, cancel := context.WithCancel(t.Context())
	kept := make(chan struct{})
	go func() { _ = server.Serve(certificates.Listen(listener)) }()
	go func() { defer close(kept); certificates.Keep(ctx) }()
	stop := func() { cancel(); <-kept; _ = server.Close() }
	t.Cleanup(stop)
	return host{certificates, listener.Addr().String()}, stop
}

// shows is the certificate that the host shows whoever asks for a name.
func (h host) shows(t *testing.T, asked string) *x509.Certificate {
	t.Helper()
	dialer := tls.Dialer{Config: &tls.Config{ServerName: asked, InsecureSkipVerify: true}} //nolint:gosec // what is shown is looked at below
	conn, err := dialer.DialContext(t.Context(), "tcp", h.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0] //nolint:forcetypeassert // it is TLS
}

// tried waits until the authority was asked.
func (h host) tried(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if _, tried := h.Is(); tried {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the authority was not asked")
		}
	}
}

func TestCertificates_comeByThemselves(t *testing.T) {
	a, folder := newAuthority(t), t.TempDir()
	h, stop := answers(t, a, folder)
	h.tried(t)
	is, _ := h.Is()
	if is.Fault != "" || is.Name != name || !is.EndsAt.After(time.Now()) {
		t.Fatalf("the certificate: %+v", is)
	}
	if _, err := h.shows(t, strings.ToUpper(name)).Verify(x509.VerifyOptions{DNSName: name, Roots: a.roots, Intermediates: a.between(t)}); err != nil {
		t.Errorf("what is shown under the name: %v", err)
	}
	for _, other := range []string{"", "other.example"} {
		if shown := h.shows(t, other); shown.Subject.CommonName != ownName {
			t.Errorf("asked for %q it shows %q", other, shown.Subject)
		}
	}
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: a.roots, ServerName: name}}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Get("https://" + h.address)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.ProtoMajor != 2 {
		t.Errorf("it answers by %s", response.Proto)
	}
	private(t, folder)

	// It has the certificate at its next start, also while the authority is away.
	stop()
	_ = a.process.Process.Kill()
	h, _ = answers(t, a, folder)
	h.tried(t)
	if again, _ := h.Is(); !again.EndsAt.Equal(is.EndsAt) || again.Fault != "" {
		t.Errorf("after a start: %+v, want it to end at %s", again, is.EndsAt)
	}
}

func TestCertificates_sayWhatIsInTheWay(t *testing.T) {
	a := newAuthority(t)
	a.points(name, "127.0.0.99")
	h, stop := answers(t, a, t.TempDir())
	h.tried(t)
	is, _ := h.Is()
	if !strings.HasSuffix(is.Fault, "did not find this host under "+name+", port 443: point the name to its address. It points to 127.0.0.99 now.") {
		t.Errorf("the name points elsewhere: %q", is.Fault)
	}
	if shown := h.shows(t, name); shown.Subject.CommonName != ownName {
		t.Errorf("without a certificate it shows %q", shown.Subject)
	}
	stop()
	_ = a.process.Process.Kill()
	_ = a.process.Wait()
	h, _ = answers(t, a, t.TempDir())
	h.tried(t)
	if is, _ = h.Is(); !strings.Contains(is.Fault, "is not reached from this host") {
		t.Errorf("the authority is away: %q", is.Fault)
	}
}

// A host without a name asks nobody.
func TestCertificates_withoutAName(t *testing.T) {
	c, err := New(Config{Folder: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	c.Keep(t.Context())
	if is, tried := c.Is(); tried {
		t.Errorf("it tells of a certificate: %+v", is)
	}
	if shown, err := c.show(&tls.ClientHelloInfo{ServerName: name}); err != nil || shown != c.own {
		t.Errorf("it shows %v, %v", shown, err)
	}
}

// private wants nobody else to read what is kept.
func private(t *testing.T, folder string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: others may read it (%s)", path, info.Mode())
		}
		return err
	})
	if err != nil || files < 2 {
		t.Errorf("%d files are kept, %v", files, err)
	}
}

package https

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// authority is an ACME authority for tests, as Let's Encrypt gives it, with a name
// server of its own.
type authority struct {
	t          *testing.T
	directory  string
	management string
	names      string // where the name server is managed
	resolver   *net.Resolver
	looksAt    int // the port at which it looks at hosts
	client     *http.Client
	roots      *x509.CertPool // of what it gives
	process    *exec.Cmd
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	directory, management, names, dns := freePort(t), freePort(t), freePort(t), freePort(t)
	a := &authority{t: t, directory: fmt.Sprintf("https://127.0.0.1:%d/dir", directory), management: fmt.Sprintf("https://127.0.0.1:%d", management),
		names: fmt.Sprintf("http://127.0.0.1:%d", names), looksAt: freePort(t)}
	a.resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", dns))
	}}
	folder := t.TempDir()
	a.client = a.ownDoor(folder)
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{"listenAddress": fmt.Sprintf("127.0.0.1:%d", directory),
		"managementListenAddress": fmt.Sprintf("127.0.0.1:%d", management), "certificate": filepath.Join(folder, "cert.pem"),
		"privateKey": filepath.Join(folder, "key.pem"), "httpPort": a.looksAt, "tlsPort": a.looksAt}})
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "config.json"), config, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	a.starts("pebble-challtestsrv", "-management", fmt.Sprintf("127.0.0.1:%d", names), "-dns01", fmt.Sprintf("127.0.0.1:%d", dns),
		"-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", "")
	a.process = a.starts("pebble", "-config", filepath.Join(folder, "config.json"), "-dnsserver", fmt.Sprintf("127.0.0.1:%d", dns))
	a.roots = x509.NewCertPool()
	if !a.roots.AppendCertsFromPEM(a.asks(http.MethodGet, a.management+"/roots/0", nil)) {
		t.Fatal("the authority has no root")
	}
	return a
}

// ownDoor makes the certificate of the authority's own door, and a client that
// trusts it.
func (a *authority) ownDoor(folder string) *http.Client {
	a.t.Helper()
	own, err := ownCertificate(time.Now())
	if err != nil {
		a.t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		a.t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate[0]})
	for name, text := range map[string][]byte{"cert.pem": certificate, "key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certificate)
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: ownName}}}
}

func (a *authority) starts(program string, args ...string) *exec.Cmd {
	a.t.Helper()
	command := exec.Command(program, args...)
	output := &bytes.Buffer{}
	command.Stdout, command.Stderr = output, output
	command.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
	if err := command.Start(); err != nil {
		a.t.Fatalf("%s: %v (make test-deps installs it)", program, err)
	}
	a.t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if a.t.Failed() {
			a.t.Logf("%s: %s", program, output)
		}
	})
	return command
}

// asks waits until whoever is asked is there.
func (a *authority) asks(method, address string, body any) []byte {
	a.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		text, err := json.Marshal(body)
		if err != nil {
			a.t.Fatal(err)
		}
		request, err := http.NewRequest(method, address, bytes.NewReader(text))
		if err != nil {
			a.t.Fatal(err)
		}
		response, err := a.client.Do(request)
		if err == nil {
			answer, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if err == nil && response.StatusCode == http.StatusOK {
				return answer
			}
		}
		if time.Now().After(deadline) {
			a.t.Fatalf("%s %s: %v", method, address, err)
		}
	}
}

// points has a name point to an address.
func (a *authority) points(name, address string) {
	a.t.Helper()
	a.asks(http.MethodPost, a.names+"/add-a", map[string]any{"host": name + ".", "addresses": []string{address}})
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // it is TCP
}

// between are the certificates between what it gives and its root.
func (a *authority) between(t *testing.T) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(a.asks(http.MethodGet, a.management+"/intermediates/0", nil)) {
		t.Fatal("the authority has nothing between")
	}
	return pool
}

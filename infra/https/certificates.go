package https

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"tollhouse/provisioning/machine"
)

// Config is what a host's certificates are asked for with.
type Config struct {
	Name      string        // under which people reach the host; empty: none is asked for
	Directory string        // the authority's, as a URL
	Contact   string        // e-mail address which the authority may write to; may be empty
	Folder    string        // where keys and certificates are kept; made if it is missing
	Client    *http.Client  // by which the authority is reached; nil: as the system trusts
	Resolver  *net.Resolver // nil: the system's
	Log       *slog.Logger
}

// Certificates are those of a host.
type Certificates struct {
	config  Config
	own     *tls.Certificate
	manager *autocert.Manager

	mu    sync.Mutex
	ends  time.Time // of the name's certificate; zero: there is none yet
	fault string    // why the last try brought none, in plain words
}

// How often the authority is asked. Let's Encrypt takes five failures an hour for
// a name, so asking each quarter of an hour is never too often.
const (
	askAgain  = 15 * time.Minute
	lookAgain = time.Hour
	// lookupTimeout bounds the look at where the name points to.
	lookupTimeout = 5 * time.Second
)

// New makes a host ready to answer. It asks nobody yet: see Keep.
func New(config Config) (*Certificates, error) {
	own, err := ownCertificate(time.Now())
	if err != nil {
		return nil, fmt.Errorf("make a certificate of the host's own: %w", err)
	}
	c := &Certificates{config: config, own: own}
	if config.Name != "" {
		c.manager = &autocert.Manager{Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(config.Folder), HostPolicy: autocert.HostWhitelist(config.Name),
			Email: config.Contact, Client: &acme.Client{DirectoryURL: config.Directory, HTTPClient: config.Client, UserAgent: "tollhouse"}}
	}
	return c, nil
}

// Listen answers connections of a listener by TLS.
func (c *Certificates) Listen(listener net.Listener) net.Listener {
	return tls.NewListener(listener, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.show, NextProtos: []string{"h2", "http/1.1", acme.ALPNProto}})
}

// show chooses what to show whoever connects.
func (c *Certificates) show(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	switch {
	case c.manager == nil:
		return c.own, nil
	case slices.Equal(hello.SupportedProtos, []string{acme.ALPNProto}): // the authority looks
		return c.manager.GetCertificate(hello)
	case !strings.EqualFold(hello.ServerName, c.config.Name) || !c.has():
		return c.own, nil
	}
	return c.named()
}

// named is the certificate of the name; it is asked for where there is none. All
// are shown the same kind of key, which every client of today knows.
func (c *Certificates) named() (*tls.Certificate, error) {
	return c.manager.GetCertificate(&tls.ClientHelloInfo{ServerName: c.config.Name, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}})
}

// Keep asks for the certificate until there is one, and notices when it was
// renewed, until ctx ends. The host must be listening.
func (c *Certificates) Keep(ctx context.Context) {
	if c.manager == nil {
		return
	}
	for wait := time.Duration(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		asked := make(chan error, 1) // it may take minutes, and nobody waits for it who stops
		go func() {
			certificate, err := c.named()
			c.note(certificate, err)
			asked <- err
		}()
		select {
		case <-ctx.Done():
			return
		case err := <-asked:
			wait = lookAgain
			if err != nil {
				wait = askAgain
			}
		}
	}
}

func (c *Certificates) note(certificate *tls.Certificate, err error) {
	fault := ""
	if err != nil {
		fault = c.because(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil && fault != c.fault:
		c.config.Log.Warn("no certificate yet", "name", c.config.Name, "error", err)
	case err == nil && !c.ends.Equal(certificate.Leaf.NotAfter):
		c.config.Log.Info("certificate", "name", c.config.Name, "ends", certificate.Leaf.NotAfter)
	}
	if c.fault = fault; err == nil {
		c.ends = certificate.Leaf.NotAfter
	}
}

// Is says how the certificate of the name is; false where none is wanted, or the
// first try is still under way.
func (c *Certificates) Is() (is machine.Certificate, tried bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return machine.Certificate{Name: c.config.Name, EndsAt: c.ends.UTC(), Fault: c.fault}, c.fault != "" || !c.ends.IsZero()
}

func (c *Certificates) has() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.ends.IsZero()
}

// because says in plain words why there is no certificate, and what to look at.
func (c *Certificates) because(err error) string {
	authority := c.config.Directory
	if u, err := url.Parse(authority); err == nil && u.Host != "" {
		authority = u.Host
	}
	var said *acme.Error
	var away *url.Error
	switch {
	case errors.As(err, &said) && said.StatusCode == http.StatusTooManyRequests:
		return short(fmt.Sprintf("%s was asked too often for %s; it is asked again later. It said: %s", authority, c.config.Name, said.Detail))
	case errors.As(err, &said):
		return short(fmt.Sprintf("%s refuses a certificate for %s. It said: %s", authority, c.config.Name, said.Detail))
	case errors.As(err, &away):
		return short(fmt.Sprintf("%s is not reached from this host: %v", authority, away.Err))
	}
	// What the authority found, autocert keeps to itself.
	return short(fmt.Sprintf("%s did not find this host under %s, port 443: point the name to its address. %s", authority, c.config.Name, c.pointsTo()))
}

// pointsTo says where the name points to, as this host sees it.
func (c *Certificates) pointsTo() string {
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	addresses, err := c.config.Resolver.LookupHost(ctx, c.config.Name)
	if err != nil {
		return "It has none now."
	}
	return "It points to " + strings.Join(addresses, " and ") + " now."
}

// maxFault is how much a report takes of a fault.
const maxFault = 300

func short(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), maxFault)], "")
}

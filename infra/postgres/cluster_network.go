package postgres

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// NetworkPort is where a cluster answers other machines.
const NetworkPort = 5432

// networkConnections are those of a server that other machines use as well: 64
// machines with a few each, beside what the host itself needs.
const networkConnections = "900"

// networkRules say who is let in, and how: on the machine as ever, from its own
// network by TLS only, and only the roles that serve tenants and that of a standby.
const networkRules = `# Written by Tollhouse at each start.
local all all scram-sha-256
local replication all scram-sha-256
hostssl all ` + RoleApp + `,` + RoleKeyring + ` samenet scram-sha-256
hostssl replication ` + RoleStandby + ` samenet scram-sha-256
`

// Listen has the server answer the other machines of its network as well, at
// this address of its own machine, and gives the certificate (in PEM) that it
// shows there. The server is started again for that, once: whoever is connected
// connects anew. Where it does not come up so, it goes on as it was.
func (c *Cluster) Listen(ctx context.Context, at netip.Addr) ([]byte, error) {
	certificate, err := c.certificate(time.Now())
	if err != nil {
		return nil, fmt.Errorf("certificate of the cluster in %s: %w", c.dir, err)
	}
	rules := filepath.Join(c.dir, "network.conf")
	if err := c.give(rules, []byte(networkRules)); err != nil {
		return nil, fmt.Errorf("rules of the cluster in %s: %w", c.dir, err)
	}
	before, changed := c.swap(map[string]string{"listen_addresses": at.String(), "port": fmt.Sprint(NetworkPort), "hba_file": rules, "max_connections": networkConnections,
		"ssl": "on", "ssl_min_protocol_version": "TLSv1.3", "ssl_cert_file": c.certificatePath(), "ssl_key_file": c.keyPath()})
	if !changed {
		return certificate, nil
	}
	err = c.mayListen(ctx, at)
	if err == nil {
		err = c.restart(ctx)
	}
	if err != nil {
		c.swap(before)
		return nil, fmt.Errorf("listen at %s: %w", at, err)
	}
	return certificate, nil
}

// swap puts settings over those of the next start and gives those that were
// there; an empty one is the server's own.
func (c *Cluster) swap(settings map[string]string) (before map[string]string, changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before = map[string]string{}
	for name, value := range settings {
		before[name] = c.settings[name]
		changed = changed || c.settings[name] != value
		if c.settings[name] = value; value == "" && name != "listen_addresses" {
			delete(c.settings, name)
		}
	}
	return before, changed
}

// mayListen says what would keep the server from coming up, before it is stopped.
func (c *Cluster) mayListen(ctx context.Context, at netip.Addr) error {
	var config net.ListenConfig
	probe, err := config.Listen(ctx, "tcp", netip.AddrPortFrom(at, NetworkPort).String())
	if err != nil {
		return err
	}
	return probe.Close()
}

// restart has the server started again with the settings as they are.
func (c *Cluster) restart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	pid := c.ServerPID()
	if pid == 0 || !c.isOurs(pid) {
		return errors.New("the server does not run")
	}
	if err := syscall.Kill(pid, syscall.SIGINT); err != nil {
		return err
	}
	for c.ServerPID() == pid {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return c.awaitReady(ctx)
}

// certificateName is the name in the certificate. It is no machine's: who
// connects trusts this one certificate, wherever it is shown.
const certificateName = "database.tollhouse.internal"

// A certificate is made anew at a start when it ends within a year.
const (
	certificateLasts = 20 * 365 * 24 * time.Hour
	certificateSpare = 365 * 24 * time.Hour
)

func (c *Cluster) certificatePath() string { return filepath.Join(c.dir, "server.crt") }
func (c *Cluster) keyPath() string         { return filepath.Join(c.dir, "server.key") }

// certificate is the cluster's, in PEM; it is made where there is none that lasts.
func (c *Cluster) certificate(now time.Time) ([]byte, error) {
	text, err := os.ReadFile(c.certificatePath())
	if err == nil {
		if block, _ := pem.Decode(text); block != nil {
			if known, err := x509.ParseCertificate(block.Bytes); err == nil && now.Add(certificateSpare).Before(known.NotAfter) {
				return text, nil
			}
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: certificateName}, DNSNames: []string{certificateName},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLasts), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	// The key goes first: a certificate without its key would never be made anew.
	if err := c.give(c.keyPath(), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})); err != nil {
		return nil, err
	}
	text = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return text, c.give(c.certificatePath(), text)
}

// give writes a file as a whole that the server alone can read.
func (c *Cluster) give(path string, text []byte) error {
	fresh := path + ".new"
	if err := os.WriteFile(fresh, text, 0o600); err != nil {
		return err
	}
	if c.owner != nil {
		if err := os.Chown(fresh, int(c.owner.Uid), int(c.owner.Gid)); err != nil {
			return err
		}
	}
	return os.Rename(fresh, path)
}

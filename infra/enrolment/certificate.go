package enrolment

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"strings"
	"time"

	"tollhouse/provisioning/machine"
)

// certificateTimeout bounds the look at one server's certificate.
const certificateTimeout = 5 * time.Second

// certificates looks at certificates in files, or of servers as host:port.
func certificates(ctx context.Context, names []string) []machine.Certificate {
	var list []machine.Certificate
	for _, name := range names {
		c := machine.Certificate{Name: name}
		ends, err := endOf(ctx, name)
		if err != nil {
			c.Fault = err.Error()
			c.Fault = c.Fault[:min(len(c.Fault), 300)]
		} else {
			c.EndsAt = ends.UTC()
		}
		list = append(list, c)
	}
	return list
}

var errNoCertificate = errors.New("no certificate is in this file")

func endOf(ctx context.Context, name string) (time.Time, error) {
	if strings.HasPrefix(name, "/") {
		return endOfFile(name)
	}
	ctx, cancel := context.WithTimeout(ctx, certificateTimeout)
	defer cancel()
	host, _, err := net.SplitHostPort(name)
	if err != nil {
		return time.Time{}, err
	}
	// Its end is looked at, not whether it is trusted: nothing is sent there.
	dialer := tls.Dialer{Config: &tls.Config{ServerName: host, InsecureSkipVerify: true}} //nolint:gosec // see above
	conn, err := dialer.DialContext(ctx, "tcp", name)
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = conn.Close() }()
	secure, ok := conn.(*tls.Conn)
	if !ok || len(secure.ConnectionState().PeerCertificates) == 0 {
		return time.Time{}, errNoCertificate
	}
	return earliest(secure.ConnectionState().PeerCertificates), nil
}

func endOfFile(path string) (time.Time, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return time.Time{}, err
	}
	var chain []*x509.Certificate
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return time.Time{}, err
		}
		chain = append(chain, certificate)
	}
	if len(chain) == 0 {
		return time.Time{}, errNoCertificate
	}
	return earliest(chain), nil
}

// earliest is when the first of a chain ends: the whole is worth no more.
func earliest(chain []*x509.Certificate) time.Time {
	ends := chain[0].NotAfter
	for _, c := range chain[1:] {
		if c.NotAfter.Before(ends) {
			ends = c.NotAfter
		}
	}
	return ends
}

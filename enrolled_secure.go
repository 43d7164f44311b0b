package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"

	"tollhouse/api"
	"tollhouse/infra/https"
	"tollhouse/provisioning/machine"
)

// secureDoor is where a host answers by TLS itself.
type secureDoor struct {
	wanted       machine.HTTPS
	certificates *https.Certificates
	listener     net.Listener // speaks TLS
	address      string
}

// openSecure opens the door that the configuration wants; nil if it wants none.
func (h *ownHost) openSecure(ctx context.Context, wanted *machine.HTTPS) (*secureDoor, error) {
	if wanted == nil {
		return nil, nil //nolint:nilnil // none is no fault
	}
	certificates, err := https.New(https.Config{Name: wanted.Name, Directory: wanted.Directory, Contact: wanted.Contact,
		Folder: filepath.Join(h.config.Data, "certificates"), Log: h.plant.log})
	if err != nil {
		return nil, err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", h.config.Secure)
	if err != nil {
		return nil, fmt.Errorf("listen for TLS: %w", err)
	}
	return &secureDoor{*wanted, certificates, certificates.Listen(listener), listener.Addr().String()}, nil
}

func (d *secureDoor) close() {
	if d != nil {
		_ = d.listener.Close()
	}
}

// isAs says whether the door is so as a configuration wants it.
func (d *secureDoor) isAs(wanted *machine.HTTPS) bool {
	if d == nil || wanted == nil {
		return d == nil && wanted == nil
	}
	return d.wanted == *wanted
}

// fill puts into a report where the door is and how its certificate does.
func (d *secureDoor) fill(r *machine.Report) {
	if d == nil {
		return
	}
	r.Secure = d.address
	if certificate, tried := d.certificates.Is(); tried {
		r.Certificates = append(r.Certificates, certificate)
	}
}

// atRoot leads whoever types the host's bare name to the pages of the one operator
// it carries.
func (h *ownHost) atRoot(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := h.operatorName()
		if name == "" || api.TenantOf(r) != "" || r.Method != http.MethodGet {
			next.ServeHTTP(w, r)
			return
		}
		switch r.URL.Path {
		case "/":
			http.Redirect(w, r, "/t/"+name+"/", http.StatusFound)
		case "/console", "/console/":
			http.Redirect(w, r, "/t/"+name+"/console/", http.StatusFound)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// withoutMetrics keeps the process's figures from whoever comes from outside.
func withoutMetrics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

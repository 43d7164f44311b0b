package web

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"tollhouse/billing"
	"tollhouse/billing/account"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// Bounds of a request for a page.
const (
	pageTimeout   = 20 * time.Second
	uploadTimeout = 10 * time.Minute // for forms that carry files, from lines that may be slow
	maxFormBytes  = 64 << 10
)

// Site is what all pages of a process share. Host and Authority serve tenants'
// pages, Staff and Registry those of hosting staff; either may be missing.
type Site struct {
	Host      *billing.Host
	Authority *identity.Authority
	Staff     *tenants.Staff
	PublicURL string           // where people reach us, without a slash at its end
	Now       func() time.Time // wall time
	Log       *slog.Logger
}

func (s *Site) secure() bool { return strings.HasPrefix(s.PublicURL, "https://") }

// checkouts are where a form may lead besides us: the card provider's page.
// While we are on a loopback address ourselves, the provider may be a stand-in
// on another port of it.
func (s *Site) checkouts() string {
	const stripe = "https://checkout.stripe.com"
	u, err := url.Parse(s.PublicURL)
	if err != nil {
		return stripe
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
		return stripe + " http://127.0.0.1:* http://localhost:*"
	}
	return stripe
}

// Open answers a request for a subscriber's page of a tenant, signed in or not.
func (s *Site) Open(handle func(*Visit) error) echo.HandlerFunc {
	return s.tenantPage(subscriberDoor, maxFormBytes, func(v *Visit) error {
		if err := v.checkForm(); err != nil {
			return err
		}
		return handle(v)
	})
}

// SignedIn answers a subscriber. Others are led to the door.
func (s *Site) SignedIn(handle func(*Visit) error) echo.HandlerFunc {
	return s.Open(func(v *Visit) error {
		if !v.SignedIn() {
			return v.toDoor("")
		}
		return handle(v)
	})
}

// ConsoleOpen answers a request for the operator's console, signed in or not:
// its door.
func (s *Site) ConsoleOpen(handle func(*Visit) error) echo.HandlerFunc {
	return s.tenantPage(consoleDoor, maxFormBytes, func(v *Visit) error {
		if err := v.checkForm(); err != nil {
			return err
		}
		return handle(v)
	})
}

// Console answers an operator's user who has a permission; "" wants none but
// to be signed in.
func (s *Site) Console(permission identity.Permission, handle func(*Visit) error) echo.HandlerFunc {
	return s.ConsoleUpload(permission, maxFormBytes, handle)
}

// ConsoleUpload is Console for forms that carry files. The rights are asked
// before the body is read.
func (s *Site) ConsoleUpload(permission identity.Permission, maxBytes int64, handle func(*Visit) error) echo.HandlerFunc {
	return s.tenantPage(consoleDoor, maxBytes, func(v *Visit) error {
		if !v.SignedIn() {
			return v.toDoor("console/sign-in")
		}
		if permission != "" {
			if err := v.Who.Require(permission); err != nil {
				return err
			}
			if err := v.mayChange(permission); err != nil {
				return err
			}
		}
		if err := v.checkForm(); err != nil {
			return err
		}
		if done, err := v.export(handle); done || err != nil {
			return err
		}
		return handle(v)
	})
}

// mayChange refuses forms of the console while the operator is suspended.
// Checking the audit trail changes nothing, and hosting staff can be shown out
// at any time; usage is what subscribers live on. What asks for no right is
// about the visitor's own security, which everybody may always look to.
func (v *Visit) mayChange(permission identity.Permission) error {
	method, act := v.echo.Request().Method, account.Manage
	switch {
	case method == http.MethodGet, method == http.MethodHead, permission == identity.VisitWrite, permission == identity.AuditRead:
		return nil
	case permission == identity.UsageWrite, permission == identity.ChargingWrite:
		act = account.Serve
	}
	return v.Profile.Standing.Refuses(act, v.site.Now())
}

// tenantPage finds the tenant and the caller.
func (s *Site) tenantPage(d door, maxBytes int64, handle func(*Visit) error) echo.HandlerFunc {
	return func(e echo.Context) error {
		v := &Visit{turn: s.turn(e, d)}
		v.shell = v.Page
		return v.run(maxBytes, func(ctx context.Context) (err error) {
			if v.Stack, err = s.Host.Resolve(ctx, e.Param("tenant")); err != nil {
				return err
			}
			v.settle()
			err = v.Stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error { return v.arrive(ctx, tx) })
			if err != nil {
				return err
			}
			if err := v.Stack.Seen(ctx, v.Who); err != nil {
				return err
			}
			return handle(v)
		})
	}
}

// run bounds a request, and answers whatever goes wrong with a page.
func (v *turn) run(maxBytes int64, handle func(context.Context) error) (err error) {
	limit := pageTimeout
	if maxBytes > maxFormBytes {
		limit = uploadTimeout
		_ = http.NewResponseController(v.echo.Response()).SetReadDeadline(v.site.Now().Add(limit)) // where there is no connection, nothing is lost
	}
	ctx, cancel := context.WithTimeout(v.echo.Request().Context(), limit)
	defer cancel()
	v.echo.SetRequest(v.echo.Request().WithContext(ctx))
	v.echo.Request().Body = http.MaxBytesReader(v.echo.Response(), v.echo.Request().Body, maxBytes)
	v.securityHeaders("")
	defer func() {
		if bug := recover(); bug != nil {
			err = v.fail(fmt.Errorf("panic: %v\n%s", bug, debug.Stack()))
		}
		if form := v.echo.Request().MultipartForm; form != nil {
			_ = form.RemoveAll() // what is left is the system's to clear
		}
	}()
	if err := handle(ctx); err != nil {
		return v.fail(err)
	}
	return nil
}

// NotFound answers for an address of a tenant that is none.
func (s *Site) NotFound() echo.HandlerFunc {
	return s.tenantPage(subscriberDoor, maxFormBytes, func(*Visit) error { return account.ErrNotFound })
}

// ConsoleNotFound is NotFound below the console.
func (s *Site) ConsoleNotFound() echo.HandlerFunc {
	return s.tenantPage(consoleDoor, maxFormBytes, func(*Visit) error { return account.ErrNotFound })
}

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
)

// Bounds of a request for a page.
const (
	pageTimeout  = 20 * time.Second
	maxFormBytes = 64 << 10
)

// Site is what all pages of a process share.
type Site struct {
	Host      *billing.Host
	Authority *identity.Authority
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

// Open answers a request for a page of a tenant, signed in or not.
func (s *Site) Open(handle func(*Visit) error) echo.HandlerFunc {
	return s.page(func(ctx context.Context, v *Visit) error {
		err := v.Stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error { return v.arrive(ctx, tx) })
		if err != nil {
			return err
		}
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
			return v.toDoor()
		}
		return handle(v)
	})
}

// page finds the tenant, and answers whatever goes wrong with a page.
func (s *Site) page(handle func(context.Context, *Visit) error) echo.HandlerFunc {
	return func(e echo.Context) (err error) {
		ctx, cancel := context.WithTimeout(e.Request().Context(), pageTimeout)
		defer cancel()
		e.SetRequest(e.Request().WithContext(ctx))
		e.Request().Body = http.MaxBytesReader(e.Response(), e.Request().Body, maxFormBytes)
		v := s.visit(e)
		v.securityHeaders("")
		defer func() {
			if bug := recover(); bug != nil {
				err = v.fail(fmt.Errorf("panic: %v\n%s", bug, debug.Stack()))
			}
		}()
		if v.Stack, err = s.Host.Resolve(ctx, e.Param("tenant")); err != nil {
			return v.fail(err)
		}
		v.settle()
		if err := handle(ctx, v); err != nil {
			return v.fail(err)
		}
		return nil
	}
}

// NotFound answers for an address that is none.
func (s *Site) NotFound() echo.HandlerFunc {
	return s.page(func(ctx context.Context, v *Visit) error {
		err := v.Stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error { return v.arrive(ctx, tx) })
		if err != nil {
			return err
		}
		return account.ErrNotFound
	})
}

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"tollhouse/api/nchf"
	"tollhouse/billing"
	"tollhouse/billing/charging"
	"tollhouse/billing/charging/session"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

// nchfOperation is what the guard asks of a 5G core: what it asks of whoever
// sends usage.
var nchfOperation = &operation{id: "nchfConvergedCharging", access: access(identity.UsageWrite), stack: true, timeout: defaultTimeout}

// registerNchf adds the converged charging endpoint. Its document is the
// standard's and not this API's, so its routes stand beside the generated ones.
func (s *Server) registerNchf(e *echo.Echo) {
	root := "/t/:tenant" + nchf.Root
	e.POST(root, s.nchf(func(e echo.Context, c nchf.Caller) error { return nchf.Create(e.Response(), e.Request(), c) }))
	e.POST(root+"/:ref/update", s.nchf(func(e echo.Context, c nchf.Caller) error {
		return nchf.Update(e.Response(), e.Request(), c, e.Param("ref"))
	}))
	e.POST(root+"/:ref/release", s.nchf(func(e echo.Context, c nchf.Caller) error {
		return nchf.Release(e.Response(), e.Request(), c, e.Param("ref"))
	}))
}

// nchf admits the caller as the guard does and tells errors in the standard's
// words.
func (s *Server) nchf(serve func(e echo.Context, c nchf.Caller) error) echo.HandlerFunc {
	return func(e echo.Context) error {
		r := e.Request()
		c := &call{op: nchfOperation, trace: traceOf(e), began: s.now(), path: r.URL.RequestURI(), bearer: bearer(r.Header.Values(echo.HeaderAuthorization)),
			userAgent: r.UserAgent(), address: address(r.RemoteAddr)}
		ctx, cancel := context.WithTimeout(withCall(r.Context(), c), nchfOperation.timeout)
		defer cancel()
		e.SetRequest(r.WithContext(ctx))
		_ = http.NewResponseController(e.Response()).SetReadDeadline(time.Now().Add(nchfOperation.timeout)) // where there is no connection, nothing is lost
		err := s.admit(ctx, e, c)
		if err == nil {
			err = serve(e, nchf.Caller{Charging: nchfCharging{c.stack}, Source: c.who.Actor()})
		}
		if err == nil {
			return nil
		}
		if e.Response().Committed {
			return err
		}
		status := 0
		if p, known := problemOf(err); known {
			status = p.Status
		}
		if status == http.StatusUnauthorized {
			e.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="tollhouse"`)
		}
		if known := nchf.Refuse(e.Response(), err, status); !known {
			s.log.Error("charging request failed", "error", err, "trace", c.trace)
		}
		return nil
	}
}

// nchfCharging is a stack as the endpoint needs it.
type nchfCharging struct{ stack *billing.Stack }

func (n nchfCharging) Step(ctx context.Context, step session.Step) (session.Answer, error) {
	return n.stack.Step(ctx, step)
}

func (n nchfCharging) Policy(ctx context.Context) (p session.Policy, err error) {
	err = n.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		p, err = charging.GetPolicy(ctx, tx)
		return err
	})
	return p, err
}

package api

import (
	"context"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"tollhouse/api/problem"
	"tollhouse/billing/identity"
	"tollhouse/tenants"
)

// guard stands before every operation. Its order matters: nothing of the body
// is read before the caller is known and may call this at all.
func (s *Server) guard(op *operation, next echo.HandlerFunc) echo.HandlerFunc {
	return func(e echo.Context) error {
		r := e.Request()
		c := &call{op: op, trace: traceOf(e), began: s.now(), path: r.URL.RequestURI(), bearer: bearer(r.Header.Values(echo.HeaderAuthorization)),
			key: r.Header.Get(idempotencyKey), accept: r.Header.Get(echo.HeaderAccept),
			signature: r.Header.Get(stripeSignature), userAgent: r.UserAgent(), address: address(r.RemoteAddr)}
		format, timeout := c.listFormat(), op.timeout
		if format != "" {
			timeout = fileTime
		}
		ctx, cancel := context.WithTimeout(withCall(r.Context(), c), timeout)
		defer cancel()
		if err := s.admit(ctx, e, c); err != nil {
			return err
		}
		e.SetRequest(r.WithContext(ctx))
		_ = http.NewResponseController(e.Response()).SetWriteDeadline(time.Now().Add(timeout + writeTimeout)) // where there is no connection, nothing is lost
		defer e.SetRequest(r)                                                                                 // the answer to an error outlives this context
		if err := s.readRequest(e, c); err != nil {
			return err
		}
		if c.plain != nil {
			return s.debitPlain(e, c)
		}
		if format != "" {
			return s.sendList(e, c, format, next)
		}
		if err := next(e); err != nil {
			return err
		}
		return c.answer.write(e.Response())
	}
}

// admit finds the stack and the caller, and whether it may call this.
func (s *Server) admit(ctx context.Context, e echo.Context, c *call) error {
	switch {
	case c.op.staff:
		return s.admitStaff(ctx, c)
	case c.op.stack:
		return s.admitToStack(ctx, e, c)
	default:
		return nil // of the process
	}
}

func (s *Server) admitToStack(ctx context.Context, e echo.Context, c *call) error {
	if c.remembered(e.Request().Method) {
		return s.admitRemembered(ctx, e, c)
	}
	stack, err := s.host.Resolve(ctx, e.Param("tenant"))
	if err != nil {
		return err
	}
	c.stack = stack
	noteTenant(e, stack.Ref.Name)
	if c.op.access == public {
		return nil
	}
	if c.bearer == "" {
		return identity.ErrUnauthenticated
	}
	return s.admitCaller(ctx, e, c)
}

// permitted asks the caller's role. A subscriber has rights to its own account
// only: where the path names one it is looked at here, else by the handler,
// which knows whose the thing is.
func (c *call) permitted(e echo.Context) error {
	if c.op.access == authenticated {
		return nil
	}
	if c.who.Role != identity.Subscriber {
		return c.who.Require(identity.Permission(c.op.access))
	}
	if c.op.self == "" {
		return identity.ErrForbidden
	}
	if err := c.who.Require(c.op.self); err != nil {
		return err
	}
	named := e.Param("account")
	if named == "" {
		return nil
	}
	account, err := uuid.Parse(named)
	if err != nil {
		return nil // the validation of the request says it better
	}
	return c.sees(account)
}

func (s *Server) admitStaff(ctx context.Context, c *call) error {
	if c.op.access == public {
		return nil
	}
	if c.bearer == "" {
		return tenants.ErrToken
	}
	actor, err := s.control.Staff.Authenticate(ctx, c.bearer)
	if err != nil {
		return err
	}
	actor.Trace, c.staff = c.trace, actor
	if c.op.access != authenticated && !actor.Role.May(tenants.Permission(c.op.access)) {
		return problem.Forbidden.New("")
	}
	return nil
}

// address is the caller's without its port. What proxies say of others is not
// believed: anybody can say it.
func address(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	return host
}

// bearer takes the token out of the Authorization header (RFC 6750, 2.1). Of
// two headers nobody can say which one counts, so none does.
func bearer(headers []string) string {
	if len(headers) != 1 {
		return ""
	}
	scheme, token, found := strings.Cut(headers[0], " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

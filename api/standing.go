package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"tollhouse/billing/account"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

// changes says whether the operation could change something: what asks for a
// right to read changes nothing, even where it takes a body.
func (c *call) changes(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && c.op.access != public && !strings.HasSuffix(string(c.op.access), ".read")
}

// act is what sort of change the caller wants to make.
func (c *call) act() account.Act {
	switch {
	case c.op.access == authenticated:
		return account.Secure // signing out, one's own sessions and factors
	case identity.Permission(c.op.access) == identity.UsageWrite, identity.Permission(c.op.access) == identity.ChargingWrite, c.who.Role == identity.Subscriber:
		return account.Serve
	}
	return account.Manage
}

// whoCalls finds the caller out, and how the operator stands where that may
// keep the caller from it.
func (s *Server) whoCalls(ctx context.Context, c *call, method string) (standing account.Standing, err error) {
	err = c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		if c.who, err = s.authority.Authenticate(ctx, tx, c.bearer); err != nil || !c.changes(method) {
			return err
		}
		standing, err = account.GetStanding(ctx, tx)
		return err
	})
	return standing, err
}

// admitCaller asks the caller's rights, then the operator's standing: who may
// not call this at all learns nothing of that.
func (s *Server) admitCaller(ctx context.Context, e echo.Context, c *call) error {
	method := e.Request().Method
	standing, err := s.whoCalls(ctx, c, method)
	if err != nil {
		return err
	}
	noteActor(e, c.who.Actor())
	if err := c.stack.Seen(ctx, c.who); err != nil {
		return err
	}
	if err := c.permitted(e); err != nil || !c.changes(method) {
		return err
	}
	return standing.Refuses(c.act(), c.began)
}

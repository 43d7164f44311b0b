package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"tollhouse/api/oapi"
)

// router registers the generated routes, each behind the guard of its
// operation. Routes of a control plane that is not here are left out.
type router struct {
	echo   *echo.Echo
	server *Server
}

var _ oapi.EchoRouter = router{}

func (r router) Add(method, path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	op, declared := r.server.operations[method+" "+path]
	if !declared {
		panic("api: route that the document does not declare: " + method + " " + path)
	}
	if (op.staff || op.machine) && r.server.control == nil || op.stack && r.server.host == nil {
		return nil
	}
	return r.echo.Add(method, path, r.server.guard(op, h), m...)
}

func (r router) CONNECT(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.Add(http.MethodConnect, path, h, m...)
}
func (r router) DELETE(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.Add(http.MethodDelete, path, h, m...)
}
func (r router) GET(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.Add(http.MethodGet, path, h, m...)
}
func (r router) HEAD(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.Add(http.MethodHead, path, h, m...)
}
func (r router) OPTIONS(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.Add(http.MethodOptions, path, h, m...)
}
func (r router) PATCH(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.Add(http.MethodPatch, path, h, m...)
}
func (r router) POST(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.Add(http.MethodPost, path, h, m...)
}
func (r router) PUT(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.Add(http.MethodPut, path, h, m...)
}
func (r router) TRACE(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.Add(http.MethodTrace, path, h, m...)
}

package api

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
)

// Names under which the middleware keeps its facts in the echo context.
const (
	keyTrace  = "trace"
	keyTenant = "tenant"
	keyActor  = "actor"
)

func traceOf(e echo.Context) string {
	trace, _ := e.Get(keyTrace).(string)
	return trace
}

func noteTenant(e echo.Context, name string) { e.Set(keyTenant, name) }
func noteActor(e echo.Context, actor string) { e.Set(keyActor, actor) }

// observe gives each request its trace, answers its error, and writes one line
// and two figures about it.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(e echo.Context) error {
		began := time.Now()
		trace := traceID(e.Request().Header.Get(traceparent))
		e.Set(keyTrace, trace)
		e.Response().Header().Set(traceHeader, trace)
		if err := s.recovering(e, next); err != nil {
			s.fail(err, e)
		}
		took := time.Since(began)
		route := e.Path()
		if route == "" || e.Response().Status == http.StatusNotFound && !s.declared(e) {
			route = "unknown" // what people try is no label
		}
		s.metrics.count(e.Request().Method, route, e.Response().Status, took)
		s.log.Info("request", "method", e.Request().Method, "route", route, "status", e.Response().Status,
			"took_ms", took.Milliseconds(), "bytes", e.Response().Size, "trace", trace, keyTenant, e.Get(keyTenant), keyActor, e.Get(keyActor))
		return nil
	}
}

// declared says whether the request met an operation.
func (s *Server) declared(e echo.Context) bool {
	_, found := s.operations[e.Request().Method+" "+e.Path()]
	return found
}

// recovering turns a panic, which is a bug, into an error with its stack.
func (s *Server) recovering(e echo.Context, next echo.HandlerFunc) (err error) {
	defer func() {
		bug := recover()
		if bug == http.ErrAbortHandler { //nolint:errorlint // it is thrown as it is
			panic(bug) // a file that ends too early: the connection is cut
		}
		if bug != nil {
			err = fmt.Errorf("panic: %v\n%s", bug, debug.Stack())
		}
	}()
	return next(e)
}

// metrics are this package's figures. Labels are routes, never what was asked
// for, and name no tenant.
type metrics struct {
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
}

func newMetrics(registry prometheus.Registerer) metrics {
	m := metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tollhouse_http_requests_total", Help: "Requests answered."},
			[]string{"method", "route", "status"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tollhouse_http_request_seconds", Help: "Time to an answer.",
			Buckets: prometheus.DefBuckets}, []string{"method", "route"}),
	}
	registry.MustRegister(m.requests, m.took)
	return m
}

func (m metrics) count(method, route string, status int, took time.Duration) {
	if route == "unknown" {
		method = "any"
	}
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.took.WithLabelValues(method, route).Observe(took.Seconds())
}

// secureHeaders are on every answer: nothing here is a page, nothing of it is
// to be kept by anybody on the way.
func secureHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(e echo.Context) error {
		h := e.Response().Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		return next(e)
	}
}

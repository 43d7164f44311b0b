package api

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"tollhouse/api/problem"
	"tollhouse/billing/identity"
	"tollhouse/billing/promotion"
	"tollhouse/billing/voucher"
)

// fail answers a request with the problem of an error. An error that nobody
// has foreseen is logged here, once, and told as nothing but its trace.
func (s *Server) fail(err error, e echo.Context) {
	if e.Response().Committed {
		s.log.Error("answer broken off", "error", err, "trace", traceOf(e))
		return
	}
	p, known := problemOf(err)
	if !known && e.Request().Context().Err() == nil {
		s.log.Error("request failed", "error", err, "trace", traceOf(e), "path", e.Path())
	}
	told := *p
	told.Trace = traceOf(e)
	if told.Status == http.StatusUnauthorized {
		e.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="tollhouse"`)
	}
	seconds := identity.RetryAfter(err)
	if tries, is := errors.AsType[*voucher.TriesError](err); is {
		seconds = max(1, int(math.Ceil(tries.Until.Sub(s.now()).Seconds())))
	}
	if tries, is := errors.AsType[*promotion.TriesError](err); is {
		seconds = max(1, int(math.Ceil(tries.After.Seconds())))
	}
	if seconds == 0 && told.Status == http.StatusServiceUnavailable {
		seconds = 1 // a full queue is shorter by then, a database that starts perhaps there
	}
	if seconds > 0 {
		e.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(seconds))
	}
	body, err := json.Marshal(told)
	if err != nil {
		s.log.Error("problem not written", "error", err, "trace", told.Trace)
		return
	}
	_ = e.Blob(told.Status, problem.ContentType, body) // who is gone can't be told
}

func problemOf(err error) (p *problem.Problem, known bool) {
	if p, known = problem.Of(err); known {
		return p, true
	}
	var large *http.MaxBytesError
	var routed *echo.HTTPError
	switch {
	case errors.As(err, &large):
		return problem.TooLarge.New(""), true
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return problem.Unavailable.New("it took too long"), true
	case errors.Is(err, http.ErrMissingBoundary), errors.Is(err, http.ErrNotMultipart):
		return problem.InvalidRequest.New("", problem.Fault{Field: "Content-Type", Reason: "names no boundary", Want: "multipart/form-data with its boundary"}), true
	case errors.As(err, &routed):
		return ofRouter(routed)
	}
	return p, false
}

// ofRouter tells what the router and the binding of bodies refuse. Which
// methods a path has, the router has written into the header Allow.
func ofRouter(err *echo.HTTPError) (p *problem.Problem, known bool) {
	switch err.Code {
	case http.StatusNotFound:
		return problem.NotFound.New(""), true
	case http.StatusMethodNotAllowed:
		return problem.NotAllowed.New(""), true
	case http.StatusBadRequest, http.StatusUnsupportedMediaType:
		return problem.InvalidRequest.New("", problem.Fault{Field: "body", Reason: "holds a value that cannot be taken", Want: "values as the API document describes"}), true
	}
	p, _ = problem.Of(err)
	return p, false
}

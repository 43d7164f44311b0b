package api

import (
	"context"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tollhouse/api/oapi"
	"tollhouse/api/problem"
)

// GetHealth implements oapi.StrictServerInterface.
func (s *Server) GetHealth(context.Context, oapi.GetHealthRequestObject) (oapi.GetHealthResponseObject, error) {
	return oapi.GetHealth200TextResponse("ok"), nil
}

// GetReadiness implements oapi.StrictServerInterface.
func (s *Server) GetReadiness(ctx context.Context, _ oapi.GetReadinessRequestObject) (oapi.GetReadinessResponseObject, error) {
	if err := s.ready(ctx); err != nil {
		s.log.Warn("not ready", "error", err)
		return nil, problem.Unavailable.New("a database does not answer")
	}
	return oapi.GetReadiness200TextResponse("ok"), nil
}

// figures writes the process's metrics; the exporter chooses their encoding.
type figures struct {
	handler http.Handler
}

// VisitGetMetricsResponse implements oapi.GetMetricsResponseObject.
func (f figures) VisitGetMetricsResponse(w http.ResponseWriter) error {
	f.handler.ServeHTTP(w, &http.Request{Method: http.MethodGet, Header: http.Header{}})
	return nil
}

// GetMetrics implements oapi.StrictServerInterface.
func (s *Server) GetMetrics(context.Context, oapi.GetMetricsRequestObject) (oapi.GetMetricsResponseObject, error) {
	return figures{promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{})}, nil
}

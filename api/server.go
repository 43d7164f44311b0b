package api

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"tollhouse/api/oapi"
	"tollhouse/billing"
	"tollhouse/billing/identity"
	"tollhouse/provisioning"
	"tollhouse/provisioning/backup"
	"tollhouse/provisioning/enrol"
	"tollhouse/provisioning/fleet"
	"tollhouse/provisioning/move"
	"tollhouse/tenants"
)

// Config is what a server is made of. Without Host it has no stacks, without
// Control no staff routes.
type Config struct {
	Host      *billing.Host
	Authority *identity.Authority // signs users in; wanted with Host
	Passwords *identity.Passwords // wanted with Host
	Control   *Control
	Log       *slog.Logger
	Now       func() time.Time                // wall time
	Ready     func(ctx context.Context) error // whether the databases answer
	Metrics   *prometheus.Registry            // nil: one of its own
	PublicURL string                          // where people reach us, such as http://127.0.0.1:8080
	// MaxUploadBytes bounds a usage file; DefaultMaxUpload if zero.
	MaxUploadBytes int64
}

// Control is the control plane as the staff routes need it.
type Control struct {
	DB       *tenants.DB
	Commands *tenants.Commands
	Registry *tenants.Registry
	Staff    *tenants.Staff
	Visits   *provisioning.Visits
	Watch    *provisioning.Watch
	Fleet    *fleet.Fleet
	Desk     *enrol.Desk
	Mover    *move.Mover
	Ends     move.Ends
	TakeOuts *backup.TakeOuts
	Seal     tenants.Sealer // of the addresses of host databases
	Programs Programs
}

// Programs are the versions of the program that machines fetch.
type Programs interface {
	// Open opens one by its digest; enrol.ErrProgram if there is none.
	Open(digest string) (file io.ReadCloser, size int64, err error)
}

// DefaultMaxUpload is the largest usage file unless configured: 8 GiB.
const DefaultMaxUpload = 8 << 30

// Server answers the operations of openapi.yaml.
type Server struct {
	host       *billing.Host
	authority  *identity.Authority
	passwords  *identity.Passwords
	control    *Control
	log        *slog.Logger
	now        func() time.Time
	ready      func(ctx context.Context) error
	registry   *prometheus.Registry
	metrics    metrics
	maxUpload  int64
	publicURL  string
	operations map[string]*operation
	admissions admissions
}

var _ oapi.StrictServerInterface = (*Server)(nil)

// New makes the API. Other pages may be added to what it returns; ByHostName
// goes around the whole.
func New(config Config) (*echo.Echo, error) {
	document, err := oapi.GetSpec()
	if err != nil {
		return nil, fmt.Errorf("read API document: %w", err)
	}
	operations, err := readOperations(document)
	if err != nil {
		return nil, fmt.Errorf("read API document: %w", err)
	}
	s := &Server{host: config.Host, authority: config.Authority, passwords: config.Passwords, control: config.Control,
		log: config.Log, now: func() time.Time { return config.Now().UTC().Truncate(time.Microsecond) }, ready: config.Ready,
		registry: config.Metrics, maxUpload: config.MaxUploadBytes, publicURL: config.PublicURL, operations: operations}
	if s.registry == nil {
		s.registry = prometheus.NewRegistry()
		s.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	if s.maxUpload == 0 {
		s.maxUpload = DefaultMaxUpload
	}
	s.metrics = newMetrics(s.registry)
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.fail
	e.Use(s.observe, secureHeaders)
	oapi.RegisterHandlers(router{echo: e, server: s}, oapi.NewStrictHandler(s, nil))
	if s.host != nil {
		s.registerNchf(e)
	}
	return e, nil
}

package billing

import (
	"context"
	"log/slog"
	"time"

	"tollhouse/billing/agenda"
	"tollhouse/billing/charging"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// Queue runs a tenant's lane soon, once at a time.
type Queue interface {
	Enqueue(ctx context.Context, id tenant.ID, lane agenda.Lane) error
}

// Host is what all stacks of one process share.
type Host struct {
	db       *tenant.DB
	charging *charging.Engine
	config   Config
	queue    Queue
}

// Config is what a host is made of.
type Config struct {
	DB    *tenant.DB
	Seal  Sealer
	Inbox string           // folder of received usage files
	Now   func() time.Time // wall time
	Log   *slog.Logger
	// Cards is the card provider of a tenant.
	Cards func(ref tenant.Ref) payment.CardProvider
}

// Sealer opens what a tenant keeps sealed, under a name of its own.
type Sealer interface {
	Seal(id tenant.ID, name string, clear []byte) ([]byte, error)
	Open(id tenant.ID, name string, sealed []byte) ([]byte, error)
}

// NewHost makes a host. Its agenda is worked once a queue is given by Start.
func NewHost(config Config) *Host {
	return &Host{db: config.DB, charging: charging.NewEngine(), config: config}
}

// Resolve finds the stack of a tenant by its name; tenant.ErrUnknown if none
// stands here.
func (h *Host) Resolve(ctx context.Context, name string) (*Stack, error) {
	ref, err := h.db.ByName(ctx, name)
	if err != nil {
		return nil, err
	}
	return &Stack{host: h, Ref: ref}, nil
}

// Stack is one tenant's billing.
type Stack struct {
	host *Host
	Ref  tenant.Ref
}

// Write runs fn in one transaction of this tenant.
func (s *Stack) Write(ctx context.Context, fn func(ctx context.Context, tx tenant.Tx) error) error {
	return s.host.db.Write(ctx, s.Ref, fn)
}

// Read runs fn on one snapshot of this tenant.
func (s *Stack) Read(ctx context.Context, fn func(ctx context.Context, tx tenant.Tx) error) error {
	return s.host.db.Read(ctx, s.Ref, fn)
}

package billing

import (
	"context"
	"log/slog"
	"time"

	"tollhouse/billing/agenda"
	"tollhouse/billing/charging"
	"tollhouse/billing/identity"
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
	queue    Queue // set by Dispatch
}

// Config is what a host is made of.
type Config struct {
	DB       *tenant.DB
	Identity *identity.Authority
	Seal     identity.Sealer
	Cards    payment.CardProvider
	Webhooks payment.EventReader
	Inbox    string           // folder of received usage files
	Now      func() time.Time // wall time
	Log      *slog.Logger
}

// NewHost makes a host. Its agenda is worked once Dispatch runs.
func NewHost(config Config) *Host {
	return &Host{db: config.DB, charging: charging.NewEngine(), config: config}
}

// Identity signs people in and checks who they are.
func (h *Host) Identity() *identity.Authority { return h.config.Identity }

// DB opens tenant transactions, for sign-in, which spans several.
func (h *Host) DB() *tenant.DB { return h.db }

// Ready says whether the database answers.
func (h *Host) Ready(ctx context.Context) error {
	_, err := h.db.Awake(ctx, 1)
	return err
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

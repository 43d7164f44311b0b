package billing

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"tollhouse/billing/access"
	"tollhouse/billing/agenda"
	"tollhouse/billing/audit"
	"tollhouse/billing/bill"
	"tollhouse/billing/charging"
	"tollhouse/billing/event"
	"tollhouse/billing/identity"
	"tollhouse/billing/identity/limit"
	"tollhouse/billing/intake"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/payment"
	"tollhouse/billing/promotion"
	"tollhouse/billing/task"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// Queue runs a tenant's lane soon, once at a time.
type Queue interface {
	Enqueue(ctx context.Context, id tenant.ID, lane agenda.Lane) error
}

// Host is what all stacks of one process share.
type Host struct {
	config   Config
	db       *tenant.DB
	charging *charging.Engine
	online   *charging.Online
	desk     *onboarding.Desk
	till     *payment.Till
	intake   *intake.Importer
	gates    gates
	tasks    *task.Runner
	pins     *limit.Limiter // tries of voucher PINs, by address
	guesses  guesses        // of promo codes
	lanes    sync.Map       // laneKey: being worked in this process
	queue    Queue          // set by Dispatch
}

// Config is what a host is made of.
type Config struct {
	DB        *tenant.DB
	Identity  *identity.Authority
	Seal      identity.Sealer
	Cards     payment.CardProvider
	Webhooks  payment.EventReader
	Online    OnlineProvider // of local methods; nil: none
	Messages  MessageSender  // nil: live tenants' mails fail, saying so
	SMS       SMSGateway     // nil: so do their SMS
	TaxEngine tax.Engine     // of operators that have chosen one; nil: none can be reached
	TaxIDs    tax.Registry   // nil: no register can be reached
	Network   Network        // nil: live tenants' sessions can't be told about, and it is noted
	Access    access.Network // nil: what live tenants' services may do stays pending, saying so
	Inbox     string         // folder of received usage files
	PublicURL string         // under which people reach us, without a slash at its end
	Programs  event.Sender   // nil: live tenants' webhooks fail, saying so
	Reachable []netip.Prefix // private networks that operators may let their webhooks reach
	// Anchors are what the control plane keeps of a stack's audit chain, newest
	// last; nil where it is not at hand.
	Anchors func(ctx context.Context, id tenant.ID) ([]audit.Anchor, error)
	Now     func() time.Time // wall time
	Log     *slog.Logger
}

// pinRate is how often an address may try voucher PINs, right ones apart.
var pinRate = limit.Rate{Burst: 20, PerMinute: 2}

// NewHost makes a host. Its agenda is worked once Dispatch runs.
func NewHost(config Config) *Host {
	h := &Host{config: config, db: config.DB, tasks: task.New(config.Now)}
	h.gates.seal = config.Seal
	h.pins = limit.New(pinRate, config.Now)
	h.guesses = newGuesses(config.Now)
	h.charging = charging.NewEngine(h.gates.of)
	h.charging.OnCycle(promotion.CycleUnderWay)
	h.online = charging.NewOnline(charging.OnlineConfig{DB: config.DB, Engine: h.charging, Log: config.Log})
	h.desk = onboarding.New(config.Seal, onboarding.Hooks{Grant: h.grant, Schedule: bill.Schedule, Held: bill.FreeDeposits, Secure: secure})
	h.till = payment.NewTill(config.DB, h.provider)
	h.intake = intake.New(intake.Config{Desk: h.desk, Users: config.Identity, Seal: config.Seal, Now: config.Now})
	return h
}

// Charging charges usage and fees.
func (h *Host) Charging() *charging.Engine { return h.charging }

// Online charges what must be answered at once: debits and steps of sessions.
func (h *Host) Online() *charging.Online { return h.online }

// Stop lets requests to charge that are under way finish; there are no new
// ones from then on. Whoever asks is told to ask another process.
func (h *Host) Stop(ctx context.Context) error { return h.online.Stop(ctx) }

// Desk takes and activates orders.
func (h *Host) Desk() *onboarding.Desk { return h.desk }

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

// Charging charges usage and fees.
func (s *Stack) Charging() *charging.Engine { return s.host.charging }

// Online charges what must be answered at once: debits and steps of sessions.
func (s *Stack) Online() *charging.Online { return s.host.online }

// Desk takes and activates orders.
func (s *Stack) Desk() *onboarding.Desk { return s.host.desk }

// Intake takes subscribers over from another billing system.
func (s *Stack) Intake() *intake.Importer { return s.host.intake }

// Seal makes a secret of this tenant unreadable, under a name of its own.
func (s *Stack) Seal(name string, clear []byte) ([]byte, error) {
	return s.host.config.Seal.Seal(s.Ref.ID, name, clear)
}

// Unseal opens what Seal made.
func (s *Stack) Unseal(name string, sealed []byte) ([]byte, error) {
	return s.host.config.Seal.Open(s.Ref.ID, name, sealed)
}

// Write runs fn in one transaction of this tenant.
func (s *Stack) Write(ctx context.Context, fn func(ctx context.Context, tx tenant.Tx) error) error {
	return s.quoted(ctx, func() error { return s.host.db.Write(ctx, s.Ref, fn) })
}

// Read runs fn on one snapshot of this tenant.
func (s *Stack) Read(ctx context.Context, fn func(ctx context.Context, tx tenant.Tx) error) error {
	return s.quoted(ctx, func() error { return s.host.db.Read(ctx, s.Ref, fn) })
}

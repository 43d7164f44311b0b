package enrol

import (
	"context"
	"errors"
	"log/slog"

	"github.com/google/uuid"

	"tollhouse/billing/hosting"
	"tollhouse/billing/tenant"
	"tollhouse/provisioning/alarm"
	"tollhouse/provisioning/backup"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// Config is what a desk works with.
type Config struct {
	DB   *tenants.DB
	Seal tenants.Sealer
	// URL is where machines reach the control plane.
	URL string
	// Binary is the digest of the program that new machines fetch.
	Binary func() (digest string, err error)
	// Wanted is the digest of the program that a site's machines are to run;
	// empty: they stay as they are. It may be nil.
	Wanted func(ctx context.Context, tx tenants.Tx, site uuid.UUID) (digest string, err error)
	// Hosting says what operators have agreed with us; nil: hosts are told nothing.
	Hosting Hosting
	// TakeOuts keeps what hosts deliver; nil: nothing is kept here.
	TakeOuts *backup.TakeOuts
	// Domain is the domain in which dedicated stacks have names, each its
	// operator's; empty: staff give each its address.
	Domain string
	// Address is where a site's first machine is reached from outside, such as
	// 203.0.113.7; empty: it is not known. It may be nil.
	Address func(ctx context.Context, tx tenants.Tx, site uuid.UUID) (string, error)
	// HTTPS names the authority of dedicated stacks' certificates.
	HTTPS machine.HTTPS
	Log   *slog.Logger
}

// Hosting knows what operators are told of their hosting contracts. It may ask
// the house's stack, so no transaction is open while it is asked.
type Hosting interface {
	// News is what an operator is told; false where nobody can say it now.
	News(ctx context.Context, operator tenant.ID) (news hosting.News, known bool, err error)
	// Document is a bill of an operator's as PDF; hosting.ErrNotFound if it has no such bill.
	Document(ctx context.Context, operator tenant.ID, bill uuid.UUID) ([]byte, error)
}

// Desk takes machines in and hears them.
type Desk struct{ Config }

// New makes a desk.
func New(config Config) *Desk { return &Desk{config} }

// Errors of invitations and machines.
var (
	// ErrToken means that no invitation has this token.
	ErrToken = errors.New("this enrolment token is not known here")
	// ErrTokenUsed means that another machine has come by this invitation.
	ErrTokenUsed = errors.New("this enrolment token was used by another machine")
	// ErrTokenLate means that the invitation's time is over, or that it was withdrawn.
	ErrTokenLate = errors.New("this enrolment token is not good any more")
	// ErrTokenForeign means that the invitation is for another operator or role.
	ErrTokenForeign = errors.New("this enrolment token is for another operator or purpose")
	// ErrProof means that whoever applies does not hold the key it shows.
	ErrProof = errors.New("the application is not signed by the key in it")
	// ErrKeyKnown means that another machine has this key.
	ErrKeyKnown = errors.New("a machine with this key is known already")
	// ErrHostStands refuses a second host of an operator unless it is to replace the first.
	ErrHostStands = errors.New("the operator has a host already")
	// ErrNotFound means that there is no such invitation or machine.
	ErrNotFound = errors.New("no such machine or invitation")
	// ErrState means that the invitation or machine is past that.
	ErrState = errors.New("the invitation or machine is not in a state for that")
	// ErrSignature means that a request was not signed by the machine it names.
	ErrSignature = errors.New("the request is not signed by this machine")
	// ErrClock means that a request's time is too far from ours.
	ErrClock = errors.New("the request's time is more than five minutes from ours")
	// ErrReplay means that a request with this number was heard before.
	ErrReplay = errors.New("a request with this number was heard already")
	// ErrProgram means that no version of the program has this digest here.
	ErrProgram = errors.New("no version of the program has this digest here")
	// ErrRevoked means that the machine was shut out.
	ErrRevoked = errors.New("this machine was shut out")
)

// refusal is a request that was refused, and the alarm that is raised for it.
// It is no error of the transaction: the alarm is to stay.
type refusal struct {
	why   error
	fault alarm.Fault
}

func (r *refusal) none() bool { return r == nil || r.why == nil }

// settled ends a transaction that judged a request: what was refused leaves its
// alarm and nothing else.
func settled(ctx context.Context, tx tenants.Tx, r *refusal) error {
	if r.none() || r.fault.Kind == "" {
		return nil
	}
	return alarm.Raise(ctx, tx, r.fault)
}

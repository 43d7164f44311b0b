package api

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tollhouse/api/problem"
	"tollhouse/billing"
	"tollhouse/billing/audit"
	"tollhouse/billing/identity"
	"tollhouse/tenants"
)

// call is one request on its way through: what the guard found out about it,
// for the handler. It travels in the context because generated handlers take
// nothing else; it never leaves this package.
type call struct {
	op        *operation
	trace     string
	began     time.Time // wall time
	stack     *billing.Stack
	who       identity.Principal // in a stack
	staff     tenants.Actor      // in the control plane
	bearer    string
	path      string      // as sent, with its query
	body      []byte      // as sent; nil for a stream
	plain     *plainEvent // the body of a debit, where it could be read plainly
	key       string      // Idempotency-Key
	accept    string
	signature string // Stripe-Signature
	userAgent string
	address   string         // the caller's, without port
	object    string         // what a command was about, for the audit
	objectID  uuid.UUID      // the same
	detail    map[string]any // the same; never a secret
	audited   bool           // the domain writes the audit row itself
	answer    *answer        // of a command, to be written as it is
}

type callKey struct{}

func withCall(ctx context.Context, c *call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// callOf is the request's call; the guard has put it there.
func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// caller is on whose behalf the stack acts.
func (c *call) caller() audit.Caller {
	return audit.Caller{Actor: c.who.Actor(), Trace: c.trace, WallAt: c.began}
}

// about notes what a command made or changed.
func (c *call) about(object string, id uuid.UUID) { c.object, c.objectID = object, id }

// note adds pairs of name and text to the audit's detail.
func (c *call) note(pairs ...string) {
	c.detail = map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		c.detail[pairs[i]] = pairs[i+1]
	}
}

// sees refuses what belongs to another account than a subscriber's own, in the
// words for what does not exist.
func (c *call) sees(account uuid.UUID) error {
	if c.who.Role == identity.Subscriber && c.who.AccountID != account {
		return problem.NotFound.New("")
	}
	return nil
}

// commandKey names the command to parts that keep keys of their own. Two
// callers, and two operations, may choose the same Idempotency-Key.
func (c *call) commandKey() string {
	return c.who.Actor() + "/" + c.op.id + "/" + c.key
}

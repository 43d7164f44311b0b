package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"tollhouse/api/problem"
	"tollhouse/billing"
	"tollhouse/billing/audit"
	"tollhouse/billing/identity/idempotency"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// once carries a command out in one transaction, in which its answer and its
// audit row are kept as well. A repeat is given the stored answer; a refusal
// is stored too, with nothing else left of it. What the caller gets is put
// into the call: first answers and repeats go out the same way.
func once[R any](ctx context.Context, visit func(R, http.ResponseWriter) error, fn func(ctx context.Context, tx tenant.Tx) (R, error)) error {
	c := callOf(ctx)
	var carriedOut bool
	var stored idempotency.Answer
	err := c.stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		carriedOut = false // a transaction that lost a race runs again
		stored, err = idempotency.Do(ctx, tx, c.idempotent(), func(ctx context.Context, tx tenant.Tx) (idempotency.Answer, error) {
			carriedOut = true
			response, err := fn(ctx, tx)
			if err != nil {
				return c.refusal(err)
			}
			a, err := render(response, visit)
			if err != nil {
				return idempotency.Answer{}, err
			}
			return c.sealed(idempotency.Answer{Status: a.status, Headers: a.headers, Body: a.body}, c.recordAudit(ctx, tx))
		})
		return err
	})
	if err != nil {
		return err
	}
	c.answer, err = c.opened(stored, !carriedOut)
	return err
}

func (c *call) sealed(a idempotency.Answer, err error) (idempotency.Answer, error) {
	if err != nil {
		return idempotency.Answer{}, err
	}
	a.Body, err = c.stack.Seal(billing.StoredAnswer, a.Body)
	return a, err
}

func (c *call) opened(stored idempotency.Answer, replay bool) (*answer, error) {
	body, err := c.stack.Unseal(billing.StoredAnswer, stored.Body)
	return &answer{status: stored.Status, headers: stored.Headers, body: body, replay: replay}, err
}

// repeatable carries out a command that has to leave the transaction: it calls
// a provider, or works for longer than one transaction may last. fn changes
// nothing when it is run again for the same key or the same goal, so the answer
// may be stored after it; a repeat in between runs it again. A refusal that
// ends by waiting is not stored: the same command may come again.
func repeatable[R any](ctx context.Context, visit func(R, http.ResponseWriter) error, fn func(ctx context.Context) (R, error)) error {
	c := callOf(ctx)
	if known, err := c.lookUp(ctx); err != nil || known != nil {
		c.answer = known
		return err
	}
	response, err := fn(ctx)
	if p, known := problem.Of(err); err != nil && known && p.Status == http.StatusTooManyRequests {
		return err
	}
	return once(ctx, visit, func(context.Context, tenant.Tx) (R, error) { return response, err })
}

// errPeeked ends a transaction that only looked.
var errPeeked = errors.New("only looked")

// lookUp finds the stored answer, without taking the key.
func (c *call) lookUp(ctx context.Context) (*answer, error) {
	var found *answer
	err := c.stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		stored, err := idempotency.Begin(ctx, tx, c.idempotent())
		if err != nil {
			return err
		}
		if stored != nil {
			if found, err = c.opened(*stored, true); err != nil {
				return err
			}
		}
		return errPeeked
	})
	if errors.Is(err, errPeeked) {
		err = nil
	}
	return found, err
}

func (c *call) idempotent() idempotency.Request {
	return idempotency.Request{Actor: c.who.Actor(), Operation: c.op.id, Key: c.key,
		BodyHash: idempotency.Fingerprint(c.path, c.body), WallAt: c.began}
}

// refusal is the stored form of what the domain refused. A fault of ours, and
// a race that was lost, stay errors.
func (c *call) refusal(err error) (idempotency.Answer, error) {
	p, known := problem.Of(err)
	if !known || p.Status >= http.StatusInternalServerError {
		return idempotency.Answer{}, err
	}
	p.Trace = c.trace
	body, err := json.Marshal(p)
	return c.sealed(idempotency.Answer{Status: p.Status, Headers: map[string]string{"Content-Type": problem.ContentType}, Body: body}, err)
}

// recordAudit writes down who did what to which thing, unless the domain did.
func (c *call) recordAudit(ctx context.Context, tx tenant.Tx) error {
	if c.audited {
		return nil
	}
	return audit.Record(ctx, tx, audit.Entry{Caller: c.caller(), Action: c.op.id, Object: c.object, ObjectID: c.objectID, Detail: c.detail})
}

// onceForStaff is once in the control plane, whose commands write their own
// audit. What the path names counts as the body does: one key is one command.
func (s *Server) onceForStaff(ctx context.Context, fn func(ctx context.Context, tx tenants.Tx) (answer, error)) error {
	c := callOf(ctx)
	carriedOut := false
	stored, err := s.control.Commands.Once(ctx, tenants.Call{Actor: c.staff, Operation: c.op.id, Key: c.key, Body: append([]byte(c.path+"\n"), c.body...)},
		func(ctx context.Context, tx tenants.Tx) (tenants.Answer, error) {
			carriedOut = true
			a, err := fn(ctx, tx)
			return tenants.Answer{Status: a.status, Headers: a.headers, Body: a.body}, err
		})
	if err != nil {
		return err
	}
	c.answer = &answer{status: stored.Status, headers: stored.Headers, body: stored.Body, replay: !carriedOut}
	return nil
}

// staffCommand is onceForStaff for a command that answers with a response.
func staffCommand[R any](ctx context.Context, s *Server, visit func(R, http.ResponseWriter) error, fn func(ctx context.Context, tx tenants.Tx) (R, error)) error {
	return s.onceForStaff(ctx, func(ctx context.Context, tx tenants.Tx) (answer, error) {
		response, err := fn(ctx, tx)
		if err != nil {
			return answer{}, err
		}
		return render(response, visit)
	})
}

package provisioning

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
	"tollhouse/billing/visit"
	"tollhouse/tenants"
)

// Doors lets staff into a stack and out of it.
type Doors interface {
	// Consent is the consent that holds now; visit.ErrNoConsent if none does.
	Consent(ctx context.Context, at Placed) (visit.Consent, error)
	// Enter begins a visit under that consent.
	Enter(ctx context.Context, at Placed, by tenants.Actor) (visit.Begun, error)
	// BreakIn begins a visit without consent; a repeat gives another ticket.
	BreakIn(ctx context.Context, at Placed, by tenants.Actor, e visit.Emergency) (visit.Begun, error)
	// Visit reads a visit; visit.ErrNoVisit if there is none.
	Visit(ctx context.Context, at Placed, id uuid.UUID) (visit.Visit, error)
	// Leave ends a visit.
	Leave(ctx context.Context, at Placed, by tenants.Actor, id uuid.UUID) error
}

// Visits brings staff into operators' stacks and keeps the book of it.
type Visits struct {
	db    *tenants.DB
	doors Doors
	log   *slog.Logger
}

// NewVisits makes the keeper of the book.
func NewVisits(db *tenants.DB, doors Doors, log *slog.Logger) *Visits {
	return &Visits{db: db, doors: doors, log: log}
}

// Entry is the way into a stack: its name and the ticket that opens the visit.
type Entry struct {
	visit.Begun
	Tenant string
}

// Consent is the operator's consent that holds now; visit.ErrNoConsent if none.
func (v *Visits) Consent(ctx context.Context, operator tenant.ID) (visit.Consent, error) {
	at, err := v.placed(ctx, operator)
	if err != nil {
		return visit.Consent{}, err
	}
	return v.doors.Consent(ctx, at)
}

// Enter begins a visit with the operator's consent.
func (v *Visits) Enter(ctx context.Context, by tenants.Actor, operator tenant.ID) (Entry, error) {
	at, err := v.placed(ctx, operator)
	if err != nil {
		return Entry{}, err
	}
	begun, err := v.doors.Enter(ctx, at, by)
	if err != nil {
		return Entry{}, err
	}
	return v.note(ctx, by, at, begun)
}

// Approve approves somebody else's break-glass. The visit begins at once, so
// that the operator's owners are told at once; where the stack can't be reached
// it begins, and they are told, when the visitor enters.
func (v *Visits) Approve(ctx context.Context, by tenants.Actor, request uuid.UUID) (tenants.BreakGlass, error) {
	var b tenants.BreakGlass
	var at Placed
	err := v.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		if b, err = tenants.DecideBreakGlass(ctx, tx, by, request, tenants.Approved); err != nil {
			return err
		}
		at, err = placed(ctx, tx, b.Operator)
		return err
	})
	if err != nil {
		return b, err
	}
	asker := tenants.Actor{ID: b.Asker.ID, Email: b.Asker.Email, Trace: by.Trace}
	if _, err := v.breakIn(ctx, asker, at, b); err != nil {
		v.log.Warn("owners are told of a break-glass when it is used", "tenant", at.Operator.Name, "error", err)
	}
	return b, nil
}

// EnterApproved enters by a break-glass that was approved for the caller.
func (v *Visits) EnterApproved(ctx context.Context, by tenants.Actor, request uuid.UUID) (Entry, error) {
	var b tenants.BreakGlass
	var at Placed
	err := v.db.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		if b, err = tenants.ApprovedFor(ctx, tx, by, request); err != nil {
			return err
		}
		at, err = placed(ctx, tx, b.Operator)
		return err
	})
	if err != nil {
		return Entry{}, err
	}
	return v.breakIn(ctx, by, at, b)
}

func (v *Visits) breakIn(ctx context.Context, by tenants.Actor, at Placed, b tenants.BreakGlass) (Entry, error) {
	begun, err := v.doors.BreakIn(ctx, at, by, visit.Emergency{Visit: b.ID, Staff: visit.Person(b.Asker), Approver: visit.Person(b.Decider),
		Reason: b.Reason, MayChange: b.MayChange, Until: b.VisitUntil})
	if err != nil {
		return Entry{}, err
	}
	return v.note(ctx, by, at, begun)
}

// note enters the visit in our book, after the stack's: without a ticket, which
// is told only now, nobody has been inside.
func (v *Visits) note(ctx context.Context, by tenants.Actor, at Placed, begun visit.Begun) (Entry, error) {
	err := v.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		return tenants.BeginVisit(ctx, tx, by, tenants.Visit{ID: begun.ID, Operator: at.Operator.ID, Staff: tenants.Person(begun.Staff),
			BreakGlass: begun.BreakGlass(), Approver: tenants.Person(begun.Approver), MayChange: begun.MayChange,
			BeganAt: begun.BeganAt, ExpiresAt: begun.ExpiresAt})
	})
	return Entry{Begun: begun, Tenant: at.Operator.Name}, err
}

// Leave ends one's own visit, from our side.
func (v *Visits) Leave(ctx context.Context, by tenants.Actor, operator tenant.ID, id uuid.UUID) error {
	at, err := v.placed(ctx, operator)
	if err != nil {
		return err
	}
	there, err := v.doors.Visit(ctx, at, id)
	if err != nil {
		return err
	}
	if there.Staff.ID != by.ID {
		return tenants.ErrNotApproved
	}
	if err := v.doors.Leave(ctx, at, by, id); err != nil {
		return err
	}
	return v.sweepOne(ctx, tenants.Visit{ID: id, Operator: operator, Staff: tenants.Person(there.Staff), ExpiresAt: there.ExpiresAt})
}

// sweepPage bounds how many visits one look takes up.
const sweepPage = 100

// sweep notes which visits have ended: visitors leave by the stack's own door,
// operators show them out, and hours pass.
func (v *Visits) sweep(ctx context.Context) error {
	var open []tenants.Visit
	err := v.db.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		open, err = tenants.OpenVisits(ctx, tx, sweepPage)
		return err
	})
	for _, one := range open {
		err = errors.Join(err, v.sweepOne(ctx, one))
	}
	return err
}

func (v *Visits) sweepOne(ctx context.Context, known tenants.Visit) error {
	ended, err := v.endOf(ctx, known)
	if err != nil || ended.IsZero() {
		return err
	}
	return v.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		return tenants.EndVisit(ctx, tx, tenants.System, known, ended)
	})
}

// endOf is when a visit ended; zero if it lasts. What has run out has ended,
// whether or not the stack answers.
func (v *Visits) endOf(ctx context.Context, known tenants.Visit) (time.Time, error) {
	now := v.db.Now()
	at, err := v.placed(ctx, known.Operator)
	if err == nil {
		var there visit.Visit
		if there, err = v.doors.Visit(ctx, at, known.ID); err == nil && there.EndedAt != nil {
			return *there.EndedAt, nil
		}
	}
	if !now.Before(known.ExpiresAt) {
		return known.ExpiresAt, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("look after visit %s: %w", known.ID, err)
	}
	return time.Time{}, nil
}

func (v *Visits) placed(ctx context.Context, operator tenant.ID) (at Placed, err error) {
	err = v.db.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		at, err = placed(ctx, tx, operator)
		return err
	})
	return at, err
}

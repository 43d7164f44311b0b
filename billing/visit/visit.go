package visit

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/audit"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

// Person is one of the hosting staff.
type Person struct {
	ID    uuid.UUID
	Email string
}

// Actor is how the audit names the person.
func (p Person) Actor() string { return staffActor + p.ID.String() }

// Visit is one stay of a staff user in this stack.
type Visit struct {
	ID        uuid.UUID
	Staff     Person
	ConsentID uuid.UUID // zero: by break-glass
	Approver  Person    // of a break-glass; zero with consent
	Reason    string
	MayChange bool
	BeganAt   time.Time
	ExpiresAt time.Time
	EndedAt   *time.Time
	EndedBy   string
}

// BreakGlass says whether the visitor came without the operator's consent.
func (v Visit) BreakGlass() bool { return v.ConsentID == uuid.Nil }

// OpenAt says whether the visit still lasts at a wall time.
func (v Visit) OpenAt(now time.Time) bool { return v.EndedAt == nil && now.Before(v.ExpiresAt) }

// Begun is a visit with the ticket that opens its session, told this once.
type Begun struct {
	Visit
	Ticket string
}

// MaxVisit is how long a visit may last.
const MaxVisit = time.Hour

// ticketLife is how long the way from the control plane into the stack may take.
const ticketLife = 2 * time.Minute

// BeginConsented begins a visit under the consent that holds longest;
// ErrNoConsent if there is none.
func BeginConsented(ctx context.Context, tx tenant.Tx, by audit.Caller, staff Person) (Begun, error) {
	open, err := OpenConsent(ctx, tx, wall(by))
	if err != nil {
		return Begun{}, err
	}
	// Read again under a lock: an end at the same time must see this visit, or
	// this visit the end.
	c, err := lockConsent(ctx, tx, open.ID)
	if err != nil {
		return Begun{}, err
	}
	if !c.OpenAt(wall(by)) {
		return Begun{}, ErrNoConsent
	}
	v := Visit{ID: uuid.Must(uuid.NewV7()), Staff: staff, ConsentID: c.ID, Reason: c.Reason, MayChange: c.MayChange,
		BeganAt: wall(by), ExpiresAt: wall(by).Add(MaxVisit)}
	if c.ExpiresAt.Before(v.ExpiresAt) {
		v.ExpiresAt = c.ExpiresAt
	}
	return v.begin(ctx, tx, by)
}

// Emergency is a break-glass as the control plane approved it.
type Emergency struct {
	Visit     uuid.UUID // id of the visit it is for: a repeat begins no second one
	Staff     Person
	Approver  Person
	Reason    string
	MayChange bool
	Until     time.Time // an hour after the approval, however late the visit begins
}

// ErrOver means that the time of a break-glass has passed.
var ErrOver = errors.New("the time for this visit has passed")

// BeginEmergency begins a visit without the operator's consent and tells its
// owners. Called again for the same visit it gives a new ticket and changes
// nothing else.
func BeginEmergency(ctx context.Context, tx tenant.Tx, by audit.Caller, e Emergency) (Begun, error) {
	reason, err := checkReason(e.Reason)
	if err != nil {
		return Begun{}, err
	}
	if e.Approver.ID == uuid.Nil || e.Approver.Email == "" || e.Approver.ID == e.Staff.ID {
		return Begun{}, ErrOwnApproval
	}
	now := wall(by)
	if !now.Before(e.Until) {
		return Begun{}, ErrOver
	}
	earlier, err := Get(ctx, tx, e.Visit)
	if err == nil {
		return earlier.again(ctx, tx, now)
	}
	if !errors.Is(err, ErrNoVisit) {
		return Begun{}, err
	}
	v := Visit{ID: e.Visit, Staff: e.Staff, Approver: e.Approver, Reason: reason, MayChange: e.MayChange, BeganAt: now, ExpiresAt: now.Add(MaxVisit)}
	if e.Until.Before(v.ExpiresAt) {
		v.ExpiresAt = e.Until
	}
	begun, err := v.begin(ctx, tx, by)
	if err != nil {
		return Begun{}, err
	}
	return begun, tellOwners(ctx, tx, v)
}

func (v Visit) begin(ctx context.Context, tx tenant.Tx, by audit.Caller) (Begun, error) {
	var consent, approver *uuid.UUID
	if v.BreakGlass() {
		approver = &v.Approver.ID
	} else {
		consent = &v.ConsentID
	}
	ticket := rand.Text()
	_, err := tx.Exec(ctx, `
		insert into staff_visit (id, consent_id, staff_id, staff_email, approver_id, approver_email, reason, may_change,
		                         ticket_hash, ticket_until, began_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		v.ID, consent, v.Staff.ID, v.Staff.Email, approver, v.Approver.Email, v.Reason, v.MayChange,
		hashOf(ticket), v.BeganAt.Add(ticketLife), v.BeganAt, v.ExpiresAt)
	if err != nil {
		return Begun{}, fmt.Errorf("begin visit: %w", err)
	}
	by.Actor = v.Staff.Actor()
	return Begun{Visit: v, Ticket: ticket}, audit.Record(ctx, tx, audit.Entry{Caller: by, Action: "visit.begin", Object: "visit", ObjectID: v.ID, Detail: v.detail()})
}

// again gives a visit that has begun another ticket: the first answer may have
// been lost on its way.
func (v Visit) again(ctx context.Context, tx tenant.Tx, now time.Time) (Begun, error) {
	if !v.OpenAt(now) {
		return Begun{}, ErrOver
	}
	ticket := rand.Text()
	_, err := tx.Exec(ctx, `update staff_visit set ticket_hash = $2, ticket_until = $3 where id = $1`, v.ID, hashOf(ticket), now.Add(ticketLife))
	if err != nil {
		return Begun{}, fmt.Errorf("give visit another ticket: %w", err)
	}
	return Begun{Visit: v, Ticket: ticket}, nil
}

func (v Visit) detail() map[string]any {
	detail := map[string]any{"staff": v.Staff.Email, "reason": v.Reason, "may_change": v.MayChange, "until": v.ExpiresAt}
	if v.BreakGlass() {
		detail["approved_by"], detail["approver"] = v.Approver.Email, v.Approver.Actor()
	} else {
		detail["consent"] = v.ConsentID
	}
	return detail
}

func hashOf(ticket string) []byte {
	sum := sha256.Sum256([]byte(ticket))
	return sum[:]
}

// End shows the visitor out. Ending a visit that is over changes nothing;
// ErrNoVisit if there is none.
func End(ctx context.Context, tx tenant.Tx, by audit.Caller, id uuid.UUID) error {
	v, err := Get(ctx, tx, id)
	if err != nil {
		return err
	}
	done, err := tx.Exec(ctx, `
		update staff_visit
		   set ended_at = $2, ended_by = $3, ticket_hash = null
		 where id = $1 and ended_at is null and expires_at > $2`, id, wall(by), by.Actor)
	if err != nil {
		return fmt.Errorf("end visit: %w", err)
	}
	if done.RowsAffected() == 0 {
		return nil
	}
	return audit.Record(ctx, tx, audit.Entry{Caller: by, Action: "visit.end", Object: "visit", ObjectID: id, Detail: map[string]any{"staff": v.Staff.Email}})
}

// Inside is a visit whose session is open.
type Inside struct {
	Visit
	Token   string
	Expires time.Time
}

// Redeem opens the session of a ticket, once; ErrTicket if it is unknown, used
// or too old, or the visit or its consent has ended.
func Redeem(ctx context.Context, tx tenant.Tx, a *identity.Authority, by audit.Caller, ticket string) (Inside, error) {
	rows, err := tx.Query(ctx, `
		update staff_visit v
		   set ticket_hash = null
		 where ticket_hash = $1 and ticket_until > $2 and `+isOpen+`
		returning `+visitColumns, hashOf(ticket), wall(by))
	if err != nil {
		return Inside{}, fmt.Errorf("redeem ticket: %w", err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, scanVisit)
	if errors.Is(err, pgx.ErrNoRows) {
		return Inside{}, ErrTicket
	}
	if err != nil {
		return Inside{}, fmt.Errorf("redeem ticket: %w", err)
	}
	in := Inside{Visit: v}
	if in.Token, in.Expires, err = a.SignVisit(ctx, tx, v.Staff.ID, v.ID, v.ExpiresAt); err != nil {
		return Inside{}, err
	}
	by.Actor = v.Staff.Actor()
	return in, audit.Record(ctx, tx, audit.Entry{Caller: by, Action: "visit.enter", Object: "visit", ObjectID: v.ID, Detail: map[string]any{"staff": v.Staff.Email}})
}

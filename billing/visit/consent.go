package visit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/audit"
	"tollhouse/billing/tenant"
)

// Consent is the operator's leave for hosting staff to come in.
type Consent struct {
	ID        uuid.UUID
	Reason    string // what they are to do, as the operator put it
	MayChange bool   // else they look only
	GivenBy   string // the audit's name of who gave it
	GivenAt   time.Time
	ExpiresAt time.Time
	EndedAt   *time.Time
	EndedBy   string
}

// OpenAt says whether the consent holds at a wall time.
func (c Consent) OpenAt(now time.Time) bool { return c.EndedAt == nil && now.Before(c.ExpiresAt) }

// NewConsent is a consent to be given.
type NewConsent struct {
	Reason    string
	MayChange bool
	For       time.Duration // up to MaxConsent
}

// MaxConsent is how long one consent may hold.
const MaxConsent = 7 * 24 * time.Hour

const (
	minConsent = 15 * time.Minute
	maxReason  = 500
)

// Errors of consents and visits.
var (
	// ErrNoConsent means that there is no such consent, or that it has ended.
	ErrNoConsent = errors.New("no such consent, or it has ended")
	// ErrNoVisit means that there is no such visit.
	ErrNoVisit = errors.New("no such visit")
	// ErrTicket means that a ticket is unknown, used or too old.
	ErrTicket = errors.New("the ticket was used already, or is too old: enter again")
	// ErrOwnApproval refuses a break-glass that its visitor approved.
	ErrOwnApproval = errors.New("somebody else of the staff has to approve this")
	// ErrVisitor means that hosting staff tried to give themselves leave.
	ErrVisitor = errors.New("only the operator's own people can give or end consent")
)

func checkReason(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" || !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxReason {
		return "", &account.FieldError{Field: "reason", Want: "what the visit is for, in at most 500 characters"}
	}
	return text, nil
}

// Give lets hosting staff in from now on, for a time.
func Give(ctx context.Context, tx tenant.Tx, by audit.Caller, n NewConsent) (Consent, error) {
	if isStaff(by) {
		return Consent{}, ErrVisitor
	}
	reason, err := checkReason(n.Reason)
	if err != nil {
		return Consent{}, err
	}
	if n.For < minConsent || n.For > MaxConsent {
		return Consent{}, &account.FieldError{Field: "for", Want: "15 minutes to 7 days"}
	}
	now := wall(by)
	c := Consent{ID: uuid.Must(uuid.NewV7()), Reason: reason, MayChange: n.MayChange, GivenBy: by.Actor, GivenAt: now, ExpiresAt: now.Add(n.For)}
	_, err = tx.Exec(ctx, `
		insert into staff_consent (id, reason, may_change, given_by, given_at, expires_at)
		values ($1, $2, $3, $4, $5, $6)`, c.ID, c.Reason, c.MayChange, c.GivenBy, c.GivenAt, c.ExpiresAt)
	if err != nil {
		return Consent{}, fmt.Errorf("give consent: %w", err)
	}
	return c, audit.Record(ctx, tx, audit.Entry{Caller: by, Action: "consent.give", Object: "consent", ObjectID: c.ID,
		Detail: map[string]any{"reason": c.Reason, "may_change": c.MayChange, "until": c.ExpiresAt}})
}

// EndConsent takes the leave back; visits under it end at once. Ending one that
// has ended changes nothing.
func EndConsent(ctx context.Context, tx tenant.Tx, by audit.Caller, id uuid.UUID) error {
	if isStaff(by) {
		return ErrVisitor
	}
	now := wall(by)
	c, err := lockConsent(ctx, tx, id)
	if err != nil || !c.OpenAt(now) {
		return err
	}
	if _, err := tx.Exec(ctx, `update staff_consent set ended_at = $2, ended_by = $3 where id = $1`, id, now, by.Actor); err != nil {
		return fmt.Errorf("end consent: %w", err)
	}
	if err := audit.Record(ctx, tx, audit.Entry{Caller: by, Action: "consent.end", Object: "consent", ObjectID: id}); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `select id from staff_visit where consent_id = $1 and ended_at is null and expires_at > $2 order by id`, id, now)
	if err != nil {
		return fmt.Errorf("end visits under consent %s: %w", id, err)
	}
	visits, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("end visits under consent %s: %w", id, err)
	}
	for _, visit := range visits {
		if err := End(ctx, tx, by, visit); err != nil {
			return err
		}
	}
	return nil
}

const consentColumns = `id, reason, may_change, given_by, given_at, expires_at, ended_at, ended_by`

func scanConsent(row pgx.CollectableRow) (Consent, error) {
	var c Consent
	err := row.Scan(&c.ID, &c.Reason, &c.MayChange, &c.GivenBy, &c.GivenAt, &c.ExpiresAt, &c.EndedAt, &c.EndedBy)
	c.GivenAt, c.ExpiresAt, c.EndedAt = c.GivenAt.UTC(), c.ExpiresAt.UTC(), utc(c.EndedAt)
	return c, err
}

// lockConsent holds the consent against an end and a beginning at the same time.
func lockConsent(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Consent, error) {
	return oneConsent(ctx, tx, `select `+consentColumns+` from staff_consent where id = $1 for update`, id)
}

func oneConsent(ctx context.Context, tx tenant.Tx, query string, args ...any) (Consent, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return Consent{}, fmt.Errorf("read consent: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, scanConsent)
	if errors.Is(err, pgx.ErrNoRows) {
		return Consent{}, ErrNoConsent
	}
	if err != nil {
		return Consent{}, fmt.Errorf("read consent: %w", err)
	}
	return c, nil
}

// MaxPage bounds how many consents or visits are read at once.
const MaxPage = 100

// Consents lists consents, newest first.
func Consents(ctx context.Context, tx tenant.Tx, limit int) ([]Consent, error) {
	rows, err := tx.Query(ctx, `select `+consentColumns+` from staff_consent order by id desc limit $1`, min(max(limit, 1), MaxPage))
	if err != nil {
		return nil, fmt.Errorf("list consents: %w", err)
	}
	return pgx.CollectRows(rows, scanConsent)
}

// OpenConsent is the consent that holds longest from a wall time on;
// ErrNoConsent if none does.
func OpenConsent(ctx context.Context, tx tenant.Tx, now time.Time) (Consent, error) {
	return oneConsent(ctx, tx, `
		select `+consentColumns+`
		  from staff_consent
		 where ended_at is null and expires_at > $1
		 order by expires_at desc
		 limit 1`, now)
}

func utc(at *time.Time) *time.Time {
	if at == nil {
		return nil
	}
	in := at.UTC()
	return &in
}

// wall is the caller's wall time as it is stored.
func wall(by audit.Caller) time.Time { return by.WallAt.UTC().Truncate(time.Microsecond) }

func isStaff(by audit.Caller) bool { return strings.HasPrefix(by.Actor, staffActor) }

const staffActor = "staff:"

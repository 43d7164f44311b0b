package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// Site is a dedicated stack's site as it is wanted, and how far it is.
type Site struct {
	ID       provisioning.SiteID
	Want     Want
	Shape    provisioning.Shape // that follows from what is wanted, now
	Sized    string             // the size whose machines it has, as schedules say
	Scaled   int                // workers that rules have added
	ScaledAt *time.Time
	Monthly  money.Amount
	Revision int64 // counts the shapes wanted
	Begun    int64 // the revision that the cloud was asked for last
	Made     int64 // the revision that stands

	State   State
	StateAt time.Time
	Reason  string // plain words, on failure and while something is waited for
	Detail  string // the cloud's own words
	Held    bool   // failed, and waits for a person
	Tries   int
	DueAt   time.Time // when it is looked at next

	Ref     string // the cloud's own id of it
	Address string
	Steps   []provisioning.Step
	Drift   []string
	Seen    Seen
	// VersionWanted is the binary, by digest, that an upgrade asks for; empty:
	// any.
	VersionWanted string

	AskedAt      time.Time
	ReadyAt      *time.Time // first time
	RemoveAfter  *time.Time
	WaivedBy     string
	Waiver       string
	FinalBackup  string
	RemovedAt    *time.Time
	InvitedUntil *time.Time

	sealedInvitation []byte
	asked            bool // the cloud was, for what is wanted now
	adopted          bool // what its machines were made with is not known
	rebuild          bool // by hand: what served and is gone
	fence            int64
}

// Seen is what a site's host said last, as the site's row keeps it.
type Seen struct {
	Enrolled  bool              `json:"enrolled,omitempty"`
	Healthy   bool              `json:"healthy,omitempty"`
	Reason    string            `json:"reason,omitempty"`
	Version   string            `json:"version,omitempty"`
	PublicURL string            `json:"public_url,omitempty"`
	At        time.Time         `json:"at,omitzero"`
	Load      provisioning.Load `json:"load,omitempty"`
}

func seenOf(s provisioning.Seen) Seen {
	return Seen{Enrolled: s.Enrolled, Healthy: s.Healthy, Reason: s.Reason, Version: s.Version, PublicURL: s.PublicURL, At: s.At.UTC().Truncate(time.Microsecond), Load: s.Load}
}

// silentAfter is how old a host's last word may be before it counts as silent.
const silentAfter = 2 * time.Minute

// Health is how a site that stands is, at one glance.
type Health string

// The healths of a site.
const (
	HealthOK      Health = "ok"
	HealthAiling  Health = "ailing"  // its host says that something is wrong
	HealthSilent  Health = "silent"  // its host says nothing any more
	HealthDrifted Health = "drifted" // it is not in its cloud as it was asked for
	HealthFailed  Health = "failed"
	HealthOnItWay Health = "working"
	HealthGoing   Health = "going"
)

// Health tells the worst first.
func (s Site) Health(at time.Time) Health {
	switch {
	case s.State == Failed:
		return HealthFailed
	case s.State == Closing || s.State == Removing || s.State.Over():
		return HealthGoing
	case s.State != Ready:
		return HealthOnItWay
	case !s.Seen.At.IsZero() && at.Sub(s.Seen.At) > silentAfter:
		return HealthSilent
	case !s.Seen.Healthy:
		return HealthAiling
	case len(s.Drift) > 0:
		return HealthDrifted
	}
	return HealthOK
}

const siteColumns = `id, operator_id, cloud, want, shape, sized, scaled, scaled_at, monthly, currency, revision, begun, made, asked,
	state, state_at, reason, detail, held, rebuild, adopted, tries, ref, address, steps, drift, sealed_invitation, invited_until, seen,
	version_wanted, fence, due_at, asked_at, ready_at, remove_after, waived_by, waiver, final_backup, removed_at`

func scanSite(row pgx.CollectableRow) (Site, error) {
	var s Site
	var operator uuid.UUID
	var cloud string
	var monthly money.Decimal
	var currency money.Currency
	err := row.Scan((*uuid.UUID)(&s.ID), &operator, &cloud, &s.Want, &s.Shape, &s.Sized, &s.Scaled, &s.ScaledAt, &monthly, &currency, &s.Revision, &s.Begun, &s.Made, &s.asked,
		&s.State, &s.StateAt, &s.Reason, &s.Detail, &s.Held, &s.rebuild, &s.adopted, &s.Tries, &s.Ref, &s.Address, &s.Steps, &s.Drift, &s.sealedInvitation, &s.InvitedUntil, &s.Seen,
		&s.VersionWanted, &s.fence, &s.DueAt, &s.AskedAt, &s.ReadyAt, &s.RemoveAfter, &s.WaivedBy, &s.Waiver, &s.FinalBackup, &s.RemovedAt)
	s.Want.Operator, s.Want.Cloud, s.Monthly = tenant.ID(operator), cloud, money.New(monthly, currency)
	for _, at := range []*time.Time{&s.StateAt, &s.DueAt, &s.AskedAt, s.ScaledAt, s.ReadyAt, s.RemoveAfter, s.RemovedAt, s.InvitedUntil} {
		if at != nil {
			*at = at.UTC()
		}
	}
	return s, err
}

func oneSite(ctx context.Context, tx tenants.Tx, query string, args ...any) (Site, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return Site{}, fmt.Errorf("read site: %w", err)
	}
	s, err := pgx.CollectExactlyOneRow(rows, scanSite)
	if errors.Is(err, pgx.ErrNoRows) {
		return Site{}, fmt.Errorf("site: %w", tenants.ErrNotFound)
	}
	if err != nil {
		return Site{}, fmt.Errorf("read site: %w", err)
	}
	return s, nil
}

// Get reads a site; tenants.ErrNotFound if there is none.
func Get(ctx context.Context, tx tenants.Tx, id provisioning.SiteID) (Site, error) {
	return oneSite(ctx, tx, `select `+siteColumns+` from site where id = $1`, uuid.UUID(id))
}

// lock reads a site and keeps it from others until the transaction ends.
func lock(ctx context.Context, tx tenants.Tx, id provisioning.SiteID) (Site, error) {
	return oneSite(ctx, tx, `select `+siteColumns+` from site where id = $1 for update`, uuid.UUID(id))
}

// Query chooses sites.
type Query struct {
	Operator tenant.ID           // zero: of all
	Removed  bool                // those that are removed too
	After    provisioning.SiteID // those after it, in the order of their ids
	Limit    int
}

// Find lists sites.
func Find(ctx context.Context, tx tenants.Tx, q Query) ([]Site, error) {
	rows, err := tx.Query(ctx, `
		select `+siteColumns+`
		  from site
		 where id > $1 and ($2 or state <> 'removed') and ($3::uuid = $4::uuid or operator_id = $3)
		 order by id
		 limit $5`, uuid.UUID(q.After), q.Removed, uuid.UUID(q.Operator), uuid.Nil, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("list sites: %w", err)
	}
	sites, err := pgx.CollectRows(rows, scanSite)
	if err != nil {
		return nil, fmt.Errorf("list sites: %w", err)
	}
	return sites, nil
}

// WantedVersion is the binary, by digest, that a site's host is to run; empty:
// the one it has.
func WantedVersion(ctx context.Context, tx tenants.Tx, id provisioning.SiteID) (digest string, err error) {
	err = tx.QueryRow(ctx, `select version_wanted from site where id = $1`, uuid.UUID(id)).Scan(&digest)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("site %s: %w", id, tenants.ErrNotFound)
	}
	if err != nil {
		return "", fmt.Errorf("read version wanted of site %s: %w", id, err)
	}
	return digest, nil
}

// AddressOf is where a site's first machine answers; empty as long as it has no
// address. tenants.ErrNotFound if there is no such site.
func AddressOf(ctx context.Context, tx tenants.Tx, id provisioning.SiteID) (address string, err error) {
	err = tx.QueryRow(ctx, `select address from site where id = $1`, uuid.UUID(id)).Scan(&address)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("site %s: %w", id, tenants.ErrNotFound)
	}
	if err != nil {
		return "", fmt.Errorf("read address of site %s: %w", id, err)
	}
	return address, nil
}

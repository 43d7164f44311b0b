package fleet

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// UpgradeState is how far an upgrade is.
type UpgradeState string

// The states of an upgrade:
//
//	running <──Resume, gate fails──> halted ──Rollback──> rolling_back ──> rolled_back
//	   └────> done                              ▲
//	   └──────────────Rollback──────────────────┘
const (
	UpgradeRunning     UpgradeState = "running"
	UpgradeHalted      UpgradeState = "halted"
	UpgradeDone        UpgradeState = "done"
	UpgradeRollingBack UpgradeState = "rolling_back"
	UpgradeRolledBack  UpgradeState = "rolled_back"
)

var upgradeMoves = map[UpgradeState][]UpgradeState{
	UpgradeRunning:     {UpgradeHalted, UpgradeDone, UpgradeRollingBack},
	UpgradeHalted:      {UpgradeRunning, UpgradeRollingBack},
	UpgradeRollingBack: {UpgradeRolledBack},
}

// MemberState is how far an upgrade is with one site.
type MemberState string

// The states of a member: waiting, asked (the host is told), done (it runs the
// version and is well), failed, back (it runs the former one again), left (the
// site is gone, or was never asked before a rollback).
const (
	MemberWaiting MemberState = "waiting"
	MemberAsked   MemberState = "asked"
	MemberDone    MemberState = "done"
	MemberFailed  MemberState = "failed"
	MemberBack    MemberState = "back"
	MemberLeft    MemberState = "left"
)

// Upgrade brings sites' hosts to a version, in waves.
type Upgrade struct {
	ID      uuid.UUID
	Version string // the binary, by digest
	Title   string
	Soak    time.Duration // how long a wave has to be well before the next
	Within  time.Duration // how long a host may take
	State   UpgradeState
	StateAt time.Time
	Reason  string
	Wave    int // from 1
	WaveAt  time.Time
	AskedBy string
	AskedAt time.Time
	EndedAt *time.Time
	Members []Member // where one upgrade is read
	Counts  map[MemberState]int
}

// Member is one site in an upgrade.
type Member struct {
	Site    provisioning.SiteID
	Wave    int
	Former  string
	State   MemberState
	Reason  string
	AskedAt *time.Time
	DoneAt  *time.Time
}

// NewUpgrade is an upgrade as staff ask for it.
type NewUpgrade struct {
	ID            uuid.UUID // chosen by the caller: a repeat begins nothing
	Version       string
	Title         string
	Sites         []provisioning.SiteID // none: all that are ready
	SoakMinutes   int
	WithinMinutes int
}

// waveSizes: one first, then ten, then all that are left.
var waveSizes = []int{1, 10}

func waveOf(i int) int {
	for wave, size := range waveSizes {
		if i < size {
			return wave + 1
		}
		i -= size
	}
	return len(waveSizes) + 1
}

var digest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// StartUpgrade begins an upgrade. The site that serves the least comes first.
func (f *Fleet) StartUpgrade(ctx context.Context, tx tenants.Tx, by tenants.Actor, n NewUpgrade) (Upgrade, error) {
	if u, err := GetUpgrade(ctx, tx, n.ID); err == nil {
		if u.Version != n.Version || u.Title != strings.TrimSpace(n.Title) {
			return Upgrade{}, refuse("upgrade", "an id that no other upgrade has")
		}
		return u, nil
	} else if !errors.Is(err, tenants.ErrNotFound) {
		return Upgrade{}, err
	}
	n.Title = strings.TrimSpace(n.Title)
	var bad faults
	bad.unless(digest.MatchString(n.Version), "version", "the binary's SHA-256, 64 hexadecimal digits")
	bad.unless(n.Title != "" && len(n.Title) <= maxTitle, "title", "1 to 200 characters")
	bad.unless(n.SoakMinutes >= 0 && n.SoakMinutes <= 10080, "soak_minutes", "0 to 10080")
	bad.unless(n.WithinMinutes >= 1 && n.WithinMinutes <= 1440, "within_minutes", "1 to 1440")
	if err := bad.err(); err != nil {
		return Upgrade{}, err
	}
	members, err := upgradable(ctx, tx, n)
	if err != nil {
		return Upgrade{}, err
	}
	_, err = tx.Exec(ctx, `
		insert into upgrade (id, version, title, soak_minutes, within_minutes, state, state_at, wave, wave_at, asked_by, asked_at)
		values ($1, $2, $3, $4, $5, 'running', $6, 1, $6, $7, $6)`, n.ID, n.Version, n.Title, n.SoakMinutes, n.WithinMinutes, tx.At, by.String())
	if err != nil {
		return Upgrade{}, fmt.Errorf("write upgrade: %w", err)
	}
	for i, s := range members {
		// What a site was told to run is its former version, else what it runs.
		former := s.VersionWanted
		if former == "" {
			former = s.Seen.Version
		}
		_, err := tx.Exec(ctx, `
			insert into upgrade_member (upgrade_id, site_id, wave, former, state) values ($1, $2, $3, $4, 'waiting')`,
			n.ID, s.ID.UUID(), waveOf(i), former)
		if violates(err, "upgrade_member_open") {
			return Upgrade{}, ErrUpgrading
		}
		if err != nil {
			return Upgrade{}, fmt.Errorf("write upgrade of site %s: %w", s.ID, err)
		}
	}
	tx.AfterCommit(f.wake)
	err = tenants.Record(ctx, tx, by, tenants.Entry{Action: "upgrade.start", Object: n.ID, Detail: map[string]any{"version": n.Version, "title": n.Title, "sites": len(members)}})
	if err != nil {
		return Upgrade{}, err
	}
	return GetUpgrade(ctx, tx, n.ID)
}

// upgradable are the sites that an upgrade has, in the order of their waves.
func upgradable(ctx context.Context, tx tenants.Tx, n NewUpgrade) ([]Site, error) {
	chosen := make([]uuid.UUID, len(n.Sites))
	for i, id := range n.Sites {
		chosen[i] = id.UUID()
	}
	rows, err := tx.Query(ctx, `
		select `+siteColumns+`
		  from site
		 where state = 'ready' and seen ->> 'version' is distinct from $1 and (cardinality($2::uuid[]) = 0 or id = any ($2))
		 order by coalesce((seen -> 'load' ->> 'charges_per_second')::numeric, 0), id
		   for update`, n.Version, chosen)
	if err != nil {
		return nil, fmt.Errorf("list sites to upgrade: %w", err)
	}
	sites, err := pgx.CollectRows(rows, scanSite)
	if err != nil {
		return nil, fmt.Errorf("list sites to upgrade: %w", err)
	}
	if len(sites) == 0 {
		return nil, refuse("sites", "at least one site that is ready and runs another version")
	}
	for i, id := range n.Sites {
		if !slices.ContainsFunc(sites, func(s Site) bool { return s.ID == id }) {
			return nil, refuse(fmt.Sprintf("sites[%d]", i), "a site that is ready and runs another version")
		}
	}
	return sites, nil
}

// ResumeUpgrade goes on with an upgrade that was halted: those that failed are
// asked again.
func (f *Fleet) ResumeUpgrade(ctx context.Context, tx tenants.Tx, by tenants.Actor, id uuid.UUID) (Upgrade, error) {
	u, err := f.moveUpgrade(ctx, tx, by, id, UpgradeRunning, "upgrade.resume")
	if err != nil {
		return Upgrade{}, err
	}
	_, err = tx.Exec(ctx, `update upgrade_member set state = 'waiting', reason = '' where upgrade_id = $1 and state in ('failed', 'asked')`, id)
	if err != nil {
		return Upgrade{}, fmt.Errorf("ask again: %w", err)
	}
	return GetUpgrade(ctx, tx, u.ID)
}

// Rollback has all hosts that were asked run their former version again.
func (f *Fleet) Rollback(ctx context.Context, tx tenants.Tx, by tenants.Actor, id uuid.UUID) (Upgrade, error) {
	u, err := f.moveUpgrade(ctx, tx, by, id, UpgradeRollingBack, "upgrade.rollback")
	if err != nil {
		return Upgrade{}, err
	}
	for _, statement := range []string{
		`update upgrade_member set state = 'left' where upgrade_id = $1 and state = 'waiting'`,
		`update site set version_wanted = m.former
		   from upgrade_member m
		  where m.upgrade_id = $1 and m.site_id = site.id and m.state in ('asked', 'done', 'failed')`,
		`update upgrade_member set state = 'asked', reason = '' where upgrade_id = $1 and state in ('done', 'failed')`,
	} {
		if _, err := tx.Exec(ctx, statement, id); err != nil {
			return Upgrade{}, fmt.Errorf("roll back: %w", err)
		}
	}
	return GetUpgrade(ctx, tx, u.ID)
}

func (f *Fleet) moveUpgrade(ctx context.Context, tx tenants.Tx, by tenants.Actor, id uuid.UUID, to UpgradeState, action string) (Upgrade, error) {
	u, err := lockUpgrade(ctx, tx, id)
	if err != nil {
		return Upgrade{}, err
	}
	if err := setUpgrade(ctx, tx, &u, to, ""); err != nil {
		return Upgrade{}, err
	}
	tx.AfterCommit(f.wake)
	return u, tenants.Record(ctx, tx, by, tenants.Entry{Action: action, Object: id, Detail: map[string]any{"title": u.Title, "wave": u.Wave}})
}

func setUpgrade(ctx context.Context, tx tenants.Tx, u *Upgrade, to UpgradeState, reason string) error {
	if !slices.Contains(upgradeMoves[u.State], to) {
		return fmt.Errorf("upgrade is %s: %w", u.State, ErrUpgradeState)
	}
	over := to == UpgradeDone || to == UpgradeRolledBack
	done, err := tx.Exec(ctx, `
		update upgrade set state = $2, state_at = $3, reason = $4, ended_at = case when $5 then $3::timestamptz end where id = $1 and state = $6`,
		u.ID, to, tx.At, reason, over, u.State)
	if err != nil {
		return fmt.Errorf("move upgrade %s: %w", u.ID, err)
	}
	if done.RowsAffected() != 1 {
		return ErrUpgradeState
	}
	u.State, u.Reason = to, reason
	return nil
}

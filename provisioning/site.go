package provisioning

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
)

// SiteID names a dedicated stack's site for good. What stands for it in a cloud
// is named and tagged by it, so that it can be found again by the id alone.
type SiteID uuid.UUID

func (id SiteID) String() string { return uuid.UUID(id).String() }

// UUID is the id as databases and interfaces know it.
func (id SiteID) UUID() uuid.UUID { return uuid.UUID(id) }

// ParseSiteID reads an id.
func ParseSiteID(text string) (SiteID, error) {
	id, err := uuid.Parse(text)
	return SiteID(id), err
}

// Site is what a dedicated stack stands on, as it should be.
type Site struct {
	ID       SiteID
	Operator tenant.ID
	Name     string // the operator's name, for people who look at the cloud
	Revision int64  // counts changes of what is wanted; an older one never overwrites a newer
	Shape    Shape
	Image    string // the machines' operating system, as the cloud names it; empty: the one that the cloud is set up with
	// UserData is cloud-init of the first machine: fetches our binary and enrols.
	// Empty: the machine stands already and keeps what it was made with.
	UserData string
	// WorkerData is cloud-init of each charging worker; empty as above, or where
	// there are none.
	WorkerData string
	// StandbyData is cloud-init of the standby's machine, likewise.
	StandbyData string
}

// Shape is how large a site is.
type Shape struct {
	Flavor       string `json:"flavor"`        // of the first machine, as the cloud names it
	WorkerFlavor string `json:"worker_flavor"` // of each charging worker
	Workers      int    `json:"workers"`       // charging workers beside the first machine
	BootGB       int    `json:"boot_gb"`       // boot volume
	DataGB       int    `json:"data_gb"`       // data volume; it may grow, never shrink
	Standby      bool   `json:"standby"`       // a second machine as synchronous standby (ha)
}

// Beside is how many machines there are beside the first.
func (s Shape) Beside() int {
	if s.Standby {
		return s.Workers + 1
	}
	return s.Workers
}

// Lacks says whether a machine beside the first has no user-data.
func (s Site) Lacks() bool {
	return s.Shape.Workers > 0 && s.WorkerData == "" || s.Shape.Standby && s.StandbyData == ""
}

// Phase is how far a site is in its cloud.
type Phase string

// The phases of a site in its cloud.
const (
	SiteAbsent   Phase = "absent"   // nothing of it stands
	SiteMaking   Phase = "making"   // being created or changed
	SiteStanding Phase = "standing" // all of it stands as wanted
	SiteBroken   Phase = "broken"   // a part failed; Reason says why
	SiteLeaving  Phase = "leaving"  // being deleted
)

// Observed is a site as its cloud shows it.
type Observed struct {
	Phase    Phase
	Revision int64  // of the site that the cloud was last asked for
	Ref      string // the cloud's own id of it
	Reason   string // plain words; where something failed
	Detail   string // the cloud's own words
	Address  string // where the first machine answers; empty until it has one
	Steps    []Step
	Drift    []string // what differs from what was asked for, in plain words
}

// Step is one part of a site on its way, for people who watch.
type Step struct {
	Name      string // as the site's parts are called: network, port, server ...
	State     string // waiting, working, done, failed
	Detail    string // the cloud's own words on failure
	BeganAt   *time.Time
	ChangedAt *time.Time
}

// Orphan is something that bears our tags and belongs to no site we know.
type Orphan struct {
	Ref  string
	Kind string // stack, volume, server ...
	Name string
	Site string // the id in its tags
	At   time.Time
}

// Sites is where dedicated stacks' machines are made: a private cloud, or this
// machine. Every call is short: it begins work and looks how far it is, but
// never waits for it. All may be repeated and cut off at any point.
type Sites interface {
	// Ensure begins what is missing towards the wanted site, or says that
	// nothing is. A site that failed half-way is resumed.
	Ensure(ctx context.Context, want Site) (Observed, error)
	// Observe looks at a site without changing anything.
	Observe(ctx context.Context, id SiteID) (Observed, error)
	// Remove begins the deletion of all that stands for a site; the phase is
	// absent once nothing does.
	Remove(ctx context.Context, id SiteID) (Observed, error)
	// Orphans lists what bears our tags but belongs to none of the known sites.
	Orphans(ctx context.Context, known []SiteID) ([]Orphan, error)
	// Room says what there is, what is used, and what a flavour takes.
	Room(ctx context.Context) (Room, error)
}

// Room is what a cloud has and what of it is used.
type Room struct {
	Hypervisors []Hypervisor
	Quotas      []Amount // of our project
	Flavors     []Flavor
	At          time.Time
}

// Hypervisor is one machine that carries others.
type Hypervisor struct {
	Name    string
	Up      bool
	Amounts []Amount
}

// Amount is how much there is of something and how much is used: vcpu, memory_mb,
// disk_gb, servers, volumes, volume_gb, networks, ports, routers, stacks.
type Amount struct {
	What        string
	Limit, Used int64 // a limit below zero: none is set
}

// Flavor is a size of machine as the cloud offers it.
type Flavor struct {
	Name                    string
	VCPUs, MemoryMB, DiskGB int
}

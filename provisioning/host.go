package provisioning

import (
	"context"
	"time"
)

// Invitation is what makes a site's new machines ours when they start for the
// first time.
type Invitation struct {
	UserData    string    // cloud-init of the first machine, with a token that is good once
	WorkerData  string    // cloud-init of each charging worker
	StandbyData string    // cloud-init of the standby
	Revision    int64     // of the site: the machines beside the first that it lets in are that one's
	Until       time.Time // when its token ends
}

// Hosts are a site's machines as they speak for themselves.
type Hosts interface {
	// Invite makes an invitation to a site whose shape and operator are set. A
	// site that has user-data keeps them, and what was made for it before stays
	// good: only the machines beside its first are invited. Else what was made
	// before and was not used is withdrawn.
	Invite(ctx context.Context, site Site) (Invitation, error)
	// Seen is what the site's first machine said last; one that never came is
	// not enrolled, which is no error.
	Seen(ctx context.Context, id SiteID) (Seen, error)
	// Withdraw ends all invitations to a site and lets nobody of it in any more.
	// A repeat changes nothing.
	Withdraw(ctx context.Context, id SiteID) error
}

// Seen is a site's first machine as it said last.
type Seen struct {
	Enrolled  bool
	Healthy   bool      // its API serves the operator
	Reason    string    // plain words; why it is not healthy
	Version   string    // the binary it runs, by digest
	PublicURL string    // under which people reach its stack
	At        time.Time // when it said so
	Load      Load
}

// Measure is one figure of a machine's load.
type Measure string

// The measures that rules of scaling may name.
const (
	ChargesPerSecond Measure = "charges_per_second"
	P99Millis        Measure = "p99_ms" // of an online charge
	CPUPercent       Measure = "cpu_percent"
	MemoryPercent    Measure = "memory_percent"
	DiskPercent      Measure = "disk_percent" // of the data volume
)

// Load is what is known of a machine's load, in whole numbers; what is not
// known is absent.
type Load map[Measure]int64

// FinalBackup is what is kept of a site after its deletion.
type FinalBackup struct {
	Done   bool
	Ref    string    // where it is kept
	At     time.Time // of the data in it
	Reason string    // plain words; how far it is, or why there is none
}

// FinalBackups keep the last backup of sites that are deleted.
type FinalBackups interface {
	// Final begins a site's last backup, or says how far it is; one that was
	// begun before the given instant is not the last. It may be repeated and cut
	// off at any point, and never waits for the backup.
	Final(ctx context.Context, site Site, since time.Time) (FinalBackup, error)
}

package machine

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Report is what a machine says of itself every few seconds.
type Report struct {
	Revision    string    `json:"revision"` // of the configuration it works by
	Version     string    `json:"version"`  // the program's digest
	StartedAt   time.Time `json:"started_at"`
	Healthy     bool      `json:"healthy"`
	Reason      string    `json:"reason,omitempty"`     // plain words; why it is not
	Stack       StackIs   `json:"stack,omitempty"`      // of a host
	Listen      string    `json:"listen,omitempty"`     // where its API listens
	Secure      string    `json:"secure,omitempty"`     // where it listens for TLS; empty: it does not
	PublicURL   string    `json:"public_url,omitempty"` // under which its stack is told to be reached
	Inside      *Inside   `json:"inside,omitempty"`     // of a host and its workers: where they reach each other
	Disks       []Disk    `json:"disks,omitempty"`
	MemoryTotal int64     `json:"memory_total_bytes,omitempty"`
	MemoryFree  int64     `json:"memory_free_bytes,omitempty"`
	// CPUPermille is how busy all cores were since the last report.
	CPUPermille int64 `json:"cpu_permille"`
	LoadCenti   int64 `json:"load_centi"` // load average of a minute, in hundredths
	// Charges are counted since the program started.
	Charges          int64         `json:"charges"`
	ChargesPerSecond int64         `json:"charges_per_second"`
	P99Millis        *int64        `json:"p99_ms,omitempty"` // of an online charge; absent: unknown
	BackupAt         *time.Time    `json:"backup_at,omitempty"`
	Drill            *Drill        `json:"drill,omitempty"` // the last restore from its backups; absent: none was made
	Certificates     []Certificate `json:"certificates,omitempty"`
	Missing          []string      `json:"missing_processes,omitempty"`
	OffsetMillis     int64         `json:"clock_offset_ms"` // how far its clock is behind ours
	Takings          *Takings      `json:"takings,omitempty"`
	TakeOut          string        `json:"take_out,omitempty"` // plain words; how far the one is that was asked for
	Copy             *Copy         `json:"copy,omitempty"`     // of a standby, and of the host that has one
}

// Inside is where the other machines of a site reach this one.
type Inside struct {
	Address     netip.AddrPort `json:"address"`               // a worker's API; a host's database server
	Certificate string         `json:"certificate,omitempty"` // of a host's database server, in PEM
}

// Takings are what a host's stack signed of what its operator collected, where
// it was asked for (Orders.Takings).
type Takings struct {
	Keys       [][]byte `json:"keys"`       // public keys of the stack
	Statements []string `json:"statements"` // in order of days
}

// TakingsWanted asks for statements of the days after one; none: of all days.
type TakingsWanted struct {
	After string `json:"after,omitempty"` // a day such as 2026-05-01
}

// StackIs is how far a host's stack is.
type StackIs string

// How far a host's stack may be.
const (
	StackNone  StackIs = ""      // the machine carries none
	StackEmpty StackIs = "empty" // a slot is ready, into which the stack is moved
	StackReady StackIs = "ready" // it answers
)

// Drill is a restore from a host's backups beside its server, held against the
// ledger's control sums.
type Drill struct {
	At          time.Time `json:"at"`
	RestoredMS  int64     `json:"restored_ms"`
	LossSeconds int64     `json:"loss_seconds"`    // that would have been lost
	Stacks      int       `json:"stacks"`          // whose books balance
	Fault       string    `json:"fault,omitempty"` // plain words; empty: it went well
}

// Disk is one file system.
type Disk struct {
	Path  string `json:"path"`
	Total int64  `json:"total_bytes"`
	Free  int64  `json:"free_bytes"`
}

// UsedPercent is how full it is, rounded up.
func (d Disk) UsedPercent() int64 { return usedPercent(d.Total, d.Free) }

func usedPercent(total, free int64) int64 {
	if total < 100 {
		return 0
	}
	return min((total-free+total/100-1)/(total/100), 100)
}

// Certificate is one certificate that the machine watches.
type Certificate struct {
	Name   string    `json:"name"` // the file or address
	EndsAt time.Time `json:"ends_at,omitzero"`
	Fault  string    `json:"fault,omitempty"` // plain words; why it cannot be read
}

// Orders are the answer to a report.
type Orders struct {
	Time     time.Time `json:"time"`     // ours
	Revision string    `json:"revision"` // of the configuration it should work by
	NewKeys  bool      `json:"new_keys"` // it is to change its keys
	// Takings are wanted with the next report; nil: they are not.
	Takings *TakingsWanted `json:"takings,omitempty"`
	// TakeOut is to be written and delivered; nil: none is.
	TakeOut *TakeOutWanted `json:"take_out,omitempty"`
}

// Bounds of a report: a machine may be somebody else's.
const (
	maxListed = 50
	maxText   = 500
	maxPEM    = 4_000
)

// ErrReport means that a report cannot be true.
var ErrReport = errors.New("the report cannot be true")

// Check refuses a report that no machine of ours would make.
func (r Report) Check() error {
	if len(r.Disks) > maxListed || len(r.Certificates) > maxListed || len(r.Missing) > maxListed {
		return fmt.Errorf("%w: a list has more than %d entries", ErrReport, maxListed)
	}
	texts := []string{r.Revision, r.Version, r.Reason, r.Listen, r.Secure, r.PublicURL, r.TakeOut}
	for _, d := range r.Disks {
		if d.Total < 0 || d.Free < 0 || d.Free > d.Total {
			return fmt.Errorf("%w: disk %s has more room than it is large", ErrReport, d.Path)
		}
		texts = append(texts, d.Path)
	}
	for _, c := range r.Certificates {
		texts = append(texts, c.Name, c.Fault)
	}
	if d := r.Drill; d != nil {
		if d.RestoredMS < 0 || d.LossSeconds < 0 || d.Stacks < 0 {
			return fmt.Errorf("%w: a figure of its drill is out of range", ErrReport)
		}
		texts = append(texts, d.Fault)
	}
	for _, text := range append(texts, r.Missing...) {
		if len(text) > maxText {
			return fmt.Errorf("%w: a text is longer than %d bytes", ErrReport, maxText)
		}
	}
	if i := r.Inside; i != nil && (!i.Address.IsValid() || i.Address.Port() == 0 || i.Address.Addr().IsUnspecified() || len(i.Certificate) > maxPEM) {
		return fmt.Errorf("%w: inside is not where a machine can be reached", ErrReport)
	}
	if r.MemoryFree < 0 || r.MemoryFree > r.MemoryTotal || r.CPUPermille < 0 || r.Charges < 0 || r.ChargesPerSecond < 0 {
		return fmt.Errorf("%w: a figure is out of range", ErrReport)
	}
	if c := r.Copy; c != nil && (c.BehindBytes < 0 || c.BehindSeconds < 0) {
		return fmt.Errorf("%w: copy is ahead of what it is a copy of", ErrReport)
	}
	if r.Stack != StackNone && r.Stack != StackEmpty && r.Stack != StackReady {
		return fmt.Errorf("%w: stack is %q", ErrReport, r.Stack)
	}
	return nil
}

// MemoryPercent is how much of the memory is used, rounded up.
func (r Report) MemoryPercent() int64 { return usedPercent(r.MemoryTotal, r.MemoryFree) }

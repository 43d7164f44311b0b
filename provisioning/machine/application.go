package machine

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// Role is what a machine does.
type Role string

// The roles of machines.
const (
	Host    Role = "host"    // carries the operator's stack, its database included
	Worker  Role = "worker"  // charges beside the site's host, in its database
	Standby Role = "standby" // has a copy of the host's database, which commits wait for
	Agent   Role = "agent"   // watches a server that the operator runs
)

// Roles are all there are.
var Roles = []Role{Host, Worker, Standby, Agent}

// Place is where a machine stands and whose it is.
type Place string

// The places of machines that are one operator's own. A pooled stack has none.
const (
	Dedicated  Place = "dedicated"  // a virtual machine of our cloud
	Colocation Place = "colocation" // the operator's server in our data centre
	Appliance  Place = "appliance"  // our appliance at the operator's
	Customer   Place = "customer"   // the operator's own server at the operator's
)

// Places are all there are.
var Places = []Place{Dedicated, Colocation, Appliance, Customer}

// Application is what a machine sends to be taken in.
type Application struct {
	Token    string `json:"token"`
	Operator string `json:"operator"` // the name of whose it says it is
	Role     Role   `json:"role"`
	Key      []byte `json:"key"`   // checks what it signs
	Box      []byte `json:"box"`   // seals what it alone opens
	Proof    []byte `json:"proof"` // that it holds the private half of the key
	Facts    Facts  `json:"facts"`
}

// Proven is the application with the proof that its keys are the machine's.
func (a Application) Proven(keys Keys) Application {
	a.Key, a.Box = keys.Public(), keys.Box
	a.Proof = ed25519.Sign(keys.Sign, a.claim())
	return a
}

// IsProven says whether whoever applies holds the private half of the key.
func (a Application) IsProven() bool {
	return len(a.Key) == KeyBytes && len(a.Box) == KeyBytes && ed25519.Verify(a.Key, a.claim(), a.Proof)
}

// claim is what the proof is made over. The token is in it as a hash: a proof
// that is kept tells nothing of it.
func (a Application) claim() []byte {
	token := sha256.Sum256([]byte(a.Token))
	return fmt.Appendf(nil, "tollhouse-enrol-1\n%x\n%q\n%q\n%x\n", token, a.Operator, a.Role, a.Box)
}

// Facts are what a machine tells of itself once.
type Facts struct {
	Hostname string `json:"hostname,omitempty"`
	System   string `json:"system,omitempty"` // such as Debian GNU/Linux 12
	Kernel   string `json:"kernel,omitempty"`
	Arch     string `json:"arch,omitempty"`
	CPUs     int    `json:"cpus,omitempty"`
	MemoryMB int64  `json:"memory_mb,omitempty"`
	Serial   string `json:"serial,omitempty"` // as the hardware names itself
}

// Welcome is the answer to an application that was taken in.
type Welcome struct {
	Machine       uuid.UUID     `json:"machine"`
	Time          time.Time     `json:"time"` // ours
	Configuration Configuration `json:"configuration"`
}

// Configuration is what a machine works by. It keeps it, and goes on by it
// while the control plane is not there.
type Configuration struct {
	Revision     string      `json:"revision"` // changes with anything below
	Role         Role        `json:"role"`
	Name         string      `json:"name"`
	Binary       string      `json:"binary"`                  // digest of the program it is to run; empty: as it is
	ReportEvery  int         `json:"report_every_seconds"`    // how often it reports
	PublicURL    string      `json:"public_url,omitempty"`    // under which people reach it; empty: as its host name says
	HTTPS        *HTTPS      `json:"https,omitempty"`         // of a host that answers by TLS itself
	Stack        *Stack      `json:"stack,omitempty"`         // of a host
	Beside       *Beside     `json:"beside,omitempty"`        // of a worker or a standby whose host has said where its database is
	Workers      *Workers    `json:"workers,omitempty"`       // of a host that has some
	Standby      *uuid.UUID  `json:"standby,omitempty"`       // of a host that has one: which machine it is
	Watch        Watch       `json:"watch"`                   // of every machine
	DatabaseSets []ServerSet `json:"database_sets,omitempty"` // settings of a host's database server over our own
	Key          []byte      `json:"key,omitempty"`           // the host's master key, sealed for this machine alone
}

// Marked gives the configuration the revision that belongs to its content. The
// sealed key is another text each time it is sealed, so it does not count.
func (c Configuration) Marked() (Configuration, error) {
	c.Revision, c.Key = "", nil
	text, err := json.Marshal(c)
	if err != nil {
		return c, fmt.Errorf("mark configuration: %w", err)
	}
	sum := sha256.Sum256(text)
	c.Revision = hex.EncodeToString(sum[:8])
	return c, nil
}

// HTTPS is how a host answers by TLS itself, where nothing before it does.
type HTTPS struct {
	Name      string `json:"name,omitempty"`      // of which it has a certificate; empty: it shows one of its own making
	Directory string `json:"directory,omitempty"` // of the ACME authority (RFC 8555), which gives the certificate
	Contact   string `json:"contact,omitempty"`   // e-mail address that the authority may write to
}

// ServerSet is one setting of a database server.
type ServerSet struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Stack is the one stack that a host carries.
type Stack struct {
	Operator tenants.Operator `json:"operator"`
	Slot     string           `json:"slot"`
	Epoch    int64            `json:"epoch"`
	// SetUp says that the host makes the stack. Where it is false the host makes
	// an empty slot ready, into which the stack is moved.
	SetUp         bool                  `json:"set_up"`
	OwnerPassword identity.PasswordHash `json:"owner_password_hash,omitempty"`
}

// Beside is the host beside which a worker charges, and which a standby follows.
type Beside struct {
	Database    netip.AddrPort `json:"database"`    // of the host's database server
	Certificate string         `json:"certificate"` // in PEM, the only one that the server may show
	Operator    tenant.ID      `json:"operator"`    // whose stack it carries
}

// Workers are those of a host. Where there are none that have said where they
// listen, the host makes its database ready for them.
type Workers struct {
	Addresses []netip.AddrPort `json:"addresses"` // where each listens, in order of ids
}

// Watch is what a machine looks after beside itself.
type Watch struct {
	Certificates []string `json:"certificates,omitempty"` // files, or host:port
	Processes    []string `json:"processes,omitempty"`    // names that must run
	Folders      []string `json:"folders,omitempty"`      // whose file systems must have room
}

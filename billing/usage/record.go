package usage

import (
	"time"

	"tollhouse/billing/money"
)

// Kind is what was used.
type Kind string

// The kinds of usage.
const (
	Voice   Kind = "voice"
	Data    Kind = "data"
	Message Kind = "message"
	Content Kind = "content"
	// Transaction is an event with an amount of its own, of which a part is
	// charged: a payment, a commission.
	Transaction Kind = "transaction"
)

// Valid says whether the kind is one of the closed list.
func (k Kind) Valid() bool {
	switch k {
	case Voice, Data, Message, Content, Transaction:
		return true
	}
	return false
}

// IdentityKind says by what a record names its subscriber.
type IdentityKind string

// The kinds of identity, the same as account's.
const (
	MSISDN  IdentityKind = "msisdn"
	Login   IdentityKind = "login"
	Line    IdentityKind = "line"
	IMSI    IdentityKind = "imsi"
	STB     IdentityKind = "stb"
	Host    IdentityKind = "host"
	Account IdentityKind = "account"
)

// Valid says whether the kind is one of the closed list.
func (k IdentityKind) Valid() bool {
	switch k {
	case MSISDN, Login, Line, IMSI, STB, Host, Account:
		return true
	}
	return false
}

// Identity is whom the usage belongs to, as the producer knows them.
type Identity struct {
	Kind  IdentityKind `json:"kind"`
	Value string       `json:"value"`
}

// Record is one use in normal form.
type Record struct {
	Key         string     `json:"key"`            // the producer's id, unique in its source
	Line        int64      `json:"line,omitempty"` // where it stands in its file, from 1; 0 by API
	Kind        Kind       `json:"kind"`
	Identity    Identity   `json:"identity"`
	Start       time.Time  `json:"start"` // UTC, microseconds
	End         time.Time  `json:"end"`   // UTC, microseconds; decides the period it belongs to
	Quantity    int64      `json:"quantity"`
	Unit        money.Unit `json:"unit"` // second, byte or event
	Destination string     `json:"destination,omitempty"`
	Origin      string     `json:"origin,omitempty"`
	Quality     string     `json:"quality,omitempty"` // such as hd or 4g
	// Amount is the event's own, in the currency of the subscriber's offering.
	Amount   *money.Decimal `json:"amount,omitempty"`
	NoCharge bool           `json:"no_charge,omitempty"` // kept and counted, never priced: an unanswered call
	Keyless  bool           `json:"keyless,omitempty"`   // the producer gave no id; Key is file digest and line
	Content  Hash           `json:"content,omitzero"`    // keyless: of the whole line, to find it again in another file
	Counter  *Counter       `json:"counter,omitempty"`   // set when the record is a cumulative counter
	Counted  bool           `json:"counted,omitempty"`   // ApplyCounters has set its quantity
}

// Status says what a RADIUS accounting record reports (RFC 2866, 5.1).
type Status string

// The statuses of accounting records. On and Off speak of the whole NAS.
const (
	Start   Status = "start"
	Interim Status = "interim"
	Stop    Status = "stop"
	On      Status = "on"
	Off     Status = "off"
)

// Counter is what a session has used since it began. Its record's Quantity is
// zero until ApplyCounters has taken off what was counted before.
type Counter struct {
	NAS            string    `json:"nas"`
	SessionID      string    `json:"session,omitempty"`
	Status         Status    `json:"status"`
	InputBytes     uint64    `json:"input_bytes"`  // gigawords included
	OutputBytes    uint64    `json:"output_bytes"` // gigawords included
	SessionSeconds uint64    `json:"session_seconds"`
	ReportedAt     time.Time `json:"reported_at"`
}

// Position is where reading stands: everything before it has been emitted.
type Position struct {
	Offset int64 // bytes
	Line   int64 // whole lines before the offset
}

// Item is what a reader found in one place. Exactly one of Record, Problem and
// Skipped is set, with one exception: a record whose time is outside the
// window carries both, because its key may still show it to be a repeat.
type Item struct {
	Line    int64    // the line it begins in, from 1
	Next    Position // where to resume after it
	Raw     string   // what stood there, at most RawBytes of it
	Cut     bool     // Raw is not all of it
	Record  *Record  // reused by the reader: copy it to keep it
	Problem *Problem
	Skipped bool // left out by a declared filter, or not usage at all
}

// RawBytes bounds how much of a line is kept in suspense.
const RawBytes = 4096

// Problem is why an item is no record.
type Problem struct {
	Field  string `json:"field,omitempty"` // in the mapping's words
	Code   Reason `json:"code"`
	Reason string `json:"reason"`         // what is wrong here
	Want   string `json:"want,omitempty"` // what would be right
}

func (p *Problem) Error() string {
	text := string(p.Code) + ": " + p.Reason
	if p.Field != "" {
		text = p.Field + ": " + text
	}
	if p.Want != "" {
		text += "; wanted: " + p.Want
	}
	return text
}

// Digest is the SHA-256 of a whole file.
type Digest [32]byte

// durationSeconds is how long the use lasted where its quantity says so, else 0.
func (r *Record) durationSeconds() int64 {
	if r.Unit == money.Second {
		return r.Quantity
	}
	return 0
}

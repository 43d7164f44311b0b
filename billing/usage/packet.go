package usage

import (
	"math"
	"strconv"
	"strings"
	"time"

	"tollhouse/billing/money"
)

// attribute is one of the RADIUS attributes that matter to usage.
type attribute uint8

const (
	acctStatusType attribute = iota
	acctSessionID
	acctInputOctets
	acctOutputOctets
	acctInputGigawords
	acctOutputGigawords
	acctSessionTime
	acctDelayTime
	eventTimestamp
	timestamp
	userName
	callingStationID
	imsi3GPP
	agentCircuitID
	nasPortID
	framedIPAddress
	nasIPAddress
	nasIPv6Address
	nasIdentifier
	clientIPAddress
	packetType
	attributes // how many
)

var attributeNames = map[string]attribute{
	"Acct-Status-Type": acctStatusType, "Acct-Session-Id": acctSessionID,
	"Acct-Input-Octets": acctInputOctets, "Acct-Output-Octets": acctOutputOctets,
	"Acct-Input-Gigawords": acctInputGigawords, "Acct-Output-Gigawords": acctOutputGigawords,
	"Acct-Session-Time": acctSessionTime, "Acct-Delay-Time": acctDelayTime,
	"Event-Timestamp": eventTimestamp, "Timestamp": timestamp,
	"User-Name": userName, "Calling-Station-Id": callingStationID, "3GPP-IMSI": imsi3GPP,
	"ADSL-Agent-Circuit-Id": agentCircuitID, "NAS-Port-Id": nasPortID, "Framed-IP-Address": framedIPAddress,
	"NAS-IP-Address": nasIPAddress, "NAS-IPv6-Address": nasIPv6Address, "NAS-Identifier": nasIdentifier,
	"Client-IP-Address": clientIPAddress, "Packet-Type": packetType,
}

// identityAttributes says where a kind of identity stands in a packet.
var identityAttributes = map[IdentityKind][]attribute{
	Login: {userName}, Account: {userName}, MSISDN: {callingStationID}, STB: {callingStationID},
	IMSI: {imsi3GPP}, Line: {agentCircuitID, nasPortID}, Host: {framedIPAddress},
}

// statuses maps Acct-Status-Type; an empty one is no usage of a session
// (RFC 2867 tunnels, and what the NAS could not do).
var statuses = map[string]Status{
	"Start": Start, "Stop": Stop, "Interim-Update": Interim, "Alive": Interim,
	"Accounting-On": On, "Accounting-Off": Off,
	"Tunnel-Start": "", "Tunnel-Stop": "", "Tunnel-Reject": "",
	"Tunnel-Link-Start": "", "Tunnel-Link-Stop": "", "Tunnel-Link-Reject": "", "Failed": "",
}

// packetParser turns one stanza into a record.
type packetParser struct {
	identity IdentityKind
	clock    clock
	header   string
	values   [attributes]string
	seen     [attributes]bool
}

// parse reports false for a packet that is no usage.
func (p *packetParser) parse(text string, r *Record) (bool, *Problem) {
	if fault := p.collect(text); fault != nil {
		return false, fault
	}
	if !p.seen[acctStatusType] && p.seen[packetType] {
		return false, nil // an authentication packet in the same file
	}
	word := p.values[acctStatusType]
	status, known := statuses[word]
	switch {
	case word == "":
		return false, absent("Acct-Status-Type")
	case !known:
		return false, &Problem{"Acct-Status-Type", UnknownValue, quote(clip(word)) + " is unknown",
			"Start, Interim-Update, Stop, Accounting-On or Accounting-Off"}
	case status == "":
		return false, nil
	}
	return true, p.fill(r, status)
}

func absent(name string) *Problem {
	return &Problem{name, MissingField, "is absent", "the attribute " + name}
}

func (p *packetParser) collect(text string) *Problem {
	p.values, p.seen = [attributes]string{}, [attributes]bool{}
	var rest string
	p.header, rest, _ = strings.Cut(text, "\n")
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		name, value, ok := strings.Cut(strings.TrimLeft(line, "\t "), " = ")
		if !ok || name == "" || strings.IndexByte(name, ' ') >= 0 {
			return &Problem{"", BadStructure, quote(clip(line)) + " is no attribute", "a tab, then Name = value"}
		}
		attr, matters := attributeNames[name]
		if !matters {
			continue
		}
		if p.seen[attr] {
			return &Problem{name, BadStructure, "stands twice: two records ran together", "one record between empty lines"}
		}
		if value, ok = unquote(value); !ok {
			return &Problem{name, BadQuote, "its quotes do not match", `a text in "…"`}
		}
		p.values[attr], p.seen[attr] = value, true
	}
	return nil
}

// unquote undoes FreeRADIUS's quoting: \" \\ \n \r \t and three octal digits.
func unquote(value string) (string, bool) {
	if value == "" || value[0] != '"' {
		return value, true
	}
	if len(value) < 2 || value[len(value)-1] != '"' {
		return "", false
	}
	inner := value[1 : len(value)-1]
	if strings.IndexByte(inner, '\\') < 0 {
		return inner, strings.IndexByte(inner, '"') < 0
	}
	var out strings.Builder
	for inner != "" {
		c, n, ok := unescape(inner)
		if !ok {
			return "", false
		}
		out.WriteByte(c)
		inner = inner[n:]
	}
	return storable(out.String()), true
}

// unescape reads one character and tells how many bytes stood for it.
func unescape(s string) (c byte, n int, ok bool) {
	if s[0] != '\\' {
		return s[0], 1, s[0] != '"'
	}
	if len(s) < 2 {
		return 0, 0, false
	}
	switch s[1] {
	case 'n':
		return '\n', 2, true
	case 'r':
		return '\r', 2, true
	case 't':
		return '\t', 2, true
	case '"', '\\', '\'':
		return s[1], 2, true
	}
	if len(s) < 4 {
		return 0, 0, false
	}
	octal, err := strconv.ParseUint(s[1:4], 8, 8)
	return byte(octal), 4, err == nil
}

func (p *packetParser) fill(r *Record, status Status) *Problem {
	nas := p.first(nasIPAddress, nasIPv6Address, nasIdentifier, clientIPAddress)
	if nas == "" {
		return absent("NAS-IP-Address")
	}
	// A record is copied by whoever keeps it, its counter is not: make it anew.
	c := &Counter{NAS: nas, Status: status}
	at, fault := p.reportedAt()
	if fault != nil {
		return fault
	}
	c.ReportedAt = at
	*r = Record{Kind: Data, Unit: money.Byte, Start: at, End: at, Counter: c}
	if status == On || status == Off {
		r.NoCharge = true
		r.Key = nas + "/" + string(status) + "/" + strconv.FormatInt(at.Unix(), 10)
		return nil
	}
	if fault := p.fillSession(r, c); fault != nil {
		return fault
	}
	r.Key = c.key()
	return nil
}

func (p *packetParser) first(names ...attribute) string {
	for _, name := range names {
		if v := p.values[name]; v != "" {
			return v
		}
	}
	return ""
}

func (p *packetParser) fillSession(r *Record, c *Counter) *Problem {
	if c.SessionID = p.values[acctSessionID]; c.SessionID == "" {
		return absent("Acct-Session-Id")
	}
	r.Identity = Identity{p.identity, p.first(identityAttributes[p.identity]...)}
	if r.Identity.Value == "" {
		return &Problem{"identity", MissingField, "the attribute that names the subscriber is absent", "a " + string(p.identity)}
	}
	var fault *Problem
	needed := c.Status != Start
	if c.InputBytes, fault = p.bytes(acctInputOctets, acctInputGigawords, "Acct-Input", needed); fault != nil {
		return fault
	}
	if c.OutputBytes, fault = p.bytes(acctOutputOctets, acctOutputGigawords, "Acct-Output", needed); fault != nil {
		return fault
	}
	if c.SessionSeconds, fault = p.number(acctSessionTime, "Acct-Session-Time"); fault != nil {
		return fault
	}
	r.Start = c.ReportedAt.Add(-time.Duration(c.SessionSeconds) * time.Second)
	return c.check()
}

// check holds the bound that everything after it counts on.
func (c *Counter) check() *Problem {
	if c.InputBytes > math.MaxInt64-min(c.OutputBytes, math.MaxInt64) || c.OutputBytes > math.MaxInt64 {
		return &Problem{"counter", CounterOverflow, "input and output together are 2^63 bytes or more", "less than 2^63 bytes"}
	}
	return nil
}

// total is what the session has moved in both directions.
func (c *Counter) total() int64 { return int64(c.InputBytes + c.OutputBytes) }

// key names what a record says: RADIUS repeats packets under new identifiers
// and times, and only what they count makes two of them different.
func (c *Counter) key() string {
	var b strings.Builder
	b.Grow(len(c.NAS) + len(c.SessionID) + 64)
	b.WriteString(c.NAS + "/" + c.SessionID + "/" + string(c.Status))
	for _, n := range [...]uint64{c.InputBytes, c.OutputBytes, c.SessionSeconds} {
		b.WriteByte('/')
		b.WriteString(strconv.FormatUint(n, 10))
	}
	return b.String()
}

// bytes joins octets, a counter of 32 bits, with how often it has wrapped
// (RFC 2869, 5.1 and 5.2).
func (p *packetParser) bytes(octets, gigawords attribute, name string, needed bool) (uint64, *Problem) {
	if needed && !p.seen[octets] {
		return 0, absent(name + "-Octets")
	}
	low, fault := p.number(octets, name+"-Octets")
	if fault != nil {
		return 0, fault
	}
	high, fault := p.number(gigawords, name+"-Gigawords")
	return high<<32 | low, fault
}

// number reads an attribute of 32 bits; an absent one is 0.
func (p *packetParser) number(attr attribute, name string) (uint64, *Problem) {
	if !p.seen[attr] {
		return 0, nil
	}
	text := p.values[attr]
	n, err := strconv.ParseUint(text, 10, 64)
	switch {
	case err == nil && n <= math.MaxUint32:
		return n, nil
	case text != "" && strings.Trim(text, "0123456789") == "":
		return 0, &Problem{name, CounterOverflow, clip(text) + " does not fit in 32 bits", "0 to 4294967295"}
	case strings.HasPrefix(text, "-"):
		return 0, &Problem{name, NegativeQuantity, clip(text) + " is negative", "0 to 4294967295"}
	}
	return 0, &Problem{name, BadNumber, quote(clip(text)) + " is no whole number", "0 to 4294967295"}
}

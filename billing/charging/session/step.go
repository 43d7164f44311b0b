package session

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/usage"
)

// Kind is what a step asks for.
type Kind string

// Kinds of step. An event is a session that begins and ends with one step.
const (
	Start     Kind = "start"
	Update    Kind = "update"
	Terminate Kind = "terminate"
	Event     Kind = "event"
)

// Begins says whether the step makes a session.
func (k Kind) Begins() bool { return k == Start || k == Event }

// Ends says whether nothing is granted any more.
func (k Kind) Ends() bool { return k == Terminate || k == Event }

// Step is one request of a session.
type Step struct {
	Kind    Kind           `json:"kind"`
	Session uuid.UUID      `json:"session"` // uuid.Nil where it begins one
	Source  string         `json:"source"`
	Name    string         `json:"name,omitempty"` // the asker's own, where it begins one
	Number  int64          `json:"number"`
	At      time.Time      `json:"-"` // as the asker says; zero: now
	Who     usage.Identity `json:"who,omitzero"`

	Consumer  string   `json:"-"`
	NotifyURI string   `json:"-"`
	Reports   []Report `json:"reports,omitempty"`
}

// Report is what a step says of one service.
type Report struct {
	Service     string     `json:"service"`
	Kind        usage.Kind `json:"kind,omitempty"` // in the service's first report
	Destination string     `json:"destination,omitempty"`
	Quality     string     `json:"quality,omitempty"`
	Used        int64      `json:"used,omitempty"`  // since the last report
	Ask         bool       `json:"ask,omitempty"`   // for a quota
	Units       int64      `json:"units,omitempty"` // of that size at most; 0: as the policy says
	Ended       bool       `json:"ended,omitempty"` // the service ends
}

// Bounds of a step.
const (
	maxReports = 64
	maxName    = 255
	maxUnits   = 1 << 60
)

// Errors of steps.
var (
	// ErrUnknown means that there is no such session, or no longer.
	ErrUnknown = errors.New("no such charging session")
	// ErrConflict means that a number was answered for another request.
	ErrConflict = errors.New("this number of the session was used for another request")
	// ErrStep is wrapped by a StepError.
	ErrStep = errors.New("not a request of a charging session")
)

// StepError names the field of a request that is not as it should be.
type StepError struct{ Field, Reason, Want string }

func (e *StepError) Error() string { return e.Field + " " + e.Reason + "; wanted: " + e.Want }

// Is lets errors.Is find ErrStep.
func (e *StepError) Is(target error) bool { return target == ErrStep }

// Check finds what is wrong with a request in itself.
func (s *Step) Check() error {
	if s.Number < 0 {
		return &StepError{"number", "is below zero", "0 or more, another for each request of the session"}
	}
	if s.Kind.Begins() && (s.Name == "" || len(s.Name) > maxName || strings.ContainsRune(s.Name, 0)) {
		return &StepError{"session", "is missing or too long", fmt.Sprintf("your own name of the session, at most %d bytes", maxName)}
	}
	if s.Kind.Begins() && (!s.Who.Kind.Valid() || s.Who.Value == "") {
		return &StepError{"identity", "is missing", "kind and value, as msisdn and +4915100000001"}
	}
	if len(s.Reports) > maxReports {
		return &StepError{"services", "are too many", fmt.Sprintf("at most %d", maxReports)}
	}
	seen := map[string]bool{}
	for i := range s.Reports {
		if err := s.Reports[i].check(i); err != nil {
			return err
		}
		if seen[s.Reports[i].Service] {
			return &StepError{field(i, "service"), "is named twice", "each service once a request"}
		}
		seen[s.Reports[i].Service] = true
	}
	return nil
}

func field(i int, name string) string { return fmt.Sprintf("services[%d].%s", i, name) }

func (r *Report) check(i int) error {
	switch {
	case r.Service == "" || len(r.Service) > maxName:
		return &StepError{field(i, "service"), "is missing or too long", fmt.Sprintf("a name, at most %d bytes", maxName)}
	case r.Kind != "" && !chargeable(r.Kind):
		return &StepError{field(i, "kind"), fmt.Sprintf("%.20q cannot be used in sessions", r.Kind), "voice, data, message or content"}
	case r.Used < 0 || r.Used > maxUnits:
		return &StepError{field(i, "used"), "is out of range", "what was used since the last report, 0 or more"}
	case r.Units < 0 || r.Units > maxUnits:
		return &StepError{field(i, "units"), "is out of range", "how much is asked for, 0 or more"}
	}
	return nil
}

func chargeable(kind usage.Kind) bool {
	switch kind {
	case usage.Voice, usage.Data, usage.Message, usage.Content:
		return true
	}
	return false
}

// Fingerprint tells whether two requests under one number are the same. When
// it was sent, and where its asker wants to be told, may differ.
func (s *Step) Fingerprint() [16]byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic("session: a step cannot be written: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return [16]byte(sum[:16])
}

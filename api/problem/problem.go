package problem

import (
	"errors"
	"net/http"
)

// ContentType is the media type of a problem document.
const ContentType = "application/problem+json"

// Problem is why a request was refused.
type Problem struct {
	Type      string  `json:"type"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail,omitempty"`
	Trace     string  `json:"trace"`
	Challenge string  `json:"challenge,omitempty"` // of a second factor that is wanted
	Errors    []Fault `json:"errors,omitempty"`
}

// Fault is one field that was refused.
type Fault struct {
	Field  string `json:"field"`
	Reason string `json:"reason"`
	Want   string `json:"want"`
}

// Error lets a problem that the edge itself found travel as an error.
func (p *Problem) Error() string { return p.Title }

// Kind is a sort of problem: its type, title and status.
type Kind struct {
	name   string
	title  string
	status int
}

// Kinds that the edge itself finds.
var (
	InvalidRequest  = Kind{"invalid-request", "The request is not as documented", http.StatusBadRequest}
	Unauthenticated = Kind{"unauthenticated", "Sign in first", http.StatusUnauthorized}
	Forbidden       = Kind{"forbidden", "Your role does not allow this", http.StatusForbidden}
	NotFound        = Kind{"not-found", "There is no such thing", http.StatusNotFound}
	NotAllowed      = Kind{"method-not-allowed", "This path has no such method", http.StatusMethodNotAllowed}
	TooLarge        = Kind{"too-large", "The body is too large", http.StatusRequestEntityTooLarge}
	Unavailable     = Kind{"unavailable", "Try again later", http.StatusServiceUnavailable}
	internal        = Kind{"internal", "Something went wrong on our side", http.StatusInternalServerError}
)

// New makes a problem of a kind.
func (k Kind) New(detail string, faults ...Fault) *Problem {
	return &Problem{Type: "/problems/" + k.name, Title: k.title, Status: k.status, Detail: detail, Errors: faults}
}

// Of finds the problem of an error. known is false for an error that the table
// does not have: the problem is then a 500 without any inner text, and the
// error is to be logged.
func Of(err error) (p *Problem, known bool) {
	if errors.As(err, &p) {
		return p, true
	}
	for _, r := range table {
		for _, sentinel := range r.errors {
			if errors.Is(err, sentinel) {
				p := r.kind.New(detail(err, sentinel), faults(err)...)
				p.Challenge = challenge(err)
				return p, true
			}
		}
	}
	if kind, found := untabled(err); found {
		return kind.New("", faults(err)...), true
	}
	return internal.New(""), false
}

// detail is the domain's sentence, without what was being done around it. A
// typed error's names fields or states; a sentinel's is the same for all.
func detail(err, sentinel error) string {
	for _, find := range detailed {
		if text, found := find(err); found {
			return text
		}
	}
	return sentinel.Error()
}

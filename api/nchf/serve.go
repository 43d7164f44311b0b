package nchf

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/charging"
	"tollhouse/billing/charging/session"
	"tollhouse/billing/usage"
)

// Root is where the resources stand below a tenant's path.
const Root = "/nchf-convergedcharging/v3/chargingdata"

// Charging is one operator's charging, as far as this endpoint needs it.
type Charging interface {
	Step(ctx context.Context, step session.Step) (session.Answer, error)
	Policy(ctx context.Context) (session.Policy, error)
}

// Caller is who asks, and of which operator.
type Caller struct {
	Charging Charging
	Source   string // names of sessions are unique within it
}

// maxBody bounds a request.
const maxBody = 1 << 20

// Create begins a session, or charges a one-time event.
func Create(w http.ResponseWriter, r *http.Request, c Caller) error {
	d, body, err := take(w, r)
	if err != nil {
		return err
	}
	policy, err := c.Charging.Policy(r.Context())
	if err != nil {
		return err
	}
	kind := session.Start
	if d.OneTimeEvent {
		if d.OneTimeEventType != "" && d.OneTimeEventType != "IEC" && d.OneTimeEventType != "PEC" {
			return incorrect("/oneTimeEventType", "IEC or PEC")
		}
		kind = session.Event
	}
	step, unknown, err := d.step(kind, &policy)
	if err != nil {
		return err
	}
	if step.Who, err = d.who(); err != nil {
		return err
	}
	if !callable(step.NotifyURI) {
		return &ProblemDetails{Title: "An element is not as the standard has it", Status: 400, Cause: OptionalIEIncorrect,
			Detail: "/notifyUri: an absolute http or https address is wanted", InvalidParams: []InvalidParam{{"/notifyUri", "is no absolute address"}}}
	}
	step.Source, step.Name = c.Source, d.name(body)
	answer, err := c.Charging.Step(r.Context(), step)
	if err != nil {
		return err
	}
	if refused := refusal(&answer, unknown); refused != nil {
		if err := abandon(r.Context(), c.Charging, &answer); err != nil {
			return err
		}
		return refused
	}
	w.Header().Set("Location", location(r, answer.Session))
	return write(w, http.StatusCreated, response(answer, unknown))
}

// afterAll is a number that no consumer reaches: theirs have 32 bits.
const afterAll = 1 << 40

// abandon closes a session whose create is refused: nobody will release it.
func abandon(ctx context.Context, charging Charging, a *session.Answer) error {
	if a.State == session.Closed {
		return nil
	}
	_, err := charging.Step(ctx, session.Step{Kind: session.Terminate, Session: a.Session, Number: afterAll})
	return err
}

// location is the address of what was created, as it was asked for.
func location(r *http.Request, id uuid.UUID) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	path := r.URL.Path
	if i := strings.Index(r.RequestURI, Root); i >= 0 {
		path = r.RequestURI[:i] + Root // of a host name that stands for its tenant, without the tenant's path
	}
	return scheme + "://" + r.Host + strings.TrimSuffix(path, "/") + "/" + id.String()
}

// Update reports and asks for more.
func Update(w http.ResponseWriter, r *http.Request, c Caller, ref string) error {
	answer, unknown, err := change(w, r, c, ref, session.Update)
	if err != nil {
		return err
	}
	return write(w, http.StatusOK, response(answer, unknown))
}

// Release ends a session.
func Release(w http.ResponseWriter, r *http.Request, c Caller, ref string) error {
	if _, _, err := change(w, r, c, ref, session.Terminate); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func change(w http.ResponseWriter, r *http.Request, c Caller, ref string, kind session.Kind) (session.Answer, []int64, error) {
	d, _, err := take(w, r)
	if err != nil {
		return session.Answer{}, nil, err
	}
	id, err := uuid.Parse(ref)
	if err != nil {
		return session.Answer{}, nil, problemOf(ReferenceUnknown)
	}
	policy, err := c.Charging.Policy(r.Context())
	if err != nil {
		return session.Answer{}, nil, err
	}
	step, unknown, err := d.step(kind, &policy)
	if err != nil {
		return session.Answer{}, nil, err
	}
	if !callable(step.NotifyURI) {
		step.NotifyURI = ""
	}
	step.Session = id
	answer, err := c.Charging.Step(r.Context(), step)
	return answer, unknown, err
}

func take(w http.ResponseWriter, r *http.Request) (*chargingData, []byte, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, nil, &ProblemDetails{Title: "JSON is wanted", Status: http.StatusUnsupportedMediaType, Cause: InvalidMsgFormat}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, nil, &ProblemDetails{Title: "The request is too large or ends too early", Status: http.StatusRequestEntityTooLarge, Cause: InvalidMsgFormat}
	}
	d, err := read(body)
	return d, body, err
}

func callable(address string) bool {
	if address == "" {
		return true
	}
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && len(address) <= 2048
}

func write(w http.ResponseWriter, status int, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, err = w.Write(text)
	return err
}

// Refuse tells an error in the standard's words. known is false for an error
// that nobody has foreseen: it is told as a failure without any inner text, and
// is to be logged.
func Refuse(w http.ResponseWriter, err error, status int) (known bool) {
	p, known := problem(err, status)
	text, failed := json.Marshal(p)
	if failed != nil {
		return false
	}
	w.Header().Set("Content-Type", "application/problem+json")
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(text) // who is gone can't be told
	return known
}

// problem finds the cause of an error; status is what the API says of it, 0 if
// it does not know it.
func problem(err error, status int) (*ProblemDetails, bool) {
	var p *ProblemDetails
	var step *session.StepError
	var debit *charging.DebitError
	switch {
	case errors.As(err, &p):
		return p, true
	case errors.Is(err, session.ErrUnknown):
		return problemOf(ReferenceUnknown), true
	case errors.Is(err, session.ErrConflict):
		return incorrect("/invocationSequenceNumber", "another number for another request"), true
	case errors.As(err, &step):
		return &ProblemDetails{Title: "Charging failed", Status: 400, Cause: ChargingFailed, Detail: step.Error()}, true
	case errors.As(err, &debit) && debit.Problem.Code == usage.UnknownSubscriber:
		return problemOf(UserUnknown), true
	case errors.As(err, &debit):
		return problemOf(NotApplicable), true
	case status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests:
		return &ProblemDetails{Title: "Try again later", Status: http.StatusServiceUnavailable, Cause: Congestion}, true
	case status == http.StatusNotFound:
		return &ProblemDetails{Title: "There is no such operator", Status: status, Cause: "RESOURCE_URI_STRUCTURE_NOT_FOUND"}, true
	case status >= 400 && status < 500:
		return &ProblemDetails{Title: http.StatusText(status), Status: status}, true
	default:
		return &ProblemDetails{Title: "Something went wrong on our side", Status: 500, Cause: SystemFailure}, false
	}
}

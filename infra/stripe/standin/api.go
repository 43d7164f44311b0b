package standin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxBody bounds a request; ours are below 4 KB.
const maxBody = 64 << 10

// call is one authenticated API request. Its handler runs under the server's
// lock and gathers what it changed in lines; they are saved before the answer.
type call struct {
	server  *Server
	account string
	id      string // of the object in the path
	form    url.Values
	now     time.Time
	lines   []line
}

func (c *call) change(l line) { c.lines = append(c.lines, l) }

// apiError is an error as Stripe writes it.
type apiError struct {
	status  int
	Type    string `json:"type"`
	Code    string `json:"code,omitempty"`
	Param   string `json:"param,omitempty"`
	Message string `json:"message"`

	DeclineCode string         `json:"decline_code,omitempty"`
	Intent      map[string]any `json:"payment_intent,omitempty"`
}

func (e *apiError) Error() string { return e.Message }

var (
	errNoRoute = &apiError{status: 404, Type: "invalid_request_error", Message: "Unrecognized request URL."}
	errKey     = &apiError{status: 401, Type: "invalid_request_error", Message: "Invalid API Key provided."}
	errKeyUsed = &apiError{status: 400, Type: "idempotency_error",
		Message: "Keys for idempotent requests can only be used with the same parameters they were first used with."}
	errBroken = &apiError{status: 500, Type: "api_error", Message: "The stand-in could not write its journal."}
)

func invalid(param, message string) error {
	return &apiError{status: 400, Type: "invalid_request_error", Param: param, Message: message}
}

func missing(kind, id string) error {
	return &apiError{status: 404, Type: "invalid_request_error", Code: "resource_missing", Param: kind,
		Message: "No such " + kind + ": '" + id + "'"}
}

func (s *Server) api(handle func(*call) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		body, replayed, err := s.answer(r, handle)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Request-Id", newID("req_"))
		if err != nil {
			s.writeError(w, err)
			return
		}
		if replayed {
			w.Header().Set("Idempotent-Replayed", "true")
		}
		_, _ = w.Write(body) // the caller is gone: nobody to tell
	}
}

func (s *Server) writeError(w http.ResponseWriter, err error) {
	var e *apiError
	if !errors.As(err, &e) {
		s.config.Log.Error("stripe stand-in failed", "error", err)
		e = errBroken
	}
	w.WriteHeader(e.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": e})
}

// answer runs a request once per idempotency key. Like Stripe's, a refused
// request leaves no trace under its key.
func (s *Server) answer(r *http.Request, handle func(*call) (any, error)) (body json.RawMessage, replayed bool, err error) {
	if err := r.ParseForm(); err != nil {
		return nil, false, invalid("", "The request's form can't be read.")
	}
	secret, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	account, key, mark := accountID(secret), r.Header.Get("Idempotency-Key"), fingerprint(r)

	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.accounts[account]; !known {
		return nil, false, errKey
	}
	now := s.config.Now().UTC()
	stored := s.store.answers[account+" "+key]
	if r.Method == http.MethodPost && key != "" && stored != nil && now.Sub(stored.Created) <= answerLife {
		if stored.Fingerprint != mark {
			return nil, false, errKeyUsed
		}
		return stored.Body, true, nil
	}
	c := &call{server: s, account: account, id: r.PathValue("id"), form: r.Form, now: now}
	result, err := handle(c)
	if err != nil {
		return nil, false, err
	}
	if body, err = json.Marshal(result); err != nil {
		return nil, false, err
	}
	if r.Method == http.MethodPost && key != "" {
		c.change(line{Answer: &storedAnswer{ID: account + " " + key, Fingerprint: mark, Body: body, Created: now}})
	}
	return body, false, s.saveLocked(c.lines)
}

// saveLocked keeps changes and posts the webhooks among them.
func (s *Server) saveLocked(lines []line) error {
	if len(lines) == 0 {
		return nil
	}
	if err := s.store.save(lines...); err != nil {
		return err
	}
	s.nudge()
	return nil
}

func fingerprint(r *http.Request) string {
	sum := sha256.Sum256([]byte(r.Method + " " + r.URL.Path + "?" + r.Form.Encode()))
	return hex.EncodeToString(sum[:])
}

package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"

	"tollhouse/api/nchf"
	"tollhouse/api/problem"
)

// HeaderBeside carries the word that a host and the processes beside it share.
const HeaderBeside = "Tollhouse-Beside"

// Charges says whether a request is one that any process on the stack's database
// may answer as well as its host: debits and their refunds, questions what
// something would cost, steps of sessions. Each of them may be sent twice: its
// event's id, session and number or Idempotency-Key says that it is the same.
func Charges(r *http.Request) bool {
	rest, under := strings.CutPrefix(r.URL.Path, "/t/")
	_, rest, named := strings.Cut(rest, "/")
	return r.Method == http.MethodPost && under && named &&
		(strings.HasPrefix(rest, "v1/charging/") || strings.HasPrefix("/"+rest, nchf.Root))
}

// Beside serves what a process beside a host serves of next: charging, to who
// knows the word, as long as fits has nothing to say against it. Whoever knows
// the word is the host, and is believed for whom it asks.
func Beside(next http.Handler, word string, fits func(context.Context) error) http.Handler {
	everywhere := []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}
	served := ThroughProxies(next, everywhere)
	wanted := sha256.Sum256([]byte(word))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown := sha256.Sum256([]byte(r.Header.Get(HeaderBeside)))
		r.Header.Del(HeaderBeside)
		switch {
		case subtle.ConstantTimeCompare(shown[:], wanted[:]) != 1:
			refuse(w, problem.Forbidden.New("only the host asks here"))
		case r.URL.Path != "/readyz" && !Charges(r):
			refuse(w, problem.NotFound.New("nothing but charging is served here"))
		case fits(r.Context()) != nil:
			refuse(w, problem.Unavailable.New("not fit to charge at present"))
		default:
			served.ServeHTTP(w, r)
		}
	})
}

// refuse answers what never comes as far as the API.
func refuse(w http.ResponseWriter, p *problem.Problem) {
	p.Trace = traceID("")
	body, err := json.Marshal(p)
	if err != nil {
		panic("api: a problem that is no JSON: " + err.Error())
	}
	w.Header().Set("Content-Type", problem.ContentType)
	w.Header().Set(traceHeader, p.Trace)
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // who is gone can't be told
}

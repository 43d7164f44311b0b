package openstack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// The bounds of one call.
const (
	attempts       = 5
	attemptTimeout = 30 * time.Second
	patience       = 45 * time.Second // no attempt begins later than this
	firstPause     = 250 * time.Millisecond
	longestPause   = 5 * time.Second
	longestAsked   = 30 * time.Second // of a Retry-After that is obeyed
	maxAnswer      = 32 << 20
)

// sleeper waits, or says why it could not.
type sleeper func(context.Context, time.Duration) error

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// persistent repeats what is worth repeating. All we send may be repeated: a
// stack is created under a name that exists once, and the rest sets something.
type persistent struct {
	next  http.RoundTripper
	sleep sleeper
	now   func() time.Time
}

// RoundTrip implements http.RoundTripper. Answers are read whole within the time
// limit, so that one that breaks off counts as failed.
func (p persistent) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, began := r.Context(), p.now()
	for n := 1; ; n++ {
		answer, err := p.attempt(r)
		if n == attempts || !worthRepeating(answer, err) || ctx.Err() != nil {
			return answer, err
		}
		pause := pauseAfter(n, answer)
		if pause > longestAsked || p.now().Add(pause).Sub(began) > patience {
			return answer, err
		}
		if p.sleep(ctx, pause) != nil {
			return answer, err
		}
	}
}

func (p persistent) attempt(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), attemptTimeout)
	defer cancel()
	try := r.Clone(ctx)
	if r.Body != nil {
		if r.GetBody == nil {
			return nil, errors.New("a body that can be read once only")
		}
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		try.Body = body
	}
	answer, err := p.next.RoundTrip(try)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err == nil && len(text) > maxAnswer {
		err = fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(text))
	return answer, nil
}

// worthRepeating says whether the same may go well a moment later. 501 will not.
func worthRepeating(answer *http.Response, err error) bool {
	if err != nil {
		return true
	}
	switch answer.StatusCode {
	case http.StatusConflict:
		// A name that is taken is an answer, which Ensure reads.
		return answer.Request.Method != http.MethodPost
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return answer.StatusCode >= http.StatusInternalServerError
}

// pauseAfter is how long to wait after the nth attempt: twice as long each time,
// somewhere in the upper half of it, so that many who failed together do not come
// back together. What the cloud asks for is obeyed.
func pauseAfter(n int, answer *http.Response) time.Duration {
	if answer != nil {
		if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds >= 0 {
			return time.Duration(seconds) * time.Second
		}
	}
	pause := min(firstPause<<(n-1), longestPause)
	return pause/2 + rand.N(pause/2+1)
}

package standin

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"
)

const (
	postTimeout = 10 * time.Second
	posters     = 4 // webhooks under way at once
	firstWait   = 250 * time.Millisecond
	longestWait = time.Hour
	eventLife   = 72 * time.Hour // then the receiver is given up, as at Stripe
	sweepEvery  = time.Minute    // how soon an expired page is noticed
)

// newEvent wraps an object as a webhook's body. It is rendered now: later
// changes of the object must not show in it.
func newEvent(kind, account string, object map[string]any, now time.Time) line {
	id := newID("evt_")
	body, err := json.Marshal(map[string]any{
		"id": id, "object": "event", "type": kind, "api_version": stripe.APIVersion, "livemode": false,
		"created": now.Unix(), "pending_webhooks": 1, "data": map[string]any{"object": object},
		"request": map[string]any{"id": nil, "idempotency_key": nil},
	})
	if err != nil {
		panic(fmt.Sprintf("standin: event of plain values can't be encoded: %v", err))
	}
	return line{Event: &webhookEvent{ID: id, Account: account, Body: body, Created: now}}
}

// nudge lets the dispatcher look again.
func (s *Server) nudge() {
	select {
	case s.wake <- struct{}{}:
	default: // it is about to look anyway
	}
}

// dispatch posts what is due until ctx ends, then waits for the posts under way.
func (s *Server) dispatch(ctx context.Context) {
	var underWay sync.WaitGroup
	defer underWay.Wait()
	free := make(chan struct{}, posters)
	for ctx.Err() == nil {
		event, account, wait := s.nextDue()
		if event == nil {
			s.pause(ctx, wait)
			continue
		}
		free <- struct{}{}
		underWay.Go(func() {
			defer func() { <-free }()
			s.finish(event, s.send(ctx, account, event.Body))
		})
	}
}

func (s *Server) pause(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-s.wake:
	case <-timer.C:
	}
}

// nextDue takes an event to post, or says how long to wait for one. Events are
// taken in no order, as Stripe promises none. Expired pages are closed on the way.
func (s *Server) nextDue() (*webhookEvent, Account, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, wait := s.config.Now(), sweepEvery
	s.sweep(now)
	for _, event := range s.store.events {
		account, known := s.accounts[event.Account]
		if event.posting || !known {
			continue
		}
		if due := event.next.Sub(now); due > 0 {
			wait = min(wait, due)
			continue
		}
		event.posting = true
		return event, account, 0
	}
	return nil, Account{}, wait
}

// sweep closes pages whose time is over.
func (s *Server) sweep(now time.Time) {
	if now.Sub(s.swept) < sweepEvery {
		return
	}
	s.swept = now
	for _, session := range s.store.sessions {
		if err := s.saveLocked(s.expired(session, now)); err != nil {
			s.config.Log.Error("stripe stand-in can't expire a session", "error", err)
		}
	}
}

// send posts one webhook, signed by Stripe's scheme at this moment, so that a
// late retry is not stale.
func (s *Server) send(ctx context.Context, account Account, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, account.WebhookURL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	now := s.config.Now()
	signature := webhook.ComputeSignature(now, body, account.WebhookSecret)
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("Stripe-Signature", fmt.Sprintf("t=%d,v1=%s", now.Unix(), hex.EncodeToString(signature)))
	response, err := s.post.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxBody)) // lets the connection be used again
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("webhook answered %s", response.Status)
	}
	return nil
}

func (s *Server) finish(event *webhookEvent, failure error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.nudge()
	event.posting = false
	now := s.config.Now()
	if failure != nil && now.Sub(event.Created) < eventLife {
		event.next = now.Add(min(firstWait<<min(event.tries, 20), longestWait))
		event.tries++
		s.config.Log.Warn("webhook not taken", "event", event.ID, "tries", event.tries, "error", failure)
		return
	}
	if err := s.store.save(line{Finished: event.ID}); err != nil {
		s.config.Log.Error("stripe stand-in can't keep a delivery", "error", err)
	}
}

// Drain waits until every webhook of a registered account has been taken.
func (s *Server) Drain(ctx context.Context) error {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for s.undelivered() > 0 {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d webhooks not taken: %w", s.undelivered(), ctx.Err())
		case <-ticker.C:
		}
	}
	return nil
}

func (s *Server) undelivered() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, event := range s.store.events {
		if _, known := s.accounts[event.Account]; known {
			n++
		}
	}
	return n
}

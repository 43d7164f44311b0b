package standin

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// answerLife is how long an idempotency key is remembered, as at Stripe.
const answerLife = 24 * time.Hour

// store holds everything in memory and appends each change to a journal, one
// JSON line an object. Opening reads the journal and writes it anew without
// what has been replaced, delivered or forgotten. The lines are not synced: a
// killed process loses nothing, a lost machine may, which is enough here.
type store struct {
	file     *os.File
	sessions map[string]*checkoutSession
	intents  map[string]*paymentIntent
	refunds  map[string]*refundMade
	events   map[string]*webhookEvent
	answers  map[string]*storedAnswer

	kept      map[string]*keptCard
	setups    map[string]*setupIntent
	disputes  map[string]*disputeMade
	movements map[string]*movement
	payouts   map[string]*payoutMade
}

// line is one change; the last of an object holds. Exactly one field is set.
type line struct {
	Session  *checkoutSession `json:"session,omitempty"`
	Intent   *paymentIntent   `json:"intent,omitempty"`
	Refund   *refundMade      `json:"refund,omitempty"`
	Event    *webhookEvent    `json:"event,omitempty"`
	Answer   *storedAnswer    `json:"answer,omitempty"`
	Kept     *keptCard        `json:"kept,omitempty"`
	Setup    *setupIntent     `json:"setup,omitempty"`
	Dispute  *disputeMade     `json:"dispute,omitempty"`
	Movement *movement        `json:"movement,omitempty"`
	Payout   *payoutMade      `json:"payout,omitempty"`
	Finished string           `json:"finished,omitempty"` // id of an event that is done with
}

func openStore(path string, now time.Time) (*store, error) {
	s := &store{
		sessions: map[string]*checkoutSession{}, intents: map[string]*paymentIntent{},
		refunds: map[string]*refundMade{}, events: map[string]*webhookEvent{}, answers: map[string]*storedAnswer{},
		kept: map[string]*keptCard{}, setups: map[string]*setupIntent{}, disputes: map[string]*disputeMade{},
		movements: map[string]*movement{}, payouts: map[string]*payoutMade{},
	}
	if err := s.load(path); err != nil {
		return nil, err
	}
	for id, a := range s.answers {
		if now.Sub(a.Created) > answerLife {
			delete(s.answers, id)
		}
	}
	return s, s.compact(path)
}

func (s *store) load(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	reader := bufio.NewReader(file)
	for n := 1; ; n++ {
		text, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) { // a last line without its end was never answered
			return nil
		}
		if err != nil {
			return err
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return fmt.Errorf("%s line %d: %w", path, n, err)
		}
		s.apply(l)
	}
}

// apply is how every change gets into memory, made now or read again.
func (s *store) apply(l line) {
	switch {
	case l.Session != nil:
		s.sessions[l.Session.ID] = l.Session
	case l.Intent != nil:
		s.intents[l.Intent.ID] = l.Intent
	case l.Refund != nil:
		s.refunds[l.Refund.ID] = l.Refund
	case l.Event != nil:
		s.events[l.Event.ID] = l.Event
	case l.Answer != nil:
		s.answers[l.Answer.ID] = l.Answer
	case l.Kept != nil:
		s.kept[l.Kept.ID] = l.Kept
	case l.Setup != nil:
		s.setups[l.Setup.ID] = l.Setup
	case l.Dispute != nil:
		s.disputes[l.Dispute.ID] = l.Dispute
	case l.Movement != nil:
		s.movements[l.Movement.ID] = l.Movement
	case l.Payout != nil:
		s.payouts[l.Payout.ID] = l.Payout
	case l.Finished != "":
		delete(s.events, l.Finished)
	}
}

// save applies changes and writes them in one call, so that a kill leaves
// either all or, at worst, the first lines and no answer.
func (s *store) save(lines ...line) error {
	text, err := encode(lines)
	if err != nil {
		return err
	}
	if _, err := s.file.Write(text); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	for _, l := range lines {
		s.apply(l)
	}
	return nil
}

func (s *store) compact(path string) error {
	text, err := encode(s.lines())
	if err != nil {
		return err
	}
	fresh := path + ".new"
	if err := os.WriteFile(fresh, text, 0o600); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	s.file, err = os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	return err
}

func (s *store) lines() (all []line) {
	for _, v := range s.sessions {
		all = append(all, line{Session: v})
	}
	for _, v := range s.intents {
		all = append(all, line{Intent: v})
	}
	for _, v := range s.refunds {
		all = append(all, line{Refund: v})
	}
	for _, v := range s.events {
		all = append(all, line{Event: v})
	}
	for _, v := range s.answers {
		all = append(all, line{Answer: v})
	}
	for _, v := range s.kept {
		all = append(all, line{Kept: v})
	}
	for _, v := range s.setups {
		all = append(all, line{Setup: v})
	}
	for _, v := range s.disputes {
		all = append(all, line{Dispute: v})
	}
	for _, v := range s.movements {
		all = append(all, line{Movement: v})
	}
	for _, v := range s.payouts {
		all = append(all, line{Payout: v})
	}
	return all
}

func encode(lines []line) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	for _, l := range lines {
		if err := encoder.Encode(l); err != nil {
			return nil, fmt.Errorf("encode journal: %w", err)
		}
	}
	return text.Bytes(), nil
}

func (s *store) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}

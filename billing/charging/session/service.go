package session

import (
	"bytes"
	"slices"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/money"
	"tollhouse/billing/rating"
	"tollhouse/billing/usage"
)

// Service is what a session uses under one price. It is stored as JSON.
type Service struct {
	Name        string     `json:"name"`
	Kind        usage.Kind `json:"kind"`
	Destination string     `json:"destination,omitempty"`
	Quality     string     `json:"quality,omitempty"`

	// Subscription, Offering and Options are what the running event is priced under.
	Subscription uuid.UUID `json:"subscription"`
	Holder       uuid.UUID `json:"holder"` // the service of the subscription
	Offering     uuid.UUID `json:"offering"`
	// Options are versions of options, whose prices go before the offering's.
	Options []uuid.UUID `json:"options,omitempty"`

	StartedAt time.Time     `json:"started_at"`
	Used      int64         `json:"used"`             // of the running event
	Taken     []rating.Take `json:"taken,omitempty"`  // of Used, what unit buckets gave
	Capped    bool          `json:"capped,omitempty"` // its price has reached the cap that ends it
	Charged   money.Decimal `json:"charged"`          // of the running event, as prices are written

	Granted    int64     `json:"granted,omitempty"` // the quota at hand
	ValidUntil time.Time `json:"valid_until,omitzero"`
	Final      bool      `json:"final,omitempty"` // the balance gave no more
	Ended      bool      `json:"ended,omitempty"`

	Held      []Hold    `json:"held,omitempty"`
	HeldUntil time.Time `json:"held_until,omitzero"`
}

// Hold is what a service holds back of one bucket, or of an account's credit.
type Hold struct {
	Bucket uuid.UUID     `json:"bucket"` // or the account, for its credit
	Amount money.Decimal `json:"amount"`
}

// Release gives back what the service holds.
func (v *Service) Release() {
	v.Granted, v.ValidUntil, v.Held, v.HeldUntil = 0, time.Time{}, nil, time.Time{}
}

// Restart begins another event.
func (v *Service) Restart(at time.Time) {
	v.StartedAt, v.Used, v.Taken, v.Capped, v.Charged = at, 0, nil, false, money.Decimal{}
}

// Unit is what the service is counted in.
func (v *Service) Unit() money.Unit { return UnitOf(v.Kind) }

// UnitOf is what a kind of usage is counted in.
func UnitOf(kind usage.Kind) money.Unit {
	switch kind {
	case usage.Voice:
		return money.Second
	case usage.Data:
		return money.Byte
	default:
		return money.Event
	}
}

// Held lists what the session's services hold at an instant, in the order of
// the buckets; a session that is not open holds nothing.
func (s *Session) Held(at time.Time) []Hold {
	var sums []Hold
	if s.State != Open {
		return nil
	}
	for i := range s.Services {
		if !at.Before(s.Services[i].HeldUntil) {
			continue
		}
		for _, h := range s.Services[i].Held {
			at := slices.IndexFunc(sums, func(one Hold) bool { return one.Bucket == h.Bucket })
			if at < 0 {
				sums = append(sums, h)
			} else {
				sums[at].Amount = sums[at].Amount.Add(h.Amount)
			}
		}
	}
	slices.SortFunc(sums, func(a, b Hold) int { return bytes.Compare(a.Bucket[:], b.Bucket[:]) })
	return sums
}

// HeldUntil is when the last of the session's reservations ends; its start if
// it has none.
func (s *Session) HeldUntil() time.Time {
	until := s.StartedAt
	for i := range s.Services {
		if at := s.Services[i].HeldUntil; at.After(until) {
			until = at
		}
	}
	return until
}

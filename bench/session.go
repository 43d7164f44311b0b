package bench

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/charging/session"
	"tollhouse/billing/usage"
)

// requestsASession: a start, three updates and the end.
const requestsASession = 5

// running is a session under way.
type running struct {
	id     uuid.UUID
	stack  int
	number int64 // of its next request
}

// sessions asks for sessions of five requests: each call is the next request of
// one that nobody asks for at the moment, or begins another. A start charges
// nothing, each of the others one piece.
func sessions(ctx context.Context, d *debitHouse) (debit, error) {
	first, err := direct(ctx, d)
	if err != nil {
		return nil, err
	}
	// One debit, so that there is a row of each table to be measured.
	if err := first(ctx, 0, 0, "first", d.month.from.Add(240*time.Hour).UTC()); err != nil {
		return nil, err
	}
	d.uncharged.Add(-1)
	waiting := make(chan *running, 1<<16)
	return func(ctx context.Context, stack, subscriber int, key string, _ time.Time) error {
		select {
		case s := <-waiting:
			return d.goOn(ctx, s, waiting)
		default:
		}
		at := &d.stacks[stack]
		answer, err := at.stack.Online().Step(ctx, at.stack.Ref, session.Step{Kind: session.Start, Source: "bench", Name: key,
			Who:     usage.Identity{Kind: usage.MSISDN, Value: msisdn(subscriber)},
			Reports: []session.Report{{Service: "1", Kind: usage.Content, Destination: "game", Ask: true}}})
		if err != nil {
			return err
		}
		d.uncharged.Add(1)
		waiting <- &running{id: answer.Session, stack: stack, number: 1}
		return nil
	}, nil
}

// goOn makes a session's next request.
func (d *debitHouse) goOn(ctx context.Context, s *running, waiting chan<- *running) error {
	step := session.Step{Kind: session.Update, Session: s.id, Number: s.number, Reports: []session.Report{{Service: "1", Used: 1, Ask: true}}}
	last := s.number == requestsASession-1
	if last {
		step.Kind, step.Reports[0].Ask = session.Terminate, false
	}
	at := &d.stacks[s.stack]
	if _, err := at.stack.Online().Step(ctx, at.stack.Ref, step); err != nil {
		return err
	}
	if !last {
		s.number++
		waiting <- s
	}
	return nil
}

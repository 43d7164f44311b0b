package identity

import (
	"context"
	"fmt"
	"sync"
)

// Bounds of the line: how many of one tenant may wait, and how many at all. At
// some 50 ms each the last of a tenant waits for about a second on one core.
const (
	maxLaneWait = 24
	maxWait     = 256
)

// line lets a few work at once and the others wait. Each tenant has a lane of
// its own and lanes take turns, so a flood at one tenant makes another wait for
// one password at most.
type line struct {
	mu      sync.Mutex
	free    int
	waiting int
	lanes   map[string][]chan struct{} // who waits, in order; no lane is empty
	turns   []string                   // lanes with somebody waiting, next first
}

func newLine(places int) *line { return &line{free: places, lanes: map[string][]chan struct{}{}} }

// enter waits for a place; leave gives it back. ErrBusy if too many wait
// already. A tenant of which nobody waits may always wait.
func (l *line) enter(ctx context.Context, lane string) error {
	l.mu.Lock()
	if l.free > 0 {
		l.free--
		l.mu.Unlock()
		return nil
	}
	n := len(l.lanes[lane])
	if n >= maxLaneWait || n > 0 && l.waiting >= maxWait {
		l.mu.Unlock()
		return ErrBusy
	}
	turn := make(chan struct{}, 1)
	if n == 0 {
		l.turns = append(l.turns, lane)
	}
	l.lanes[lane] = append(l.lanes[lane], turn)
	l.waiting++
	l.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		l.giveUp(lane, turn)
		return fmt.Errorf("wait to check a password: %w", ctx.Err())
	}
}

// leave hands the place to the first of the lane whose turn it is.
func (l *line) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.turns) == 0 {
		l.free++
		return
	}
	lane := l.turns[0]
	turn := l.lanes[lane][0]
	l.turns = l.turns[1:]
	if rest := l.lanes[lane][1:]; len(rest) > 0 {
		l.lanes[lane] = rest
		l.turns = append(l.turns, lane)
	} else {
		delete(l.lanes, lane)
	}
	l.waiting--
	turn <- struct{}{}
}

// giveUp takes somebody out of the line, or passes on the place that was handed
// over in the same moment.
func (l *line) giveUp(lane string, turn chan struct{}) {
	l.mu.Lock()
	for i, other := range l.lanes[lane] {
		if other == turn {
			l.remove(lane, i)
			l.mu.Unlock()
			return
		}
	}
	l.mu.Unlock()
	l.leave()
}

func (l *line) remove(lane string, i int) {
	rest := append(l.lanes[lane][:i:i], l.lanes[lane][i+1:]...)
	l.waiting--
	if len(rest) > 0 {
		l.lanes[lane] = rest
		return
	}
	delete(l.lanes, lane)
	for n, name := range l.turns {
		if name == lane {
			l.turns = append(l.turns[:n:n], l.turns[n+1:]...)
			return
		}
	}
}

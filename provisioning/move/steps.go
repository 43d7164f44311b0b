package move

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// step takes a move from its state to the next.
func (v *Mover) step(ctx context.Context, m Move) error {
	if m.Wish == Cancel && m.State.May(Cancelling) {
		return v.to(ctx, m, Cancelling, `, wanted = ''`)
	}
	r := m.route()
	switch m.State {
	case Asked:
		if err := v.ends.Prepare(ctx, r); err != nil {
			return provisioning.Because("The target could not be prepared.", err)
		}
		return v.to(ctx, m, Copying, "")
	case Copying:
		if err := v.ends.CopyRows(ctx, r, v.progress(ctx, m)); err != nil {
			return provisioning.Because("The tables could not be copied.", err)
		}
		return v.to(ctx, m, Following, `, detail = '{}'`)
	case Following:
		return v.follow(ctx, m)
	case Switching:
		return v.pause(ctx, m, m.route(), Switched, Following)
	case Switched:
		return v.open(ctx, m, m.route(), m.Epoch+1, Moved)
	case Moved:
		return v.watch(ctx, m)
	case Returning:
		return v.pause(ctx, m, m.route().Reverse(), Reverting, Moved)
	case Reverting:
		return v.open(ctx, m, m.route().Reverse(), m.Epoch+2, Returned)
	case Clearing:
		if err := errors.Join(v.ends.Unfollow(ctx, r.Reverse()), v.ends.Clear(ctx, r)); err != nil {
			return provisioning.Because("What was left at the former place could not be taken away.", err)
		}
		return v.to(ctx, m, Done, "")
	case Cancelling:
		if err := errors.Join(v.ends.Unfollow(ctx, r), v.ends.Unfollow(ctx, r.Reverse()), v.ends.Clear(ctx, r.Reverse())); err != nil {
			return provisioning.Because("The copy could not be taken away.", err)
		}
		return v.to(ctx, m, Cancelled, "")
	}
	return fmt.Errorf("nothing to do while it is %s", m.State)
}

// progress keeps the lease and shows the table.
func (v *Mover) progress(ctx context.Context, m Move) func(string, int, int) error {
	var last time.Time
	return func(table string, done, total int) error {
		now := v.db.Now()
		if now.Sub(last) < 300*time.Millisecond {
			return nil
		}
		last = now
		return v.change(ctx, m, `next_try_at = $3, detail = $4`, now.Add(v.config.Lease), Detail{Table: table, Done: done, Total: total})
	}
}

// follow waits until the target is close behind and nothing that can't travel
// is under way.
func (v *Mover) follow(ctx context.Context, m Move) error {
	lag, follows, err := v.ends.Lag(ctx, m.route())
	if err != nil {
		return provisioning.Because("It can't be seen how far the copy is.", err)
	}
	// What takes longer to arrive now would take too much of the pause.
	soon, cancel := context.WithTimeout(ctx, m.PauseLimit/4)
	defer cancel()
	if !follows || v.ends.CaughtUp(soon, m.route()) != nil {
		return v.change(ctx, m, `next_try_at = $3, detail = $4`, v.db.Now().Add(min(v.config.Poll, 500*time.Millisecond)), Detail{LagBytes: lag})
	}
	waits, err := v.ends.Waiting(ctx, m.route())
	if err != nil {
		return err
	}
	if len(waits) > 0 {
		return v.change(ctx, m, `next_try_at = $3, reason = $4, detail = $5`, v.db.Now().Add(v.config.Watch), strings.Join(waits, " "), Detail{LagBytes: lag})
	}
	// It may wait for transactions that run at the target: before the pause.
	if err := v.ends.Keep(ctx, m.route().Reverse()); err != nil {
		return provisioning.Because("The way back could not be prepared.", err)
	}
	return v.to(ctx, m, Switching, `, detail = $6`, Detail{LagBytes: lag})
}

// deadline is what a pause keeps back of its limit to be called off in.
const deadline = 500 * time.Millisecond

// pause makes the stack read-only, sees that both ends are equal, and decides.
// Where it does not come to that in time, it is called off.
func (v *Mover) pause(ctx context.Context, m Move, r Route, decided, calledOff State) error {
	if ctx.Err() != nil {
		return ctx.Err() // stopped: not begun
	}
	began := v.db.Now()
	// From here on a process that ends brings the pause to an end first.
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.PauseLimit-min(deadline, m.PauseLimit/4))
	defer cancel()
	if err := v.change(within, m, `fenced_at = $3, next_try_at = $4`, began, began.Add(m.PauseLimit+v.config.Poll)); err != nil {
		return err
	}
	compared, err := v.equal(within, r, decided == Switched)
	if err == nil {
		err = v.decide(within, m, r, decided, compared)
	}
	if err == nil {
		return nil
	}
	if errors.Is(err, errLost) {
		return err // whoever has taken over calls it off, or goes on
	}
	return v.callOff(context.WithoutCancel(ctx), m, r, calledOff, compared, err)
}

// equal fences the one end and holds both against each other.
func (v *Mover) equal(ctx context.Context, r Route, keep bool) (Compared, error) {
	if err := v.ends.Fence(ctx, r); err != nil {
		return Compared{}, provisioning.Because("Writing could not be stopped in time.", err)
	}
	if err := v.ends.CaughtUp(ctx, r); err != nil {
		return Compared{}, provisioning.Because("The copy did not catch up in time.", err)
	}
	waits, err := v.ends.Waiting(ctx, r)
	if err == nil && len(waits) > 0 {
		err = provisioning.Because(strings.Join(waits, " "), errDiffer)
	}
	if err != nil {
		return Compared{}, err
	}
	compared, err := v.ends.Compare(ctx, r)
	if err != nil {
		return compared, provisioning.Because("Both ends could not be compared in time.", err)
	}
	if len(compared.Differ) > 0 {
		return compared, provisioning.Because("Both ends differ: "+strings.Join(compared.Differ[:min(3, len(compared.Differ))], "; ")+".", errDiffer)
	}
	if !keep {
		return compared, nil
	}
	// What the new end has written so far came from here.
	if err := v.ends.Skip(ctx, r.Reverse()); err != nil {
		return compared, provisioning.Because("The way back could not be prepared in time.", err)
	}
	return compared, nil
}

// errDiffer means that both ends are not equal, or not ready.
var errDiffer = errors.New("the ends are not equal")

// decide is the switch: the stack's place and the move's state, at once.
func (v *Mover) decide(ctx context.Context, m Move, r Route, decided State, compared Compared) error {
	epoch := m.Epoch + 1
	if decided == Reverting {
		epoch++
	}
	return v.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		if err := v.toIn(ctx, tx, m, decided, `, switched_at = $6, detail = $7`, tx.At, Detail{Tables: compared.Tables, Rows: compared.Rows, Sums: compared.Sums}); err != nil {
			return err
		}
		done, err := tx.Exec(ctx, `update stack set host = $2, epoch = $3 where operator_id = $1 and host = $4 and epoch = $5`, m.Operator, r.To, epoch, r.From, epoch-1)
		if err != nil {
			return fmt.Errorf("switch stack of %s: %w", m.Name, err)
		}
		if done.RowsAffected() != 1 {
			return fmt.Errorf("switch stack of %s: it is not at %s any more", m.Name, r.From)
		}
		return tenants.Record(ctx, tx, tenants.System, tenants.Entry{Action: "move." + string(decided), Object: uuid.UUID(m.Operator),
			Detail: map[string]any{"move": m.ID, "from": r.From, "to": r.To, "epoch": epoch, "rows": compared.Rows, "tables": compared.Tables}})
	})
}

// callOff lets the stack go on where it was. It tries for as long as it takes:
// until then nobody can write.
func (v *Mover) callOff(ctx context.Context, m Move, r Route, back State, compared Compared, cause error) error {
	ctx, cancel := context.WithTimeout(ctx, 4*recordTimeout)
	defer cancel()
	// Perhaps the decision was written and its answer lost.
	now, err := v.state(ctx, m)
	if err == nil && now != m.State {
		return errLost
	}
	if err == nil {
		err = v.ends.Unfence(ctx, r)
	}
	if err != nil {
		return errors.Join(cause, err) // the next attempt finds it fenced and begins again
	}
	pause := min(5*time.Second<<min(m.Failures, 4), time.Minute)
	v.log.Warn("a pause was called off", "tenant", m.Name, "state", string(m.State), "error", cause)
	steps := m.Steps
	if n := len(steps); n > 0 {
		steps = append([]Step(nil), steps...)
		steps[n-1].Detail = provisioning.ReasonOf(cause)
	}
	m.Steps = steps
	return v.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		steps := began(m.Steps, string(back), tx.At, false)
		return v.changeIn(ctx, tx, m, `state = $3, next_try_at = $4, reason = $5, failures = failures + 1, steps = $6, fenced_at = null, detail = $7`,
			back, tx.At.Add(pause), provisioning.ReasonOf(cause), steps, Detail{Differ: compared.Differ, Tables: compared.Tables, Rows: compared.Rows})
	})
}

func (v *Mover) state(ctx context.Context, m Move) (s State, err error) {
	err = v.db.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		now, err := Get(ctx, tx, m.ID)
		s = now.State
		return err
	})
	return s, err
}

// open lets the stack be used where it has been decided to be, and turns the
// stream round. The pause ends with the new end's placement.
func (v *Mover) open(ctx context.Context, m Move, r Route, epoch int64, next State) error {
	ctx = context.WithoutCancel(ctx) // nobody can write until it is done
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	opened, err := v.arrive(ctx, r, epoch)
	if err != nil {
		return provisioning.Because("The new place could not be opened.", err)
	}
	if err := v.ends.Depart(ctx, r, epoch); err != nil {
		return provisioning.Because("The former place could not be closed.", err)
	}
	if err := v.ends.Unfollow(ctx, r); err != nil {
		return provisioning.Because("The stream could not be ended.", err)
	}
	column := "pause_ms"
	if next == Returned {
		column = "back_pause_ms"
		// Nothing is left to be kept at the end that was given up.
		if err := errors.Join(v.ends.Unfollow(ctx, r.Reverse()), v.ends.Clear(ctx, r)); err != nil {
			return provisioning.Because("What was left at the given-up place could not be taken away.", err)
		}
	} else if err := v.ends.FollowBack(ctx, r); err != nil {
		return provisioning.Because("The former place could not be made to follow.", err)
	}
	var pause *int64
	if m.fencedAt != nil {
		ms := opened.Sub(*m.fencedAt).Milliseconds()
		pause = &ms
		v.log.Info("stack switched", "tenant", m.Name, "from", r.From, "to", r.To, "epoch", epoch, "pause", time.Duration(ms)*time.Millisecond)
	}
	return v.to(ctx, m, next, `, wanted = '', fenced_at = null, `+column+` = coalesce(`+column+`, $6)`, pause)
}

// arrive opens the new end, unless an attempt before has, and says when that
// was. One that was cut off before it may be long ago: the former end is fenced
// again, and what it has is waited for.
func (v *Mover) arrive(ctx context.Context, r Route, epoch int64) (time.Time, error) {
	at, there, err := v.ends.Arrived(ctx, r, epoch)
	if err != nil || there {
		return at, err
	}
	if err := v.ends.Fence(ctx, r); err != nil {
		return at, err
	}
	if err := v.ends.CaughtUp(ctx, r); err != nil {
		return at, err
	}
	if err := v.ends.Arrive(ctx, r, epoch); err != nil {
		return at, err
	}
	return v.db.Now(), nil
}

// watch looks after a stack that has been moved until staff decide.
func (v *Mover) watch(ctx context.Context, m Move) error {
	switch m.Wish {
	case Confirm:
		return v.to(ctx, m, Clearing, `, wanted = ''`)
	case Back:
		return v.to(ctx, m, Returning, "")
	}
	lag, follows, err := v.ends.Lag(ctx, m.route().Reverse())
	if err != nil {
		return provisioning.Because("It can't be seen whether the former place follows.", err)
	}
	detail := m.Detail
	detail.LagBytes = lag
	reason := ""
	if !follows {
		reason = "The former place does not follow at the moment; nothing is lost, it catches up when it answers again."
	}
	return v.change(ctx, m, `next_try_at = $3, detail = $4, reason = $5`, v.db.Now().Add(v.config.Watch), detail, reason)
}

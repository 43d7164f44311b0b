package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// Whole is what a take-out that is delivered in parts is to come to.
type Whole struct {
	Parts  int
	Size   int64 // bytes
	SHA256 string
}

// Part is one part of a take-out, as the operator's own host delivers it.
type Part struct {
	No     int // from 1 on
	Data   []byte
	SHA256 string // of Data
	Whole  Whole
}

// Bounds of a delivery: a host may be somebody else's.
const (
	maxPart  = 4 << 20 // bytes
	maxParts = 1 << 16
)

// ErrPart means that a part is not what it says, or cannot belong to a take-out.
var ErrPart = errors.New("this is no part of a take-out as it says")

func (p Part) check() error {
	sum := sha256.Sum256(p.Data)
	_, err := hex.DecodeString(p.Whole.SHA256)
	switch n := int64(len(p.Data)); {
	case p.Whole.Parts < 1 || p.Whole.Parts > maxParts || p.No < 1 || p.No > p.Whole.Parts:
		return fmt.Errorf("%w: part %d of %d, of at most %d", ErrPart, p.No, p.Whole.Parts, maxParts)
	case n < 1 || n > maxPart || n > p.Whole.Size:
		return fmt.Errorf("%w: data has %d bytes, of at most %d", ErrPart, n, maxPart)
	case err != nil || len(p.Whole.SHA256) != sha256.Size*2:
		return fmt.Errorf("%w: whole.sha256 is no SHA-256", ErrPart)
	case hex.EncodeToString(sum[:]) != p.SHA256:
		return fmt.Errorf("%w: sha256 is not that of data", ErrPart)
	}
	return nil
}

// silentAfterHost is how long a host that is to deliver may say nothing before
// staff are told so.
const silentAfterHost = time.Minute

// Await has an operator's own host asked for a final take-out, and says in plain
// words how far that is; empty where the stack stands where we reach it
// ourselves, or where one made since the given instant is there.
func (t *TakeOuts) Await(ctx context.Context, by tenants.Actor, operator tenant.ID, since time.Time) (how string, err error) {
	err = t.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		how = ""
		if _, err := provisioning.PlacedIn(ctx, tx, operator); !errors.Is(err, provisioning.ErrOwnMachines) {
			return nil // whoever makes it says what is wrong
		}
		newest, err := takeOuts(ctx, tx, `where operator_id = $1 and purpose = 'final' and from_host order by asked_at desc, id desc limit 1 for update`, operator)
		if err != nil {
			return err
		}
		failed := ""
		if n := newest; len(n) > 0 && !n[0].AskedAt.Before(since) {
			switch n[0].State {
			case Done:
				return nil
			case Working:
				how, err = n[0].far(ctx, tx)
				return err
			case Failed:
				failed = " The last one failed: " + n[0].Reason
			}
		}
		// What was asked for before is of no use any more.
		_, err = tx.Exec(ctx, `update takeout set state = 'failed', reason = 'A newer one was asked for.', done_at = $2 where operator_id = $1 and state = 'working'`, operator, tx.At)
		if err != nil {
			return fmt.Errorf("ask a host for a take-out: %w", err)
		}
		for _, o := range newest {
			tx.AfterCommit(func() { t.removeParts(o) })
		}
		out, err := begin(ctx, tx, by, TakenOut{Operator: operator, Purpose: Final, Secrets: true, FromHost: true})
		how = asked(out.AskedAt) + failed
		return err
	})
	return how, err
}

func asked(at time.Time) string {
	return "The stack's own host is asked for it since " + at.UTC().Format("2006-01-02 15:04:05 UTC") + "."
}

// far says how far a delivery is.
func (o TakenOut) far(ctx context.Context, tx tenants.Tx) (string, error) {
	next, err := nextPart(ctx, tx, o.ID)
	if err != nil {
		return "", err
	}
	how := asked(o.AskedAt)
	switch {
	case o.whole.Parts > 0 && next > o.whole.Parts:
		return "It has come from the stack's own host, and is being verified.", nil
	case o.whole.Parts > 0:
		how = fmt.Sprintf("The stack's own host delivers it: %d of %d parts are here.", next-1, o.whole.Parts)
	case o.Step != "":
		how += " It says: " + o.Step
	}
	if tx.At.Sub(o.touched) > silentAfterHost {
		how += " The host is silent since " + o.touched.UTC().Format("15:04:05 UTC") + ": it is waited for. If it does not come back, the backup can be waived in writing."
	}
	return how, nil
}

// Delivery is a take-out that a host is to deliver.
type Delivery struct {
	ID   uuid.UUID
	Next int // the part that is wanted next
}

// Delivering is the take-out that an operator's own host is to deliver, and
// notes what the host says of it, in plain words; nil if none is wanted.
func Delivering(ctx context.Context, tx tenants.Tx, operator tenant.ID, step string) (*Delivery, error) {
	found, err := takeOuts(ctx, tx, `where operator_id = $1 and from_host and state = 'working' for update`, operator)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	next, err := nextPart(ctx, tx, found[0].ID)
	if err != nil || found[0].whole.Parts > 0 && next > found[0].whole.Parts {
		return nil, err
	}
	if _, err := tx.Exec(ctx, `update takeout set touched_at = $2, step = $3 where id = $1`, found[0].ID, tx.At, step); err != nil {
		return nil, fmt.Errorf("hear of take-out %s: %w", found[0].ID, err)
	}
	return &Delivery{ID: found[0].ID, Next: next}, nil
}

func nextPart(ctx context.Context, tx tenants.Tx, id uuid.UUID) (next int, err error) {
	if err = tx.QueryRow(ctx, `select coalesce(max(no), 0) + 1 from takeout_part where takeout = $1`, id).Scan(&next); err != nil {
		return 0, fmt.Errorf("count parts of take-out %s: %w", id, err)
	}
	return next, nil
}

// TakePart takes one part in and says which is wanted next. One that is here
// already, or comes too early, changes nothing. ErrPart if it is not what it
// says, ErrNotThere if no such take-out is wanted of the operator's host.
func (t *TakeOuts) TakePart(ctx context.Context, operator tenant.ID, id uuid.UUID, p Part) (next int, err error) {
	if err := p.check(); err != nil {
		return 0, err
	}
	err = t.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		next, err = claimPart(ctx, tx, operator, id, p)
		return err
	})
	if err != nil || next != p.No {
		return next, err
	}
	_, _, err = t.vault.Keep(partName(id, p.No), func(to io.Writer) error {
		_, err := to.Write(p.Data)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("keep part %d of take-out %s: %w", p.No, id, err)
	}
	err = t.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		if next, err = claimPart(ctx, tx, operator, id, p); err != nil || next != p.No {
			return err
		}
		_, err := tx.Exec(ctx, `insert into takeout_part (takeout, no, size_bytes, sha256, received_at) values ($1, $2, $3, $4, $5)`, id, p.No, len(p.Data), p.SHA256, tx.At)
		if err == nil {
			_, err = tx.Exec(ctx, `update takeout set touched_at = $2 where id = $1`, id, tx.At)
		}
		if err != nil {
			return fmt.Errorf("note part %d of take-out %s: %w", p.No, id, err)
		}
		if next++; p.No == p.Whole.Parts {
			tx.AfterCommit(func() { t.join(id) })
		}
		return nil
	})
	return next, err
}

// claimPart says which part is wanted. A host that writes the take-out anew, as
// it lost the one before, begins with its first part again.
func claimPart(ctx context.Context, tx tenants.Tx, operator tenant.ID, id uuid.UUID, p Part) (next int, err error) {
	found, err := takeOuts(ctx, tx, `where id = $1 and operator_id = $2 and from_host and state = 'working' for update`, id, operator)
	if err == nil && len(found) == 0 {
		err = ErrNotThere
	}
	if err != nil {
		return 0, err
	}
	if found[0].whole == p.Whole {
		return nextPart(ctx, tx, id)
	}
	_, err = tx.Exec(ctx, `delete from takeout_part where takeout = $1`, id)
	if err == nil {
		_, err = tx.Exec(ctx, `update takeout set whole_parts = $2, whole_size = $3, whole_sum = $4, touched_at = $5 where id = $1`,
			id, p.Whole.Parts, p.Whole.Size, p.Whole.SHA256, tx.At)
	}
	if err != nil {
		return 0, fmt.Errorf("begin delivery of take-out %s: %w", id, err)
	}
	return 1, nil
}

func partName(id uuid.UUID, no int) string { return fmt.Sprintf("%s.part-%05d", id, no) }

// Resume goes on with deliveries that were all here when we were stopped.
func (t *TakeOuts) Resume(ctx context.Context) error {
	return t.db.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		rows, err := tx.Query(ctx, `
			select id from takeout o
			 where from_host and state = 'working' and whole_parts > 0
			   and whole_parts = (select count(*) from takeout_part p where p.takeout = o.id)`)
		if err != nil {
			return fmt.Errorf("look for deliveries: %w", err)
		}
		whole, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		for _, id := range whole {
			t.join(id)
		}
		return err
	})
}

// join makes a delivery one file beside the caller, once at a time.
func (t *TakeOuts) join(id uuid.UUID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.joining[id] || t.life.Err() != nil {
		return
	}
	t.joining[id] = true
	t.running.Go(func() {
		ctx, cancel := context.WithTimeout(t.life, takeOutTimeout)
		defer cancel()
		if err := t.joinParts(ctx, id); err != nil && ctx.Err() == nil {
			_ = t.fail(ctx, id, err) // its reason stands in the book; else Resume goes on
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.joining, id)
	})
}

// errWhole means that the parts do not come to what the host said of them.
var errWhole = errors.New("the parts do not come to the whole")

func (t *TakeOuts) joinParts(ctx context.Context, id uuid.UUID) error {
	out, err := t.Get(ctx, id)
	if err != nil || out.State != Working {
		return err
	}
	k := kept{file: id.String() + ".zip"}
	k.size, k.sum, err = t.vault.Keep(k.file, func(to io.Writer) error { return t.copyParts(ctx, out, to) })
	if err != nil {
		return err
	}
	defer func() {
		if err != nil && ctx.Err() == nil {
			_ = t.vault.Remove(k.file)
		}
	}()
	if k.size != out.whole.Size || k.sum != out.whole.SHA256 {
		err = provisioning.Because("Its parts do not come to what its host said of the whole.", errWhole)
		return err
	}
	file, err := t.vault.Fetch(k.file)
	if err != nil {
		return err
	}
	k.taken, err = t.stacks.Verify(ctx, file)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if k.taken.Operator != out.Operator {
		err = provisioning.Because("It is another operator's.", errWhole)
		return err
	}
	if err = t.finish(ctx, out, k); err == nil {
		t.removeParts(out)
	}
	return err
}

// removeParts takes away the parts of a delivery that has ended. One that stays
// costs room only.
func (t *TakeOuts) removeParts(out TakenOut) {
	for no := range out.whole.Parts {
		_ = t.vault.Remove(partName(out.ID, no+1))
	}
}

func (t *TakeOuts) copyParts(ctx context.Context, out TakenOut, to io.Writer) error {
	for no := range out.whole.Parts {
		part, err := t.vault.Fetch(partName(out.ID, no+1))
		if err != nil {
			return fmt.Errorf("read part %d of take-out %s: %w", no+1, out.ID, err)
		}
		_, err = io.Copy(to, part)
		if err = errors.Join(err, part.Close(), ctx.Err()); err != nil {
			return fmt.Errorf("read part %d of take-out %s: %w", no+1, out.ID, err)
		}
	}
	return nil
}

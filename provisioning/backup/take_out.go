package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// Purpose is why a take-out was made.
type Purpose string

// The purposes of take-outs.
const (
	Asked Purpose = "asked" // the operator wants a copy of its own
	Final Purpose = "final" // the stack is about to be deleted
)

// TakeOut is all that one operator has, to be written in open formats.
type TakeOut struct {
	At       provisioning.Placed
	Secrets  bool                                      // what is sealed, in clear beside it
	Progress func(table string, done, total int) error // may be nil
}

// Taken is what a take-out came to.
type Taken struct {
	Operator tenant.ID // whose data it is, as the take-out says
	Tables   int
	Rows     int64
	Facts    map[string]any // control sums, head of the audit chain
}

// Stacks write what they hold.
type Stacks interface {
	TakeOut(ctx context.Context, want TakeOut, to io.Writer) (Taken, error)
	// Verify reads a take-out through that was written elsewhere: that all of it
	// is there, and that the ledger's control sums hold.
	Verify(ctx context.Context, from io.Reader) (Taken, error)
}

// Vault keeps sealed files.
type Vault interface {
	// Keep stores what write gives under a name, whole or not at all, and says
	// how long it is and its SHA-256, both as a reader will get it.
	Keep(name string, write func(to io.Writer) error) (size int64, sha256 string, err error)
	// Fetch opens a file; fs.ErrNotExist if there is none.
	Fetch(name string) (io.ReadCloser, error)
	// Remove takes a file away; one that is not there is no error.
	Remove(name string) error
}

// TakenOut is a take-out in the book.
type TakenOut struct {
	ID       uuid.UUID
	Operator tenant.ID
	Purpose  Purpose
	Secrets  bool
	State    State
	Reason   string // why it failed
	Step     string // table that is being written
	Size     int64
	SHA256   string
	Tables   int
	Rows     int64
	Facts    map[string]any
	AskedBy  string
	AskedAt  time.Time
	DoneAt   *time.Time
	FromHost bool // the operator's own host writes and delivers it

	file    string
	whole   Whole // what it is to come to, as its host says
	touched time.Time
}

// Errors of take-outs.
var (
	// ErrUnderWay means that one of the same operator is being written.
	ErrUnderWay = errors.New("a take-out of this operator is under way")
	// ErrNotThere means that there is no such take-out, or that it has no file.
	ErrNotThere = errors.New("no such take-out")
)

// TakeOuts makes take-outs and gives them out.
type TakeOuts struct {
	db     *tenants.DB
	stacks Stacks
	vault  Vault

	life    context.Context //nolint:containedctx // of what is written beside requests, until Stop
	end     context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	joining map[uuid.UUID]bool // deliveries that are made one file now
}

// NewTakeOuts makes the keeper of take-outs.
func NewTakeOuts(db *tenants.DB, stacks Stacks, vault Vault) *TakeOuts {
	t := &TakeOuts{db: db, stacks: stacks, vault: vault, joining: map[uuid.UUID]bool{}}
	t.life, t.end = context.WithCancel(context.Background())
	return t
}

// staleAfter is how long after its last touch work counts as left behind.
const staleAfter = 2 * time.Minute

// Begin writes down that an operator's data is to be taken out; Run writes it.
// One that was left behind fails and makes room.
func (t *TakeOuts) Begin(ctx context.Context, tx tenants.Tx, by tenants.Actor, operator tenant.ID, purpose Purpose, secrets bool) (TakenOut, error) {
	if _, err := provisioning.PlacedIn(ctx, tx, operator); err != nil {
		return TakenOut{}, err
	}
	_, err := tx.Exec(ctx, `
		update takeout set state = 'failed', reason = 'It was cut off.', done_at = $2
		 where operator_id = $1 and state = 'working' and touched_at < $3`, operator, tx.At, tx.At.Add(-staleAfter))
	if err != nil {
		return TakenOut{}, fmt.Errorf("begin take-out: %w", err)
	}
	return begin(ctx, tx, by, TakenOut{Operator: operator, Purpose: purpose, Secrets: secrets})
}

// begin writes down that a take-out is to be made; ErrUnderWay if there is one.
func begin(ctx context.Context, tx tenants.Tx, by tenants.Actor, out TakenOut) (TakenOut, error) {
	out.ID, out.State, out.AskedBy, out.AskedAt = uuid.Must(uuid.NewV7()), Working, by.String(), tx.At
	_, err := tx.Exec(ctx, `
		insert into takeout (id, operator_id, purpose, secrets, state, asked_by, asked_at, touched_at, from_host)
		values ($1, $2, $3, $4, 'working', $5, $6, $6, $7)`, out.ID, out.Operator, out.Purpose, out.Secrets, out.AskedBy, tx.At, out.FromHost)
	if pg, is := errors.AsType[*pgconn.PgError](err); is && pg.ConstraintName == "takeout_working" {
		return TakenOut{}, ErrUnderWay
	}
	if err != nil {
		return TakenOut{}, fmt.Errorf("begin take-out: %w", err)
	}
	return out, tenants.Record(ctx, tx, by, tenants.Entry{Action: "takeout.begin", Object: uuid.UUID(out.Operator),
		Detail: map[string]any{"takeout": out.ID, "purpose": out.Purpose, "secrets": out.Secrets, "from_host": out.FromHost}})
}

// Run writes a take-out that was begun. What stops it is its reason.
func (t *TakeOuts) Run(ctx context.Context, id uuid.UUID) (TakenOut, error) {
	out, err := t.Get(ctx, id)
	if err != nil || out.State != Working {
		return out, err
	}
	if err := t.write(ctx, out); err != nil {
		if failed := t.fail(ctx, id, err); failed != nil {
			return out, errors.Join(err, failed)
		}
		return out, err
	}
	return t.Get(ctx, id)
}

// Final makes an operator's final take-out and waits for it; one that is there
// already, made since the given instant, is as good.
func (t *TakeOuts) Final(ctx context.Context, by tenants.Actor, operator tenant.ID, since time.Time) (TakenOut, error) {
	var out TakenOut
	err := t.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		if out, err = LastFinal(ctx, tx, operator); err == nil && !out.AskedAt.Before(since) || err != nil && !errors.Is(err, ErrNotThere) {
			return err
		}
		out, err = t.Begin(ctx, tx, by, operator, Final, true)
		return err
	})
	if err != nil || out.State == Done {
		return out, err
	}
	return t.Run(ctx, out.ID)
}

func (t *TakeOuts) write(ctx context.Context, out TakenOut) error {
	var at provisioning.Placed
	err := t.db.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		at, err = provisioning.PlacedIn(ctx, tx, out.Operator)
		return err
	})
	if err != nil {
		return err
	}
	var taken Taken
	file := out.ID.String() + ".zip"
	size, sum, err := t.vault.Keep(file, func(to io.Writer) (err error) {
		taken, err = t.stacks.TakeOut(ctx, TakeOut{At: at, Secrets: out.Secrets, Progress: t.touching(ctx, out.ID)}, to)
		return err
	})
	if err != nil {
		return err
	}
	return t.finish(ctx, out, kept{file: file, size: size, sum: sum, taken: taken})
}

// kept is a take-out that lies whole in the vault.
type kept struct {
	file  string
	size  int64
	sum   string
	taken Taken
}

func (t *TakeOuts) finish(ctx context.Context, out TakenOut, k kept) error {
	return t.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		done, err := tx.Exec(ctx, `
			update takeout
			   set state = 'done', file = $2, size_bytes = $3, sha256 = $4, tables = $5, row_count = $6, facts = $7, done_at = $8, touched_at = $8, step = ''
			 where id = $1 and state = 'working'`, out.ID, k.file, k.size, k.sum, k.taken.Tables, k.taken.Rows, k.taken.Facts, tx.At)
		if err != nil {
			return fmt.Errorf("finish take-out: %w", err)
		}
		if done.RowsAffected() != 1 {
			return errCutOff
		}
		return tenants.Record(ctx, tx, tenants.System, tenants.Entry{Action: "takeout.done", Object: uuid.UUID(out.Operator),
			Detail: map[string]any{"takeout": out.ID, "sha256": k.sum, "rows": k.taken.Rows}})
	})
}

// errCutOff means that somebody gave this work up for us.
var errCutOff = errors.New("the work was given up meanwhile")

// touching says every few seconds that the work goes on.
func (t *TakeOuts) touching(ctx context.Context, id uuid.UUID) func(string, int, int) error {
	var last time.Time
	return func(table string, done, total int) error {
		now := t.db.Now()
		if now.Sub(last) < time.Second {
			return nil
		}
		last = now
		return t.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
			changed, err := tx.Exec(ctx, `update takeout set touched_at = $2, step = $3 where id = $1 and state = 'working'`, id, tx.At, fmt.Sprintf("%s, %d/%d", table, done+1, total))
			if err == nil && changed.RowsAffected() != 1 {
				err = errCutOff
			}
			return err
		})
	}
}

func (t *TakeOuts) fail(ctx context.Context, id uuid.UUID, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return t.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		_, err := tx.Exec(ctx, `update takeout set state = 'failed', reason = $2, done_at = $3 where id = $1 and state = 'working'`, id, provisioning.ReasonOf(cause), tx.At)
		return err
	})
}

// takeOutTimeout bounds how long a take-out that is written beside a request
// may take.
const takeOutTimeout = 2 * time.Hour

// Go writes a take-out that was begun beside the caller. It is safe to lose:
// the take-out then fails by its last touch. Stop waits for it.
func (t *TakeOuts) Go(id uuid.UUID) {
	t.running.Go(func() {
		ctx, cancel := context.WithTimeout(t.life, takeOutTimeout)
		defer cancel()
		_, _ = t.Run(ctx, id) // its reason stands in the book
	})
}

// Stop gives up what is being written and waits. A second Stop is harmless.
func (t *TakeOuts) Stop() {
	t.end()
	t.running.Wait()
}

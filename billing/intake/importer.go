package intake

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/agenda"
	"tollhouse/billing/identity"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
)

// Sealer keeps uploaded files unreadable in the database.
type Sealer interface {
	Seal(id tenant.ID, name string, clear []byte) ([]byte, error)
	Open(id tenant.ID, name string, sealed []byte) ([]byte, error)
}

// userBook says which addresses are taken.
type userBook interface {
	EmailsTaken(ctx context.Context, tx tenant.Tx, lower []string) ([]string, error)
}

// Config is what an importer works with.
type Config struct {
	Desk  *onboarding.Desk
	Users *identity.Authority
	Seal  Sealer
	Now   func() time.Time // wall time
}

// Importer takes batches through their states.
type Importer struct{ config Config }

// New makes an importer.
func New(config Config) *Importer { return &Importer{config} }

// read reads a batch's files and holds them against what the operator has.
func (im *Importer) read(ctx context.Context, tx tenant.Tx, b Batch) (*content, error) {
	files, err := im.openFiles(ctx, tx, b.ID)
	if err != nil {
		return nil, err
	}
	w, err := newWorld(ctx, tx, b.PendingOrders)
	if err != nil {
		return nil, err
	}
	c := &content{
		world: w, batch: b.ID, since: b.CreatedAt, found: &findings{}, totals: newTotals(),
		byNumber: map[string]*subscriber{}, byService: map[string]*service{}, perAccount: map[string]bool{}, broken: map[Kind]bool{},
		archive: archive{files: map[string]*packed{}},
	}
	c.read(files)
	return c, nil
}

// Check is the dry run: it reads all files, holds them against one another and
// against what the operator has, and keeps what it finds with the control
// totals. It changes nothing else, and may be repeated.
func (im *Importer) Check(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Batch, error) {
	b, err := lock(ctx, tx, id)
	if err != nil {
		return Batch{}, err
	}
	return im.check(ctx, tx, b)
}

func (im *Importer) check(ctx context.Context, tx tenant.Tx, b Batch) (Batch, error) {
	if err := b.move(Checked); err != nil {
		return Batch{}, err
	}
	c, err := im.read(ctx, tx, b)
	if err != nil {
		return Batch{}, fmt.Errorf("check import batch %s: %w", b.ID, err)
	}
	if err := c.compare(ctx, tx, im.config.Users); err != nil {
		return Batch{}, fmt.Errorf("check import batch %s: %w", b.ID, err)
	}
	compareTotals(b.Expected, c.totals, c.found)
	b.Totals, b.Errors, b.Pending, b.Accounts, b.Done = c.totals, c.found.errors, c.found.pending, len(c.subscribers), 0
	b.CheckedAt, b.Failure = &tx.At, ""
	if err := b.saveFindings(ctx, tx, c.found); err != nil {
		return Batch{}, err
	}
	return b, b.save(ctx, tx)
}

// Commit checks a batch once more and puts it on the agenda: it answers the
// batch as committing or, where something was found since the last check, as
// checked with its errors. ErrFindings and ErrEmpty refuse what can't be
// committed anyway.
func (im *Importer) Commit(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Batch, error) {
	b, err := lock(ctx, tx, id)
	if err != nil {
		return Batch{}, err
	}
	switch {
	case b.State != Checked:
		return Batch{}, fmt.Errorf("%w: it is %s, and has to be checked first", ErrState, b.State)
	case b.Errors > 0:
		return Batch{}, fmt.Errorf("%w: %d", ErrFindings, b.Errors)
	case b.Accounts == 0:
		return Batch{}, ErrEmpty
	}
	if b, err = im.check(ctx, tx, b); err != nil || b.Errors > 0 {
		return b, err
	}
	if err := b.move(Committing); err != nil {
		return Batch{}, err
	}
	if err := b.save(ctx, tx); err != nil {
		return Batch{}, err
	}
	return b, agenda.Again(ctx, tx, agenda.Intake, b.ID, progress{})
}

// progress is the detail of an agenda item.
type progress struct {
	Invited int `json:"invited"` // users who have been sent a link, in the files' order
}

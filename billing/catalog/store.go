package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

const versionColumns = `id, code, version, state, document -> 'names', document ->> 'billing',
       document -> 'services', currency, available_from, published_at, created_at`

func (v *Version) targets() []any {
	return []any{&v.ID, &v.Code, &v.Number, &v.State, &v.Names, &v.Billing, &v.Services, &v.Currency,
		&v.AvailableFrom, &v.PublishedAt, &v.CreatedAt}
}

// SaveDraft stores o as the draft of its code: over the draft there is, which is
// then neither checked nor tried any more, or as a new version. It doesn't check
// o; MarkChecked and Publish do.
func SaveDraft(ctx context.Context, tx tenant.Tx, o Offering) (Version, error) {
	var v Version
	// The draft's row is locked, so that a publication beside this waits.
	const update = `
update offering_version
   set document = $2, currency = $3, state = 'draft'
 where code = $1 and state in ('draft', 'checked', 'tried')
returning ` + versionColumns
	err := tx.QueryRow(ctx, update, o.Code, o, o.Currency).Scan(v.targets()...)
	if err == nil {
		return v, nil
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return Version{}, fmt.Errorf("save draft of %s: %w", o.Code, err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Version{}, fmt.Errorf("save draft of %s: %w", o.Code, err)
	}
	// Two first drafts at once meet at the unique (code, version).
	const insert = `
insert into offering_version (id, code, version, state, document, currency, created_at)
select $1, $2, coalesce(max(version), 0) + 1, 'draft', $3, $4, $5
  from offering_version
 where code = $2
returning ` + versionColumns
	if err := tx.QueryRow(ctx, insert, id, o.Code, o, o.Currency, tx.At).Scan(v.targets()...); err != nil {
		return Version{}, fmt.Errorf("save draft of %s: %w", o.Code, err)
	}
	return v, nil
}

func lockDraft(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Stored, error) {
	s, err := one(ctx, tx, `where id = $1 for update`, id)
	if err == nil && !s.State.Open() {
		err = ErrPublished
	}
	return s, err
}

// enter takes a locked version into a state.
func enter(ctx context.Context, tx tenant.Tx, s *Stored, to State) error {
	if !s.State.May(to) {
		return fmt.Errorf("offering version %s: no move from %s to %s", s.ID, s.State, to)
	}
	done, err := tx.Exec(ctx, `update offering_version set state = $2 where id = $1 and state = $3`, s.ID, to, s.State)
	if err != nil {
		return err
	}
	if done.RowsAffected() != 1 {
		return ErrNotFound
	}
	s.State = to
	return nil
}

// MarkChecked reviews a draft for a publication from an instant on (zero: now)
// and, if nothing is wrong with it, notes that. Warnings keep nothing back. It
// returns what was found. ErrNotFound, ErrPublished.
func MarkChecked(ctx context.Context, tx tenant.Tx, id uuid.UUID, from time.Time) (Version, []Finding, error) {
	draft, err := lockDraft(ctx, tx, id)
	if err != nil {
		return Version{}, nil, fmt.Errorf("check %s: %w", id, err)
	}
	findings, err := check(ctx, tx, &draft, from)
	if err != nil {
		return Version{}, nil, fmt.Errorf("check %s: %w", id, err)
	}
	return draft.Version, findings, nil
}

// check moves a clean draft on.
func check(ctx context.Context, tx tenant.Tx, draft *Stored, from time.Time) ([]Finding, error) {
	if from.IsZero() {
		from = tx.At
	}
	findings, err := Review(ctx, tx, draft.Offering, from)
	if err != nil || len(Faults(findings)) > 0 || draft.State != Draft {
		return findings, err
	}
	return findings, enter(ctx, tx, draft, Checked)
}

// MarkTried notes that a trial of a checked draft has come to its end. A draft
// that has changed since the trial began, so that it is not checked any more,
// stays as it is: what was tried is not what stands there. It says whether it
// was noted. ErrNotFound, ErrPublished.
func MarkTried(ctx context.Context, tx tenant.Tx, id uuid.UUID) (bool, error) {
	draft, err := lockDraft(ctx, tx, id)
	if err != nil {
		return false, fmt.Errorf("mark %s as tried: %w", id, err)
	}
	if !draft.State.May(Tried) {
		return false, nil
	}
	return true, enter(ctx, tx, &draft, Tried)
}

// TrialRequired says whether drafts must be tried before they are published.
func TrialRequired(ctx context.Context, tx tenant.Tx) (required bool, err error) {
	err = tx.QueryRow(ctx, `select trial_required from operator where id = 1`).Scan(&required)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return false, fmt.Errorf("read whether trials are required: %w", err)
	}
	return required, nil
}

// RequireTrial sets it.
func RequireTrial(ctx context.Context, tx tenant.Tx, required bool) error {
	if _, err := tx.Exec(ctx, `update operator set trial_required = $1 where id = 1`, required); err != nil {
		return fmt.Errorf("set whether trials are required: %w", err)
	}
	return nil
}

// Publish makes a draft available from an instant on, or from now if from is
// zero. It is checked again, whenever that was done before: rates and what it
// refers to may have changed. From then on the version never changes. It returns
// ErrNotFound, ErrPublished, ErrNotTried, ErrSuperseded, or a *NotCleanError.
func Publish(ctx context.Context, tx tenant.Tx, id uuid.UUID, from time.Time) (Version, error) {
	v, err := publish(ctx, tx, id, from)
	if err != nil {
		return Version{}, fmt.Errorf("publish %s: %w", id, err)
	}
	return v, nil
}

func publish(ctx context.Context, tx tenant.Tx, id uuid.UUID, from time.Time) (Version, error) {
	draft, err := lockDraft(ctx, tx, id)
	if err != nil {
		return Version{}, err
	}
	if from.IsZero() {
		from = tx.At
	}
	findings, err := check(ctx, tx, &draft, from)
	if err != nil {
		return Version{}, err
	}
	if faults := Faults(findings); len(faults) > 0 {
		return Version{}, &NotCleanError{faults}
	}
	required, err := TrialRequired(ctx, tx)
	if err != nil {
		return Version{}, err
	}
	if required && draft.State != Tried {
		return Version{}, ErrNotTried
	}
	var superseded bool
	const later = `select exists (select from offering_version where code = $1 and state = 'published' and available_from > $2)`
	if err := tx.QueryRow(ctx, later, draft.Code, from).Scan(&superseded); err != nil {
		return Version{}, err
	}
	if superseded {
		return Version{}, ErrSuperseded
	}
	if !draft.State.May(Published) {
		return Version{}, fmt.Errorf("no move from %s to %s", draft.State, Published)
	}
	var v Version
	const update = `
update offering_version
   set state = 'published', available_from = $2, published_at = $3
 where id = $1 and state in ('checked', 'tried')
returning ` + versionColumns
	if err := tx.QueryRow(ctx, update, id, from, tx.At).Scan(v.targets()...); err != nil {
		return Version{}, err
	}
	return v, bumpEpoch(ctx, tx)
}

// Retire ends the sale of a published version; what was sold goes on.
// ErrNotFound, ErrNotPublished.
func Retire(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Version, error) {
	s, err := one(ctx, tx, `where id = $1 for update`, id)
	if err == nil && !s.State.May(Retired) {
		err = ErrNotPublished
	}
	var v Version
	if err == nil {
		const update = `update offering_version set state = 'retired' where id = $1 and state = 'published' returning ` + versionColumns
		err = tx.QueryRow(ctx, update, id).Scan(v.targets()...)
	}
	if err == nil {
		err = bumpEpoch(ctx, tx)
	}
	if err != nil {
		return Version{}, fmt.Errorf("retire %s: %w", id, err)
	}
	return v, nil
}

func bumpEpoch(ctx context.Context, tx tenant.Tx) error {
	const bump = `insert into catalog_epoch (id, epoch) values (1, 1) on conflict (id) do update set epoch = catalog_epoch.epoch + 1`
	_, err := tx.Exec(ctx, bump)
	return err
}

// Epoch returns the number that every publication raises. Whatever was read
// from the catalog under one epoch holds while the epoch does.
func Epoch(ctx context.Context, tx tenant.Tx) (int64, error) {
	var epoch int64
	err := tx.QueryRow(ctx, `select epoch from catalog_epoch where id = 1`).Scan(&epoch)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("read catalog epoch: %w", err)
	}
	return epoch, nil
}

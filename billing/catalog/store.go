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

// SaveDraft stores o as the draft of its code: over the draft there is, or as
// a new version. It doesn't check o; Publish does.
func SaveDraft(ctx context.Context, tx tenant.Tx, o Offering) (Version, error) {
	var v Version
	// The draft's row is locked, so that a publication beside this waits.
	const update = `
update offering_version
   set document = $2, currency = $3
 where code = $1 and state = 'draft'
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
	if err == nil && s.State != Draft {
		err = ErrPublished
	}
	return s, err
}

// Publish checks a draft and makes it available from an instant on, or from
// now if from is zero. From then on the version never changes. It returns
// ErrNotFound, ErrPublished, ErrSuperseded, or a *NotCleanError.
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
	if findings := Check(draft.Offering); len(findings) > 0 {
		return Version{}, &NotCleanError{findings}
	}
	if from.IsZero() {
		from = tx.At
	}
	var superseded bool
	const later = `select exists (select from offering_version where code = $1 and state = 'published' and available_from > $2)`
	if err := tx.QueryRow(ctx, later, draft.Code, from).Scan(&superseded); err != nil {
		return Version{}, err
	}
	if superseded {
		return Version{}, ErrSuperseded
	}
	var v Version
	const update = `
update offering_version
   set state = 'published', available_from = $2, published_at = $3
 where id = $1 and state = 'draft'
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
	if err == nil && s.State != Published {
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

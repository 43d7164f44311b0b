package secrets

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// maxVersions bounds the keys of one tenant that are read at once: the newest
// ones, of which a rotation leaves one.
const maxVersions = 64

// lookUp reads a tenant's keys. None at all is no error.
func (k *Keyring) lookUp(ctx context.Context, id tenant.ID) (dataKeys, error) {
	rows, err := k.pool.Query(ctx, `
		select version, state, wrapped
		  from host.data_key
		 where tenant = $1
		 order by version desc
		 limit $2`, id, maxVersions)
	if err != nil {
		return dataKeys{}, err
	}
	defer rows.Close()
	keys, all := dataKeys{byVersion: map[uint32]cipher.AEAD{}}, 0
	for ; rows.Next(); all++ {
		var version uint32
		var state string
		var wrapped []byte
		if err := rows.Scan(&version, &state, &wrapped); err != nil {
			return dataKeys{}, err
		}
		if wrapped == nil {
			continue
		}
		if keys.byVersion[version], err = k.unwrap(id, version, wrapped); err != nil {
			return dataKeys{}, err
		}
		if state == "current" {
			keys.current = version
		}
	}
	keys.destroyed = all > 0 && len(keys.byVersion) == 0
	return keys, rows.Err()
}

// makeFirst gives a tenant its first key. Of several processes at once one
// makes it, the others find it.
func (k *Keyring) makeFirst(ctx context.Context, id tenant.ID) error {
	wrapped, err := k.wrapNew(id, 1)
	if err != nil {
		return err
	}
	_, err = k.pool.Exec(ctx, `
		insert into host.data_key (tenant, version, wrapped, state, created_at)
		values ($1, 1, $2, 'current', $3)
		on conflict do nothing`, id, wrapped, k.wallAt())
	if err != nil {
		return fmt.Errorf("make first key: %w", err)
	}
	return nil
}

func (k *Keyring) wrapNew(id tenant.ID, version uint32) ([]byte, error) {
	key, err := newKey()
	if err != nil {
		return nil, fmt.Errorf("draw data key: %w", err)
	}
	return k.box.Seal(wrapContext(id, version), key)
}

func (k *Keyring) wallAt() time.Time { return k.now().UTC().Truncate(time.Microsecond) }

// Renew makes a new key for a tenant, which seals from now on; those before
// only open. Where one before is still there the keys stay as they are: what it
// sealed must be sealed anew first, and then Retire destroys it.
func (k *Keyring) Renew(ctx context.Context, id tenant.ID) error {
	defer k.forget(id)
	err := pgx.BeginTxFunc(ctx, k.pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		var current uint32
		var unfinished bool
		// the row is locked against another rotation
		err := tx.QueryRow(ctx, `
			select version, exists (select from host.data_key r where r.tenant = $1 and r.state = 'retiring')
			  from host.data_key
			 where tenant = $1 and state = 'current'
			   for update`, id).Scan(&current, &unfinished)
		if errors.Is(err, pgx.ErrNoRows) {
			return k.firstOrDestroyed(ctx, tx, id)
		}
		if err != nil || unfinished {
			return err
		}
		return k.replace(ctx, tx, id, current)
	})
	if err != nil {
		return fmt.Errorf("renew data key of %s: %w", id, tenant.Reached(err))
	}
	return nil
}

// firstOrDestroyed is for a tenant without a key that seals: it never had one,
// or lost all.
func (k *Keyring) firstOrDestroyed(ctx context.Context, tx pgx.Tx, id tenant.ID) error {
	var known bool
	if err := tx.QueryRow(ctx, `select exists (select from host.data_key where tenant = $1)`, id).Scan(&known); err != nil {
		return err
	}
	if known {
		return ErrDestroyed
	}
	return k.makeFirst(ctx, id)
}

func (k *Keyring) replace(ctx context.Context, tx pgx.Tx, id tenant.ID, current uint32) error {
	wrapped, err := k.wrapNew(id, current+1)
	if err != nil {
		return err
	}
	at := k.wallAt()
	if _, err := tx.Exec(ctx, `update host.data_key set state = 'retiring', retired_at = $3 where tenant = $1 and version = $2`,
		id, current, at); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		insert into host.data_key (tenant, version, wrapped, state, created_at)
		values ($1, $2, $3, 'current', $4)`, id, current+1, wrapped, at)
	return err
}

// Retire destroys a tenant's keys that no longer seal. Nothing may be left that
// they sealed.
func (k *Keyring) Retire(ctx context.Context, id tenant.ID) error {
	return k.destroy(ctx, id, `update host.data_key set state = 'destroyed', wrapped = null where tenant = $1 and state = 'retiring'`)
}

// Destroy destroys all keys of a tenant. What they sealed is lost for good,
// in the database, in every copy and in every backup of its schema.
func (k *Keyring) Destroy(ctx context.Context, id tenant.ID) error {
	// One that never had a key must not get its first now.
	at := k.wallAt()
	if _, err := k.pool.Exec(ctx, `
		insert into host.data_key (tenant, version, state, created_at, retired_at)
		values ($1, 1, 'destroyed', $2, $2)
		on conflict do nothing`, id, at); err != nil {
		return fmt.Errorf("destroy data keys of %s: %w", id, tenant.Reached(err))
	}
	return k.destroy(ctx, id, `
		update host.data_key set state = 'destroyed', wrapped = null, retired_at = coalesce(retired_at, $2)
		 where tenant = $1 and state <> 'destroyed'`, at)
}

func (k *Keyring) destroy(ctx context.Context, id tenant.ID, sql string, more ...any) error {
	defer k.forget(id)
	if _, err := k.pool.Exec(ctx, sql, append([]any{id}, more...)...); err != nil {
		return fmt.Errorf("destroy data keys of %s: %w", id, tenant.Reached(err))
	}
	return nil
}

// rewrapAtOnce bounds the keys in one transaction.
const rewrapAtOnce = 200

// Rewrap wraps under the present master key what the one before wrapped, and
// says how many keys it were.
func (k *Keyring) Rewrap(ctx context.Context) (count int, err error) {
	for {
		done := 0
		err := pgx.BeginTxFunc(ctx, k.pool, pgx.TxOptions{}, func(tx pgx.Tx) (err error) {
			done, err = k.rewrapSome(ctx, tx)
			return err
		})
		if err != nil {
			return count, fmt.Errorf("wrap data keys anew: %w", tenant.Reached(err))
		}
		if count += done; done < rewrapAtOnce {
			return count, nil
		}
	}
}

type wrappedKey struct {
	Tenant  tenant.ID
	Version uint32
	Wrapped []byte
}

func (k *Keyring) rewrapSome(ctx context.Context, tx pgx.Tx) (int, error) {
	rows, err := tx.Query(ctx, `
		select tenant, version, wrapped
		  from host.data_key
		 where wrapped is not null and substring(wrapped for $1) <> $2
		 order by tenant, version
		 limit $3
		   for update`, headerBytes, k.box.now().current.header(), rewrapAtOnce)
	if err != nil {
		return 0, err
	}
	old, err := pgx.CollectRows(rows, pgx.RowToStructByPos[wrappedKey])
	if err != nil {
		return 0, err
	}
	for _, key := range old {
		wrapped, err := k.box.Reseal(wrapContext(key.Tenant, key.Version), key.Wrapped)
		if err != nil {
			return 0, fmt.Errorf("key %d of %s: %w", key.Version, key.Tenant, err)
		}
		if wrapped == nil {
			continue // the master key was rotated once more meanwhile
		}
		if _, err := tx.Exec(ctx, `update host.data_key set wrapped = $3 where tenant = $1 and version = $2`, key.Tenant, key.Version, wrapped); err != nil {
			return 0, err
		}
	}
	return len(old), nil
}

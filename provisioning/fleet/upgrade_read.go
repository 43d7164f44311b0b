package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/tenants"
)

const upgradeColumns = `id, version, title, soak_minutes, within_minutes, state, state_at, reason, wave, wave_at, asked_by, asked_at, ended_at`

func scanUpgrade(row pgx.CollectableRow) (Upgrade, error) {
	var u Upgrade
	var soak, within int
	err := row.Scan(&u.ID, &u.Version, &u.Title, &soak, &within, &u.State, &u.StateAt, &u.Reason, &u.Wave, &u.WaveAt, &u.AskedBy, &u.AskedAt, &u.EndedAt)
	u.Soak, u.Within = time.Duration(soak)*time.Minute, time.Duration(within)*time.Minute
	u.StateAt, u.WaveAt, u.AskedAt = u.StateAt.UTC(), u.WaveAt.UTC(), u.AskedAt.UTC()
	return u, err
}

func oneUpgrade(ctx context.Context, tx tenants.Tx, query string, args ...any) (Upgrade, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return Upgrade{}, fmt.Errorf("read upgrade: %w", err)
	}
	u, err := pgx.CollectExactlyOneRow(rows, scanUpgrade)
	if errors.Is(err, pgx.ErrNoRows) {
		return Upgrade{}, fmt.Errorf("upgrade: %w", tenants.ErrNotFound)
	}
	if err != nil {
		return Upgrade{}, fmt.Errorf("read upgrade: %w", err)
	}
	u.Members, err = membersOf(ctx, tx, u.ID)
	u.Counts = map[MemberState]int{}
	for _, m := range u.Members {
		u.Counts[m.State]++
	}
	return u, err
}

// GetUpgrade reads an upgrade with its members; tenants.ErrNotFound if there is
// none.
func GetUpgrade(ctx context.Context, tx tenants.Tx, id uuid.UUID) (Upgrade, error) {
	return oneUpgrade(ctx, tx, `select `+upgradeColumns+` from upgrade where id = $1`, id)
}

func lockUpgrade(ctx context.Context, tx tenants.Tx, id uuid.UUID) (Upgrade, error) {
	return oneUpgrade(ctx, tx, `select `+upgradeColumns+` from upgrade where id = $1 for update`, id)
}

func membersOf(ctx context.Context, tx tenants.Tx, id uuid.UUID) ([]Member, error) {
	rows, err := tx.Query(ctx, `
		select site_id, wave, former, state, reason, asked_at, done_at
		  from upgrade_member
		 where upgrade_id = $1
		 order by wave, site_id`, id)
	if err != nil {
		return nil, fmt.Errorf("list members of upgrade: %w", err)
	}
	members, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Member, error) {
		var m Member
		err := row.Scan((*uuid.UUID)(&m.Site), &m.Wave, &m.Former, &m.State, &m.Reason, &m.AskedAt, &m.DoneAt)
		return m, err
	})
	if err != nil {
		return nil, fmt.Errorf("list members of upgrade: %w", err)
	}
	return members, nil
}

// Upgrades lists upgrades, newest first, without their members.
func Upgrades(ctx context.Context, tx tenants.Tx, limit int) ([]Upgrade, error) {
	rows, err := tx.Query(ctx, `select `+upgradeColumns+` from upgrade order by asked_at desc, id desc limit $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("list upgrades: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanUpgrade)
	if err != nil {
		return nil, fmt.Errorf("list upgrades: %w", err)
	}
	byID := map[uuid.UUID]*Upgrade{}
	keys := make([]uuid.UUID, len(list))
	for i := range list {
		list[i].Counts = map[MemberState]int{}
		byID[list[i].ID], keys[i] = &list[i], list[i].ID
	}
	rows, err = tx.Query(ctx, `select upgrade_id, state, count(*) from upgrade_member where upgrade_id = any ($1) group by upgrade_id, state`, keys)
	if err != nil {
		return nil, fmt.Errorf("count members of upgrades: %w", err)
	}
	var id uuid.UUID
	var state MemberState
	var n int
	_, err = pgx.ForEachRow(rows, []any{&id, &state, &n}, func() error { byID[id].Counts[state] = n; return nil })
	if err != nil {
		return nil, fmt.Errorf("count members of upgrades: %w", err)
	}
	return list, nil
}

// violates says whether err is the breach of a unique constraint or index.
func violates(err error, constraint string) bool {
	const uniqueViolation = "23505"
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == uniqueViolation && pg.ConstraintName == constraint
}

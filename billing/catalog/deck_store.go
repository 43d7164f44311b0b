package catalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

const deckVersionColumns = `id, deck, version, state, file_name, prefixes, zones, zone_names, restores,
       checked_at, checked_against, live_from, switch_no, created_by, created_at`

func (v *DeckVersion) targets() []any {
	return []any{&v.ID, &v.Deck, &v.Number, &v.State, &v.FileName, &v.Prefixes, &v.Zones, &v.ZoneNames, &v.Restores,
		&v.CheckedAt, &v.CheckedAgainst, &v.LiveFrom, &v.SwitchNo, &v.CreatedBy, &v.CreatedAt}
}

func scanDeckVersion(row pgx.CollectableRow) (DeckVersion, error) {
	var v DeckVersion
	err := row.Scan(v.targets()...)
	return v, err
}

// NewDeckVersion is a file that is to become a version of a deck.
type NewDeckVersion struct {
	Deck     string
	Names    Names // nil leaves the deck's names as they are
	FileName string
	File     DeckFile
	By       string
}

// SaveDeck stores a file as a draft of its deck, which is made if there is
// none. ErrReferenceCode, ErrReferenceNames, ErrDeckEntry.
func SaveDeck(ctx context.Context, tx tenant.Tx, n NewDeckVersion) (DeckVersion, error) {
	if err := errors.Join(checkCode(n.Deck), n.Names.check()); err != nil {
		return DeckVersion{}, err
	}
	deck, err := NewDeck(n.Deck, n.File.Entries)
	if err != nil {
		return DeckVersion{}, err
	}
	body, err := packDeck(n.File.Entries)
	if err != nil {
		return DeckVersion{}, fmt.Errorf("pack deck %s: %w", n.Deck, err)
	}
	if err := putDeck(ctx, tx, n.Deck, n.Names); err != nil {
		return DeckVersion{}, fmt.Errorf("save deck %s: %w", n.Deck, err)
	}
	v := DeckVersion{Deck: n.Deck, State: DeckDraft, FileName: n.FileName, Prefixes: deck.Len(), Zones: deck.Zones(), ZoneNames: n.File.ZoneNames, CreatedBy: n.By}
	if v.ZoneNames == nil {
		v.ZoneNames = map[string]Names{}
	}
	return insertDeckVersion(ctx, tx, v, body)
}

// putDeck makes the deck or renames it, and locks it: whatever changes a
// deck's versions goes one after the other.
func putDeck(ctx context.Context, tx tenant.Tx, code string, names Names) error {
	const put = `
insert into deck (code, names, created_at) values ($1, coalesce($2::jsonb, '{}'), $3)
on conflict (code) do update set names = coalesce($2::jsonb, deck.names)`
	var given any
	if names != nil {
		given = names
	}
	_, err := tx.Exec(ctx, put, code, given, tx.At)
	return err
}

func insertDeckVersion(ctx context.Context, tx tenant.Tx, v DeckVersion, body []byte) (DeckVersion, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return DeckVersion{}, err
	}
	const insert = `
insert into deck_version (id, deck, version, state, file_name, prefixes, zones, zone_names, body, restores, checked_at, checked_against, created_by, created_at)
select $1, $2, coalesce(max(version), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
  from deck_version
 where deck = $2
returning ` + deckVersionColumns
	err = tx.QueryRow(ctx, insert, id, v.Deck, v.State, v.FileName, v.Prefixes, v.Zones, v.ZoneNames, body, v.Restores, v.CheckedAt, v.CheckedAgainst,
		v.CreatedBy, tx.At).Scan(v.targets()...)
	if err != nil {
		return DeckVersion{}, fmt.Errorf("save version of deck %s: %w", v.Deck, err)
	}
	return v, nil
}

// PutDeck makes a deck without a version, or gives one other names.
// ErrReferenceCode, ErrReferenceNames.
func PutDeck(ctx context.Context, tx tenant.Tx, code string, names Names) error {
	if err := errors.Join(checkCode(code), names.check()); err != nil {
		return err
	}
	if err := putDeck(ctx, tx, code, names); err != nil {
		return fmt.Errorf("name deck %s: %w", code, err)
	}
	return nil
}

// GetDeckVersion returns a version of a deck, or ErrDeckNotFound.
func GetDeckVersion(ctx context.Context, tx tenant.Tx, id uuid.UUID) (DeckVersion, error) {
	return deckVersionBy(ctx, tx, id, `select `+deckVersionColumns+` from deck_version where id = $1`)
}

// lockDeckVersion locks the version's deck, then reads the version.
func lockDeckVersion(ctx context.Context, tx tenant.Tx, id uuid.UUID) (DeckVersion, error) {
	const lock = `select code from deck where code = (select deck from deck_version where id = $1) for update`
	var code string
	err := tx.QueryRow(ctx, lock, id).Scan(&code)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrDeckNotFound
	}
	if err != nil {
		return DeckVersion{}, fmt.Errorf("lock deck of version %s: %w", id, err)
	}
	return GetDeckVersion(ctx, tx, id)
}

func deckVersionBy(ctx context.Context, tx tenant.Tx, id uuid.UUID, query string) (DeckVersion, error) {
	var v DeckVersion
	err := tx.QueryRow(ctx, query, id).Scan(v.targets()...)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrDeckNotFound
	}
	if err != nil {
		return DeckVersion{}, fmt.Errorf("read deck version %s: %w", id, err)
	}
	return v, nil
}

// DeckVersions returns the last 200 versions of a deck, newest first, or
// ErrDeckNotFound.
func DeckVersions(ctx context.Context, tx tenant.Tx, code string) ([]DeckVersion, error) {
	const list = `select ` + deckVersionColumns + ` from deck_version where deck = $1 order by version desc limit 200`
	rows, err := tx.Query(ctx, list, code)
	if err != nil {
		return nil, fmt.Errorf("list versions of deck %.64q: %w", code, err)
	}
	versions, err := pgx.CollectRows(rows, scanDeckVersion)
	if err == nil && len(versions) == 0 {
		err = ErrDeckNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("list versions of deck %.64q: %w", code, err)
	}
	return versions, nil
}

// Decks returns every deck by code, with what is live and what comes next.
func Decks(ctx context.Context, tx tenant.Tx) ([]DeckHead, error) {
	const list = `select d.code, d.names, coalesce((select max(version) from deck_version v where v.deck = d.code), 0) from deck d order by d.code`
	rows, err := tx.Query(ctx, list)
	if err != nil {
		return nil, fmt.Errorf("list decks: %w", err)
	}
	heads, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h DeckHead, err error) {
		return h, row.Scan(&h.Code, &h.Names, &h.Latest)
	})
	if err != nil {
		return nil, fmt.Errorf("list decks: %w", err)
	}
	for i := range heads {
		if err := heads[i].readSwitches(ctx, tx); err != nil {
			return nil, fmt.Errorf("list decks: %w", err)
		}
	}
	return heads, nil
}

// GetDeck returns one deck, or ErrDeckNotFound.
func GetDeck(ctx context.Context, tx tenant.Tx, code string) (DeckHead, error) {
	h := DeckHead{Code: code}
	const get = `select names, coalesce((select max(version) from deck_version v where v.deck = d.code), 0) from deck d where code = $1`
	err := tx.QueryRow(ctx, get, code).Scan(&h.Names, &h.Latest)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrDeckNotFound
	}
	if err == nil {
		err = h.readSwitches(ctx, tx)
	}
	if err != nil {
		return DeckHead{}, fmt.Errorf("read deck %.64q: %w", code, err)
	}
	return h, nil
}

func (h *DeckHead) readSwitches(ctx context.Context, tx tenant.Tx) error {
	switches, err := deckSwitches(ctx, tx, []string{h.Code})
	if err != nil {
		return err
	}
	for i := range switches {
		v := &switches[i]
		if !v.LiveFrom.After(tx.At) {
			h.Live = v
		} else if h.Next == nil {
			h.Next = v
		}
	}
	return nil
}

// deckSwitches returns the versions that are, were or will be live, by deck in
// the order in which they became so.
func deckSwitches(ctx context.Context, tx tenant.Tx, codes []string) ([]DeckVersion, error) {
	const list = `
select ` + deckVersionColumns + `
  from deck_version
 where deck = any ($1) and state = 'live'
 order by deck, live_from, switch_no`
	rows, err := tx.Query(ctx, list, codes)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanDeckVersion)
}

// ReadDeckVersion returns the entries of a version that was not discarded.
func ReadDeckVersion(ctx context.Context, tx tenant.Tx, id uuid.UUID) (*Deck, error) {
	decks, err := unpackVersions(ctx, tx, []uuid.UUID{id})
	if err == nil && decks[id] == nil {
		err = ErrDeckNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read deck version %s: %w", id, err)
	}
	return decks[id], nil
}

func unpackVersions(ctx context.Context, tx tenant.Tx, ids []uuid.UUID) (map[uuid.UUID]*Deck, error) {
	decks := make(map[uuid.UUID]*Deck, len(ids))
	rows, err := tx.Query(ctx, `select id, deck, body from deck_version where id = any ($1) and state <> 'discarded'`, ids)
	if err != nil {
		return nil, err
	}
	var id uuid.UUID
	var code string
	var body []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &code, &body}, func() (err error) {
		decks[id], err = unpackDeck(code, body)
		return err
	})
	return decks, err
}

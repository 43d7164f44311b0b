package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// DeckCheck is what a version would change.
type DeckCheck struct {
	Version DeckVersion
	// Against is the version live at present; nil: there is none yet.
	Against *DeckVersion
	Diff    DeckDiff
	Missing []MissingZone
	// Deck and Before hold the entries; Before is nil without Against.
	Deck, Before *Deck
}

// CompareDeck tells what a version would change in place of the live one. It
// stores nothing.
func CompareDeck(ctx context.Context, tx tenant.Tx, id uuid.UUID) (DeckCheck, error) {
	v, err := GetDeckVersion(ctx, tx, id)
	if err != nil {
		return DeckCheck{}, err
	}
	live, err := deckLiveAt(ctx, tx, v.Deck, tx.At)
	if err != nil {
		return DeckCheck{}, fmt.Errorf("compare version %d of deck %s: %w", v.Number, v.Deck, err)
	}
	return compareDeck(ctx, tx, v, live)
}

func compareDeck(ctx context.Context, tx tenant.Tx, v DeckVersion, against *DeckVersion) (c DeckCheck, err error) {
	c.Version, c.Against = v, against
	ids := []uuid.UUID{v.ID}
	if against != nil {
		ids = append(ids, against.ID)
	}
	decks, err := unpackVersions(ctx, tx, ids)
	if err == nil && decks[v.ID] == nil {
		err = ErrDeckState
	}
	if err == nil {
		c.Missing, err = missingZones(ctx, tx, v)
	}
	if err != nil {
		return DeckCheck{}, fmt.Errorf("compare version %d of deck %s: %w", v.Number, v.Deck, err)
	}
	c.Deck = decks[v.ID]
	if against != nil {
		c.Before = decks[against.ID]
	}
	c.Diff = c.Deck.Diff(c.Before)
	return c, nil
}

// CheckDeck compares a draft, or a version checked before, with the live one
// and keeps that this was done. ErrDeckNotFound, ErrDeckState.
func CheckDeck(ctx context.Context, tx tenant.Tx, id uuid.UUID) (DeckCheck, error) {
	v, err := lockDeckVersion(ctx, tx, id)
	if err != nil {
		return DeckCheck{}, err
	}
	if err := v.State.may(DeckChecked); err != nil || v.State == DeckLive {
		return DeckCheck{}, fmt.Errorf("check version %d of deck %s: %w", v.Number, v.Deck, ErrDeckState)
	}
	c, err := CompareDeck(ctx, tx, id)
	if err != nil {
		return DeckCheck{}, err
	}
	var against *uuid.UUID
	if c.Against != nil {
		against = &c.Against.ID
	}
	const update = `
update deck_version
   set state = 'checked', checked_at = $2, checked_against = $3
 where id = $1 and state in ('draft', 'checked')
returning ` + deckVersionColumns
	if err := tx.QueryRow(ctx, update, id, tx.At, against).Scan(c.Version.targets()...); err != nil {
		return DeckCheck{}, fmt.Errorf("check version %d of deck %s: %w", v.Number, v.Deck, err)
	}
	return c, nil
}

// SwitchDeck says when a version becomes live.
type SwitchDeck struct {
	ID uuid.UUID
	// From is zero for now.
	From time.Time
	// WithoutZones accepts that zones which offerings use are gone: usage to
	// them waits in suspense.
	WithoutZones bool
	// Past accepts that it becomes live before now: what was charged stays, what
	// comes late or is rated again goes by it.
	Past bool
}

// GoLive makes a checked version the one that usage from an instant on is
// priced by. Usage of before keeps the version that was live then, however
// late it comes. ErrDeckState, ErrDeckPast, ErrDeckOvertaken, ErrDeckZones.
func GoLive(ctx context.Context, tx tenant.Tx, s SwitchDeck) (DeckVersion, error) {
	v, err := lockDeckVersion(ctx, tx, s.ID)
	if err != nil {
		return DeckVersion{}, err
	}
	if err := v.goLive(ctx, tx, s); err != nil {
		return DeckVersion{}, fmt.Errorf("switch to version %d of deck %s: %w", v.Number, v.Deck, err)
	}
	return v, nil
}

func (v *DeckVersion) goLive(ctx context.Context, tx tenant.Tx, s SwitchDeck) error {
	if err := v.State.may(DeckLive); err != nil {
		return err
	}
	from := s.From.UTC().Truncate(time.Microsecond)
	if s.From.IsZero() {
		from = tx.At
	}
	if from.Before(tx.At) && !s.Past {
		return ErrDeckPast
	}
	if err := v.stillChecked(ctx, tx, from); err != nil {
		return err
	}
	if missing, err := missingZones(ctx, tx, *v); err != nil || (len(missing) > 0 && !s.WithoutZones) {
		if err == nil {
			err = &MissingZonesError{missing}
		}
		return err
	}
	const update = `
update deck_version
   set state = 'live', live_from = $2, switch_no = (select coalesce(max(switch_no), 0) + 1 from deck_version where deck = $3)
 where id = $1 and state = 'checked'
returning ` + deckVersionColumns
	if err := tx.QueryRow(ctx, update, v.ID, from, v.Deck).Scan(v.targets()...); err != nil {
		return err
	}
	return bumpEpoch(ctx, tx)
}

// stillChecked refuses what was compared with another version than the one it
// takes the place of.
func (v *DeckVersion) stillChecked(ctx context.Context, tx tenant.Tx, from time.Time) error {
	live, err := deckLiveAt(ctx, tx, v.Deck, from)
	if err != nil {
		return err
	}
	if (live == nil) != (v.CheckedAgainst == nil) || (live != nil && live.ID != *v.CheckedAgainst) {
		return ErrDeckOvertaken
	}
	return nil
}

// deckLiveAt returns the version that is live at an instant, nil for none.
func deckLiveAt(ctx context.Context, tx tenant.Tx, code string, at time.Time) (*DeckVersion, error) {
	switches, err := deckSwitches(ctx, tx, []string{code})
	if err != nil {
		return nil, err
	}
	var live *DeckVersion
	for i := range switches {
		if !switches[i].LiveFrom.After(at) {
			live = &switches[i]
		}
	}
	return live, nil
}

// TakeBackDeck undoes a switch that has not begun. ErrDeckState.
func TakeBackDeck(ctx context.Context, tx tenant.Tx, id uuid.UUID) (DeckVersion, error) {
	v, err := lockDeckVersion(ctx, tx, id)
	if err == nil && (v.State != DeckLive || !v.LiveFrom.After(tx.At)) {
		err = ErrDeckState
	}
	if err == nil {
		const update = `
update deck_version set state = 'checked', live_from = null, switch_no = null where id = $1 and state = 'live'
returning ` + deckVersionColumns
		err = tx.QueryRow(ctx, update, id).Scan(v.targets()...)
	}
	if err == nil {
		err = bumpEpoch(ctx, tx)
	}
	if err != nil {
		return DeckVersion{}, fmt.Errorf("take back switch to deck version %s: %w", id, err)
	}
	return v, nil
}

// RestoreDeck switches back to a version that was live before: it becomes a
// new version, live from now on. ErrDeckState, ErrDeckZones.
func RestoreDeck(ctx context.Context, tx tenant.Tx, s SwitchDeck, by string) (DeckVersion, error) {
	old, err := lockDeckVersion(ctx, tx, s.ID)
	if err != nil {
		return DeckVersion{}, err
	}
	live, err := deckLiveAt(ctx, tx, old.Deck, tx.At)
	if err == nil && (old.State != DeckLive || old.LiveFrom.After(tx.At) || live.ID == old.ID) {
		err = ErrDeckState
	}
	if err != nil {
		return DeckVersion{}, fmt.Errorf("switch back to version %d of deck %s: %w", old.Number, old.Deck, err)
	}
	var body []byte
	if err := tx.QueryRow(ctx, `select body from deck_version where id = $1`, old.ID).Scan(&body); err != nil {
		return DeckVersion{}, fmt.Errorf("switch back to version %d of deck %s: %w", old.Number, old.Deck, err)
	}
	v := old
	v.State, v.Restores, v.CheckedAt, v.CheckedAgainst, v.CreatedBy = DeckChecked, &old.Number, &tx.At, &live.ID, by
	if v, err = insertDeckVersion(ctx, tx, v, body); err != nil {
		return DeckVersion{}, err
	}
	s.From = tx.At
	if err := v.goLive(ctx, tx, s); err != nil {
		return DeckVersion{}, fmt.Errorf("switch back to version %d of deck %s: %w", old.Number, old.Deck, err)
	}
	return v, nil
}

// DiscardDeck gives up a version that never was live. Its entries are gone.
func DiscardDeck(ctx context.Context, tx tenant.Tx, id uuid.UUID) (DeckVersion, error) {
	v, err := lockDeckVersion(ctx, tx, id)
	if err == nil {
		err = v.State.may(DeckDiscarded)
	}
	if err == nil {
		const update = `
update deck_version set state = 'discarded', body = '' where id = $1 and state in ('draft', 'checked')
returning ` + deckVersionColumns
		err = tx.QueryRow(ctx, update, id).Scan(v.targets()...)
	}
	if err != nil {
		return DeckVersion{}, fmt.Errorf("discard deck version %s: %w", id, err)
	}
	return v, nil
}

// missingZones finds the zones of a deck that offerings on sale or sold use
// and a version lacks.
func missingZones(ctx context.Context, tx tenant.Tx, v DeckVersion) ([]MissingZone, error) {
	const find = `
select distinct zone, o.code, o.version, coalesce(part ->> 'code', '')
  from offering_version o
 cross join lateral jsonb_path_query(o.document, 'strict $.** ? (@.deck == $deck)', jsonb_build_object('deck', $1::text)) part
 cross join lateral jsonb_array_elements_text(coalesce(part -> 'zones', '[]')) zone
 where o.state <> 'draft' and not zone = any ($2)
 order by zone, o.code, o.version
 limit 1000`
	rows, err := tx.Query(ctx, find, v.Deck, v.Zones)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (m MissingZone, err error) {
		return m, row.Scan(&m.Zone, &m.Offering, &m.Version, &m.Set)
	})
}

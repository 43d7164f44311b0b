package api

import (
	"context"
	"io"
	"iter"
	"strings"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/catalog"
	"tollhouse/billing/tenant"
)

func deckVersionOf(v catalog.DeckVersion) oapi.DeckVersion {
	return oapi.DeckVersion{Id: v.ID, Deck: v.Deck, Version: v.Number, State: oapi.DeckVersionState(v.State), FileName: v.FileName, Prefixes: v.Prefixes,
		Zones: mapped(v.Zones, func(zone string) string { return zone }), Restores: v.Restores, CheckedAt: v.CheckedAt, LiveFrom: v.LiveFrom,
		CreatedBy: v.CreatedBy, CreatedAt: v.CreatedAt}
}

func optionalVersion(v *catalog.DeckVersion) *oapi.DeckVersion {
	if v == nil {
		return nil
	}
	out := deckVersionOf(*v)
	return &out
}

func namesOf(n catalog.Names) oapi.Names {
	if n == nil {
		return oapi.Names{}
	}
	return oapi.Names(n)
}

func deckOf(h catalog.DeckHead) oapi.Deck {
	return oapi.Deck{Code: h.Code, Names: namesOf(h.Names), Latest: h.Latest, Live: optionalVersion(h.Live), Next: optionalVersion(h.Next)}
}

func deckEntryOf(e catalog.DeckEntry) oapi.DeckEntry {
	return oapi.DeckEntry{Prefix: e.Prefix, Zone: e.Zone, Network: optionalText(e.Network), Own: e.Own}
}

func optionalEntry(e *catalog.DeckEntry) *oapi.DeckEntry {
	if e == nil {
		return nil
	}
	out := deckEntryOf(*e)
	return &out
}

// ListDecks implements oapi.StrictServerInterface.
func (s *Server) ListDecks(ctx context.Context, _ oapi.ListDecksRequestObject) (oapi.ListDecksResponseObject, error) {
	var heads []catalog.DeckHead
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		heads, err = catalog.Decks(ctx, tx)
		return err
	})
	return oapi.ListDecks200JSONResponse{Items: mapped(heads, deckOf)}, err
}

// GetDeck implements oapi.StrictServerInterface.
func (s *Server) GetDeck(ctx context.Context, r oapi.GetDeckRequestObject) (oapi.GetDeckResponseObject, error) {
	var head catalog.DeckHead
	var versions []catalog.DeckVersion
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		if head, err = catalog.GetDeck(ctx, tx, r.Deck); err != nil {
			return err
		}
		versions, err = catalog.DeckVersions(ctx, tx, r.Deck)
		return err
	})
	return oapi.GetDeck200JSONResponse{Deck: deckOf(head), Versions: mapped(versions, deckVersionOf)}, err
}

// PutDeck implements oapi.StrictServerInterface.
func (s *Server) PutDeck(ctx context.Context, r oapi.PutDeckRequestObject) (oapi.PutDeckResponseObject, error) {
	return nil, once(ctx, oapi.PutDeckResponseObject.VisitPutDeckResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutDeckResponseObject, error) {
		callOf(ctx).note("deck", r.Deck)
		if err := catalog.PutDeck(ctx, tx, r.Deck, catalog.Names(r.Body.Names)); err != nil {
			return nil, err
		}
		head, err := catalog.GetDeck(ctx, tx, r.Deck)
		return oapi.PutDeck200JSONResponse{Body: deckOf(head)}, err
	})
}

// FindDeckZone implements oapi.StrictServerInterface.
func (s *Server) FindDeckZone(ctx context.Context, r oapi.FindDeckZoneRequestObject) (oapi.FindDeckZoneResponseObject, error) {
	var entry catalog.DeckEntry
	var found bool
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		at := tx.At
		if r.Params.At != nil {
			at = *r.Params.At
		}
		timeline, err := new(catalog.DeckCache).Timeline(ctx, tx, []string{r.Deck}, at)
		if err != nil {
			return err
		}
		deck := timeline.At(at)[r.Deck]
		if deck == nil {
			return catalog.ErrDeckNotFound
		}
		entry, found = deck.Entry(catalog.NormalPrefix(r.Params.Destination))
		return nil
	})
	out := oapi.FindDeckZone200JSONResponse{Found: found}
	if found {
		out.Entry = optionalEntry(&entry)
	}
	return out, err
}

// tableFormat reads how an uploaded file is written.
func tableFormat[D, H ~string](delimiter *D, header *H) catalog.TableFormat {
	characters := map[D]rune{"comma": ',', "semicolon": ';', "tab": '\t', "pipe": '|'}
	return catalog.TableFormat{Delimiter: characters[value(delimiter)], Header: catalog.Header(value(header))}
}

// UploadDeckVersion implements oapi.StrictServerInterface. A file is at most
// as large as the guard lets in, and is taken as a whole.
func (s *Server) UploadDeckVersion(ctx context.Context, r oapi.UploadDeckVersionRequestObject) (oapi.UploadDeckVersionResponseObject, error) {
	body, name, err := uploaded(r.Body, r.MultipartBody, value(r.Params.Name))
	if err != nil {
		return nil, err
	}
	c := callOf(ctx)
	if c.body, err = io.ReadAll(body); err != nil {
		return nil, err
	}
	format := catalog.DeckFormat{TableFormat: tableFormat(r.Params.Delimiter, r.Params.Header), Trim: catalog.Trim(value(r.Params.Trim))}
	file, err := catalog.ReadDeck(c.body, format)
	if err != nil {
		return nil, err
	}
	return nil, once(ctx, oapi.UploadDeckVersionResponseObject.VisitUploadDeckVersionResponse, func(ctx context.Context, tx tenant.Tx) (oapi.UploadDeckVersionResponseObject, error) {
		v, err := catalog.SaveDeck(ctx, tx, catalog.NewDeckVersion{Deck: r.Deck, FileName: name, File: file, By: c.who.Actor()})
		c.about("deck_version", v.ID)
		c.note("deck", r.Deck, "file", name)
		out := deckVersionOf(v)
		if len(file.Ignored) > 0 {
			out.IgnoredColumns = &file.Ignored
		}
		return oapi.UploadDeckVersion201JSONResponse{Body: out}, err
	})
}

// GetDeckVersion implements oapi.StrictServerInterface.
func (s *Server) GetDeckVersion(ctx context.Context, r oapi.GetDeckVersionRequestObject) (oapi.GetDeckVersionResponseObject, error) {
	var v catalog.DeckVersion
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		v, err = catalog.GetDeckVersion(ctx, tx, r.Version)
		return err
	})
	return oapi.GetDeckVersion200JSONResponse(deckVersionOf(v)), err
}

// taken takes the items of a page off a sequence, one more than it holds.
func taken[T any](all iter.Seq[T], limit int, wanted func(T) bool) []T {
	var items []T
	for item := range all {
		if !wanted(item) {
			continue
		}
		if items = append(items, item); len(items) > limit {
			break
		}
	}
	return items
}

// ListDeckEntries implements oapi.StrictServerInterface. The cursor is the
// last prefix seen.
func (s *Server) ListDeckEntries(ctx context.Context, r oapi.ListDeckEntriesRequestObject) (oapi.ListDeckEntriesResponseObject, error) {
	after, err := cursorParts(r.Params.Cursor, 1)
	if err != nil {
		return nil, err
	}
	var deck *catalog.Deck
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		deck, err = catalog.ReadDeckVersion(ctx, tx, r.Version)
		return err
	})
	if err != nil {
		return nil, err
	}
	entries := taken(deck.All(), pageLimit(r.Params.Limit), func(e catalog.DeckEntry) bool {
		return e.Prefix > first(after) && strings.HasPrefix(e.Prefix, value(r.Params.Prefix)) && (r.Params.Zone == nil || e.Zone == *r.Params.Zone)
	})
	page, next := cut(entries, r.Params.Limit, func(e catalog.DeckEntry) []string { return []string{e.Prefix} })
	return oapi.ListDeckEntries200JSONResponse{Items: mapped(page, deckEntryOf), Next: next}, nil
}

// ListDeckChanges implements oapi.StrictServerInterface.
func (s *Server) ListDeckChanges(ctx context.Context, r oapi.ListDeckChangesRequestObject) (oapi.ListDeckChangesResponseObject, error) {
	after, err := cursorParts(r.Params.Cursor, 1)
	if err != nil {
		return nil, err
	}
	var check catalog.DeckCheck
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		check, err = catalog.CompareDeck(ctx, tx, r.Version)
		return err
	})
	if err != nil {
		return nil, err
	}
	changes := taken(check.Deck.Changes(check.Before), pageLimit(r.Params.Limit), func(c catalog.DeckChange) bool { return c.Prefix > first(after) })
	page, next := cut(changes, r.Params.Limit, func(c catalog.DeckChange) []string { return []string{c.Prefix} })
	return oapi.ListDeckChanges200JSONResponse{Next: next, Items: mapped(page, func(c catalog.DeckChange) oapi.DeckChange {
		return oapi.DeckChange{Prefix: c.Prefix, Before: optionalEntry(c.Before), After: optionalEntry(c.After)}
	})}, nil
}

// deckStep takes a version of a deck a step further.
func deckStep(ctx context.Context, id uuid.UUID, v catalog.DeckVersion, err error) (oapi.DeckVersion, error) {
	callOf(ctx).about("deck_version", id)
	return deckVersionOf(v), err
}

// CheckDeckVersion implements oapi.StrictServerInterface.
func (s *Server) CheckDeckVersion(ctx context.Context, r oapi.CheckDeckVersionRequestObject) (oapi.CheckDeckVersionResponseObject, error) {
	return nil, once(ctx, oapi.CheckDeckVersionResponseObject.VisitCheckDeckVersionResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CheckDeckVersionResponseObject, error) {
		callOf(ctx).about("deck_version", r.Version)
		c, err := catalog.CheckDeck(ctx, tx, r.Version)
		return oapi.CheckDeckVersion200JSONResponse{Body: oapi.DeckCheck{Version: deckVersionOf(c.Version), Against: optionalVersion(c.Against),
			Added: c.Diff.Added, Removed: c.Diff.Removed, Moved: c.Diff.Moved, Same: c.Diff.Same,
			MissingZones: mapped(c.Missing, func(m catalog.MissingZone) oapi.MissingZone {
				return oapi.MissingZone{Zone: m.Zone, Offering: m.Offering, Version: m.Version, Destinations: optionalText(m.Set)}
			})}}, err
	})
}

// SwitchDeck implements oapi.StrictServerInterface.
func (s *Server) SwitchDeck(ctx context.Context, r oapi.SwitchDeckRequestObject) (oapi.SwitchDeckResponseObject, error) {
	wanted := catalog.SwitchDeck{ID: r.Version, From: value(value(r.Body).From), WithoutZones: value(value(r.Body).WithoutZones), Past: value(value(r.Body).Past)}
	return nil, once(ctx, oapi.SwitchDeckResponseObject.VisitSwitchDeckResponse, func(ctx context.Context, tx tenant.Tx) (oapi.SwitchDeckResponseObject, error) {
		v, err := catalog.GoLive(ctx, tx, wanted)
		out, err := deckStep(ctx, r.Version, v, err)
		return oapi.SwitchDeck200JSONResponse{Body: out}, err
	})
}

// TakeBackDeckSwitch implements oapi.StrictServerInterface.
func (s *Server) TakeBackDeckSwitch(ctx context.Context, r oapi.TakeBackDeckSwitchRequestObject) (oapi.TakeBackDeckSwitchResponseObject, error) {
	return nil, once(ctx, oapi.TakeBackDeckSwitchResponseObject.VisitTakeBackDeckSwitchResponse, func(ctx context.Context, tx tenant.Tx) (oapi.TakeBackDeckSwitchResponseObject, error) {
		v, err := catalog.TakeBackDeck(ctx, tx, r.Version)
		out, err := deckStep(ctx, r.Version, v, err)
		return oapi.TakeBackDeckSwitch200JSONResponse{Body: out}, err
	})
}

// RestoreDeckVersion implements oapi.StrictServerInterface.
func (s *Server) RestoreDeckVersion(ctx context.Context, r oapi.RestoreDeckVersionRequestObject) (oapi.RestoreDeckVersionResponseObject, error) {
	wanted := catalog.SwitchDeck{ID: r.Version, WithoutZones: value(value(r.Body).WithoutZones)}
	return nil, once(ctx, oapi.RestoreDeckVersionResponseObject.VisitRestoreDeckVersionResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RestoreDeckVersionResponseObject, error) {
		v, err := catalog.RestoreDeck(ctx, tx, wanted, callOf(ctx).who.Actor())
		out, err := deckStep(ctx, r.Version, v, err)
		return oapi.RestoreDeckVersion200JSONResponse{Body: out}, err
	})
}

// DiscardDeckVersion implements oapi.StrictServerInterface.
func (s *Server) DiscardDeckVersion(ctx context.Context, r oapi.DiscardDeckVersionRequestObject) (oapi.DiscardDeckVersionResponseObject, error) {
	return nil, once(ctx, oapi.DiscardDeckVersionResponseObject.VisitDiscardDeckVersionResponse, func(ctx context.Context, tx tenant.Tx) (oapi.DiscardDeckVersionResponseObject, error) {
		v, err := catalog.DiscardDeck(ctx, tx, r.Version)
		out, err := deckStep(ctx, r.Version, v, err)
		return oapi.DiscardDeckVersion200JSONResponse{Body: out}, err
	})
}

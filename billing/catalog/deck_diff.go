package catalog

import "iter"

// DeckChange says what becomes of a prefix. Before is nil for one that is
// added, After for one that is removed; both stand for one that moves.
type DeckChange struct {
	Prefix        string
	Before, After *DeckEntry
}

// DeckDiff counts what changes between two versions.
type DeckDiff struct {
	Added, Removed, Moved, Same int
}

// Changes yields what a version changes, by prefix. A nil before is an empty
// deck.
func (d *Deck) Changes(before *Deck) iter.Seq[DeckChange] {
	return func(yield func(DeckChange) bool) {
		for change := range pairs(before, d) {
			if (change.Before == nil || change.After == nil || *change.Before != *change.After) && !yield(change) {
				return
			}
		}
	}
}

// Diff counts the changes.
func (d *Deck) Diff(before *Deck) DeckDiff {
	var diff DeckDiff
	for change := range pairs(before, d) {
		switch {
		case change.Before == nil:
			diff.Added++
		case change.After == nil:
			diff.Removed++
		case *change.Before != *change.After:
			diff.Moved++
		default:
			diff.Same++
		}
	}
	return diff
}

// pairs walks through both decks at once.
func pairs(before, after *Deck) iter.Seq[DeckChange] {
	return func(yield func(DeckChange) bool) {
		old, stop := iter.Pull(before.entries())
		defer stop()
		was, more := old()
		for is := range after.entries() {
			for more && was.Prefix < is.Prefix {
				gone := was
				if !yield(DeckChange{gone.Prefix, &gone, nil}) {
					return
				}
				was, more = old()
			}
			change := DeckChange{Prefix: is.Prefix, After: &is}
			if more && was.Prefix == is.Prefix {
				same := was
				change.Before = &same
				was, more = old()
			}
			if !yield(change) {
				return
			}
		}
		for ; more; was, more = old() {
			gone := was
			if !yield(DeckChange{gone.Prefix, &gone, nil}) {
				return
			}
		}
	}
}

func (d *Deck) entries() iter.Seq[DeckEntry] {
	if d == nil {
		return func(func(DeckEntry) bool) {}
	}
	return d.All()
}

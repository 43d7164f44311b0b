package catalog

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
)

var (
	// ErrDeckNotFound says that there is no such deck or version.
	ErrDeckNotFound = errors.New("deck not found")
	// ErrDeckState says that a version's state does not allow that.
	ErrDeckState = errors.New("deck version is in another state")
	// ErrDeckOvertaken says that a version was checked against one that is not
	// live at the time of its switch.
	ErrDeckOvertaken = errors.New("deck version was checked against another one")
	// ErrDeckPast says that a switch would be in the past, which is made when that
	// is accepted.
	ErrDeckPast = errors.New("deck cannot be switched in the past")
	// ErrDeckZones says that offerings use zones which a version lacks; see
	// MissingZonesError.
	ErrDeckZones = errors.New("deck version lacks zones in use")
	// ErrReferenceCode says that a code of a deck or calendar has another form.
	ErrReferenceCode = errors.New("not a usable code")
	// ErrReferenceNames says that names have other languages or lengths.
	ErrReferenceNames = errors.New("not usable names")
)

// DeckState is the state of a version of a deck.
type DeckState string

// States of a version; see the table of moves.
const (
	DeckDraft     DeckState = "draft"
	DeckChecked   DeckState = "checked"
	DeckLive      DeckState = "live"
	DeckDiscarded DeckState = "discarded"
)

// deckMoves are the moves between states:
//
//	draft ──check──> checked ──switch──> live
//	  └──discard──┬────┘ <──take back────┘ (before it begins)
//	              └──> discarded
var deckMoves = map[DeckState][]DeckState{
	DeckDraft:   {DeckChecked, DeckDiscarded},
	DeckChecked: {DeckChecked, DeckLive, DeckDiscarded},
	DeckLive:    {DeckChecked},
}

func (s DeckState) may(next DeckState) error {
	for _, to := range deckMoves[s] {
		if to == next {
			return nil
		}
	}
	return fmt.Errorf("%w: %s cannot become %s", ErrDeckState, s, next)
}

// DeckVersion tells of a version of a deck without its entries.
type DeckVersion struct {
	ID        uuid.UUID
	Deck      string
	Number    int
	State     DeckState
	FileName  string
	Prefixes  int
	Zones     []string
	ZoneNames map[string]Names
	// Restores is the version that this one brings back, if it does.
	Restores  *int
	CheckedAt *time.Time
	// CheckedAgainst is the version it was compared with; nil: there was none.
	CheckedAgainst *uuid.UUID
	LiveFrom       *time.Time
	SwitchNo       *int
	CreatedBy      string
	CreatedAt      time.Time
}

// DeckHead is a deck with the version that is live and the next one that will
// be, if there are such.
type DeckHead struct {
	Code   string
	Names  Names
	Live   *DeckVersion
	Next   *DeckVersion
	Latest int // number of the newest version
}

// MissingZone is a zone that an offering uses and a deck lacks.
type MissingZone struct {
	Zone     string
	Offering string
	Version  int
	Set      string // the offering's destination set
}

// MissingZonesError is ErrDeckZones with what is missing.
type MissingZonesError struct{ Missing []MissingZone }

// Error names the zones.
func (e *MissingZonesError) Error() string {
	var zones []string
	for _, m := range e.Missing {
		zones = append(zones, fmt.Sprintf("%s of %s version %d", m.Zone, m.Offering, m.Version))
	}
	return fmt.Sprintf("%v: %s", ErrDeckZones, strings.Join(zones, ", "))
}

// Is makes it ErrDeckZones.
func (e *MissingZonesError) Is(target error) bool { return target == ErrDeckZones }

var codeForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

func checkCode(code string) error {
	if !codeForm.MatchString(code) {
		return fmt.Errorf("%w: %.80q", ErrReferenceCode, code)
	}
	return nil
}

// check refuses names in languages that pages are not written in.
func (n Names) check() error {
	for language, name := range n {
		if language != "en" && language != "id" && language != "ru" {
			return fmt.Errorf("%w: language %.20q", ErrReferenceNames, language)
		}
		if len([]rune(name)) > 100 {
			return fmt.Errorf("%w: %.40q...", ErrReferenceNames, name)
		}
	}
	return nil
}

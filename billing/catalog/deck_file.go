package catalog

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// maxPrefixes bounds a deck.
const maxPrefixes = 300_000

// Trim says what is taken off the beginning of a deck's numbers.
type Trim string

const (
	// TrimPlus takes off "+".
	TrimPlus Trim = "plus"
	// TrimZeros takes off "+" and the "00" that is dialled for it in most
	// countries. No country's code begins with 0.
	TrimZeros Trim = "plus_or_00"
	// TrimNothing wants digits only.
	TrimNothing Trim = "nothing"
)

// Known says whether t is a rule for trimming.
func (t Trim) Known() bool { return t == TrimPlus || t == TrimZeros || t == TrimNothing }

// Of returns a number as a deck's prefixes are written.
func (t Trim) Of(number string) string { return t.apply(strings.ReplaceAll(number, " ", "")) }

func (t Trim) apply(s string) string {
	if t == TrimNothing {
		return s
	}
	rest, plus := strings.CutPrefix(s, "+")
	if !plus && t == TrimZeros {
		return strings.TrimPrefix(rest, "00")
	}
	return rest
}

// DeckFormat says how a deck's file is written. An empty Trim is TrimZeros.
type DeckFormat struct {
	TableFormat
	Trim Trim
}

// DeckFile is what a file holds.
type DeckFile struct {
	Entries   []DeckEntry      // by prefix, each once
	ZoneNames map[string]Names // of zones that the file names
	Repeated  int              // lines that say again what was said
	Ignored   []string         // names of columns that a deck has no use for
}

// The columns of a deck.
const (
	deckPrefix = iota
	deckZone
	deckNetwork
	deckOwn
	deckZoneName // in English; in Indonesian and Russian behind it
)

var deckColumns = []column{
	{"prefix", []string{"code", "dial_code", "dialcode", "dialing_code", "prefixes"}, true},
	{"zone", []string{"zone_code", "destination", "destination_code", "area"}, true},
	{"network", []string{"operator", "carrier", "network_name"}, false},
	{"own", []string{"own_network", "on_net", "onnet"}, false},
	{"zone_name", []string{"zone_name_en", "destination_name", "description"}, false},
	{"zone_name_id", nil, false},
	{"zone_name_ru", nil, false},
}

// ReadDeck reads a deck's file. A *TableError names every line that cannot be
// taken, and what would be right there; a file with one is not taken at all.
func ReadDeck(content []byte, f DeckFormat) (DeckFile, error) {
	if f.Trim == "" {
		f.Trim = TrimZeros
	}
	r := &deckReader{trim: f.Trim, lines: map[string]deckLine{}, names: map[string]Names{}, texts: map[string]string{}}
	ignored, err := readTable(content, f.TableFormat, deckColumns, r.line)
	if err != nil {
		return DeckFile{}, err
	}
	if len(r.lines) == 0 {
		return DeckFile{}, &TableError{[]TableFault{{Want: "at least one prefix"}}, 1}
	}
	file := DeckFile{Entries: make([]DeckEntry, 0, len(r.lines)), ZoneNames: r.names, Repeated: r.repeated, Ignored: ignored}
	for line := range maps.Values(r.lines) {
		file.Entries = append(file.Entries, line.DeckEntry)
	}
	slices.SortFunc(file.Entries, func(a, b DeckEntry) int { return cmp.Compare(a.Prefix, b.Prefix) })
	return file, nil
}

type deckLine struct {
	DeckEntry
	line int
}

type deckReader struct {
	trim     Trim
	lines    map[string]deckLine
	names    map[string]Names
	texts    map[string]string // each zone and network once in memory
	repeated int
}

func (r *deckReader) line(row *tableRow) {
	before := row.Total
	e := DeckEntry{Prefix: r.prefix(row), Zone: r.text(row, deckZone, 64), Network: r.text(row, deckNetwork, 100), Own: truth(row, deckOwn)}
	if e.Zone == "" && row.Total == before {
		row.fault(deckZone, "the zone's code")
	}
	if row.Total > before {
		return
	}
	r.nameZone(row, e.Zone)
	known, repeated := r.lines[e.Prefix]
	switch {
	case !repeated && len(r.lines) == maxPrefixes:
		row.add(row.line, "", "", "at most %d prefixes", maxPrefixes)
	case !repeated:
		r.lines[e.Prefix] = deckLine{e, row.line}
	case known.DeckEntry == e:
		r.repeated++
	default:
		row.fault(deckZone, "one zone for a prefix: %s stands for %s in line %d", e.Prefix, known.DeckEntry, known.line)
	}
}

// rounded is how a spreadsheet shows a long number that it took for one.
var rounded = regexp.MustCompile(`^[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+$`)

func (r *deckReader) prefix(row *tableRow) string {
	text := row.get(deckPrefix)
	prefix := r.trim.Of(text)
	switch {
	case digitsOnly(prefix) && len(prefix) <= maxPrefix:
		return strings.Clone(prefix)
	case rounded.MatchString(text):
		row.fault(deckPrefix, "all digits: a spreadsheet has rounded this number; format the column as text")
	case r.trim == TrimNothing && strings.HasPrefix(text, "+"):
		row.fault(deckPrefix, "digits without +, as the file was declared; or choose that + is taken off")
	case strings.ContainsAny(prefix, "-,;/"):
		row.fault(deckPrefix, "one prefix a line")
	default:
		row.fault(deckPrefix, "1 to %d digits, such as 4915", maxPrefix)
	}
	return ""
}

func (r *deckReader) text(row *tableRow, column, atMost int) string {
	text := row.get(column)
	if known, is := r.texts[text]; is {
		return known
	}
	if len([]rune(text)) > atMost || strings.ContainsFunc(text, unicode.IsControl) {
		row.fault(column, "a text on one line of at most %d characters", atMost)
		return ""
	}
	text = strings.Clone(text)
	r.texts[text] = text
	return text
}

// nameZone keeps a zone's names; a zone has one name in a language.
func (r *deckReader) nameZone(row *tableRow, zone string) {
	for i, language := range []string{"en", "id", "ru"} {
		n := deckZoneName + i
		name := r.text(row, n, 100)
		if name == "" {
			continue
		}
		if r.names[zone] == nil {
			r.names[zone] = Names{}
		}
		if known := r.names[zone][language]; known != "" && known != name {
			row.fault(n, "one name for a zone: %s was called %s above", zone, known)
			continue
		}
		r.names[zone][language] = name
	}
}

// truth reads a cell that says yes or no; an empty one says no.
func truth(row *tableRow, column int) bool {
	switch strings.ToLower(row.get(column)) {
	case "yes", "true", "1", "x", "y":
		return true
	case "", "no", "false", "0", "n":
	default:
		row.fault(column, "yes or no")
	}
	return false
}

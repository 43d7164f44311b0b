package desk

import (
	"strings"

	"github.com/google/uuid"

	"tollhouse/portal/ui"
)

// table is a list as it is drawn.
type table struct {
	id, title      string
	head           []column
	rows           [][]cell
	foot           []cell
	icon           string // of the empty state, with its words
	none, noneMore string
	first, next    string // addresses of pages
	told           string // beside them
	more           ui.NavItem
}

type column struct {
	label string
	num   bool
	wide  bool // left out on a phone, where its text stands below the row's head
}

// hides says whether a column is left out on a phone.
func (t table) hides(column int) bool { return column < len(t.head) && t.head[column].wide }

// cell is one place of a table. Sub stands below, smaller.
type cell struct {
	text, sub, href string
	phone           string // on a phone alone, below sub: what wide columns hold
	num, mono       bool
	tone            ui.Tone // with it the text is a state
}

func text(s string) cell { return cell{text: s} }

func num(s string) cell { return cell{text: s, num: true} }

func link(s, href string) cell { return cell{text: s, href: href} }

func state(tone ui.Tone, word string) cell { return cell{text: word, tone: tone} }

// heads are columns by their words; those that end with # hold figures.
func heads(labels ...string) []column {
	columns := make([]column, len(labels))
	for i, label := range labels {
		plain, figures := strings.CutSuffix(label, "#")
		columns[i] = column{label: plain, num: figures}
	}
	return columns
}

// fact is a word and what stands beside it; href leads to what it is made of.
type fact struct{ name, value, href string }

// rowsAPage bounds a list on a page, rowsACSV one for a spreadsheet: more is a
// report of its own.
const (
	rowsAPage = 50
	rowsACSV  = 50_000
)

// parseID reads an id of an address or a form; what is none is nobody's.
func parseID(text string) uuid.UUID {
	id, err := uuid.Parse(text)
	if err != nil {
		return uuid.Nil
	}
	return id
}

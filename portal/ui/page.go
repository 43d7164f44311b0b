package ui

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Page is what the shell around a page needs.
type Page struct {
	Reader
	Title    string
	Operator string // whose door it is; empty for Tollhouse's own
	Home     string // where the operator's name leads
	Sheet    string // address of the brand's style sheet; empty for none
	Logo     string // address of the operator's logo; empty for its letters
	Theme    string // light, dark, or empty for the system's
	Here     string // path and query of this page, for links that change how it is shown
	Action   string // beginning of the addresses of forms
	CSRF     string
	Person   string    // who is signed in; empty for nobody
	Nav      []NavItem // sections of the page
	Quiet    bool      // no menu: errors and the front door
}

// NavItem is one entry of the navigation.
type NavItem struct {
	Href, Label string
	Icon        string
	Current     bool
	Count       string // beside the label; empty for none
	Alert       bool   // the count hurts
}

// Mark is the operator's sign: the first letters of its first two words.
func (p Page) Mark() string {
	var mark strings.Builder
	for _, word := range strings.Fields(p.Operator) {
		first, _ := utf8.DecodeRuneInString(word)
		if unicode.IsLetter(first) || unicode.IsDigit(first) {
			mark.WriteRune(unicode.ToUpper(first))
		}
		if utf8.RuneCountInString(mark.String()) == 2 {
			break
		}
	}
	return mark.String()
}

// themes are the choices in the menu; the empty one follows the system.
var themes = []string{"auto", "light", "dark"}

func (p Page) isTheme(name string) bool {
	return p.Theme == name || p.Theme == "" && name == "auto"
}

// with is this page, shown another way.
func (p Page) with(name, value string) string {
	if strings.Contains(p.Here, "?") {
		return p.Here + "&" + name + "=" + value
	}
	return p.Here + "?" + name + "=" + value
}

// htmxConfig: no injected style, which the security policy forbids, and no
// extension. Going back asks the server, so no page lies in the browser's
// storage.
const htmxConfig = `{"includeIndicatorCSS":false,"defaultTimeout":15000}`

package ui

// ConsolePage is a page of the console: an operator's or hosting staff's.
type ConsolePage struct {
	Page
	Place   string     // under the name: city or currency, or who the door is for
	Groups  []NavGroup // of the navigation at the side
	Search  string     // address that the search field asks; empty for no search
	Query   string     // what is in it
	Hint    string     // what can be searched for
	Now     string     // the operator's time, on top
	Banners []Banner   // what concerns every page
	Account string     // address of the person's own security page; empty for none
}

// NavGroup is a part of the navigation, with a heading or without.
type NavGroup struct {
	Title string
	Items []NavItem
}

// Banner concerns every page while it stands: a sandbox, a visit, a standstill.
type Banner struct {
	Tone   Tone
	Text   string
	Action string // address of a form without fields; empty for none
	Do     string // what its button says
}

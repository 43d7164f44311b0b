package notice

// written are the words that ship for a kind: of a mail or letter, and of what
// is short.
type written struct{ subject, letter, short string }

var defaults = map[string]map[Kind]written{"en": english, "id": indonesian, "ru": russian}

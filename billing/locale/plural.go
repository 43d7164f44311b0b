package locale

// Form is a CLDR plural category.
type Form string

// The categories of the supported languages.
const (
	One   Form = "one"
	Few   Form = "few"
	Many  Form = "many"
	Other Form = "other"
)

// Plural says which form of a word goes with a whole count: English has two,
// Russian three, Indonesian one.
func (l Locale) Plural(n int64) Form {
	if n < 0 {
		n = -n
	}
	switch l.Language {
	case "id":
		return Other
	case "ru":
		return russianPlural(n)
	}
	if n == 1 {
		return One
	}
	return Other
}

func russianPlural(n int64) Form {
	tens, units := n%100, n%10
	switch {
	case units == 1 && tens != 11:
		return One
	case units >= 2 && units <= 4 && (tens < 12 || tens > 14):
		return Few
	}
	return Many
}

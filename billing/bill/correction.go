package bill

import "tollhouse/billing/calendar"

// corrected is what a line is called that sets right what was billed before, by language.
var corrected = map[string]string{
	"en": "Correction of usage: ",
	"id": "Koreksi pemakaian: ",
	"ru": "Корректировка использования: ",
}

func correctionWords(language, of string) string {
	words, known := corrected[language]
	if !known {
		words = corrected["en"]
	}
	return words + of
}

// cycleOf is how an account's cycles follow each other.
func (f *frame) cycleOf(c *closing) calendar.Cycle {
	return calendar.Cycle{Anchor: c.Anchor, Months: c.Months, Policy: f.profile.AnchorPolicy}
}

package standin

import (
	"regexp"
	"strings"
	"testing"
)

func TestWords_allAreTranslated(t *testing.T) {
	t.Parallel()
	for _, match := range regexp.MustCompile(`\.T "([^"]+)"`).FindAllStringSubmatch(pageText, -1) {
		for language, words := range translated {
			if words[match[1]] == "" {
				t.Errorf("%s: %q is missing", language, match[1])
			}
		}
	}
	for _, card := range testCards {
		if card.failure != nil && (page{Lang: "ru"}).T(card.failure.Message) == card.failure.Message {
			t.Errorf("no Russian for %q", card.failure.Message)
		}
	}
}

func TestPage_speaksThePayersLanguage(t *testing.T) {
	t.Parallel()
	for locale, want := range map[string]string{"id": "Nomor kartu", "ru": "Номер карты", "en": "Card number", "xx": "Card number"} {
		p := newPage(&checkoutSession{Locale: locale, Currency: "eur", Amount: 100})
		p.Form.Errors["name"] = "Type the name on the card."
		var text strings.Builder
		if err := pages.ExecuteTemplate(&text, "checkout", p); err != nil || !strings.Contains(text.String(), want) {
			t.Errorf("%s: no %q, %v", locale, want, err)
		}
	}
}

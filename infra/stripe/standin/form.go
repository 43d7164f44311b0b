package standin

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// cardForm is what a payer typed, without the number and the code: they are
// judged while they are read and kept nowhere.
type cardForm struct {
	Name   string
	Expiry string
	// Errors are texts by field: number, expiry, code, name.
	Errors map[string]string
	card   testCard
}

func readCard(form url.Values, now time.Time) cardForm {
	f := cardForm{Name: strings.TrimSpace(form.Get("name")), Expiry: strings.TrimSpace(form.Get("expiry")), Errors: map[string]string{}}
	card, known := testCards[digitsOnly(form.Get("number"))]
	if !known {
		f.Errors["number"] = "This is a test page: type one of the test card numbers below."
	}
	f.card = card
	switch year, month, ok := parseExpiry(f.Expiry); {
	case !ok:
		f.Errors["expiry"] = "Type month and year as on the card, for example 12/34."
	case time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC).Before(now):
		f.Errors["expiry"] = "This card has expired."
	}
	if code := form.Get("code"); len(code) != 3 || digitsOnly(code) != code {
		f.Errors["code"] = "Type the three digits from the back of the card."
	}
	if f.Name == "" || len(f.Name) > 100 {
		f.Errors["name"] = "Type the name on the card."
	}
	return f
}

func parseExpiry(text string) (year int, month time.Month, ok bool) {
	mm, yy, found := strings.Cut(text, "/")
	m, errMonth := strconv.Atoi(strings.TrimSpace(mm))
	y, errYear := strconv.Atoi(strings.TrimSpace(yy))
	if !found || errMonth != nil || errYear != nil || m < 1 || m > 12 || y < 0 || y > 99 {
		return 0, 0, false
	}
	return 2000 + y, time.Month(m), true
}

// digitsOnly drops the spaces and hyphens that people type; any other
// character makes the result match nothing.
func digitsOnly(text string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, text)
}

package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollhouse/billing/identity"
	"tollhouse/portal/text"
)

// Names of our cookies. All are for the server alone.
const (
	sessionCookie  = "tollhouse_session"
	formCookie     = "tollhouse_form"
	languageCookie = "tollhouse_lang"
	themeCookie    = "tollhouse_theme"
)

// choiceLife is how long a language or theme is remembered.
const choiceLife = 365 * 24 * time.Hour

// setCookie keeps a cookie on the tenant's paths. Lax, not Strict: who comes
// back from the card provider's page has to be still signed in.
func (v *Visit) setCookie(name, value string, life time.Duration) {
	path := v.Base
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	c := &http.Cookie{Name: name, Value: value, Path: path, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: v.site.secure()}
	switch {
	case life < 0:
		c.MaxAge = -1
	case life > 0:
		c.MaxAge = int(life / time.Second)
	}
	v.echo.SetCookie(c)
}

func (v *Visit) cookie(name string) string {
	c, err := v.echo.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// keepSession keeps a token with the time it ends, which says when to renew
// it. The token alone decides what it is good for.
func (v *Visit) keepSession(in identity.SignedIn) {
	v.setCookie(sessionCookie, strconv.FormatInt(in.Expires.Unix(), 10)+"."+in.Token, 0)
}

// KeepSession begins a session, with a new token for its forms.
func (v *Visit) KeepSession(in identity.SignedIn) {
	v.keepSession(in)
	v.newFormToken()
}

// DropSession forgets the session in the browser.
func (v *Visit) DropSession() { v.setCookie(sessionCookie, "", -1) }

func (v *Visit) session() (token string, expires time.Time) {
	end, token, found := strings.Cut(v.cookie(sessionCookie), ".")
	seconds, err := strconv.ParseInt(end, 10, 64)
	if !found || err != nil {
		return "", time.Time{}
	}
	return token, time.Unix(seconds, 0)
}

// keepChoices remembers how a page is to be shown.
func (v *Visit) keepChoices() {
	if language := v.Query("lang"); text.Known(language) {
		v.setCookie(languageCookie, language, choiceLife)
	}
	switch v.Query("theme") {
	case "auto":
		v.setCookie(themeCookie, "", -1)
	case "light", "dark":
		v.setCookie(themeCookie, v.Query("theme"), choiceLife)
	}
}

func (v *Visit) chosenTheme() string {
	for _, theme := range []string{v.Query("theme"), v.cookie(themeCookie)} {
		switch theme {
		case "auto":
			return ""
		case "light", "dark":
			return theme
		}
	}
	return ""
}

// language is what the reader chose here, then what stands at its user, then
// what its browser prefers, then the operator's.
func (v *Visit) language(users, operators string) string {
	candidates := []string{v.Query("lang"), v.cookie(languageCookie), users}
	candidates = append(candidates, preferred(v.echo.Request().Header.Get("Accept-Language"))...)
	for _, candidate := range append(candidates, operators) {
		if text.Known(candidate) {
			return candidate
		}
	}
	return "en"
}

// preferred lists the languages of an Accept-Language header (RFC 9110,
// 12.5.4), the most wanted first.
func preferred(header string) []string {
	type wish struct {
		language string
		quality  int // of 1000
	}
	var wishes []wish
	const most = 10 // nobody reads more languages, and the header comes from outside
	for part := range strings.SplitSeq(header, ",") {
		tag, parameters, _ := strings.Cut(strings.TrimSpace(part), ";")
		language, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if wishes = append(wishes, wish{language, quality(parameters)}); len(wishes) == most {
			break
		}
	}
	slices.SortStableFunc(wishes, func(a, b wish) int { return b.quality - a.quality })
	languages := make([]string, len(wishes))
	for i, w := range wishes {
		languages[i] = w.language
	}
	return languages
}

func quality(parameters string) int {
	digits, found := strings.CutPrefix(strings.ReplaceAll(parameters, " ", ""), "q=0.")
	if !found {
		return 1000
	}
	n, err := strconv.Atoi((digits + "000")[:3])
	if err != nil {
		return 0
	}
	return n
}

package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollhouse/portal/text"
)

// Names of our cookies. All are for the server alone.
const (
	formCookie     = "tollhouse_form"
	languageCookie = "tollhouse_lang"
	themeCookie    = "tollhouse_theme"
)

// door is one of the entrances. Who came in by one is a stranger at the others:
// each has a session of its own.
type door struct {
	session string // name of its cookie
	device  string // of the one that tells a known device, "" for none
}

// The doors.
var (
	subscriberDoor = door{session: "tollhouse_session", device: "tollhouse_device"}
	consoleDoor    = door{session: "tollhouse_console", device: "tollhouse_console_device"}
	staffDoor      = door{session: "tollhouse_staff", device: "tollhouse_staff_device"}
)

// deviceLife is how long a device is known after a sign-in.
const deviceLife = 365 * 24 * time.Hour

// Device is what tells a device that signed in before.
func (v *turn) Device() string { return v.cookie(v.door.device) }

// KeepDevice remembers it; "" leaves what is known.
func (v *turn) KeepDevice(device string) {
	if device != "" {
		v.setCookie(v.door.device, device, deviceLife)
	}
}

// choiceLife is how long a language or theme is remembered.
const choiceLife = 365 * 24 * time.Hour

// setCookie keeps a cookie on the paths of a tenant, or of the staff. Lax, not Strict: who comes
// back from the card provider's page has to be still signed in.
func (v *turn) setCookie(name, value string, life time.Duration) {
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

func (v *turn) cookie(name string) string {
	c, err := v.echo.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// keepSession keeps a token with the time it ends, which says when to renew
// it. The token alone decides what it is good for.
func (v *turn) keepSession(token string, expires time.Time) {
	v.setCookie(v.door.session, strconv.FormatInt(expires.Unix(), 10)+"."+token, 0)
}

// KeepSession begins a session, with a new token for its forms.
func (v *turn) KeepSession(token string, expires time.Time) {
	v.keepSession(token, expires)
	v.newFormToken()
}

// DropSession forgets the session in the browser.
func (v *turn) DropSession() { v.setCookie(v.door.session, "", -1) }

func (v *turn) session() (token string, expires time.Time) {
	end, token, found := strings.Cut(v.cookie(v.door.session), ".")
	seconds, err := strconv.ParseInt(end, 10, 64)
	if !found || err != nil {
		return "", time.Time{}
	}
	return token, time.Unix(seconds, 0)
}

// keepChoices remembers how a page is to be shown.
func (v *turn) keepChoices() {
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

// KeepLanguage remembers a language that was chosen by a form.
func (v *turn) KeepLanguage(language string) {
	if text.Known(language) {
		v.setCookie(languageCookie, language, choiceLife)
	}
}

func (v *turn) chosenTheme() string {
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
func (v *turn) language(users, operators string) string {
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

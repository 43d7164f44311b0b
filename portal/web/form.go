package web

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"net/url"

	"tollhouse/api/problem"
)

// formToken is the browser's token for forms, made on its first visit.
func (v *Visit) formToken() string {
	if token := v.cookie(formCookie); len(token) >= 26 {
		return token
	}
	return v.newFormToken()
}

func (v *Visit) newFormToken() string {
	v.csrf = rand.Text()
	v.setCookie(formCookie, v.csrf, 0)
	return v.csrf
}

// checkForm refuses a form that was not sent from our own page. A browser sends
// our cookies along with any site's form, so they prove nothing; but it says
// truly where a form comes from (Sec-Fetch-Site, or Origin where that is not
// known), and no other site can read our cookie to repeat it in a field. Both
// are asked for, as SameSite=Lax alone would let sibling ports and hosts in.
func (v *Visit) checkForm() error {
	r := v.echo.Request()
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	if err := r.ParseForm(); err != nil {
		return problem.InvalidRequest.New("")
	}
	sent := r.PostFormValue("csrf")
	known := v.cookie(formCookie)
	if known == "" || subtle.ConstantTimeCompare([]byte(sent), []byte(known)) != 1 || !fromUs(r) {
		return problem.Forbidden.New("")
	}
	return nil
}

func fromUs(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true // no browser, or one that tells neither: the token decides
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host == r.Host
}

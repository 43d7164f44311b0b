package web

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tollhouse/api/problem"
)

// formToken is the browser's token for forms, made on its first visit.
func (v *turn) formToken() string {
	if token := v.cookie(formCookie); len(token) >= 26 {
		return token
	}
	return v.newFormToken()
}

func (v *turn) newFormToken() string {
	v.csrf = rand.Text()
	v.setCookie(formCookie, v.csrf, 0)
	return v.csrf
}

// checkForm refuses a form that was not sent from our own page. A browser sends
// our cookies along with any site's form, so they prove nothing; but it says
// truly where a form comes from (Sec-Fetch-Site, or Origin where that is not
// known), and no other site can read our cookie to repeat it in a field. Both
// are asked for, as SameSite=Lax alone would let sibling ports and hosts in.
func (v *turn) checkForm() error {
	r := v.echo.Request()
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	if err := v.parseForm(); err != nil {
		return err
	}
	sent := r.PostFormValue("csrf")
	known := v.cookie(formCookie)
	if known == "" || subtle.ConstantTimeCompare([]byte(sent), []byte(known)) != 1 || !fromUs(r) {
		return problem.Forbidden.New("")
	}
	return nil
}

// partsInMemory is what of a form with files is held in memory; the rest goes
// to files of the system's, which end with the request.
const partsInMemory = 1 << 20

func (v *turn) parseForm() error {
	r := v.echo.Request()
	parse := r.ParseForm
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		parse = func() error { return r.ParseMultipartForm(partsInMemory) }
	}
	err := parse()
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return err
	case err != nil:
		return problem.InvalidRequest.New("")
	}
	return nil
}

// File is an uploaded file of a form; nil if none was chosen.
func (v *turn) File(name string) *multipart.FileHeader {
	form := v.echo.Request().MultipartForm
	if form == nil || len(form.File[name]) == 0 || form.File[name][0].Filename == "" {
		return nil
	}
	return form.File[name][0]
}

// Files are all uploaded files of a field.
func (v *turn) Files(name string) []*multipart.FileHeader {
	form := v.echo.Request().MultipartForm
	if form == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(form.File[name]), func(f *multipart.FileHeader) bool { return f.Filename == "" })
}

// Forms are all values of a field of the body, such as ticked boxes.
func (v *turn) Forms(name string) []string { return v.echo.Request().PostForm[name] }

// Fields are all values of the body.
func (v *turn) Fields() url.Values { return v.echo.Request().PostForm }

// Sent is where a form went and what it holds as one text, its files by their
// names and sizes, without the token: what tells whether the same was sent
// again.
func (v *turn) Sent() string {
	r := v.echo.Request()
	sent := url.Values{}
	for name, values := range r.PostForm {
		if name != "csrf" {
			sent[name] = values
		}
	}
	if r.MultipartForm != nil {
		for name, files := range r.MultipartForm.File {
			for _, f := range files {
				sent.Add(name, f.Filename+" "+strconv.FormatInt(f.Size, 10))
			}
		}
	}
	return r.URL.Path + "?" + sent.Encode()
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

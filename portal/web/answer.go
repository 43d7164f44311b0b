package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/a-h/templ"

	"tollhouse/api/problem"
	"tollhouse/billing/account"
	"tollhouse/billing/identity"
	"tollhouse/portal/ui"
)

// securityHeaders are on every page. checkouts are where its forms may lead
// besides us.
func (v *turn) securityHeaders(checkouts string) {
	h := v.echo.Response().Header()
	if checkouts != "" {
		checkouts = " " + checkouts
	}
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "+
		"form-action 'self'"+checkouts+"; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
	h.Set("Vary", "Cookie, HX-Request, HX-Request-Type, HX-Target, Accept-Language, Accept-Encoding")
	if v.site.secure() {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// AllowCheckout lets this page's forms lead on to the card provider's page:
// browsers hold a form's redirects to form-action, too.
func (v *turn) AllowCheckout() { v.securityHeaders(v.site.checkouts()) }

// Show answers with a page or a part of one. It is drawn whole before the
// first byte is sent, so that a fault can still become an error page.
func (v *turn) Show(status int, c templ.Component) error {
	var out bytes.Buffer
	if err := c.Render(ui.WithFiles(v.Context(), v.exports()), &out); err != nil {
		return err
	}
	if v.exporting != nil && status == http.StatusOK {
		v.exporting.drawn = out.Bytes()
		return nil
	}
	return v.send(status, "text/html; charset=utf-8", out.Bytes())
}

func (v *turn) send(status int, kind string, body []byte) error {
	h := v.echo.Response().Header()
	if strings.Contains(v.echo.Request().Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = squeezed(body)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	return v.echo.Blob(status, kind, body)
}

// squeezers are kept between pages: each holds most of a megabyte.
var squeezers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

func squeezed(body []byte) []byte {
	var small bytes.Buffer
	w, _ := squeezers.Get().(*gzip.Writer)
	defer squeezers.Put(w)
	w.Reset(&small)
	_, _ = w.Write(body) // into memory
	_ = w.Close()
	return small.Bytes()
}

// Download answers with a file to be kept.
func (v *turn) Download(name, kind string, body []byte) error {
	v.echo.Response().Header().Set("Content-Disposition", `attachment; filename="`+safeName(name)+`"`)
	return v.echo.Blob(http.StatusOK, kind, body)
}

// safeName keeps what every system takes in a file's name.
func safeName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '-'
	}, name)
}

// fail answers with the page of an error, by the same table as the API. An
// error that nobody has foreseen is logged here, once, and told as nothing but
// its reference.
func (v *turn) fail(err error) error {
	if v.echo.Response().Committed {
		v.site.Log.Error("page broken off", "error", err, "trace", v.trace)
		return nil
	}
	p, known := problem.Of(err)
	var large *http.MaxBytesError
	switch {
	case known:
	case errors.As(err, &large):
		p = problem.TooLarge.New("")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		p = problem.Unavailable.New("")
	default:
		v.site.Log.Error("page failed", "error", err, "trace", v.trace, "path", v.echo.Path())
	}
	key := failKey(p.Status, err)
	page := v.shell(v.Reader.T("fail." + key))
	page.Quiet = true
	return v.Show(p.Status, ui.Failed(page, key, v.trace))
}

// failKey names the words for a refusal, or for its status; those without words
// of their own are told as their class.
func failKey(status int, err error) string {
	switch {
	case errors.Is(err, account.ErrSuspended):
		return "suspended"
	case errors.Is(err, identity.ErrForbidden):
		return "rights"
	}
	switch status {
	case http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable:
		return strconv.Itoa(status)
	}
	if status >= http.StatusInternalServerError {
		return "500"
	}
	return "400"
}

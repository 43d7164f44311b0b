package door

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// setupView shows a new second factor to be taken into an app.
type setupView struct {
	identity.TOTPSetup
	Spaced string // the secret in groups of four, for typing
	QR     qrCode
	Code   ui.Field
	Action string
	Back   string
}

// beginFactor draws a second factor. It counts only once a code of it was seen.
func (d *Door) beginFactor(v *web.Visit) error {
	var setup identity.TOTPSetup
	err := write(v, "user.factor-begin", func(ctx context.Context, tx tenant.Tx) (err error) {
		setup, err = v.Authority().BeginTOTP(ctx, tx, v.Who.UserID)
		return err
	})
	if errors.Is(err, identity.ErrHasFactor) {
		return v.Redirect(d.url(v, d.Security))
	}
	if err != nil {
		return err
	}
	return d.showSetup(v, setup, "")
}

func (d *Door) showSetup(v *web.Visit, setup identity.TOTPSetup, fault string) error {
	r, status := v.Reader, http.StatusOK
	code, err := drawQR(setup.URL)
	if err != nil {
		return err
	}
	s := setupView{TOTPSetup: setup, Spaced: inFours(setup.Secret), QR: code, Code: codeField(r, r.T("door.setup.code")),
		Action: d.url(v, d.Security+"/factor/confirm"), Back: d.url(v, d.Security)}
	if s.Code.Error = fault; fault != "" {
		status = http.StatusUnprocessableEntity
	}
	title := r.T("door.setup")
	return v.Show(status, setupPage(d.Shell(v, title), v.Page(title), s))
}

func inFours(text string) string {
	var groups []string
	for len(text) > 4 {
		groups, text = append(groups, text[:4]), text[4:]
	}
	return strings.Join(append(groups, text), " ")
}

// confirmFactor lets the factor count. After a wrong code the page is drawn
// again from what its form brought along: it is the sender's own, and only
// what is stored counts.
func (d *Door) confirmFactor(v *web.Visit) error {
	var codes []string
	err := write(v, "user.factor-add", func(ctx context.Context, tx tenant.Tx) (err error) {
		codes, err = v.Authority().ConfirmTOTP(ctx, tx, v.Who.UserID, v.Form("code"))
		return err
	})
	if errors.Is(err, identity.ErrFactorCode) {
		if setup, known := setupOf(v.Form("url")); known {
			return d.showSetup(v, setup, v.Reader.T("door.setup.wrong"))
		}
	}
	if errors.Is(err, identity.ErrFactorCode) || errors.Is(err, identity.ErrHasFactor) || errors.Is(err, identity.ErrNoFactor) {
		return v.Redirect(d.url(v, d.Security))
	}
	if err != nil {
		return err
	}
	return d.showCodes(v, codes, true)
}

// setupOf reads an enrolment address back. It is as long as our longest.
func setupOf(text string) (identity.TOTPSetup, bool) {
	const most = 1000
	u, err := url.Parse(text)
	if err != nil || len(text) > most || u.Scheme != "otpauth" || u.Host != "totp" || u.Query().Get("secret") == "" {
		return identity.TOTPSetup{}, false
	}
	return identity.TOTPSetup{Secret: u.Query().Get("secret"), URL: text}, true
}

// codesView shows recovery codes, this once.
type codesView struct {
	Codes []string
	Added bool // with a new factor
	Back  string
}

func (d *Door) showCodes(v *web.Visit, codes []string, added bool) error {
	title := v.Reader.T("door.codes")
	return v.Show(http.StatusOK, codesPage(d.Shell(v, title), v.Page(title), codesView{codes, added, d.url(v, d.Security)}))
}

func (d *Door) newRecoveryCodes(v *web.Visit) error {
	var codes []string
	err := write(v, "user.recovery-codes", func(ctx context.Context, tx tenant.Tx) (err error) {
		codes, err = v.Authority().NewRecoveryCodes(ctx, tx, v.Who.UserID)
		return err
	})
	if errors.Is(err, identity.ErrNoFactor) {
		return v.Redirect(d.url(v, d.Security))
	}
	if err != nil {
		return err
	}
	return d.showCodes(v, codes, false)
}

// removeFactor wants the password again: whoever finds an open browser must
// not be able to take the second factor away.
func (d *Door) removeFactor(v *web.Visit) error {
	s := securityView{}
	err := v.Stack.RemoveFactor(v.Context(), v.Caller(), v.Who, identity.PasswordChange{Old: v.Form("password"),
		UserAgent: v.UserAgent(), Address: v.Address(), Device: v.Device()})
	if errors.Is(err, identity.ErrSignIn) {
		s.Removal.Error = v.Reader.T("door.old.wrong")
		return d.showSecurity(v, s)
	}
	if h, told := hurdleOf(v, err, "signin.wrong"); told {
		s.Hurdle = h
		return d.showSecurity(v, s)
	}
	if err != nil && !errors.Is(err, identity.ErrNoFactor) {
		return err
	}
	return v.Redirect(d.url(v, d.Security, "done", "removed"))
}

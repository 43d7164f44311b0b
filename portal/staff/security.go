package staff

import (
	"context"
	"errors"
	"net/http"

	"tollhouse/billing/identity"
	"tollhouse/portal/door"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/tenants"
)

// securityView is one's own password, second factor and sessions.
type securityView struct {
	ui.ConsolePage
	Done      string
	Factor    bool
	Passwords form
	Removal   form
	Sessions  []sessionRow
	Setup     *identity.TOTPSetup // a second factor being added
	Code      form
	Codes     []string // recovery codes, shown this once
	Path      string
}

type sessionRow struct {
	Browser, Address, Since string
	This                    bool
}

func (p pages) security(v *web.StaffVisit) error {
	return p.showSecurity(v, securityView{Done: v.Query("done")}, http.StatusOK)
}

func (p pages) showSecurity(v *web.StaffVisit, view securityView, status int) error {
	var err error
	if view.ConsolePage, err = p.frame(v, securitySection, v.Reader.T("staff.nav.security")); err != nil {
		return err
	}
	view.Path = v.URL("security")
	err = p.read(v, func(ctx context.Context, tx tenants.Tx) error {
		if view.Factor, err = tenants.HasFactor(ctx, tx, v.Who.ID); err != nil {
			return err
		}
		sessions, err := tenants.Sessions(ctx, tx, v.Who)
		for _, s := range sessions {
			view.Sessions = append(view.Sessions, sessionRow{Browser: door.DeviceWords(v.Reader, s.UserAgent), Address: orDash(s.Address), Since: v.Reader.DateTime(s.CreatedAt), This: s.ID == v.Who.Session})
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.Show(status, securityPage(view))
}

func (p pages) changePassword(v *web.StaffVisit) error {
	f := sent(v)
	err := p.Staff.ChangePassword(v.Context(), v.Who, v.Form("old"), v.Form("new"))
	switch {
	case errors.Is(err, tenants.ErrCredentials):
		f.fault("old", v.Reader.T("staff.old.wrong"))
	case errors.Is(err, identity.ErrPassword):
		f.fault("new", v.Reader.T("staff.want.new"))
	case err != nil:
		return err
	default:
		return v.Redirect(v.URL("security", "done", "password"))
	}
	return p.showSecurity(v, securityView{Passwords: f}, http.StatusUnprocessableEntity)
}

func (p pages) endOthers(v *web.StaffVisit) error {
	err := p.write(v, func(ctx context.Context, tx tenants.Tx) error { return tenants.EndOthers(ctx, tx, v.Who) })
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("security", "done", "sessions"))
}

func (p pages) beginFactor(v *web.StaffVisit) error {
	var setup identity.TOTPSetup
	err := p.write(v, func(ctx context.Context, tx tenants.Tx) (err error) {
		setup, err = p.Staff.BeginFactor(ctx, tx, v.Who)
		return err
	})
	if errors.Is(err, tenants.ErrFactorState) {
		return v.Redirect(v.URL("security"))
	}
	if err != nil {
		return err
	}
	return p.showSecurity(v, securityView{Setup: &setup}, http.StatusOK)
}

// confirmFactor lets the factor count. After a wrong code its form is drawn
// again from what it brought along: only what is stored counts.
func (p pages) confirmFactor(v *web.StaffVisit) error {
	var codes []string
	err := p.write(v, func(ctx context.Context, tx tenants.Tx) (err error) {
		codes, err = p.Staff.ConfirmFactor(ctx, tx, v.Who, v.Form("code"))
		return err
	})
	switch {
	case errors.Is(err, tenants.ErrFactorCode):
		f := sent(v)
		f.fault("code", v.Reader.T("staff.door.code.wrong"))
		return p.showSecurity(v, securityView{Setup: &identity.TOTPSetup{Secret: v.Form("secret")}, Code: f}, http.StatusUnprocessableEntity)
	case errors.Is(err, tenants.ErrFactorState):
		return v.Redirect(v.URL("security"))
	case err != nil:
		return err
	}
	return p.showSecurity(v, securityView{Codes: codes}, http.StatusOK)
}

func (p pages) removeFactor(v *web.StaffVisit) error {
	err := p.Staff.RemoveFactor(v.Context(), v.Who, v.Form("password"))
	if errors.Is(err, tenants.ErrCredentials) {
		f := sent(v)
		f.fault("password", v.Reader.T("staff.old.wrong"))
		return p.showSecurity(v, securityView{Removal: f}, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("security", "done", "factor"))
}

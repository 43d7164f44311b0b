package staff

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/tenants"
)

// peoplePage is how many staff users stand on one page.
const peoplePage = 50

type peopleView struct {
	ui.ConsolePage
	Rows        []personRow
	First, Next string
	MayChange   bool
	Form        form
	Key         string // of the rows' forms
	Done        string
	Fault       string
	Fresh       *fresh // a first password, shown this once
}

type fresh struct{ Email, Password string }

type personRow struct {
	Path, Email, Name string
	Role              tenants.Role
	RoleWord          string
	Active            bool
	Since             string
	Own               bool
}

func (p pages) people(v *web.StaffVisit) error {
	return p.showPeople(v, peopleView{Form: newForm(map[string]string{"role": string(tenants.Engineer)}), Done: v.Query("done")}, http.StatusOK)
}

func (p pages) showPeople(v *web.StaffVisit, view peopleView, status int) error {
	var err error
	if view.ConsolePage, err = p.frame(v, peopleSection, v.Reader.T("staff.nav.people")); err != nil {
		return err
	}
	view.MayChange, view.Key = v.May(tenants.StaffWrite), uuid.NewString()
	after, err := uuid.Parse(v.Query("after"))
	if err == nil {
		view.First = v.URL("people")
	}
	err = p.read(v, func(ctx context.Context, tx tenants.Tx) error {
		users, err := tenants.ListStaff(ctx, tx, after, peoplePage+1)
		if len(users) > peoplePage {
			users = users[:peoplePage]
			view.Next = v.URL("people", "after", users[peoplePage-1].ID.String())
		}
		for _, u := range users {
			view.Rows = append(view.Rows, personRow{Path: v.URL("people/" + u.ID.String()), Email: u.Email, Name: u.Name, Role: u.Role,
				RoleWord: v.Reader.T("staff.role." + string(u.Role)), Active: u.Active, Since: v.Reader.DateTime(u.CreatedAt), Own: u.ID == v.Who.ID})
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.Show(status, peopleList(view))
}

func roles(r ui.Reader, chosen string) []ui.Choice {
	var list []ui.Choice
	for _, role := range []tenants.Role{tenants.Viewer, tenants.Engineer, tenants.Admin} {
		list = append(list, ui.Choice{Value: string(role), Label: r.T("staff.role." + string(role)), Chosen: chosen == string(role)})
	}
	return list
}

func (p pages) addPerson(v *web.StaffVisit) error {
	f := sent(v, "email", "name", "role")
	refuse := func() error {
		f.Open = true
		return p.showPeople(v, peopleView{Form: f}, http.StatusUnprocessableEntity)
	}
	n, err := p.Staff.Admit(v.Context(), f.value("email"), f.value("name"), f.value("role"))
	if f.refused(v.Reader, err) {
		return refuse()
	}
	if err != nil {
		return err
	}
	made, err := once(p, v, "createStaff", func(ctx context.Context, tx tenants.Tx) (fresh, error) {
		user, password, err := p.Staff.Create(ctx, tx, v.Who, n)
		return fresh{user.Email, password}, err
	})
	switch {
	case errors.Is(err, tenants.ErrEmailTaken):
		f.fault("email", v.Reader.T("staff.taken.email"))
		return refuse()
	case err != nil:
		return err
	}
	return p.showPeople(v, peopleView{Form: newForm(nil), Fresh: &made}, http.StatusOK)
}

func personID(v *web.StaffVisit) (uuid.UUID, error) {
	id, err := uuid.Parse(v.Param("person"))
	if err != nil {
		return uuid.Nil, tenants.ErrNotFound
	}
	return id, nil
}

func (p pages) changePerson(v *web.StaffVisit) error {
	id, err := personID(v)
	if err != nil {
		return err
	}
	role, err := tenants.ParseRole(v.Form("role"))
	if err != nil {
		return err
	}
	err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
		_, err := tenants.ChangeStaff(ctx, tx, v.Who, id, role, v.Form("active") == "yes")
		return err
	})
	if errors.Is(err, tenants.ErrLastAdmin) {
		return p.showPeople(v, peopleView{Form: newForm(nil), Fault: v.Reader.T("staff.lastadmin")}, http.StatusConflict)
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("people", "done", "changed"))
}

func (p pages) resetPerson(v *web.StaffVisit) error {
	id, err := personID(v)
	if err != nil {
		return err
	}
	drawn, err := p.Staff.DrawPassword(v.Context())
	if err != nil {
		return err
	}
	made, err := once(p, v, "resetStaff", func(ctx context.Context, tx tenants.Tx) (fresh, error) {
		user, err := tenants.GetStaff(ctx, tx, id)
		if err != nil {
			return fresh{}, err
		}
		password, err := p.Staff.Reset(ctx, tx, v.Who, id, drawn)
		return fresh{user.Email, password}, err
	})
	if err != nil {
		return err
	}
	return p.showPeople(v, peopleView{Form: newForm(nil), Fresh: &made}, http.StatusOK)
}

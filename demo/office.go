package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tollhouse/api"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// colleague is somebody who works for an operator, at its console.
type colleague struct {
	name string
	role identity.Role
}

// offices are the people beside the owner, by country, so that names fit.
var offices = map[string][]colleague{
	"ID": {{"Rini Hartono", identity.Marketer}, {"Budi Santoso", identity.Clerk}, {"Dewi Lestari", identity.Accountant}, {"Agus Wijaya", identity.Support}},
	"DE": {{"Frauke Petersen", identity.Marketer}, {"Jan Ahlers", identity.Clerk}, {"Maren Claussen", identity.Accountant}, {"Ole Brandt", identity.Support}},
}

// officeLogins gives the operator's people their users. Who was taken on by an
// earlier run keeps its password.
func (o *operator) officeLogins(ctx context.Context) error {
	_, domain, _ := strings.Cut(o.application.OwnerEmail, "@")
	for _, c := range offices[o.application.Country] {
		login := Login{Who: c.name + ", " + string(c.role), Path: o.console(), Email: string(c.role) + "@" + domain}
		if _, found := o.logins.find(login.Path, login.Email); found {
			continue
		}
		login.Password = newPassword()
		hash, err := o.world.Passwords.Hash(ctx, login.Password)
		if err != nil {
			return err
		}
		err = o.stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
			_, err := o.world.Identity.AddUser(ctx, tx, identity.NewUser{Email: login.Email, Name: c.name, Role: c.role,
				Language: o.application.Language, Password: hash})
			return err
		})
		if err != nil {
			return fmt.Errorf("login of %s: %w", login.Email, err)
		}
		if err := o.logins.add(login); err != nil {
			return err
		}
	}
	return o.findClerk(ctx)
}

// findClerk says who does the scenario's work at the desk.
func (o *operator) findClerk(ctx context.Context) error {
	return o.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		users, err := o.world.Identity.Users(ctx, tx, "", identity.MaxPage)
		for _, u := range users {
			if u.Role == identity.Clerk {
				o.clerk = identity.Principal{Kind: identity.UserPrincipal, UserID: u.ID}.Actor()
				return err
			}
		}
		return errors.Join(err, errors.New("the operator has no clerk"))
	})
}

func (o *operator) console() string { return "/t/" + o.application.Name + "/console/" }

const (
	staffEmail       = "admin@tollhouse.example"
	secondStaffEmail = "engineer@tollhouse.example"
	staffDoor        = "/staff/"
)

// addStaff makes the first of the hosting staff and a colleague: what needs two
// people can be tried with both.
func (l *Logins) addStaff(ctx context.Context, control *api.Control) error {
	password, err := control.Staff.EnsureFirst(ctx, staffEmail)
	if err != nil {
		return err
	}
	if password != "" {
		if err := l.add(Login{Who: "hosting staff, admin", Path: staffDoor, Email: staffEmail, Password: password}); err != nil {
			return err
		}
	}
	if _, found := l.find(staffDoor, secondStaffEmail); found {
		return nil
	}
	wanted, err := control.Staff.Admit(ctx, secondStaffEmail, "Katrin Holm", "engineer")
	if err != nil {
		return err
	}
	err = control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		_, password, err = control.Staff.Create(ctx, tx, tenants.System, wanted)
		return err
	})
	if errors.Is(err, tenants.ErrEmailTaken) {
		return nil // its password was drawn by a run that was cut off before it could be noted
	}
	if err != nil {
		return err
	}
	return l.add(Login{Who: "hosting staff, engineer", Path: staffDoor, Email: secondStaffEmail, Password: password})
}

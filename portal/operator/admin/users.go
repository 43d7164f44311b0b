package admin

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// usersPerPage is how many people stand on one page.
const usersPerPage = 50

// usersView is the list of the operator's people.
type usersView struct {
	ui.ConsolePage
	Tabs        []ui.NavItem
	Done        string
	May         bool // invite and change them
	People      []identity.Colleague
	Roles       []identity.RoleInfo
	Branches    []account.Branch
	First, Next string
}

// usersTabs lead from people to roles and back.
func usersTabs(v *web.Visit, current string) []ui.NavItem {
	return []ui.NavItem{
		{Href: v.Console("users"), Label: v.Reader.T("admin.users.people"), Current: current == "users"},
		{Href: v.Console("users/roles"), Label: v.Reader.T("admin.users.roles"), Current: current == "roles"},
	}
}

func users(v *web.Visit) error {
	view := usersView{ConsolePage: frame.Of(v, frame.Users, v.Reader.T("con.nav.users")), Tabs: usersTabs(v, "users"), Done: v.Query("done"),
		May: v.May(identity.UserWrite)}
	after := v.Query("after")
	err := read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		if view.People, err = v.Authority().Colleagues(ctx, tx, after, usersPerPage+1); err != nil {
			return err
		}
		if view.Roles, err = v.Authority().Roles(ctx, tx); err != nil {
			return err
		}
		view.Branches, err = account.Branches(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	if after != "" {
		view.First = v.Console("users")
	}
	if len(view.People) > usersPerPage {
		view.People = view.People[:usersPerPage]
		view.Next = v.Console("users", "after", view.People[usersPerPage-1].Email)
	}
	return v.Show(http.StatusOK, usersPage(view))
}

// branchName is what a branch is called; everywhere for none.
func branchName(r ui.Reader, branches []account.Branch, id *uuid.UUID) string {
	if id == nil {
		return r.T("admin.users.everywhere")
	}
	for _, b := range branches {
		if b.ID == *id {
			return b.Name
		}
	}
	return "–"
}

// branchChoices are the branches a person can work in, everywhere among them.
func branchChoices(r ui.Reader, branches []account.Branch) []ui.Choice {
	choices := []ui.Choice{{Label: r.T("admin.users.everywhere")}}
	for _, b := range branches {
		choices = append(choices, ui.Choice{Value: b.ID.String(), Label: b.Name})
	}
	return choices
}

// userState says whether somebody may come in.
func userState(r ui.Reader, c identity.Colleague) (ui.Tone, string) {
	switch {
	case c.State == identity.UserDisabled:
		return ui.Off, r.T("admin.user.disabled")
	case c.Invited:
		return ui.Info, r.T("admin.user.invited")
	}
	return ui.OK, r.T("admin.user.active")
}

// called is a person's name, or email without one.
func called(u identity.User) string {
	if u.Name != "" {
		return u.Name
	}
	return u.Email
}

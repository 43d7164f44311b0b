package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// rolesView is the matrix of who may do what.
type rolesView struct {
	ui.ConsolePage
	Tabs  []ui.NavItem
	Done  string
	May   bool
	Roles []identity.RoleInfo // of people and keys; subscribers reach only their own
}

func listRoles(v *web.Visit) (roles []identity.RoleInfo, err error) {
	err = read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		roles, err = v.Authority().Roles(ctx, tx)
		return err
	})
	return slices.DeleteFunc(roles, func(r identity.RoleInfo) bool { return r.Name == identity.Subscriber }), err
}

func roles(v *web.Visit) error {
	list, err := listRoles(v)
	if err != nil {
		return err
	}
	return v.Show(http.StatusOK, rolesPage(rolesView{ConsolePage: frame.Of(v, frame.Users, v.Reader.T("admin.users.roles")), Tabs: usersTabs(v, "roles"),
		Done: v.Query("done"), May: v.May(identity.RoleWrite), Roles: list}))
}

// roleView is the form of a custom role.
type roleView struct {
	ui.ConsolePage
	Form   form
	New    bool
	Role   identity.RoleInfo
	Ticked []identity.Permission
	By     identity.Principal // nobody gives more than they have
	To     string
	Remove form
}

func newRole(v *web.Visit) error {
	return showRole(v, roleView{New: true, Form: newForm(nil)})
}

func showRole(v *web.Visit, view roleView) error {
	title := v.Reader.T("admin.role.new")
	view.To = v.Console("users/roles")
	if !view.New {
		title = view.Role.Title
		view.To += "/" + string(view.Role.Name)
	}
	view.ConsolePage, view.By = frame.Of(v, frame.Users, title), v.Who
	if view.Remove.Key == "" {
		view.Remove = newForm(nil)
	}
	return v.Show(max(view.Form.status(), view.Remove.status()), rolePage(view))
}

// roleOf finds the custom role that an address names. Those built in are ours.
func roleOf(v *web.Visit) (identity.RoleInfo, error) {
	list, err := listRoles(v)
	if err != nil {
		return identity.RoleInfo{}, err
	}
	i := slices.IndexFunc(list, func(r identity.RoleInfo) bool { return !r.BuiltIn && string(r.Name) == v.Param("role") })
	if i < 0 {
		return identity.RoleInfo{}, identity.ErrRoleNotFound
	}
	return list[i], nil
}

func role(v *web.Visit) error {
	found, err := roleOf(v)
	if err != nil {
		return err
	}
	return showRole(v, roleView{Role: found, Ticked: found.Permissions, Form: newForm(map[string]string{"title": found.Title})})
}

func ticked(v *web.Visit) []identity.Permission {
	var permissions []identity.Permission
	for _, p := range v.Forms("permission") {
		permissions = append(permissions, identity.Permission(p))
	}
	return permissions
}

func addRole(v *web.Visit) error {
	f := sentForm(v, "name", "title")
	wanted := identity.CustomRole{Name: identity.Role(strings.ToLower(f.Typed["name"])), Title: f.Typed["title"], Permissions: ticked(v)}
	list, err := listRoles(v)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(list, func(r identity.RoleInfo) bool { return r.Name == wanted.Name }) {
		f.refuse("name", v.Reader.T("admin.role.taken"))
		return showRole(v, roleView{New: true, Form: f, Ticked: wanted.Permissions})
	}
	return putRole(v, "role.add", roleView{New: true, Form: f, Ticked: wanted.Permissions}, wanted)
}

func saveRole(v *web.Visit) error {
	found, err := roleOf(v)
	if err != nil {
		return err
	}
	f := sentForm(v, "title")
	wanted := identity.CustomRole{Name: found.Name, Title: f.Typed["title"], Permissions: ticked(v)}
	return putRole(v, "role.change", roleView{Role: found, Form: f, Ticked: wanted.Permissions}, wanted)
}

// putRole stores a role, or shows its form again with what was refused.
func putRole(v *web.Visit, action string, view roleView, wanted identity.CustomRole) error {
	_, err := once(v, action, func(ctx context.Context, tx tenant.Tx) (act, error) {
		return act{object: "role", detail: map[string]any{"name": wanted.Name, "title": wanted.Title, "before": view.Role.Permissions, "after": wanted.Permissions}},
			v.Authority().PutRole(ctx, tx, v.Who, wanted)
	})
	word := ""
	switch {
	case err == nil:
		return after(v, "users/roles", "role.saved")
	case errors.Is(err, identity.ErrRoleName):
		view.Form.refuse("name", v.Reader.T("admin.role.want.name"))
	case errors.Is(err, identity.ErrRoleTitle):
		view.Form.refuse("title", v.Reader.T("admin.role.want.title"))
	case errors.Is(err, identity.ErrBeyond):
		word = "admin.role.beyond"
	case errors.Is(err, identity.ErrPermission):
		word = "admin.role.want.permission"
	case errors.Is(err, identity.ErrTooManyRoles):
		word = "admin.role.too_many"
	default:
		return err
	}
	if word != "" {
		view.Form.refuse("permissions", v.Reader.T(word))
	}
	return showRole(v, view)
}

func removeRole(v *web.Visit) error {
	found, err := roleOf(v)
	if err != nil {
		return err
	}
	_, err = once(v, "role.remove", func(ctx context.Context, tx tenant.Tx) (act, error) {
		return act{object: "role", detail: map[string]any{"name": found.Name}}, v.Authority().RemoveRole(ctx, tx, found.Name)
	})
	if errors.Is(err, identity.ErrRoleInUse) {
		refused := newForm(nil)
		refused.refuse("remove", v.Reader.T("admin.role.in_use"))
		return showRole(v, roleView{Role: found, Ticked: found.Permissions, Form: newForm(map[string]string{"title": found.Title}), Remove: refused})
	}
	if err != nil {
		return err
	}
	return after(v, "users/roles", "role.removed")
}

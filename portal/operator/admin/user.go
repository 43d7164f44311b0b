package admin

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/door"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// userView is one of the operator's people, or one to be invited.
type userView struct {
	ui.ConsolePage
	Done     string
	May      bool // change this person
	Self     bool
	Person   identity.Colleague
	Role     string // title
	Branch   string
	Form     form
	Act      form // the buttons' key, and what was refused of them
	Roles    []ui.Choice
	Branches []ui.Choice
	Events   []identity.SignInEvent
}

var userFields = []string{"name", "email", "phone", "role", "branch", "language"}

func inviteForm(v *web.Visit) error {
	return showInvite(v, newForm(map[string]string{"role": string(identity.Clerk), "language": string(v.Profile.Language)}))
}

func showInvite(v *web.Visit, f form) error {
	view := userView{ConsolePage: frame.Of(v, frame.Users, v.Reader.T("admin.user.invite")), Form: f}
	err := read(v, func(ctx context.Context, tx tenant.Tx) error { return view.loadChoices(ctx, tx, v) })
	if err != nil {
		return err
	}
	return v.Show(f.status(), invitePage(view))
}

func (u *userView) loadChoices(ctx context.Context, tx tenant.Tx, v *web.Visit) error {
	roles, err := v.Authority().Roles(ctx, tx)
	if err != nil {
		return err
	}
	branches, err := account.Branches(ctx, tx)
	if err != nil {
		return err
	}
	u.Roles = u.Form.choices("role", roleChoices(v.Reader, v.Who, roles, identity.Machine, identity.Subscriber)...)
	u.Branches = u.Form.choices("branch", branchChoices(v.Reader, branches)...)
	u.Role, u.Branch = titleOf(v.Reader, roles, u.Person.Role), branchName(v.Reader, branches, u.Person.Branch)
	return nil
}

// branch is the chosen branch; nil for everywhere.
func (f form) branch() (*uuid.UUID, error) {
	if f.Typed["branch"] == "" {
		return nil, nil
	}
	id, err := uuid.Parse(f.Typed["branch"])
	if err != nil {
		return nil, identity.ErrBranch
	}
	return &id, nil
}

func invite(v *web.Visit) error {
	f := sentForm(v, userFields...)
	branch, err := f.branch()
	if err == nil && f.Typed["name"] == "" {
		err = identity.ErrUserName
	}
	if err == nil {
		_, err = once(v, "user.invite", func(ctx context.Context, tx tenant.Tx) (act, error) {
			made, err := v.Authority().AddUserBy(ctx, tx, v.Who, identity.NewUser{Email: f.Typed["email"], Name: f.Typed["name"],
				Role: identity.Role(f.Typed["role"]), Language: f.Typed["language"], Phone: f.Typed["phone"], Branch: branch})
			if err != nil {
				return act{}, err
			}
			return act{"user", made.ID, map[string]any{"email": made.Email, "role": made.Role}}, v.Authority().Invite(ctx, tx, made.ID, invitationLink(v))
		})
	}
	if refuseUser(v, &f, err) {
		return showInvite(v, f)
	}
	if err != nil {
		return err
	}
	return after(v, "users", "user.invited")
}

// invitationLink is what the token of an invitation is appended to.
func invitationLink(v *web.Visit) string { return door.PasswordLink(v, door.ConsolePath) }

// refusals are the fields and words of what identity refuses of a user.
var refusals = []struct {
	err         error
	field, word string
}{
	{identity.ErrEmail, "email", "admin.user.want.email"},
	{identity.ErrEmailTaken, "email", "admin.user.taken"},
	{identity.ErrPhone, "phone", "admin.user.want.phone"},
	{identity.ErrPhoneTaken, "phone", "admin.user.phone.taken"},
	{identity.ErrUserName, "name", "admin.user.want.name"},
	{identity.ErrLanguage, "language", "admin.set.want.language"},
	{identity.ErrBranch, "branch", "admin.user.want.branch"},
	{identity.ErrRole, "role", "admin.user.want.role"},
	{identity.ErrBeyond, "role", "admin.user.beyond"},
	{identity.ErrLastOwner, "role", "admin.user.last_owner"},
}

// refuseUser tells what was wrong; false if it was nothing of the form.
func refuseUser(v *web.Visit, f *form, err error) bool {
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			f.refuse(r.field, v.Reader.T(r.word))
			return true
		}
	}
	return false
}

// user is the page of one of the operator's people.
func user(v *web.Visit) error {
	person, err := personOf(v)
	if err != nil {
		return err
	}
	return showUser(v, person, userForm(person), newForm(nil))
}

func userForm(c identity.Colleague) form {
	branch := ""
	if c.Branch != nil {
		branch = c.Branch.String()
	}
	return newForm(map[string]string{"name": c.Name, "phone": c.Phone, "role": string(c.Role), "branch": branch, "language": c.Language})
}

// personOf finds whom an address names. A subscriber is none of ours here.
func personOf(v *web.Visit) (person identity.Colleague, err error) {
	id, err := idIn(v, "user")
	if err != nil {
		return person, err
	}
	err = read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		person, err = v.Authority().GetColleague(ctx, tx, id)
		return err
	})
	return person, err
}

// recentEvents is how much of a person's sign-in history stands on the page.
const recentEvents = 10

func showUser(v *web.Visit, person identity.Colleague, change, buttons form) error {
	view := userView{ConsolePage: frame.Of(v, frame.Users, called(person.User)), Done: v.Query("done"), Self: person.ID == v.Who.UserID,
		Person: person, Form: change, Act: buttons}
	err := read(v, func(ctx context.Context, tx tenant.Tx) error {
		if err := view.loadChoices(ctx, tx, v); err != nil {
			return err
		}
		var err error
		view.Events, err = v.Authority().SignIns(ctx, tx, person.ID, uuid.Nil, recentEvents)
		return err
	})
	if err != nil {
		return err
	}
	view.May = v.May(identity.UserWrite) && view.mayManage()
	return v.Show(max(change.status(), buttons.status()), userPage(view))
}

// mayManage says whether the visitor holds all the person's rights: only then
// is the person's role among those it may give.
func (u userView) mayManage() bool {
	for _, c := range u.Roles {
		if c.Value == string(u.Person.Role) {
			return true
		}
	}
	return false
}

func saveUser(v *web.Visit) error {
	person, err := personOf(v)
	if err != nil {
		return err
	}
	f := sentForm(v, userFields...)
	branch, err := f.branch()
	if err == nil && f.Typed["name"] == "" {
		err = identity.ErrUserName
	}
	if err == nil {
		_, err = once(v, "user.change", func(ctx context.Context, tx tenant.Tx) (act, error) {
			return act{"user", person.ID, changesOf(person, f)}, changeUser(ctx, tx, v, person.ID, f, branch)
		})
	}
	if refuseUser(v, &f, err) {
		return showUser(v, person, f, newForm(nil))
	}
	if err != nil {
		return err
	}
	return after(v, "users/"+person.ID.String(), "saved")
}

func changeUser(ctx context.Context, tx tenant.Tx, v *web.Visit, id uuid.UUID, f form, branch *uuid.UUID) error {
	if branch == nil {
		branch = &uuid.Nil // everywhere
	}
	name, phone, role, language := f.Typed["name"], f.Typed["phone"], identity.Role(f.Typed["role"]), f.Typed["language"]
	_, err := v.Authority().ChangeUser(ctx, tx, v.Who, id, identity.UserChange{Name: &name, Phone: &phone, Role: &role, Language: &language, Branch: branch})
	return err
}

// changesOf are the fields that a form would change, before and after.
func changesOf(c identity.Colleague, f form) map[string]any {
	changes := map[string]any{}
	for field, before := range userForm(c).Typed {
		if now := f.Typed[field]; now != before {
			changes[field] = map[string]string{"before": before, "after": now}
		}
	}
	return changes
}

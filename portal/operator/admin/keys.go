package admin

import (
	"context"
	"errors"
	"net/http"
	"unicode/utf8"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// keysPerPage is how many API keys stand on one page.
const keysPerPage = 50

// maxKeyName bounds a key's name in characters: it stands in a list.
const maxKeyName = 100

// keysView is the list of API keys, with a form for another.
type keysView struct {
	ui.ConsolePage
	Done        string
	Form        form
	Keys        []identity.APIKey
	Roles       []identity.RoleInfo
	Choices     []ui.Choice
	First, Next string
	Act         string // key of the buttons' forms
}

func keys(v *web.Visit) error {
	return showKeys(v, newForm(map[string]string{"role": string(identity.Machine)}))
}

func showKeys(v *web.Visit, f form) error {
	view := keysView{ConsolePage: frame.Of(v, frame.Keys, v.Reader.T("con.nav.keys")), Done: v.Query("done"), Form: f, Act: newForm(nil).Key}
	before := cursor(v)
	err := read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		if view.Keys, err = v.Authority().APIKeys(ctx, tx, before, keysPerPage+1); err != nil {
			return err
		}
		view.Roles, err = v.Authority().Roles(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	view.Choices = f.choices("role", roleChoices(v.Reader, v.Who, view.Roles, identity.Subscriber)...)
	if v.Query("before") != "" {
		view.First = v.Console("keys")
	}
	if len(view.Keys) > keysPerPage {
		view.Keys = view.Keys[:keysPerPage]
		view.Next = v.Console("keys", "before", view.Keys[keysPerPage-1].ID.String())
	}
	return v.Show(f.status(), keysPage(view))
}

// madeView shows a new key's secret, this once.
type madeView struct {
	ui.ConsolePage
	Name   string
	Secret string // empty if the form came a second time
}

// makeKey makes a key and answers with its secret, which stands nowhere else:
// the page can't be read again, and a form that is sent again makes no second
// key.
func makeKey(v *web.Visit) error {
	f := sentForm(v, "name", "role")
	if n := utf8.RuneCountInString(f.Typed["name"]); n == 0 || n > maxKeyName {
		f.refuse("name", v.Reader.T("admin.key.want.name"))
		return showKeys(v, f)
	}
	secret := ""
	_, err := once(v, "api_key.add", func(ctx context.Context, tx tenant.Tx) (act, error) {
		made, clear, err := v.Authority().AddAPIKey(ctx, tx, v.Who, identity.NewAPIKey{Name: f.Typed["name"], Role: identity.Role(f.Typed["role"])})
		secret = clear
		return act{"api_key", made.ID, map[string]any{"name": made.Name, "role": made.Role}}, err
	})
	switch {
	case errors.Is(err, identity.ErrRole):
		f.refuse("role", v.Reader.T("admin.user.want.role"))
		return showKeys(v, f)
	case errors.Is(err, identity.ErrBeyond):
		f.refuse("role", v.Reader.T("admin.user.beyond"))
		return showKeys(v, f)
	case err != nil:
		return err
	}
	return v.Show(http.StatusOK, keyMadePage(madeView{frame.Of(v, frame.Keys, v.Reader.T("admin.key.made")), f.Typed["name"], secret}))
}

func revokeKey(v *web.Visit) error {
	id, err := idIn(v, "key")
	if err != nil {
		return err
	}
	_, err = once(v, "api_key.revoke", func(ctx context.Context, tx tenant.Tx) (act, error) {
		return act{"api_key", id, nil}, v.Authority().RevokeAPIKey(ctx, tx, id)
	})
	if err != nil {
		return err
	}
	return after(v, "keys", "key.revoked")
}

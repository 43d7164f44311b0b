package subscriber

import (
	"context"

	"github.com/a-h/templ"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/door"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// entrance is the subscribers' door: one signs in at the start of its pages.
func entrance() *door.Door {
	return &door.Door{
		Path: door.SubscriberPath, Security: "account/security", Words: "subscriber", Shell: shellOf,
		Admits: func(u identity.User) bool { return u.Role == identity.Subscriber && u.AccountID != nil },
	}
}

// shellOf draws a page of the door's, such as the sign-in history, among ours.
func shellOf(v *web.Visit, title string) templ.Component {
	page := v.Page(title)
	page.Nav = navigation(v, sectionAccount)
	return ui.Shell(page)
}

// read runs fn on one snapshot of the visitor's operator.
func read(v *web.Visit, fn func(ctx context.Context, tx tenant.Tx) error) error {
	return v.Stack.Read(v.Context(), fn)
}

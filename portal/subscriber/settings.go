package subscriber

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"tollhouse/billing/audit"
	"tollhouse/billing/contact"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/text"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// settingsView is the subscriber's own account: how it is reached, in which
// language, and where its security stands.
type settingsView struct {
	Page      ui.Page
	Done      string
	Refused   *refusal
	Email     string
	Phone     string
	Languages []ui.Choice
	NewEmail  ui.Field
	NewPhone  ui.Field
	Pending   string // address that waits for its code; empty: none
	Code      ui.Field
	Security  string // address
	Choice    choiceView
}

func settings(v *web.Visit) error {
	view := settingsView{}
	for _, done := range []string{"language", "contact", "sent", "choice"} {
		if v.Query("done") == done {
			view.Done = v.Reader.T("settings.done." + done)
		}
	}
	return showSettings(v, http.StatusOK, view)
}

// contactDesk changes contacts for this visit's stack.
func contactDesk(v *web.Visit) contact.Desk {
	return contact.Desk{Authority: v.Authority(), Seal: v.Stack, Now: func() time.Time { return v.Caller().WallAt }}
}

func showSettings(v *web.Visit, status int, s settingsView) error {
	r := v.Reader
	err := read(v, func(ctx context.Context, tx tenant.Tx) error {
		pending, waits, err := contactDesk(v).Pending(ctx, tx, v.Who.UserID)
		if waits {
			s.Pending = pending.Value
		}
		if err != nil {
			return err
		}
		s.Choice, err = choiceOf(ctx, tx, v)
		return err
	})
	if err != nil {
		return err
	}
	s.Page = pageOf(v, sectionAccount, r.T("settings.title"))
	s.Email, s.Phone, s.Security = v.User.Email, v.User.Phone, v.URL("account/security")
	for _, l := range text.Languages {
		s.Languages = append(s.Languages, ui.Choice{Value: l.Code, Label: l.Name, Chosen: l.Code == r.Locale.Language})
	}
	s.NewEmail = ui.Field{ID: "email", Name: "value", Label: r.T("settings.email.new"), Kind: "email", Autocomplete: "email", MaxLength: "254", Value: s.NewEmail.Value, Error: s.NewEmail.Error}
	s.NewPhone = ui.Field{ID: "phone", Name: "value", Label: r.T("settings.phone.new"), Kind: "tel", Autocomplete: "tel", MaxLength: "30", Hint: r.T("settings.phone.hint"),
		Value: s.NewPhone.Value, Error: s.NewPhone.Error}
	s.Code = ui.Field{ID: "code", Label: r.T("settings.code"), Autocomplete: "one-time-code", InputMode: "numeric", MaxLength: "12", Mono: true, Error: s.Code.Error}
	return v.Show(status, settingsPage(s))
}

func setLanguage(v *web.Visit) error {
	language := v.Form("language")
	err := writeOwn(v, "user.language", map[string]any{"language": language}, func(ctx context.Context, tx tenant.Tx) error {
		return v.Authority().SetOwnLanguage(ctx, tx, v.Who.UserID, language)
	})
	if err != nil {
		return err
	}
	v.KeepLanguage(language)
	return v.Redirect(v.URL("account", "done", "language"))
}

// askContact sends a code to a new address.
func askContact(v *web.Visit) error {
	kind, value := contact.Kind(v.Form("kind")), strings.TrimSpace(v.Form("value"))
	err := writeOwn(v, "user.contact-ask", map[string]any{"kind": string(kind)}, func(ctx context.Context, tx tenant.Tx) error {
		_, err := contactDesk(v).Ask(ctx, tx, v.User, kind, value)
		return err
	})
	s := settingsView{}
	switch {
	case err == nil:
		return v.Redirect(v.URL("account", "done", "sent"))
	case errors.Is(err, identity.ErrEmail):
		s.NewEmail = ui.Field{Value: value, Error: v.Reader.T("settings.email.wrong")}
	case errors.Is(err, identity.ErrPhone):
		s.NewPhone = ui.Field{Value: value, Error: v.Reader.T("settings.phone.wrong")}
	case errors.Is(err, contact.ErrTooMany):
		s.Refused = &refusal{v.Reader.T("settings.many"), v.Reader.T("settings.many.more")}
		return showSettings(v, http.StatusTooManyRequests, s)
	default:
		return err
	}
	return showSettings(v, http.StatusUnprocessableEntity, s)
}

// confirmContact makes the change once its code is shown. A wrong one is
// committed as a try.
func confirmContact(v *web.Visit) error {
	var right bool
	err := writeOwn(v, "user.contact-confirm", nil, func(ctx context.Context, tx tenant.Tx) (err error) {
		_, right, err = contactDesk(v).Confirm(ctx, tx, v.User, v.Form("code"))
		return err
	})
	s := settingsView{}
	switch {
	case errors.Is(err, identity.ErrEmailTaken), errors.Is(err, identity.ErrPhoneTaken):
		s.Refused = &refusal{v.Reader.T("settings.taken"), v.Reader.T("settings.taken.more")}
	case err != nil:
		return err
	case right:
		return v.Redirect(v.URL("account", "done", "contact"))
	default:
		s.Code.Error = v.Reader.T("settings.code.wrong")
	}
	return showSettings(v, http.StatusUnprocessableEntity, s)
}

// writeOwn runs a command of the subscriber's on its own account, with its
// entry in the audit trail.
func writeOwn(v *web.Visit, action string, detail map[string]any, fn func(ctx context.Context, tx tenant.Tx) error) error {
	return v.Stack.Write(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		if err := fn(ctx, tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Caller: v.Caller(), Action: action, Object: "user", ObjectID: v.Who.UserID, Detail: detail})
	})
}

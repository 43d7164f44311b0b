package admin

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/door"
	"tollhouse/portal/web"
)

// userAct is something done to a person by one button.
type userAct struct {
	action string // of the audit row
	done   string // of the words
	do     func(ctx context.Context, tx tenant.Tx, v *web.Visit, user uuid.UUID) error
}

var userActs = map[string]userAct{
	"disable": {"user.disable", "user.disabled", func(ctx context.Context, tx tenant.Tx, v *web.Visit, user uuid.UUID) error {
		return v.Authority().Disable(ctx, tx, v.Who, user)
	}},
	"enable": {"user.enable", "user.enabled", func(ctx context.Context, tx tenant.Tx, v *web.Visit, user uuid.UUID) error {
		return v.Authority().Enable(ctx, tx, v.Who, user)
	}},
	"invite": {"user.invite", "user.invited", func(ctx context.Context, tx tenant.Tx, v *web.Visit, user uuid.UUID) error {
		return v.Authority().Invite(ctx, tx, user, invitationLink(v))
	}},
	"factor": {"user.factor_remove", "user.factor", func(ctx context.Context, tx tenant.Tx, v *web.Visit, user uuid.UUID) error {
		return v.Authority().RemoveFactorOf(ctx, tx, v.Who, user)
	}},
}

// actOn does to a person what a button says.
func actOn(name string) func(*web.Visit) error {
	return func(v *web.Visit) error {
		wanted := userActs[name]
		person, err := personOf(v)
		if err != nil {
			return err
		}
		_, err = once(v, wanted.action, func(ctx context.Context, tx tenant.Tx) (act, error) {
			return act{"user", person.ID, map[string]any{"email": person.Email}}, wanted.do(ctx, tx, v, person.ID)
		})
		if refused := newForm(nil); refuseAct(v, &refused, err) {
			return showUser(v, person, userForm(person), refused)
		}
		if err != nil {
			return err
		}
		return after(v, "users/"+person.ID.String(), wanted.done)
	}
}

// refuseAct tells why a button did nothing; false if it was a fault.
func refuseAct(v *web.Visit, f *form, err error) bool {
	var word string
	switch {
	case errors.Is(err, identity.ErrBeyond):
		word = "admin.user.beyond"
	case errors.Is(err, identity.ErrLastOwner):
		word = "admin.user.last_owner"
	case errors.Is(err, identity.ErrNotInvited):
		word = "admin.user.has_password"
	case errors.Is(err, identity.ErrNoFactor):
		word = "admin.user.no_factor"
	case errors.Is(err, identity.ErrTooMany):
		word = "admin.user.too_many"
	default:
		return false
	}
	f.refuse("acts", v.Reader.T(word))
	return true
}

// sendReset mails a person a link to choose another password. It changes
// nothing by itself, so it may be pressed again.
func sendReset(v *web.Visit) error {
	person, err := personOf(v)
	if err != nil {
		return err
	}
	err = v.Stack.SendReset(v.Context(), identity.ResetRequest{Email: person.Email, Address: v.Address(), Link: door.PasswordLink(v, door.ConsolePath)})
	if refused := newForm(nil); refuseAct(v, &refused, err) {
		return showUser(v, person, userForm(person), refused)
	}
	if err != nil {
		return err
	}
	_, err = once(v, "user.reset_send", func(context.Context, tenant.Tx) (act, error) {
		return act{"user", person.ID, map[string]any{"email": person.Email}}, nil
	})
	if err != nil {
		return err
	}
	return after(v, "users/"+person.ID.String(), "user.reset")
}

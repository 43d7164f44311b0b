package identity_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"

	"tollhouse/billing/identity"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

// door is a stack with one clerk, Ana, and the ways to her session.
type door struct {
	*identity.Authority
	t    *testing.T
	wall *clock
	db   *pgtest.TenantDB
	ana  identity.User
}

const anaEmail, anaPhone = "ana@example.com", "+4930901820"

func newDoor(t *testing.T) *door {
	t.Helper()
	a, wall := authority(t)
	d := &door{Authority: a, t: t, wall: wall, db: pgtest.Tenant(t)}
	d.ana = stack(t, a, d.db)
	phone := anaPhone
	d.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := a.ChangeUser(ctx, tx, owner, d.ana.ID, identity.UserChange{Phone: &phone})
		return err
	})
	return d
}

func (d *door) write(fn func(ctx context.Context, tx tenant.Tx) error) {
	d.t.Helper()
	d.db.Write(d.t, fn)
}

// add makes another user with the good password.
func (d *door) add(email string, role identity.Role) identity.User {
	d.t.Helper()
	hash, err := passwords().Hash(d.t.Context(), goodPassword)
	if err != nil {
		d.t.Fatal(err)
	}
	var u identity.User
	d.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		u, err = d.AddUser(ctx, tx, identity.NewUser{Email: email, Role: role, Password: hash})
		return err
	})
	return u
}

func (d *door) password(c identity.Credentials) (identity.SignedIn, error) {
	if c.Email == "" {
		c.Email = anaEmail
	}
	return d.SignIn(d.t.Context(), d.db.DB, d.db.Ref, c)
}

func (d *door) must(in identity.SignedIn, err error) identity.SignedIn {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
	return in
}

// refused fails the test unless the door stayed shut.
func (d *door) refused(what string, in identity.SignedIn, err error) {
	d.t.Helper()
	if !errors.Is(err, identity.ErrSignIn) || in.Token != "" {
		d.t.Errorf("%s: %v, token %t", what, err, in.Token != "")
	}
}

func (d *door) who(token string) (identity.Principal, error) {
	return authenticate(d.t, d.Authority, d.db, token)
}

func (d *door) sendCode(contact, device string) {
	d.t.Helper()
	if err := d.SendCode(d.t.Context(), d.db.DB, d.db.Ref, identity.CodeRequest{Contact: contact, Device: device}); err != nil {
		d.t.Fatal(err)
	}
}

func (d *door) code(c identity.CodeCredentials) (identity.SignedIn, error) {
	if c.Contact == "" {
		c.Contact = anaEmail
	}
	return d.SignInWithCode(d.t.Context(), d.db.DB, d.db.Ref, c)
}

func (d *door) factor(f identity.SecondFactor) (identity.SignedIn, error) {
	return d.CompleteSignIn(d.t.Context(), d.db.DB, d.db.Ref, f)
}

func (d *door) messages() []notice.Stored {
	d.t.Helper()
	var all []notice.Stored
	d.db.Read(d.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		all, err = notice.List(ctx, tx, notice.Query{Limit: notice.MaxPage})
		return err
	})
	return all
}

var sixDigits = regexp.MustCompile(`\b\d{6}\b`)

// lastCode is the code of the newest message.
func (d *door) lastCode() string {
	d.t.Helper()
	all := d.messages()
	if len(all) == 0 || all[0].Kind != notice.SignInCode {
		d.t.Fatalf("no code was sent: %+v", all)
	}
	return sixDigits.FindString(all[0].Body)
}

const resetPage = "https://desk.example/reset?token="

func (d *door) sendReset(email string) {
	d.t.Helper()
	if err := d.SendReset(d.t.Context(), d.db.DB, d.db.Ref, identity.ResetRequest{Email: email, Link: resetPage}); err != nil {
		d.t.Fatal(err)
	}
}

// lastToken is the token of the newest message's link.
func (d *door) lastToken() string {
	d.t.Helper()
	all := d.messages()
	if len(all) == 0 {
		d.t.Fatal("no link was sent")
	}
	token, found := strings.CutPrefix(all[0].Link, resetPage)
	if !found || !strings.Contains(all[0].Body, all[0].Link) {
		d.t.Fatalf("no link: %+v", all[0])
	}
	return token
}

func (d *door) events(user identity.User) []identity.EventKind {
	d.t.Helper()
	var kinds []identity.EventKind
	d.db.Read(d.t, func(ctx context.Context, tx tenant.Tx) error {
		events, err := d.SignIns(ctx, tx, user.ID, [16]byte{}, identity.MaxPage)
		for _, e := range events {
			kinds = append(kinds, e.Kind)
		}
		return err
	})
	return kinds
}

package identity_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

func (d *door) try(fn func(ctx context.Context, tx tenant.Tx) error) error {
	return d.db.DB.Write(d.t.Context(), d.db.Ref, fn)
}

func (d *door) put(by identity.Principal, name identity.Role, permissions ...identity.Permission) error {
	return d.try(func(ctx context.Context, tx tenant.Tx) error {
		return d.PutRole(ctx, tx, by, identity.CustomRole{Name: name, Title: "A " + string(name), Permissions: permissions})
	})
}

// signedIn is a new user with a role, signed in.
func (d *door) signedIn(email string, role identity.Role) (identity.Principal, string) {
	d.t.Helper()
	d.add(email, role)
	in := d.must(d.password(identity.Credentials{Email: email, Password: goodPassword}))
	p, err := d.who(in.Token)
	if err != nil {
		d.t.Fatal(err)
	}
	return p, in.Token
}

func TestCustomRole_countsAtOnceForUsersAndKeys(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	if err := d.put(owner, "field-crew", identity.AccountRead, identity.NoteWrite); err != nil {
		t.Fatal(err)
	}
	p, token := d.signedIn("crew@example.com", "field-crew")
	var secret string
	d.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		_, secret, err = d.AddAPIKey(ctx, tx, owner, identity.NewAPIKey{Name: "crew", Role: "field-crew"})
		return err
	})
	for _, bearer := range []string{token, secret} {
		p, err := d.who(bearer)
		if err != nil || !p.May(identity.AccountRead) || !p.May(identity.NoteWrite) || p.May(identity.AccountWrite) || p.May(identity.SelfRead) || len(p.Permissions()) != 2 {
			t.Errorf("%v, %v", p.Permissions(), err)
		}
	}
	if err := p.Require(identity.LedgerRead); !errors.Is(err, identity.ErrForbidden) {
		t.Errorf("it reads the ledger: %v", err)
	}
	if err := d.put(owner, "field-crew", identity.LedgerRead); err != nil {
		t.Fatal(err)
	}
	if p, err := d.who(token); err != nil || p.May(identity.AccountRead) || !p.May(identity.LedgerRead) {
		t.Errorf("after the change: %v, %v", p.Permissions(), err)
	}
	remove := func() error {
		return d.try(func(ctx context.Context, tx tenant.Tx) error { return d.RemoveRole(ctx, tx, "field-crew") })
	}
	if err := remove(); !errors.Is(err, identity.ErrRoleInUse) {
		t.Errorf("a role that people have was removed: %v", err)
	}
	d.db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		roles, err := d.Roles(ctx, tx)
		last := roles[len(roles)-1]
		if !roles[0].BuiltIn || last.Name != "field-crew" || last.Users != 1 || last.Keys != 1 || last.BuiltIn {
			t.Errorf("%+v", roles)
		}
		return err
	})
}

// What stands in the row counts only as far as this version knows it: text put
// there past the domain gives nothing.
func TestCustomRole_storedNonsenseGivesNothing(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	if err := d.put(owner, "odd", identity.AccountRead); err != nil {
		t.Fatal(err)
	}
	_, token := d.signedIn("odd@example.com", "odd")
	d.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := tx.Exec(ctx, `update custom_role set permissions = '{self.read,self.pay,root,*,"",bill.read}'`)
		return err
	})
	p, err := d.who(token)
	if err != nil || len(p.Permissions()) != 1 || !p.May(identity.BillRead) {
		t.Errorf("%v, %v", p.Permissions(), err)
	}
	d.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := tx.Exec(ctx, `delete from custom_role`)
		return err
	})
	if p, err := d.who(token); err != nil || len(p.Permissions()) != 0 {
		t.Errorf("a role that is no more: %v, %v", p.Permissions(), err)
	}
}

func TestCustomRole_refusesWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	for name, c := range map[string]struct {
		role identity.CustomRole
		want error
	}{
		"a built-in name":       {identity.CustomRole{Name: identity.Owner, Title: "x"}, identity.ErrRoleName},
		"the subscriber":        {identity.CustomRole{Name: identity.Subscriber, Title: "x"}, identity.ErrRoleName},
		"the visitors' name":    {identity.CustomRole{Name: "staff", Title: "x"}, identity.ErrRoleName},
		"upper case":            {identity.CustomRole{Name: "Owner", Title: "x"}, identity.ErrRoleName},
		"no name":               {identity.CustomRole{Title: "x"}, identity.ErrRoleName},
		"a name with a zero":    {identity.CustomRole{Name: "a\x00b", Title: "x"}, identity.ErrRoleName},
		"no title":              {identity.CustomRole{Name: "ab", Title: " "}, identity.ErrRoleTitle},
		"a long title":          {identity.CustomRole{Name: "ab", Title: strings.Repeat("x", 101)}, identity.ErrRoleTitle},
		"a subscriber's rights": {identity.CustomRole{Name: "ab", Title: "x", Permissions: []identity.Permission{identity.SelfRead}}, identity.ErrPermission},
		"an unknown right":      {identity.CustomRole{Name: "ab", Title: "x", Permissions: []identity.Permission{"root"}}, identity.ErrPermission},
	} {
		err := d.try(func(ctx context.Context, tx tenant.Tx) error { return d.PutRole(ctx, tx, owner, c.role) })
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Mallory may administer users, roles and keys, and nothing else. Each way to
// more is closed.
func TestEscalation_everyWayIsClosed(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	boss := d.add("boss@example.com", identity.Owner)
	rights := []identity.Permission{identity.UserRead, identity.UserWrite, identity.RoleWrite, identity.APIKeyWrite}
	for _, err := range []error{d.put(owner, "admin", rights...), d.put(owner, "cashier", identity.PaymentWrite), d.put(owner, "empty")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	mallory, token := d.signedIn("mallory@example.com", "admin")
	role := func(r identity.Role) *identity.Role { return &r }
	name := "changed"
	account := uuid.New()
	for way, attack := range map[string]func(ctx context.Context, tx tenant.Tx) error{
		"widens the own role": func(ctx context.Context, tx tenant.Tx) error {
			return d.PutRole(ctx, tx, mallory, identity.CustomRole{Name: "admin", Title: "x", Permissions: append(rights, identity.RefundWrite)})
		},
		"makes a wider role": func(ctx context.Context, tx tenant.Tx) error {
			return d.PutRole(ctx, tx, mallory, identity.CustomRole{Name: "wide", Title: "x", Permissions: identity.Owner.Permissions()})
		},
		"empties a role with other rights": func(ctx context.Context, tx tenant.Tx) error {
			return d.PutRole(ctx, tx, mallory, identity.CustomRole{Name: "cashier", Title: "x"})
		},
		"becomes owner": func(ctx context.Context, tx tenant.Tx) error {
			_, err := d.ChangeUser(ctx, tx, mallory, mallory.UserID, identity.UserChange{Role: role(identity.Owner)})
			return err
		},
		"becomes cashier": func(ctx context.Context, tx tenant.Tx) error {
			_, err := d.ChangeUser(ctx, tx, mallory, mallory.UserID, identity.UserChange{Role: role("cashier")})
			return err
		},
		"adds an owner": func(ctx context.Context, tx tenant.Tx) error {
			_, err := d.AddUserBy(ctx, tx, mallory, identity.NewUser{Email: "new@example.com", Role: identity.Owner})
			return err
		},
		"adds a subscriber of somebody's account": func(ctx context.Context, tx tenant.Tx) error {
			_, err := d.AddUserBy(ctx, tx, mallory, identity.NewUser{Email: "new@example.com", Role: identity.Subscriber, AccountID: &account})
			return err
		},
		"makes an owner's key": func(ctx context.Context, tx tenant.Tx) error {
			_, _, err := d.AddAPIKey(ctx, tx, mallory, identity.NewAPIKey{Name: "key", Role: identity.Owner})
			return err
		},
		"makes a machine's key": func(ctx context.Context, tx tenant.Tx) error {
			_, _, err := d.AddAPIKey(ctx, tx, mallory, identity.NewAPIKey{Name: "key", Role: identity.Machine})
			return err
		},
		"disables the owner": func(ctx context.Context, tx tenant.Tx) error { return d.Disable(ctx, tx, mallory, boss.ID) },
		"takes over the owner's telephone": func(ctx context.Context, tx tenant.Tx) error {
			phone := "+4930000000"
			_, err := d.ChangeUser(ctx, tx, mallory, boss.ID, identity.UserChange{Phone: &phone})
			return err
		},
		"takes the owner's second factor away": func(ctx context.Context, tx tenant.Tx) error {
			return d.RemoveFactorOf(ctx, tx, mallory, boss.ID)
		},
		"demotes the clerk": func(ctx context.Context, tx tenant.Tx) error {
			_, err := d.ChangeUser(ctx, tx, mallory, d.ana.ID, identity.UserChange{Role: role("empty")})
			return err
		},
	} {
		if err := d.try(attack); !errors.Is(err, identity.ErrBeyond) {
			t.Errorf("%s: %v", way, err)
		}
	}
	if p, err := d.who(token); err != nil || len(p.Permissions()) != len(rights) {
		t.Errorf("now mallory may %v, %v", p.Permissions(), err)
	}
	// What is within the own rights goes.
	for way, allowed := range map[string]func(ctx context.Context, tx tenant.Tx) error{
		"makes a smaller role": func(ctx context.Context, tx tenant.Tx) error {
			return d.PutRole(ctx, tx, mallory, identity.CustomRole{Name: "reader", Title: "x", Permissions: []identity.Permission{identity.UserRead}})
		},
		"changes the own name": func(ctx context.Context, tx tenant.Tx) error {
			_, err := d.ChangeUser(ctx, tx, mallory, mallory.UserID, identity.UserChange{Name: &name})
			return err
		},
		"adds a user of the empty role": func(ctx context.Context, tx tenant.Tx) error {
			_, err := d.AddUserBy(ctx, tx, mallory, identity.NewUser{Email: "new@example.com", Role: "empty"})
			return err
		},
	} {
		if err := d.try(allowed); err != nil {
			t.Errorf("%s: %v", way, err)
		}
	}
}

func TestRemoveRole_meetsWhoGivesIt(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	for n := range 10 {
		name := identity.Role("crew" + string(rune('a'+n)))
		if err := d.put(owner, name); err != nil {
			t.Fatal(err)
		}
		var given, removed error
		var both sync.WaitGroup
		both.Go(func() {
			given = d.try(func(ctx context.Context, tx tenant.Tx) error {
				_, err := d.AddUserBy(ctx, tx, owner, identity.NewUser{Email: string(name) + "@example.com", Role: name})
				return err
			})
		})
		both.Go(func() {
			removed = d.try(func(ctx context.Context, tx tenant.Tx) error { return d.RemoveRole(ctx, tx, name) })
		})
		both.Wait()
		if (given == nil) == (removed == nil) {
			t.Errorf("given: %v, removed: %v", given, removed)
		}
	}
}

func TestOwner_theLastOneStays(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	first, second := d.add("first@example.com", identity.Owner), d.add("second@example.com", identity.Owner)
	clerk := identity.Clerk
	var results [2]error
	var both sync.WaitGroup
	both.Go(func() {
		results[0] = d.try(func(ctx context.Context, tx tenant.Tx) error { return d.Disable(ctx, tx, owner, first.ID) })
	})
	both.Go(func() {
		results[1] = d.try(func(ctx context.Context, tx tenant.Tx) error {
			_, err := d.ChangeUser(ctx, tx, owner, second.ID, identity.UserChange{Role: &clerk})
			return err
		})
	})
	both.Wait()
	if (results[0] == nil) == (results[1] == nil) || !errors.Is(errors.Join(results[:]...), identity.ErrLastOwner) {
		t.Errorf("two owners were taken away at the same time: %v", results)
	}
}

func TestChangeUser_changesWhatWasNamed(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	language, branch, none, bad, role := "id", d.db.Branch, uuid.Nil, "030-90", identity.Subscriber
	change := func(c identity.UserChange) (u identity.User, err error) {
		err = d.try(func(ctx context.Context, tx tenant.Tx) (err error) {
			u, err = d.ChangeUser(ctx, tx, owner, d.ana.ID, c)
			return err
		})
		return u, err
	}
	u, err := change(identity.UserChange{Language: &language, Branch: &branch})
	if err != nil || u.Language != "id" || *u.Branch != branch || u.Name != "Ana" || u.Phone != anaPhone || u.Role != identity.Clerk {
		t.Errorf("%+v, %v", u, err)
	}
	d.db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		users, err := d.UsersOfBranch(ctx, tx, branch, "", 10)
		if len(users) != 1 || users[0].ID != d.ana.ID {
			t.Errorf("%+v", users)
		}
		return err
	})
	if u, err := change(identity.UserChange{Branch: &none}); err != nil || u.Branch != nil {
		t.Errorf("%+v, %v", u, err)
	}
	stranger, klingon := uuid.New(), "tlh"
	for name, c := range map[string]struct {
		change identity.UserChange
		want   error
	}{
		"no such branch":    {identity.UserChange{Branch: &stranger}, identity.ErrBranch},
		"unknown language":  {identity.UserChange{Language: &klingon}, identity.ErrLanguage},
		"no telephone":      {identity.UserChange{Phone: &bad}, identity.ErrPhone},
		"to subscriber":     {identity.UserChange{Role: &role}, identity.ErrRole},
		"to an unknown one": {identity.UserChange{Role: (*identity.Role)(&klingon)}, identity.ErrRole},
	} {
		if _, err := change(c.change); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A visit reads, and with leave does what Support does; its token dies with it.
func TestVisitor_readsOnlyWithoutLeave(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	staff, visit := uuid.New(), uuid.New()
	open, mayChange := true, false
	box, wall := authority(t)
	_ = box
	visits := func(_ context.Context, tx tenant.Tx, session uuid.UUID) (identity.Principal, bool, error) {
		return identity.Visitor(tx.Tenant, staff, visit, mayChange), open && session == visit, nil
	}
	identity.WithVisits(visits)(d.Authority)
	sign := func(staff, visit uuid.UUID) (token string) {
		d.write(func(ctx context.Context, tx tenant.Tx) (err error) {
			token, _, err = d.SignVisit(ctx, tx, staff, visit, wall.now().Add(30*time.Minute))
			return err
		})
		return token
	}
	token := sign(staff, visit)
	p, err := d.who(token)
	if err != nil || p.Actor() != "staff:"+staff.String() || !p.May(identity.LedgerRead) || !p.May(identity.AuditRead) ||
		p.May(identity.SelfRead) || p.May(identity.SuspenseWrite) || p.May(identity.UserWrite) {
		t.Errorf("%+v, %v", p.Permissions(), err)
	}
	mayChange = true
	if p, err := d.who(token); err != nil || !p.May(identity.SuspenseWrite) || p.May(identity.UserWrite) || p.May(identity.PaymentWrite) {
		t.Errorf("with leave: %+v, %v", p.Permissions(), err)
	}
	for name, other := range map[string]string{"another visit": sign(staff, uuid.New()), "another person": sign(uuid.New(), visit)} {
		if _, err := d.who(other); !errors.Is(err, identity.ErrUnauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
	}
	open = false
	if _, err := d.who(token); !errors.Is(err, identity.ErrUnauthenticated) {
		t.Errorf("after it ended: %v", err)
	}
}

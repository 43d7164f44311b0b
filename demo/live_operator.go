package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing"
	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/docs/samples/offerings"
	"tollhouse/tenants"
)

// operator lives one company's history.
type operator struct {
	company
	world    World
	plan     Plan
	logins   *Logins
	report   func(permille int, doing string)
	stack    *billing.Stack
	clerk    string // actor of what is done at the desk and booked
	people   []subscriber
	versions map[string]uuid.UUID  // published offerings, by code
	feeds    map[string]usage.Feed // by name
}

func (o *operator) live(ctx context.Context) error {
	if err := o.open(ctx); err != nil {
		return err
	}
	o.people = o.subscribers(o.plan)
	now, err := o.stack.Clock(ctx)
	if err != nil {
		return err
	}
	ticks := o.plan.ticks(o.application.Zone)
	for n, t := range ticks {
		if now.After(t.at) {
			continue // lived before
		}
		o.report(1000*n/len(ticks), o.application.DisplayName+" "+t.at.Format("January 2006"))
		if err := o.tick(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", t.at.Format(time.DateOnly), err)
		}
	}
	// A clock beyond the last tick says that all of them were lived.
	if last := ticks[len(ticks)-1].at.Add(time.Minute); now.Before(last) {
		if err := o.stack.Advance(ctx, last, nil); err != nil {
			return err
		}
	}
	if err := o.deskWork(ctx); err != nil {
		return fmt.Errorf("work of the desk: %w", err)
	}
	o.report(1000, o.application.DisplayName+" is ready")
	return o.addSubscriberLogins(ctx)
}

func (o *operator) tick(ctx context.Context, t tick) error {
	if err := o.stack.Advance(ctx, t.at, nil); err != nil {
		return err
	}
	if err := o.layLadders(ctx, t); err != nil {
		return err
	}
	if err := o.connect(ctx, t); err != nil {
		return err
	}
	if err := o.handFiles(ctx, t); err != nil {
		return err
	}
	// Moving the clock to where it stands waits until what came in is worked.
	if err := o.stack.Advance(ctx, t.at, nil); err != nil {
		return err
	}
	if err := o.pay(ctx, t); err != nil {
		return err
	}
	return o.stack.Advance(ctx, t.at, nil)
}

// open takes the operator on, as hosting staff would, and sets its stack up as
// its owner would. Each part finds what an earlier run left.
func (o *operator) open(ctx context.Context) error {
	o.report(0, "creating "+o.application.DisplayName)
	if err := o.create(ctx); err != nil {
		return err
	}
	if err := o.awaitStack(ctx); err != nil {
		return err
	}
	if err := o.ownerLogin(ctx); err != nil {
		return err
	}
	if err := o.officeLogins(ctx); err != nil {
		return err
	}
	return o.stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		profile, err := account.GetProfile(ctx, tx)
		if err != nil {
			return err
		}
		profile.BrandColour = o.colour
		if err := account.PutProfile(ctx, tx, profile); err != nil {
			return err
		}
		if err := o.publish(ctx, tx); err != nil {
			return err
		}
		return o.declareSources(ctx, tx)
	})
}

func (o *operator) create(ctx context.Context) error {
	control := o.world.Control
	admission, err := control.Registry.Admit(ctx, o.application)
	if err != nil {
		return err
	}
	err = control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		_, err := control.Registry.Create(ctx, tx, tenants.System, admission)
		return err
	})
	if errors.Is(err, tenants.ErrNameTaken) {
		return nil
	}
	return err
}

func (o *operator) awaitStack(ctx context.Context) (err error) {
	for deadline := time.Now().Add(time.Minute); ; {
		o.stack, err = o.world.Host.Resolve(ctx, o.application.Name)
		if !errors.Is(err, tenant.ErrUnknown) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// ownerLogin gives the owner a password that is shown with the others.
func (o *operator) ownerLogin(ctx context.Context) error {
	login := Login{Who: "owner", Path: o.console(), Email: o.application.OwnerEmail}
	if _, found := o.logins.find(login.Path, login.Email); found {
		return nil
	}
	login.Password = newPassword()
	hash, err := o.world.Passwords.Hash(ctx, login.Password)
	if err != nil {
		return err
	}
	err = o.stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		users, err := o.world.Identity.Users(ctx, tx, "", 1)
		if err != nil || len(users) == 0 {
			return errors.Join(err, errors.New("the stack has no owner"))
		}
		return o.world.Identity.SetPassword(ctx, tx, users[0].ID, hash)
	})
	if err != nil {
		return err
	}
	return o.logins.add(login)
}

func (o *operator) publish(ctx context.Context, tx tenant.Tx) error {
	o.versions = map[string]uuid.UUID{}
	for _, code := range o.offerings {
		current, err := catalog.Current(ctx, tx, code, tx.At)
		if errors.Is(err, catalog.ErrNotFound) {
			current.Version, err = publish(ctx, tx, code)
		}
		if err != nil {
			return fmt.Errorf("offering %s: %w", code, err)
		}
		o.versions[code] = current.ID
	}
	return nil
}

func publish(ctx context.Context, tx tenant.Tx, code string) (catalog.Version, error) {
	text, err := offerings.Files.ReadFile(code + ".yaml")
	if err != nil {
		return catalog.Version{}, err
	}
	offering, err := catalog.Parse(text)
	if err != nil {
		return catalog.Version{}, err
	}
	draft, err := catalog.SaveDraft(ctx, tx, offering)
	if err != nil {
		return catalog.Version{}, err
	}
	return catalog.Publish(ctx, tx, draft.ID, time.Time{})
}

func (o *operator) declareSources(ctx context.Context, tx tenant.Tx) error {
	o.feeds = map[string]usage.Feed{}
	for name, mapping := range o.sources {
		feed, err := usage.FindSource(ctx, tx, name)
		if errors.Is(err, usage.ErrNoSource) {
			feed, err = usage.CreateSource(ctx, tx, name, mapping)
		}
		if err != nil {
			return fmt.Errorf("source %s: %w", name, err)
		}
		o.feeds[name] = feed
	}
	return nil
}

// handFiles hands in what the network wrote since the tick before.
func (o *operator) handFiles(ctx context.Context, t tick) error {
	var active []subscriber
	for _, s := range o.people {
		if !s.known() || s.joins < t.day-7 {
			active = append(active, s)
		}
	}
	for _, file := range o.files(o.plan, t.span, active) {
		if len(file.lines) == 0 {
			continue
		}
		var text bytes.Buffer
		if err := write(&text, file.lines); err != nil {
			return err
		}
		if _, _, err := o.stack.ReceiveFile(ctx, o.feeds[file.source].ID, file.name, &text); err != nil {
			return err
		}
	}
	return nil
}

// addSubscriberLogins lets a postpaid and a prepaid subscriber, or two postpaid
// ones, sign in to their page.
func (o *operator) addSubscriberLogins(ctx context.Context) error {
	door := "/t/" + o.application.Name + "/"
	for _, s := range []subscriber{o.people[0], o.people[4]} {
		if _, found := o.logins.find(door, s.who.Email); found {
			continue
		}
		password := newPassword()
		hash, err := o.world.Passwords.Hash(ctx, password)
		if err != nil {
			return err
		}
		id, err := o.accountOf(ctx, s)
		if err != nil {
			return err
		}
		err = o.stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
			_, err := o.world.Identity.AddUser(ctx, tx, identity.NewUser{Email: s.who.Email, Name: s.who.Name, Role: identity.Subscriber,
				AccountID: &id, Language: s.who.Language, Password: hash, Phone: s.who.Phone})
			return err
		})
		if err != nil {
			return fmt.Errorf("login of %s: %w", s.who.Email, err)
		}
		if err := o.logins.add(Login{Who: s.who.Name, Path: door, Email: s.who.Email, Password: password}); err != nil {
			return err
		}
	}
	return nil
}

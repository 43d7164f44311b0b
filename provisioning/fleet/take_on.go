package fleet

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// Place is where a new operator's stack is to stand: in a host database, or on a
// site of its own.
type Place struct {
	Host string // a host database by name; empty: the one with the most room
	// Site is the site to be made; nil: none.
	Site *NewSite
}

// NewSite is the site of an operator that is being taken on.
type NewSite struct {
	ID     provisioning.SiteID // the caller's choice
	Cloud  string
	Size   string
	AddOns map[string]int
}

// TakenOn is a new operator, its stack, and its site where it has one.
type TakenOn struct {
	tenants.Created
	Stack provisioning.Stack
	Site  *Site
}

// TakeOn takes on an operator whose stack stands where it is to from the start:
// operator, stack and site are asked for together or not at all. On a site its
// machines make the stack themselves once they have enrolled, so that nothing is
// moved.
func (f *Fleet) TakeOn(ctx context.Context, tx tenants.Tx, registry *tenants.Registry, by tenants.Actor, id tenant.ID, a tenants.Admission, p Place) (TakenOn, error) {
	if err := p.check(f); err != nil {
		return TakenOn{}, err
	}
	made, err := registry.CreateAt(ctx, tx, by, id, a, tenants.Placement{Host: p.Host, Own: p.Site != nil})
	if errors.Is(err, provisioning.ErrNoHost) {
		err = refuse("place.host_database", "the name of a host database that is listed")
	}
	if err != nil {
		return TakenOn{}, err
	}
	out := TakenOn{Created: made}
	if out.Stack, err = provisioning.Get(ctx, tx, id); err != nil || p.Site == nil {
		return out, err
	}
	if _, err := Get(ctx, tx, p.Site.ID); !errors.Is(err, tenants.ErrNotFound) {
		if err == nil {
			err = refuse("place.site", "an id that no site has yet")
		}
		return TakenOn{}, err
	}
	site, _, err := f.Put(ctx, tx, by, p.Site.ID, p.Site.want(id), 0)
	if err != nil {
		return TakenOn{}, under("place", err)
	}
	out.Site = &site
	return out, nil
}

// check refuses what goes nowhere. A control plane without a fleet makes no sites.
func (p Place) check(f *Fleet) error {
	switch {
	case p.Host != "" && p.Site != nil:
		return refuse("place.host_database", "nothing where a site is asked for: that has a host database of its own")
	case f == nil && p.Site != nil:
		return refuse("place.cloud", "the name of a cloud that is set up: none is")
	}
	return nil
}

func (s NewSite) want(id tenant.ID) Want {
	return Want{Operator: id, Cloud: s.Cloud, Size: s.Size, AddOns: s.AddOns}
}

// under names the part of the request that refused fields belong to.
func under(part string, err error) error {
	var invalid *tenants.InvalidError
	if !errors.As(err, &invalid) {
		return err
	}
	moved := &tenants.InvalidError{}
	for _, f := range invalid.Fields {
		moved.Fields = append(moved.Fields, tenants.FieldError{Field: part + "." + f.Field, Want: f.Want})
	}
	return moved
}

// PlanTakeOn tries to take an operator on and changes nothing: it refuses what
// TakeOn would refuse, and says what a site costs and whether there is room for
// it. The plan is nil where no site is asked for.
func (f *Fleet) PlanTakeOn(ctx context.Context, db *tenants.DB, registry *tenants.Registry, by tenants.Actor, id tenant.ID, a tenants.Admission, p Place) (TakenOn, *Plan, error) {
	var made TakenOn
	var d draft
	err := db.Try(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		if made, err = f.TakeOn(ctx, tx, registry, by, id, a, p); err == nil && p.Site != nil {
			d, err = draftOf(ctx, tx, Site{}, false, p.Site.want(id))
		}
		return err
	})
	if err != nil || p.Site == nil {
		return made, nil, err
	}
	plan := d.plan(p.Site.ID)
	ctx, cancel := context.WithTimeout(ctx, roomTimeout)
	defer cancel()
	room, err := f.clouds[p.Site.Cloud].Sites.Room(ctx)
	if err != nil {
		plan.RoomWhy = provisioning.ReasonOf(err)
		return made, &plan, nil
	}
	return made, &plan, under("place", plan.fit(d, room))
}

// Keep has a known operator's stack be where it is asked for: where it is
// already nothing is done. One that was to stand on a site, and never did, is made
// in a host database instead; provisioning.ErrPlaced refuses what is a move, and
// ErrState what is done while a site of it is there.
func Keep(ctx context.Context, tx tenants.Tx, by tenants.Actor, operator tenant.ID, p Place) error {
	if err := p.check(&Fleet{}); err != nil {
		return err
	}
	stack, err := provisioning.Get(ctx, tx, operator)
	switch {
	case err != nil:
		return err
	case p.Site != nil && stack.Own, p.Site == nil && !stack.Own && (p.Host == "" || p.Host == stack.Place.Host || p.Host == stack.WantedHost && stack.Place.IsZero()):
		return nil
	case !stack.Own || p.Site != nil || stack.State == provisioning.Ready:
		return fmt.Errorf("stack of %s: %w", operator, provisioning.ErrPlaced)
	}
	return Replace(ctx, tx, by, operator, p.Host)
}

// Replace has a stack that was to stand on a site of its own, and never did,
// made in a host database instead; ErrState where a site of the operator is not
// cleared or removed, or its stack has stood.
func Replace(ctx context.Context, tx tenants.Tx, by tenants.Actor, operator tenant.ID, host string) error {
	var live bool
	err := tx.QueryRow(ctx, `select exists (select from site where operator_id = $1 and state not in ('cleared', 'removed'))`, operator).Scan(&live)
	if err != nil {
		return fmt.Errorf("look for sites of %s: %w", operator, err)
	}
	password, err := tenants.OwnerPasswordHash(ctx, tx, operator)
	if err != nil {
		return err
	}
	if live || password == "" {
		return fmt.Errorf("stack of %s: %w", operator, ErrState)
	}
	if err := provisioning.Elsewhere(ctx, tx, operator, host); err != nil {
		return err
	}
	return tenants.Record(ctx, tx, by, tenants.Entry{Action: "stack.place", Object: uuid.UUID(operator), Detail: map[string]any{"host": host}})
}

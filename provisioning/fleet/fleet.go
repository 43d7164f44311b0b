package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// Cloud is one place where sites are made.
type Cloud struct {
	Sites provisioning.Sites
	Place string // where its data are, for people: they never leave it
}

// Clouds are those that are set up, by name.
type Clouds map[string]Cloud

// Names lists them in order.
func (c Clouds) Names() []string {
	names := make([]string, 0, len(c))
	for name := range c {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Fleet is all sites of the house, as staff change them.
type Fleet struct {
	db     *tenants.DB
	clouds Clouds
	wake   func()
}

// NewFleet joins the registry's database and the clouds. wake has the
// reconciler look; it may be nil.
func NewFleet(db *tenants.DB, clouds Clouds, wake func()) *Fleet {
	if wake == nil {
		wake = func() {}
	}
	return &Fleet{db: db, clouds: clouds, wake: wake}
}

// Clouds are those that sites can be made in.
func (f *Fleet) Clouds() Clouds { return f.clouds }

// roomTimeout bounds how long a plan waits for a cloud.
const roomTimeout = 10 * time.Second

// Plan says what a want would do to a site, what it costs, and whether there is
// room. It changes nothing.
func (f *Fleet) Plan(ctx context.Context, id provisioning.SiteID, want Want) (Plan, error) {
	var d draft
	err := f.db.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		d, err = f.draft(ctx, tx, id, want, Get)
		return err
	})
	if err != nil {
		return Plan{}, err
	}
	p := d.plan(id)
	ctx, cancel := context.WithTimeout(ctx, roomTimeout)
	defer cancel()
	room, err := f.clouds[want.Cloud].Sites.Room(ctx)
	if err != nil {
		p.RoomWhy = provisioning.ReasonOf(err)
		return p, nil
	}
	return p, p.fit(d, room)
}

type reading func(context.Context, tenants.Tx, provisioning.SiteID) (Site, error)

func (f *Fleet) draft(ctx context.Context, tx tenants.Tx, id provisioning.SiteID, want Want, read reading) (draft, error) {
	if _, known := f.clouds[want.Cloud]; !known {
		return draft{}, refuse("cloud", "the name of a cloud that is set up: %v", f.clouds.Names())
	}
	before, err := read(ctx, tx, id)
	known := err == nil
	if err != nil && !errors.Is(err, tenants.ErrNotFound) {
		return draft{}, err
	}
	if known {
		if want.Operator != before.Want.Operator {
			return draft{}, refuse("operator", "the operator that the site was made for")
		}
		if want.Cloud != before.Want.Cloud {
			return draft{}, refuse("cloud", "%q, where the site stands: for another cloud make another site and move the stack there", before.Want.Cloud)
		}
		if before.State == Closing || before.State == Removing || before.State == Removed || before.State == Clearing {
			return draft{}, fmt.Errorf("site is %s: %w", before.State, ErrState)
		}
	}
	return draftOf(ctx, tx, before, known, want)
}

// Put has a site be as it is wanted: it is made, changed, or left alone if it is
// so already. Revision, unless zero, is the one that the caller has read; a
// site that was changed since is ErrRevision. made says whether the site is new.
func (f *Fleet) Put(ctx context.Context, tx tenants.Tx, by tenants.Actor, id provisioning.SiteID, want Want, revision int64) (after Site, made bool, err error) {
	// The operator's row keeps two first requests for one site apart.
	if _, err := tx.Exec(ctx, `select from operator where id = $1 for update`, want.Operator); err != nil {
		return Site{}, false, fmt.Errorf("lock operator %s: %w", want.Operator, err)
	}
	d, err := f.draft(ctx, tx, id, want, lock)
	if err != nil {
		return Site{}, false, err
	}
	if revision != 0 && revision != d.before.Revision {
		return Site{}, false, ErrRevision
	}
	if !d.known {
		after, err = f.insert(ctx, tx, by, id, d)
		return after, true, err
	}
	if d.before.Want.same(want) && d.before.Shape == d.shape && d.before.State != Cleared {
		return d.before, false, nil
	}
	if err := reshape(ctx, tx, &d.before, form{want, d.shape, d.sized, d.before.Scaled, d.monthly}); err != nil {
		return Site{}, false, err
	}
	tx.AfterCommit(f.wake)
	detail := map[string]any{"want": want, "shape": d.shape, "monthly": d.monthly.String()}
	if err := note(ctx, tx, by, d.before, "asked", "", detail); err != nil {
		return Site{}, false, err
	}
	after, err = Get(ctx, tx, id)
	if err != nil {
		return Site{}, false, err
	}
	return after, false, tenants.Record(ctx, tx, by, tenants.Entry{Action: "site.change", Object: id.UUID(), Detail: map[string]any{
		"operator": want.Operator.String(), "size": want.Size, "revision": after.Revision, "monthly": d.monthly.String()}})
}

func (f *Fleet) insert(ctx context.Context, tx tenants.Tx, by tenants.Actor, id provisioning.SiteID, d draft) (Site, error) {
	done, err := tx.Exec(ctx, `
		insert into site (id, operator_id, cloud, want, shape, monthly, currency, revision, state, state_at, due_at, asked_at, sized)
		values ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9, $9, $9, $10)
		on conflict (id) do nothing`,
		id.UUID(), d.want.Operator, d.want.Cloud, d.want, d.shape, d.monthly.Decimal(), d.monthly.Currency(), Requested, tx.At, d.sized)
	if err != nil {
		return Site{}, fmt.Errorf("write site %s: %w", id, err)
	}
	if done.RowsAffected() != 1 {
		return Site{}, ErrRevision
	}
	s, err := Get(ctx, tx, id)
	if err != nil {
		return Site{}, err
	}
	tx.AfterCommit(f.wake)
	detail := map[string]any{"want": d.want, "shape": d.shape, "monthly": d.monthly.String()}
	if err := note(ctx, tx, by, s, "asked", "", detail); err != nil {
		return Site{}, err
	}
	return s, tenants.Record(ctx, tx, by, tenants.Entry{Action: "site.create", Object: id.UUID(), Detail: map[string]any{
		"operator": d.want.Operator.String(), "cloud": d.want.Cloud, "size": d.want.Size, "monthly": d.monthly.String()}})
}

// SiteOperators reads the operators of sites, for those who show them.
func SiteOperators(ctx context.Context, tx tenants.Tx, sites []Site) (map[tenant.ID]tenants.Operator, error) {
	found := map[tenant.ID]tenants.Operator{}
	for _, s := range sites {
		if _, known := found[s.Want.Operator]; known {
			continue
		}
		o, err := tenants.GetOperator(ctx, tx, s.Want.Operator)
		if err != nil {
			return nil, err
		}
		found[o.ID] = o
	}
	return found, nil
}

package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// CloudView is a cloud as it was seen last.
type CloudView struct {
	Name     string
	Place    string
	Room     *provisioning.Room // nil: not seen yet
	Orphans  []provisioning.Orphan
	Unwanted []string // sites' ids in orphans' tags that are being deleted
	Fault    string   // plain words; why it could not be seen the last time
	LookedAt *time.Time

	fence int64
}

const cloudColumns = `name, room, orphans, unwanted, fault, looked_at, fence`

func scanCloud(row pgx.CollectableRow) (CloudView, error) {
	var v CloudView
	err := row.Scan(&v.Name, &v.Room, &v.Orphans, &v.Unwanted, &v.Fault, &v.LookedAt, &v.fence)
	if v.LookedAt != nil {
		*v.LookedAt = v.LookedAt.UTC()
	}
	return v, err
}

// CloudViews lists the clouds as they were seen last, by name.
func (f *Fleet) CloudViews(ctx context.Context, tx tenants.Tx) ([]CloudView, error) {
	rows, err := tx.Query(ctx, `select `+cloudColumns+` from site_cloud where name = any ($1) order by name`, f.clouds.Names())
	if err != nil {
		return nil, fmt.Errorf("list clouds: %w", err)
	}
	views, err := pgx.CollectRows(rows, scanCloud)
	if err != nil {
		return nil, fmt.Errorf("list clouds: %w", err)
	}
	for i := range views {
		views[i].Place = f.clouds[views[i].Name].Place
	}
	for _, name := range f.clouds.Names() { // not looked at yet
		if !slices.ContainsFunc(views, func(v CloudView) bool { return v.Name == name }) {
			views = append(views, CloudView{Name: name, Place: f.clouds[name].Place})
		}
	}
	return views, nil
}

// CloudView reads one cloud as it was seen last; ErrCloud if none of this name
// is set up.
func (f *Fleet) CloudView(ctx context.Context, tx tenants.Tx, name string) (CloudView, error) {
	views, err := f.CloudViews(ctx, tx)
	if err != nil {
		return CloudView{}, err
	}
	for _, v := range views {
		if v.Name == name {
			return v, nil
		}
	}
	return CloudView{}, ErrCloud
}

// IsUnwanted says whether staff have had an orphan deleted.
func (v CloudView) IsUnwanted(site string) bool {
	return slices.ContainsFunc(v.Unwanted, func(other string) bool { return strings.EqualFold(other, site) })
}

// LookAgain has a cloud's room and orphans looked at at once.
func (f *Fleet) LookAgain(ctx context.Context, tx tenants.Tx, cloud string) error {
	if _, known := f.clouds[cloud]; !known {
		return ErrCloud
	}
	tx.AfterCommit(f.wake)
	_, err := tx.Exec(ctx, `
		insert into site_cloud (name, due_at) values ($1, $2)
		on conflict (name) do update set due_at = excluded.due_at`, cloud, tx.At)
	if err != nil {
		return fmt.Errorf("have cloud %s looked at: %w", cloud, err)
	}
	return nil
}

// Adopt makes a site known again that a cloud shows and the registry does not:
// after a restore of the registry, say. It is asked for as it is wanted, and
// what stands is taken over.
func (f *Fleet) Adopt(ctx context.Context, tx tenants.Tx, by tenants.Actor, cloud, site string, want Want) (Site, error) {
	if _, err := f.orphan(ctx, tx, cloud, site); err != nil {
		return Site{}, err
	}
	id, err := provisioning.ParseSiteID(site)
	if err != nil {
		return Site{}, ErrOrphan
	}
	want.Cloud = cloud
	s, made, err := f.Put(ctx, tx, by, id, want, 0)
	if err != nil {
		return Site{}, err
	}
	if !made {
		return Site{}, ErrOrphan // it is known meanwhile
	}
	// It is looked at only: what its machines were made with is not known here.
	if err := move(ctx, tx, &s, Making, "", "", tx.At); err != nil {
		return Site{}, err
	}
	if _, err := tx.Exec(ctx, `update site set adopted = true, asked = true, begun = revision where id = $1`, id.UUID()); err != nil {
		return Site{}, fmt.Errorf("adopt site %s: %w", id, err)
	}
	if err := f.LookAgain(ctx, tx, cloud); err != nil {
		return Site{}, err
	}
	return s, note(ctx, tx, by, s, "adopted", "", nil)
}

// DeleteOrphan has all deleted that bears a site's id and belongs to none that
// we know. Staff say why.
func (f *Fleet) DeleteOrphan(ctx context.Context, tx tenants.Tx, by tenants.Actor, cloud, site, reason string) error {
	reason, err := written("reason", reason)
	if err != nil {
		return err
	}
	orphan, err := f.orphan(ctx, tx, cloud, site)
	if err != nil {
		return err
	}
	id, err := uuid.Parse(site)
	if err != nil {
		return ErrOrphan
	}
	done, err := tx.Exec(ctx, `
		update site_cloud set unwanted = unwanted || to_jsonb($2::text), due_at = $3
		 where name = $1 and not unwanted ? $2`, cloud, site, tx.At)
	if err != nil {
		return fmt.Errorf("have orphan deleted: %w", err)
	}
	if done.RowsAffected() == 0 {
		return nil // asked for already
	}
	tx.AfterCommit(f.wake)
	return tenants.Record(ctx, tx, by, tenants.Entry{Action: "orphan.delete", Object: id, Detail: map[string]any{
		"cloud": cloud, "name": orphan.Name, "kind": orphan.Kind, "ref": orphan.Ref, "reason": reason}})
}

// orphan finds one that a cloud showed last, and that no site has become since.
func (f *Fleet) orphan(ctx context.Context, tx tenants.Tx, cloud, site string) (provisioning.Orphan, error) {
	if _, known := f.clouds[cloud]; !known {
		return provisioning.Orphan{}, ErrCloud
	}
	rows, err := tx.Query(ctx, `select `+cloudColumns+` from site_cloud where name = $1 for update`, cloud)
	if err != nil {
		return provisioning.Orphan{}, fmt.Errorf("read cloud %s: %w", cloud, err)
	}
	view, err := pgx.CollectExactlyOneRow(rows, scanCloud)
	if errors.Is(err, pgx.ErrNoRows) {
		return provisioning.Orphan{}, ErrOrphan
	}
	if err != nil {
		return provisioning.Orphan{}, fmt.Errorf("read cloud %s: %w", cloud, err)
	}
	i := slices.IndexFunc(view.Orphans, func(o provisioning.Orphan) bool { return strings.EqualFold(o.Site, site) })
	if i < 0 {
		return provisioning.Orphan{}, ErrOrphan
	}
	known, err := knownSites(ctx, tx)
	if err == nil && slices.ContainsFunc(known, func(id provisioning.SiteID) bool { return strings.EqualFold(id.String(), site) }) {
		err = ErrOrphan
	}
	return view.Orphans[i], err
}

// knownSites are those of which something may stand.
func knownSites(ctx context.Context, tx tenants.Tx) ([]provisioning.SiteID, error) {
	rows, err := tx.Query(ctx, `select id from site where state not in ('removed', 'cleared') order by id`)
	if err != nil {
		return nil, fmt.Errorf("list known sites: %w", err)
	}
	list, err := collectIDs(rows)
	known := make([]provisioning.SiteID, len(list))
	for i, id := range list {
		known[i] = provisioning.SiteID(id)
	}
	return known, err
}

func collectIDs(rows pgx.Rows) ([]uuid.UUID, error) {
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// lookAtCloud looks at the cloud that is due, and says whether there was one.
func (r *Reconciler) lookAtCloud(ctx context.Context) bool {
	view, known, err := r.takeCloud(ctx)
	if err != nil {
		if !errors.Is(err, errNothing) && ctx.Err() == nil {
			r.log.Error("no cloud could be claimed", "error", err)
		}
		return false
	}
	looking, cancel := context.WithTimeout(ctx, r.config.Lease)
	defer cancel()
	sites := r.clouds[view.Name].Sites
	fault := r.dropUnwanted(looking, sites, view, known)
	room, err := sites.Room(looking)
	fault = errors.Join(fault, err)
	var orphans []provisioning.Orphan
	if err == nil {
		orphans, err = sites.Orphans(looking, known)
		fault = errors.Join(fault, err)
	}
	if fault != nil {
		r.log.Warn("cloud not seen", "cloud", view.Name, "error", fault)
	}
	if err := r.finishCloud(ctx, view, room, orphans, fault); err != nil && ctx.Err() == nil {
		r.log.Error("what a cloud has was not written down", "cloud", view.Name, "error", err)
	}
	return true
}

// dropUnwanted goes on with the deletion of orphans. One that a site has become
// since is left alone.
func (r *Reconciler) dropUnwanted(ctx context.Context, sites provisioning.Sites, view CloudView, known []provisioning.SiteID) (fault error) {
	for _, text := range view.Unwanted {
		id, err := provisioning.ParseSiteID(text)
		if err != nil || slices.Contains(known, id) {
			continue
		}
		_, err = sites.Remove(ctx, id)
		fault = errors.Join(fault, err)
	}
	return fault
}

func (r *Reconciler) takeCloud(ctx context.Context) (view CloudView, known []provisioning.SiteID, err error) {
	err = r.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		if _, err := tx.Exec(ctx, `
			insert into site_cloud (name, due_at)
			select name, $2 from unnest($1::text[]) name
			on conflict (name) do nothing`, r.clouds.Names(), tx.At); err != nil {
			return fmt.Errorf("name clouds: %w", err)
		}
		rows, err := tx.Query(ctx, `
			update site_cloud
			   set fence = fence + 1, leased_until = $1
			 where name = (
			       select name
			         from site_cloud
			        where name = any ($3) and due_at <= $2 and (leased_until is null or leased_until <= $2)
			        order by due_at, name
			        limit 1
			          for update skip locked)
			returning `+cloudColumns, tx.At.Add(r.config.Lease), tx.At, r.clouds.Names())
		if err != nil {
			return fmt.Errorf("claim a cloud: %w", err)
		}
		view, err = pgx.CollectExactlyOneRow(rows, scanCloud)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNothing
		}
		if err != nil {
			return fmt.Errorf("claim a cloud: %w", err)
		}
		known, err = knownSites(ctx, tx)
		return err
	})
	return view, known, err
}

func (r *Reconciler) finishCloud(ctx context.Context, view CloudView, room provisioning.Room, orphans []provisioning.Orphan, fault error) error {
	return r.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		// A site that came meanwhile is no orphan.
		known, err := knownSites(ctx, tx)
		if err != nil {
			return err
		}
		orphans = slices.DeleteFunc(orphans, func(o provisioning.Orphan) bool {
			return slices.ContainsFunc(known, func(id provisioning.SiteID) bool { return strings.EqualFold(id.String(), o.Site) })
		})
		if orphans == nil {
			orphans = []provisioning.Orphan{}
		}
		due := tx.At.Add(r.config.CloudLook)
		if fault != nil {
			_, err := tx.Exec(ctx, `update site_cloud set fault = $3, leased_until = null, due_at = $4 where name = $1 and fence = $2`,
				view.Name, view.fence, provisioning.ReasonOf(fault), tx.At.Add(min(r.config.CloudLook, r.config.Keep)))
			return err
		}
		left := slices.DeleteFunc(slices.Clone(view.Unwanted), func(site string) bool {
			return !slices.ContainsFunc(orphans, func(o provisioning.Orphan) bool { return strings.EqualFold(o.Site, site) })
		})
		gone := slices.DeleteFunc(slices.Clone(view.Unwanted), func(site string) bool { return slices.Contains(left, site) })
		if len(left) > 0 {
			due = tx.At.Add(r.config.Watch)
		}
		// Those that were added since the claim stay; due is theirs then.
		done, err := tx.Exec(ctx, `
			update site_cloud
			   set room = $3, orphans = $4, unwanted = unwanted - $5::text[], fault = '', looked_at = $6::timestamptz, leased_until = null,
			       due_at = case when jsonb_array_length(unwanted) > $8 then $6::timestamptz else $7::timestamptz end
			 where name = $1 and fence = $2`,
			view.Name, view.fence, room, orphans, gone, tx.At, due, len(view.Unwanted))
		if err != nil {
			return fmt.Errorf("write what cloud %s has: %w", view.Name, err)
		}
		if done.RowsAffected() != 1 {
			return fmt.Errorf("cloud %s: %w", view.Name, errLost)
		}
		return r.keepDay(ctx, tx, view.Name, room)
	})
}

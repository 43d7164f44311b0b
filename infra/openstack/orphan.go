package openstack

import (
	"context"
	"net/url"
	"slices"
	"strconv"

	"tollhouse/provisioning"
)

// Orphans implements provisioning.Sites. A stack stands for all that is in it;
// parts are named one by one where their stack is gone. A site's own id is given,
// so that Remove takes them away.
func (c *Cloud) Orphans(ctx context.Context, known []provisioning.SiteID) ([]provisioning.Orphan, error) {
	ours := map[string]bool{}
	for _, id := range known {
		ours[id.String()] = true
	}
	stacks, err := c.stacks(ctx)
	if err != nil {
		return nil, plain(err)
	}
	var found []provisioning.Orphan
	whole := map[string]bool{}
	for _, s := range stacks {
		site := ""
		for _, tag := range s.Tags {
			if id, is := c.siteOf(tag); is {
				site = id
			}
		}
		whole[site] = true
		if site == "" || ours[site] {
			continue
		}
		o := provisioning.Orphan{Ref: s.ID, Kind: "stack", Name: s.Name, Site: site}
		if at := heatTime(s.Created); at != nil {
			o.At = *at
		}
		found = append(found, o)
	}
	things, err := c.things(ctx, "")
	if err != nil {
		return nil, plain(err)
	}
	for _, t := range things {
		if !ours[t.Site] && !whole[t.Site] {
			found = append(found, provisioning.Orphan{Ref: t.ID, Kind: t.kind.name, Name: t.Name, Site: t.Site, At: t.At})
		}
	}
	return found, nil
}

// stacks lists the Heat stacks that bear our mark.
func (c *Cloud) stacks(ctx context.Context) ([]stack, error) {
	var all []stack
	query := url.Values{"tags": {c.mark}, "limit": {strconv.Itoa(page)}}
	for range mostPages {
		var found struct{ Stacks []stack }
		if err := c.call(ctx, heat, "GET", "stacks?"+query.Encode(), nil, &found); err != nil {
			return nil, err
		}
		for _, s := range found.Stacks {
			if slices.Contains(s.Tags, c.mark) {
				all = append(all, s)
			}
		}
		if len(found.Stacks) < page {
			break
		}
		query.Set("marker", found.Stacks[len(found.Stacks)-1].ID)
	}
	return all, nil
}

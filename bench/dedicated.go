package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"tollhouse/infra/openstack"
	"tollhouse/provisioning"
)

// The goals of dedicated stacks: our time to Heat's "complete" by that of the bare
// stack, one at a time and many at once.
const (
	dedicatedGoal = 1.15
	manyGoal      = 1.3
)

// benchMark is the tag of all that these benchmarks make.
const benchMark = "tollhouse-bench"

// looking is how often a stack is looked at; our own looks, which are part of what
// we cost, come on top.
const (
	looking    = 500 * time.Millisecond
	ourLooks   = 2 * time.Second
	longestOne = 20 * time.Minute
)

var errNotMade = errors.New("the cloud did not make the stack")

// dedicated measures how long a dedicated stack's site takes until Heat says that
// it is complete, beside Heat's own time for the same template and nothing else:
// one request, of which the client's own start is no part. Both are made n at
// once, in turns.
func dedicated(n func(scale) int, goal float64) func(context.Context, scale, reporter) (Result, error) {
	return func(ctx context.Context, s scale, say reporter) (Result, error) {
		r := Result{Unit: "s", Goal: fmt.Sprintf("ratio <= %g", goal)}
		name := os.Getenv("TOLLHOUSE_OPENSTACK_CLOUD")
		if name == "" {
			r.Note = "not measured: TOLLHOUSE_OPENSTACK_CLOUD names no cloud; make bench-openstack measures in a lab"
			return r, nil
		}
		d, err := openCloud(ctx, name)
		if err != nil {
			return Result{}, err
		}
		defer d.clear(context.WithoutCancel(ctx), say)
		var ours, bare, ratios []float64
		for round := range s.siteRounds {
			say("round %d: %d bare", round+1, n(s))
			b, err := d.make(ctx, n(s), d.cloud.Bare, false)
			if err != nil {
				return Result{}, err
			}
			d.clear(ctx, say)
			say("round %d: the bare took %s; %d of ours", round+1, seconds(b), n(s))
			o, err := d.make(ctx, n(s), func(ctx context.Context, want provisioning.Site) error {
				_, err := d.cloud.Ensure(ctx, want)
				return err
			}, true)
			if err != nil {
				return Result{}, err
			}
			d.clear(ctx, say)
			say("round %d: ours took %s", round+1, seconds(o))
			ours, bare, ratios = append(ours, o.Seconds()), append(bare, b.Seconds()), append(ratios, o.Seconds()/b.Seconds())
		}
		r.Value = middle(ours)
		r.beside(middle(bare))
		*r.Ratio = middle(ratios)
		r.OK = *r.Ratio <= goal
		r.Note = fmt.Sprintf("%d at once, %d rounds, from the request to Heat's complete; a machine of flavour %s with two volumes, network, router and address",
			n(s), s.siteRounds, d.flavor)
		return r, nil
	}
}

func middle(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

// dedicatedCloud is a cloud to measure in.
type dedicatedCloud struct {
	cloud  *openstack.Cloud
	flavor string
	image  string
}

func openCloud(ctx context.Context, name string) (*dedicatedCloud, error) {
	config, err := openstack.ReadCloud(name)
	if err != nil {
		return nil, err
	}
	config.Mark, config.Network = benchMark, os.Getenv("TOLLHOUSE_OPENSTACK_NETWORK")
	cloud, err := openstack.New(config)
	if err != nil {
		return nil, err
	}
	room, err := cloud.Room(ctx)
	if err != nil {
		return nil, err
	}
	if len(room.Flavors) == 0 {
		return nil, fmt.Errorf("cloud %s has no flavours", name)
	}
	small := slices.MinFunc(room.Flavors, func(a, b provisioning.Flavor) int {
		return cmp.Or(cmp.Compare(a.VCPUs, b.VCPUs), cmp.Compare(a.MemoryMB, b.MemoryMB), cmp.Compare(a.Name, b.Name))
	})
	return &dedicatedCloud{cloud: cloud, flavor: small.Name, image: cmp.Or(os.Getenv("TOLLHOUSE_OPENSTACK_IMAGE"), openstack.DefaultImage)}, nil
}

// make makes n sites at once and says how long it took until the last was
// complete.
func (d *dedicatedCloud) make(ctx context.Context, n int, ask func(context.Context, provisioning.Site) error, looked bool) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(n)*longestOne)
	defer cancel()
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for range n {
		want := provisioning.Site{ID: provisioning.SiteID(uuid.New()), Name: "bench", Revision: 1, Image: d.image, UserData: "#!/bin/sh\n",
			Shape: provisioning.Shape{Flavor: d.flavor, WorkerFlavor: d.flavor, BootGB: 20, DataGB: 20}}
		group.Go(func() error {
			if err := ask(ctx, want); err != nil {
				return err
			}
			return d.watch(ctx, want.ID, looked)
		})
	}
	err := group.Wait()
	return time.Since(began), err
}

// watch waits for Heat. Ours are looked at besides, as whoever keeps them does.
func (d *dedicatedCloud) watch(ctx context.Context, id provisioning.SiteID, looked bool) error {
	looks := time.NewTicker(ourLooks)
	defer looks.Stop()
	for {
		phase, err := d.cloud.Glance(ctx, id)
		switch {
		case err != nil:
			return err
		case phase == provisioning.SiteStanding:
			return nil
		case phase != provisioning.SiteMaking:
			seen, err := d.cloud.Observe(ctx, id)
			return errors.Join(fmt.Errorf("%w: %s (%s)", errNotMade, seen.Reason, seen.Detail), err)
		}
		select {
		case <-looks.C:
			if looked {
				if _, err := d.cloud.Observe(ctx, id); err != nil {
					return err
				}
			}
		case <-time.After(looking):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// clear takes away all that the benchmark made, also what an earlier one that was
// cut off has left.
func (d *dedicatedCloud) clear(ctx context.Context, say reporter) {
	ctx, cancel := context.WithTimeout(ctx, longestOne)
	defer cancel()
	for ctx.Err() == nil {
		left, err := d.cloud.Orphans(ctx, nil)
		if err == nil && len(left) == 0 {
			return
		}
		if err != nil {
			say("cannot look for what is left: %v", err)
		}
		for _, o := range left {
			id, err := uuid.Parse(o.Site)
			if err != nil {
				continue
			}
			if _, err := d.cloud.Remove(ctx, provisioning.SiteID(id)); err != nil {
				say("cannot remove %s: %v", o.Name, err)
			}
		}
		select {
		case <-time.After(ourLooks):
		case <-ctx.Done():
		}
	}
	say("not all that was made could be taken away; it bears the tag %s", benchMark)
}

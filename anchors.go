package main

import (
	"context"
	"time"

	"tollhouse/billing/audit"
	"tollhouse/billing/tenant"
	"tollhouse/infra/local"
	"tollhouse/tenants"
)

// until runs fn beside everything else, until the plant is closed.
func (p *plant) until(ctx context.Context, fn func(ctx context.Context)) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn(ctx)
	}()
	p.onStop(func() { stop(); <-done })
}

// anchorEvery is how often the control plane looks at audit chains.
const anchorEvery = time.Minute

// keepAnchoring keeps heads of the stacks' audit chains in the control plane
// until ctx ends.
func (p *plant) keepAnchoring(ctx context.Context, control *tenants.DB, fleet *local.Fleet) {
	tick := time.NewTicker(anchorEvery)
	defer tick.Stop()
	for {
		// A stack that has just been moved is met by the next look.
		err := fleet.Databases(ctx, func(_ string, db *tenant.DB) error { return tenants.AnchorAll(ctx, control, hostChains{db}) })
		if err != nil && ctx.Err() == nil {
			p.log.Error("anchoring failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// anchors are a stack's as the control plane in this process keeps them; none
// where it is another process.
func (p *plant) anchors(ctx context.Context, id tenant.ID) (anchors []audit.Anchor, err error) {
	if p.control == nil {
		return nil, nil
	}
	var kept []tenants.Anchor
	err = p.control.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		kept, err = tenants.Anchors(ctx, tx, id)
		return err
	})
	for _, a := range kept {
		anchors = append(anchors, audit.Anchor{Seq: a.Seq, Hash: a.Hash})
	}
	return anchors, err
}

// hostChains are the audit chains of a host database's stacks.
type hostChains struct{ db *tenant.DB }

func (c hostChains) Stacks(ctx context.Context) ([]tenant.ID, error) {
	refs, err := c.db.All(ctx)
	var ids []tenant.ID
	for _, ref := range refs {
		ids = append(ids, ref.ID)
	}
	return ids, err
}

func (c hostChains) Head(ctx context.Context, id tenant.ID, earlier int64) (seq int64, hash, earlierHash []byte, err error) {
	ref, err := c.db.ByID(ctx, id)
	if err != nil {
		return 0, nil, nil, err
	}
	err = c.db.Read(ctx, ref, func(ctx context.Context, tx tenant.Tx) error {
		head, err := audit.Head(ctx, tx)
		if err != nil {
			return err
		}
		before, found, err := audit.GetSeal(ctx, tx, earlier)
		if found {
			earlierHash = before.Hash
		}
		seq, hash = head.Seq, head.Hash
		return err
	})
	return seq, hash, earlierHash, err
}

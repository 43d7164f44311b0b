package tenants_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// chain is a stack's audit chain as the control plane sees it.
type chain struct {
	id     tenant.ID
	hashes [][]byte
}

func (c *chain) Stacks(context.Context) ([]tenant.ID, error) {
	return []tenant.ID{c.id, tenant.NewID()}, nil // one is no operator of ours
}

func (c *chain) Head(_ context.Context, id tenant.ID, earlier int64) (int64, []byte, []byte, error) {
	seq := int64(len(c.hashes))
	if seq == 0 || id != c.id {
		return 0, nil, nil, nil
	}
	var before []byte
	if earlier > 0 && earlier <= seq {
		before = c.hashes[earlier-1]
	}
	return seq, c.hashes[seq-1], before, nil
}

func (c *chain) grow(fill byte) { c.hashes = append(c.hashes, bytes.Repeat([]byte{fill}, 32)) }

func TestAnchorAll_keepsHeadsThatGoOn(t *testing.T) {
	t.Parallel()
	c := newControl(t)
	made, err := c.create(c.registry(&stacks{}), application("nordnetz"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, seen := context.Background(), &chain{id: made.ID}
	anchored := func(want int) {
		t.Helper()
		if n := c.count(t, `select count(*) from chain_anchor`); n != want {
			t.Errorf("%d anchors, want %d", n, want)
		}
	}
	for n, grow := range []int{0, 1, 0, 2} { // an empty chain, its first seal, nothing new, two at once
		for range grow {
			seen.grow(byte(len(seen.hashes) + 1))
		}
		if err := tenants.AnchorAll(ctx, c.DB, seen); err != nil {
			t.Fatal(err)
		}
		anchored([]int{0, 1, 1, 2}[n])
	}
	whole := seen.hashes
	seen.hashes = [][]byte{whole[0], whole[1], bytes.Repeat([]byte{9}, 32), whole[2]}
	if err := tenants.AnchorAll(ctx, c.DB, seen); !errors.Is(err, tenants.ErrChainBroken) {
		t.Errorf("a chain made anew: %v", err)
	}
	seen.hashes = whole[:2]
	if err := tenants.AnchorAll(ctx, c.DB, seen); !errors.Is(err, tenants.ErrChainBroken) {
		t.Errorf("a chain cut short: %v", err)
	}
	anchored(2)
	c.write(t, func(ctx context.Context, tx tenants.Tx) error {
		anchors, err := tenants.Anchors(ctx, tx, made.ID)
		if err != nil || len(anchors) != 2 || anchors[0].Seq != 1 || anchors[1].Seq != 3 || !bytes.Equal(anchors[1].Hash, whole[2]) {
			t.Errorf("anchors %+v, %v", anchors, err)
		}
		return err
	})
	for _, sql := range []string{`update chain_anchor set seq = seq + 1`, `delete from chain_anchor`} {
		if _, err := c.pool.Exec(ctx, sql); err == nil {
			t.Errorf("%s was allowed", sql)
		}
	}
}

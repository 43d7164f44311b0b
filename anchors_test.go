package main

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/audit"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres"
	"tollhouse/tenants"
)

// The control plane keeps the heads of real chains, and gives them back for
// their verification.
func TestAnchors_ofARealChain(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, h.server.AdminURL(h.controlDB))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, `insert into control.operator (id, name, display_name, legal_name, country, owner_email, owner_password_hash, sandbox, settings, created_by, created_at)
		values ($1, 'nordnetz', 'N', 'N', 'DE', 'o@example.net', 'x', false, '{}', 'test', $2)`, h.ref.ID, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p := &plant{box: h.box}
	t.Cleanup(p.close)
	pool, err := p.pool(ctx, h.server, postgres.RoleControl, h.controlDB, 2)
	if err != nil {
		t.Fatal(err)
	}
	p.control = tenants.Open(pool, time.Now)
	for range 2 {
		h.sealOne(t)
		if err := tenants.AnchorAll(ctx, p.control, hostChains{h.db}); err != nil {
			t.Fatal(err)
		}
	}
	anchors, err := p.anchors(ctx, h.ref.ID)
	if err != nil || len(anchors) != 2 {
		t.Fatalf("%d anchors, %v", len(anchors), err)
	}
	err = h.db.Read(ctx, h.ref, func(ctx context.Context, tx tenant.Tx) error {
		verified, err := audit.Verify(ctx, tx, audit.Verification{}, anchors, time.Now(), audit.VerifySeals)
		if verified.Break != nil || verified.Anchors != 2 {
			t.Errorf("%d anchors met, %v", verified.Anchors, verified.Break)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) sealOne(t *testing.T) {
	t.Helper()
	err := h.db.Write(context.Background(), h.ref, func(ctx context.Context, tx tenant.Tx) error {
		return audit.Record(ctx, tx, audit.Entry{Caller: audit.Caller{Actor: "user:1", WallAt: time.Now()}, Action: "thing.put"})
	})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Millisecond) // the boundary is a millisecond's
	err = h.db.Write(context.Background(), h.ref, func(ctx context.Context, tx tenant.Tx) error {
		sealed, err := audit.SealNext(ctx, tx, time.Now(), time.Now(), audit.SealRows)
		if err == nil && !sealed {
			t.Error("nothing was sealed")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

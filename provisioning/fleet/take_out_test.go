package fleet

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// One is made beside the looks: asking again neither waits nor begins another,
// and what went wrong is told.
func TestTakeOuts_areMadeBesideTheLooks(t *testing.T) {
	ctx, server := context.Background(), pgtest.Server(t)
	name := "takeouts_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	if err := server.MigrateControl(ctx, name); err != nil {
		t.Fatal(err)
	}
	pool, err := server.Pool(ctx, postgres.RoleControl, name, 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	outs := NewTakeOuts(tenants.Open(pool, time.Now), nil, slog.New(slog.DiscardHandler))
	outs.await = func(context.Context, tenant.ID, time.Time) (string, error) { return "", nil }
	var begun atomic.Int32
	goOn := make(chan struct{})
	outs.make = func(ctx context.Context, _ tenant.ID, _ time.Time) error {
		begun.Add(1)
		select {
		case <-goOn:
			return provisioning.Because("The disk is full.", errors.New("no space left on device"))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	site := provisioning.Site{ID: provisioning.SiteID(uuid.New()), Operator: tenant.NewID(), Name: "nordnetz"}
	ask := func() provisioning.FinalBackup {
		t.Helper()
		got, err := outs.Final(ctx, site, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for range 3 {
		if got := ask(); got.Done || !strings.Contains(got.Reason, "being made") {
			t.Errorf("asked: %+v", got)
		}
	}
	if n := begun.Load(); n > 1 {
		t.Errorf("begun %d times at once", n)
	}
	close(goOn)
	for late := time.Now().Add(10 * time.Second); !strings.Contains(ask().Reason, "The disk is full."); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("the failure is not told")
		}
	}
	outs.Stop()
}

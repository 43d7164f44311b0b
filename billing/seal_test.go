package billing

import (
	"context"
	"testing"
	"time"

	"tollhouse/billing/audit"
	"tollhouse/billing/tenant"
)

// A stack that lives for months is sealed as it goes, beside whoever writes,
// and all of it is in the chain.
func TestHostSeal_coversALife(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	seal := func() {
		t.Helper()
		time.Sleep(2 * time.Millisecond) // the boundary is a millisecond's
		if err := w.host.sealUpTo(ctx, 0); err != nil {
			t.Fatal(err)
		}
	}
	flex, prepaid := w.connect("flex"), w.connect("prepaid")
	for month := range 3 {
		w.pay(prepaid, "topup", "20.00")
		w.ingest(flex.call(w.key(), w.now(), 90), prepaid.data(w.key(), w.now(), 1e9))
		w.write(func(ctx context.Context, tx tenant.Tx) error {
			return audit.Record(ctx, tx, audit.Entry{Caller: audit.Caller{Actor: "user:1", WallAt: time.Now()}, Action: "thing.put"})
		})
		w.advance(w.now().AddDate(0, 1, 0))
		if month < 2 {
			seal()
		}
	}
	if err := w.host.Seal(ctx); err != nil { // nothing is old enough
		t.Fatal(err)
	}
	seal()
	seal() // nothing is left
	verified, err := w.VerifyAudit(ctx, nil)
	if err != nil || verified.Break != nil {
		t.Fatalf("%v, %v", verified.Break, err)
	}
	if entries, transfers := w.text(`select count(*) from audit`), w.text(`select count(*) from ledger_transfer`); entries != itoa(verified.AuditRows) || transfers != itoa(verified.LedgerRows) {
		t.Errorf("%s entries, %s transfers; sealed are %d and %d", entries, transfers, verified.AuditRows, verified.LedgerRows)
	}
	if verified.Head.Seq != 3 {
		t.Errorf("%d seals, want 3", verified.Head.Seq)
	}
}

// The anchors that a host is given are compared.
func TestVerifyAudit_asksForAnchors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pay(w.connect("prepaid"), "topup", "20.00")
	time.Sleep(2 * time.Millisecond)
	if err := w.host.sealUpTo(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	w.host.config.Anchors = func(context.Context, tenant.ID) ([]audit.Anchor, error) {
		return []audit.Anchor{{Seq: 1, Hash: make([]byte, 32)}}, nil
	}
	verified, err := w.VerifyAudit(t.Context(), nil)
	if err != nil || verified.Break == nil || verified.Break.Part != audit.InAnchors {
		t.Errorf("%v, %v", verified.Break, err)
	}
}

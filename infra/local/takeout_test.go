package local_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/infra/local"
	"tollhouse/infra/postgres"
	"tollhouse/provisioning"
	"tollhouse/provisioning/backup"
	"tollhouse/tenants"
)

// The final take-out is whole: what it says of itself can be checked without
// us, and its own script makes the same tables in any PostgreSQL.
func TestTakeOut_loadsWithoutUs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ctx := context.Background()
	r := h.reconciler(t, h.cloud, provisioning.Config{})
	made := h.create(t, r, "nordnetz")
	stack := h.await(t, made.ID)
	dir := t.TempDir()
	takeOuts := backup.NewTakeOuts(h.control, h.cloud, local.NewVault(dir, h.box))
	out, err := takeOuts.Final(ctx, tenants.System, made.ID, time.Now().Add(-time.Hour))
	if err != nil || out.State != backup.Done || out.Facts["control_sums_hold"] != true {
		t.Fatalf("%+v, %v", out, err)
	}
	again, err := takeOuts.Final(ctx, tenants.System, made.ID, time.Now().Add(-time.Hour))
	if err != nil || again.ID != out.ID {
		t.Errorf("a second final take-out %s beside %s, %v", again.ID, out.ID, err)
	}
	_, file, err := takeOuts.Fetch(ctx, tenants.System, out.ID)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(file)
	if err != nil || int64(len(body)) != out.Size {
		t.Fatalf("%d bytes of %d, %v", len(body), out.Size, err)
	}
	if sealed, err := os.ReadFile(filepath.Join(dir, out.ID.String()+".zip.sealed")); err != nil || bytes.Contains(sealed, []byte("Nordnetz")) || bytes.HasPrefix(sealed, []byte("PK")) {
		t.Errorf("it stands readable on disk, %v", err)
	}
	if taken, err := h.cloud.Verify(ctx, bytes.NewReader(body)); err != nil || taken.Rows != out.Rows || taken.Tables != out.Tables || taken.Operator != made.ID {
		t.Errorf("verified: %+v, %v", taken, err)
	}
	for _, at := range []int{len(body) / 7, len(body) / 2, len(body) - len(body)/3} {
		damaged := bytes.Clone(body)
		damaged[at] ^= 0x10
		if _, err := h.cloud.Verify(ctx, bytes.NewReader(damaged)); at < bytes.LastIndex(body, []byte("PK\x07\x08")) && !errors.Is(err, postgres.ErrExport) {
			t.Errorf("verified with byte %d damaged: %v", at, err)
		}
	}
	folder := unzip(t, body)
	var manifest postgres.Exported
	if text, err := os.ReadFile(filepath.Join(folder, "manifest.json")); err != nil || json.Unmarshal(text, &manifest) != nil || manifest.Rows() != out.Rows || len(manifest.Tables) < 100 {
		t.Fatalf("manifest: %d rows of %d in %d tables, %v", manifest.Rows(), out.Rows, len(manifest.Tables), err)
	}
	if opened, err := os.ReadFile(filepath.Join(folder, "opened.jsonl")); err != nil || !strings.Contains(string(opened), "usage_hash_key") {
		t.Errorf("secrets that the business needs are not there: %s, %v", opened, err)
	}
	h.load(t, folder, manifest, stack.Place)
}

func (h *house) load(t *testing.T, folder string, manifest postgres.Exported, from provisioning.Place) {
	t.Helper()
	ctx := context.Background()
	name := "loaded_" + from.Slot.String()
	if _, err := h.host.Admin.Exec(ctx, `create database `+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = h.host.Admin.Exec(context.Background(), `drop database `+name+` with (force)`) })
	psql := exec.Command("psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", "load.sql", h.host.Server.AdminURL(name))
	psql.Dir = folder
	if text, err := psql.CombinedOutput(); err != nil {
		t.Fatalf("load.sql: %v: %s", err, text)
	}
	conn, err := pgx.Connect(ctx, h.host.Server.AdminURL(name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	count := func(what string) (n int64) {
		if err := conn.QueryRow(ctx, `select count(*) from `+what).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, table := range manifest.Tables {
		if n := count(pgx.Identifier{table.Table}.Sanitize()); n != table.Rows {
			t.Errorf("%s: %d rows loaded of %d", table.Table, n, table.Rows)
		}
	}
	if n := h.count(t, `select count(*) from pg_constraint where connamespace = $1::text::regnamespace and contype = 'f'`, from.Slot.Schema()); int64(n)-count(`pg_constraint where contype = 'f'`) > 12 {
		t.Errorf("references were lost on the way: %d of %d", count(`pg_constraint where contype = 'f'`), n)
	}
}

func unzip(t *testing.T, body []byte) string {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "tables"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

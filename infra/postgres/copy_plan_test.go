package postgres

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Whoever adds a table, or a text that may tell of somebody, decides here how it
// comes into a sandbox copy.
func TestPlan_namesEveryTableAndTellingColumn(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	for at := dir; at != os.TempDir() && len(at) > len(os.TempDir()); at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cluster, err := StartCluster(ctx, filepath.Join(dir, "pg"), ClusterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Stop()
	server := NewServer(cluster.AdminURL("postgres"), func(string) []byte { return []byte("key") })
	if err := server.Prepare(ctx); err != nil {
		t.Fatal(err)
	}
	if err := server.MigrateHost(ctx, "host"); err != nil {
		t.Fatal(err)
	}
	slot, err := server.CreateSlot(ctx, "host")
	if err != nil {
		t.Fatal(err)
	}
	var tables []slotTable
	err = server.admin(ctx, "host", func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) (err error) {
			tables, err = tablesOf(ctx, tx, slot.Schema())
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, table := range tables {
		known[table.name] = true
		treatment, planned := plan[table.name]
		if !planned {
			t.Errorf("table %s is not in the plan of copies", table.name)
			continue
		}
		columns := map[string]bool{}
		for _, column := range table.columns {
			columns[column.name] = true
			_, declared := treatment.columns[column.name]
			if treatment.columns != nil && slices.Contains(telling, column.kind) && !declared {
				t.Errorf("%s.%s may tell of somebody and is not in the plan of copies", table.name, column.name)
			}
		}
		for name := range treatment.columns {
			if !columns[name] {
				t.Errorf("the plan of copies speaks of %s.%s, which is not there", table.name, name)
			}
		}
	}
	for name := range maps.Keys(plan) {
		if !known[name] {
			t.Errorf("the plan of copies speaks of table %s, which is not there", name)
		}
	}
}

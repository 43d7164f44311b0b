package postgres

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Export is one slot to be written as files that need nothing of ours.
type Export struct {
	Database string
	Slot     tenant.Slot
	Tenant   tenant.ID
	Name     string
	At       time.Time
	// Facts are read in the export's own snapshot and stand in its manifest.
	Facts func(ctx context.Context, tx tenant.Tx) (map[string]any, error)
	// Files are written beside the tables; may be nil.
	Files func(ctx context.Context, create func(name string) (io.Writer, error)) error
	// Progress is told which table is being written and how many are done; an
	// error of it stops the export. May be nil.
	Progress func(table string, done, total int) error
}

// Exported is what an export came to: its manifest.
type Exported struct {
	Name    string         `json:"name"`
	Tenant  tenant.ID      `json:"tenant"`
	At      time.Time      `json:"at"`
	Version int64          `json:"schema_version"`
	Tables  []ExportedFile `json:"tables"`
	Facts   map[string]any `json:"facts"`
}

// ExportedFile is one table's file.
type ExportedFile struct {
	Table  string `json:"table"`
	File   string `json:"file"`
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"`
}

// Rows is how many rows there are in all tables.
func (e Exported) Rows() (rows int64) {
	for _, t := range e.Tables {
		rows += t.Rows
	}
	return rows
}

// notExported serve the running of a stack and say nothing of its business:
// whoever is signed in, what was answered, keys of ours.
var notExported = map[string]bool{
	versions: true, "idempotency": true, "signing_key": true, "secret": true, "signin_session": true, "signin_challenge": true,
	"signin_code": true, "signin_device": true, "password_link": true,
}

// Export writes a zip of one slot at one instant: each table as CSV, SQL that
// makes and loads them anywhere, a manifest with counts and digests, and a
// README. The tables are read in one snapshot while the stack runs.
func (s *Server) Export(ctx context.Context, e Export, to io.Writer) (Exported, error) {
	conn, err := s.ownerOn(ctx, e.Database, e.Slot)
	if err != nil {
		return Exported{}, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return Exported{}, fmt.Errorf("export: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	archive := zip.NewWriter(to)
	out, err := e.write(ctx, tx, archive)
	if err != nil {
		return Exported{}, fmt.Errorf("export %s: %w", e.Name, err)
	}
	return out, archive.Close()
}

// ownerOn is ownerOf with the slot's tables in its path.
func (s *Server) ownerOn(ctx context.Context, database string, slot tenant.Slot) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(s.AdminURL(database))
	if err != nil {
		return nil, err
	}
	config.RuntimeParams["role"], config.RuntimeParams["search_path"] = RoleOwner, slot.Schema()+",pg_catalog"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to database %s as owner: %w", database, err)
	}
	return conn, nil
}

func (e Export) write(ctx context.Context, tx pgx.Tx, archive *zip.Writer) (Exported, error) {
	out := Exported{Name: e.Name, Tenant: e.Tenant, At: e.At.UTC()}
	tables, err := tablesOf(ctx, tx, e.Slot.Schema())
	if err != nil {
		return out, err
	}
	if out.Version, err = versionOf(ctx, tx, e.Slot); err != nil {
		return out, err
	}
	if e.Facts != nil {
		if out.Facts, err = e.Facts(ctx, tenant.Tx{Tx: tx, At: out.At, Tenant: e.Tenant}); err != nil {
			return out, err
		}
	}
	var wanted []slotTable
	for _, t := range tables {
		if !notExported[t.name] {
			wanted = append(wanted, t)
		}
	}
	for i, t := range wanted {
		if e.Progress != nil {
			if err := e.Progress(t.name, i, len(wanted)); err != nil {
				return out, err
			}
		}
		file, err := e.table(ctx, tx, archive, t)
		if err != nil {
			return out, fmt.Errorf("table %s: %w", t.name, err)
		}
		out.Tables = append(out.Tables, file)
	}
	sql, err := loadScript(ctx, tx, e.Slot.Schema(), wanted)
	if err != nil {
		return out, err
	}
	if e.Files != nil {
		create := func(name string) (io.Writer, error) { return e.create(archive, name) }
		if err := e.Files(ctx, create); err != nil {
			return out, err
		}
	}
	manifest, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return out, err
	}
	for _, file := range []struct{ name, text string }{{"load.sql", sql}, {"manifest.json", string(manifest)}, {"README.md", out.readme()}} {
		w, err := e.create(archive, file.name)
		if err != nil {
			return out, err
		}
		if _, err := io.WriteString(w, file.text); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (e Export) create(archive *zip.Writer, name string) (io.Writer, error) {
	return archive.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: e.At.UTC()})
}

func (e Export) table(ctx context.Context, tx pgx.Tx, archive *zip.Writer, t slotTable) (ExportedFile, error) {
	file := ExportedFile{Table: t.name, File: "tables/" + t.name + ".csv"}
	w, err := e.create(archive, file.File)
	if err != nil {
		return file, err
	}
	sum := &digesting{Writer: w, sum: sha256.New()}
	done, err := tx.Conn().PgConn().CopyTo(ctx, sum, "copy "+e.Slot.Schema()+"."+t.name+" ("+t.names()+") to stdout (format csv, header)")
	file.Rows, file.SHA256 = done.RowsAffected(), hex.EncodeToString(sum.sum.Sum(nil))
	return file, err
}

// digesting hashes what goes through it.
type digesting struct {
	io.Writer
	sum hash.Hash
}

func (d *digesting) Write(p []byte) (int, error) {
	d.sum.Write(p)
	return d.Writer.Write(p)
}

func (t slotTable) names() string {
	names := make([]string, len(t.columns))
	for i, column := range t.columns {
		names[i] = pgx.Identifier{column.name}.Sanitize()
	}
	return strings.Join(names, ", ")
}

// versionOf is the newest migration that a slot has.
func versionOf(ctx context.Context, tx pgx.Tx, slot tenant.Slot) (version int64, err error) {
	err = tx.QueryRow(ctx, `select max(version_id) from `+slot.Schema()+`.`+versions).Scan(&version)
	if err != nil {
		return 0, fmt.Errorf("read version of %s: %w", slot.Schema(), err)
	}
	return version, nil
}

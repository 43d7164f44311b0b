package postgres

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// rights lists what a tenant's role may do in its own schema: no DDL, and of
// each table only what its domain uses. What is not listed here may be read,
// inserted and updated.
var rights = map[string]string{
	"ledger_transfer":       "select, insert",
	"charge":                "select, insert",
	"usage_key":             "select, insert",
	"usage_line":            "select, insert",
	"usage_record":          "select, insert",
	"audit":                 "select, insert",
	"audit_seal":            "select, insert",
	"daily_taking":          "select, insert",
	"bill_line":             "select, insert",
	"bill_tax":              "select, insert",
	"bill_item":             withDelete,
	"holiday":               "select, insert, update, delete",
	"holiday_calendar":      withDelete,
	"tax_rule":              withDelete,
	"tax_quote":             withDelete, // forgotten once a document has taken it
	"tax_id_check":          "select, insert",
	"exchange_rate":         withDelete,
	"product_specification": withDelete,               // those that nothing names
	"charging_answer":       "select, insert, delete", // forgotten by the sweep, as closed sessions are
	"charging_session":      withDelete,
	"charging_notice":       withDelete,
	"idempotency":           "select, insert, update, delete",
	"custom_role":           "select, insert, update, delete",
	"recovery_code":         "select, insert, update, delete",
	"user_totp":             "select, insert, update, delete",
	"signin_session":        "select, insert, update, delete",
	"signin_device":         "select, insert, update, delete",
	"signin_event":          "select, insert, update, delete",
	"signin_challenge":      "select, insert, update, delete",
	"signin_code":           "select, insert, update, delete",
	"password_link":         "select, insert, update, delete",
	"goose_db_version":      "select", // a process beside the host asks whether it is of the same version
	"catalog_epoch":         "select, insert, update",
	"payment_allocation":    "select, insert, update",

	// an import that is undone before its first charge takes its rows away again
	"party":                 withDelete,
	"billing_account":       withDelete,
	"subscription":          withDelete,
	"subscription_discount": withDelete,
	"service":               withDelete,
	"service_identity":      withDelete,
	"product_order":         withDelete,
	"bucket":                withDelete,
	"open_item":             withDelete,
	"payment_method":        withDelete,
	"imported_document":     withDelete,
	"operator_logo":         withDelete,
	"intake_account":        withDelete,

	// groups are dissolved, and members leave
	"sharing_group":  withDelete,
	"sharing_member": withDelete,
	"sharing_limit":  withDelete,
	"intake_file":    withDelete,
	"intake_finding": withDelete,

	// events are kept for a time
	"event":            withDelete,
	"webhook_endpoint": withDelete,
	"webhook_delivery": withDelete,
	"report_schedule":  withDelete,
	"day_close":        "select, insert",
}

const (
	usualRights = "select, insert, update"
	withDelete  = usualRights + ", delete"
)

// CreateSlot makes an empty schema with its role, ready for a tenant, and puts
// it into the host's stock. A slot cut off half-made is never in the stock.
func (s *Server) CreateSlot(ctx context.Context, database string) (tenant.Slot, error) {
	slot, err := NewSlot()
	if err != nil {
		return tenant.Slot{}, err
	}
	return slot, s.makeSlot(ctx, database, slot, "stock")
}

// MakeSlot makes a slot under a name that the registry has written down for a
// tenant: it never is in the stock. Cut off, it goes on when called again.
func (s *Server) MakeSlot(ctx context.Context, database string, slot tenant.Slot) error {
	return s.makeSlot(ctx, database, slot, "placed")
}

func (s *Server) makeSlot(ctx context.Context, database string, slot tenant.Slot, state string) error {
	err := s.admin(ctx, database, func(conn *pgx.Conn) error {
		if err := ensureRole(ctx, conn, slot.Schema(), "nologin noinherit"); err != nil {
			return err
		}
		return execAll(ctx, conn, `grant `+slot.Schema()+` to `+RoleApp)
	})
	if err != nil {
		return err
	}
	if err := s.migrateSlot(ctx, database, slot); err != nil {
		return err
	}
	return s.admin(ctx, database, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `
			insert into host.slot (name, state, made_at)
			values ($1, $2, clock_timestamp())
			on conflict (name) do nothing`, slot.String(), state)
		return err
	})
}

// DropSlot takes a slot away with all that is in it. What is gone already stays
// so.
func (s *Server) DropSlot(ctx context.Context, database string, slot tenant.Slot) error {
	return s.admin(ctx, database, func(conn *pgx.Conn) error { return dropSlotHere(ctx, conn, slot) })
}

// dropSlotHere leaves the role where another database of the server has the
// slot too.
func dropSlotHere(ctx context.Context, conn *pgx.Conn, slot tenant.Slot) error {
	if _, err := conn.Exec(ctx, `update host.slot set state = 'retired' where name = $1`, slot.String()); err != nil {
		return err
	}
	if err := execAll(ctx, conn, `drop schema if exists `+slot.Schema()+` cascade`); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, `drop role if exists `+slot.Schema()); err != nil && !isRoleInUse(err) {
		return err
	}
	_, err := conn.Exec(ctx, `delete from host.slot where name = $1`, slot.String())
	return err
}

// NewSlot draws a name that no slot has.
func NewSlot() (tenant.Slot, error) {
	raw := make([]byte, 8)
	if _, err := rand.Read(raw); err != nil {
		return tenant.Slot{}, err
	}
	text := base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)
	return tenant.ParseSlot(strings.ToLower(text))
}

func (s *Server) migrateSlot(ctx context.Context, database string, slot tenant.Slot) error {
	if err := s.migrate(ctx, database, slot.Schema(), "tenant"); err != nil {
		return err
	}
	return s.admin(ctx, database, func(conn *pgx.Conn) error { return grantSlot(ctx, conn, slot.Schema()) })
}

func grantSlot(ctx context.Context, conn *pgx.Conn, schema string) error {
	rows, err := conn.Query(ctx, `select tablename from pg_tables where schemaname = $1 order by tablename`, schema)
	if err != nil {
		return err
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	byRights := map[string][]string{}
	for _, table := range tables {
		allowed, special := rights[table]
		if !special {
			allowed = usualRights
		}
		byRights[allowed] = append(byRights[allowed], schema+"."+pgx.Identifier{table}.Sanitize())
	}
	statements := []string{`grant usage on schema ` + schema + ` to ` + schema}
	for allowed, names := range byRights {
		if allowed != "" {
			statements = append(statements, `grant `+allowed+` on `+strings.Join(names, ", ")+` to `+schema)
		}
	}
	return execAll(ctx, conn, statements...)
}

// MigrateSlots brings every slot of a host database up to date, reporting after
// each one. Run again after it was cut off, it goes on with what is left.
func (s *Server) MigrateSlots(ctx context.Context, database string, progress func(done, total int)) error {
	var names []string
	err := s.admin(ctx, database, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `select name from host.slot order by name`)
		if err != nil {
			return err
		}
		names, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		return err
	}
	for i, name := range names {
		slot, err := tenant.ParseSlot(name)
		if err != nil {
			return err
		}
		if err := s.migrateSlot(ctx, database, slot); err != nil {
			return fmt.Errorf("slot %d of %d: %w", i+1, len(names), err)
		}
		progress(i+1, len(names))
	}
	return nil
}

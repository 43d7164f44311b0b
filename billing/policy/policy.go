package policy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Kind names a document.
type Kind string

// The documents.
const (
	Adjustment Kind = "adjustment" // reasons, and how much a role may give or take
	Transfer   Kind = "transfer"   // between subscribers
	Points     Kind = "points"     // what earns them and what they buy
	Alert      Kind = "alert"      // thresholds and what happens there
	Reminder   Kind = "reminder"   // of what is going to expire
	Payment    Kind = "payment"    // allocation, tolerance, retries, who collects by debit
	Numbering  Kind = "numbering"  // how documents are numbered
	Note       Kind = "note"       // what may be voided, and relief of tax for bad debt
	LateFee    Kind = "late_fee"   // what late payment costs
)

// Change is when a document was last changed, and by whom.
type Change struct {
	By string
	At time.Time
}

// Load reads a document into what its kind's package keeps it in; found is
// false, and nothing is touched, where there is none.
func Load(ctx context.Context, tx tenant.Tx, kind Kind, into any) (found bool, err error) {
	return load(ctx, tx, kind, into, `select rules from balance_policy where kind = $1`)
}

// LoadLocked is Load for an act that is counted against the document: acts at
// the same time wait for one another.
func LoadLocked(ctx context.Context, tx tenant.Tx, kind Kind, into any) (found bool, err error) {
	return load(ctx, tx, kind, into, `select rules from balance_policy where kind = $1 for update`)
}

func load(ctx context.Context, tx tenant.Tx, kind Kind, into any, query string) (bool, error) {
	var rules json.RawMessage
	err := tx.QueryRow(ctx, query, string(kind)).Scan(&rules)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(rules, into)
	}
	if err != nil {
		return false, fmt.Errorf("read policy of %ss: %w", kind, err)
	}
	return true, nil
}

// Changed says who changed a document last; zero where there is none.
func Changed(ctx context.Context, tx tenant.Tx, kind Kind) (c Change, err error) {
	err = tx.QueryRow(ctx, `select changed_by, changed_at from balance_policy where kind = $1`, string(kind)).Scan(&c.By, &c.At)
	if errors.Is(err, pgx.ErrNoRows) {
		return Change{}, nil
	}
	if err != nil {
		return Change{}, fmt.Errorf("read policy of %ss: %w", kind, err)
	}
	c.At = c.At.UTC()
	return c, nil
}

const save = `
	insert into balance_policy (kind, rules, changed_by, changed_at)
	values ($1, $2, $3, $4)
	on conflict (kind) do update set rules = excluded.rules, changed_by = excluded.changed_by, changed_at = excluded.changed_at`

// Save stores a document that its kind's package has checked.
func Save(ctx context.Context, tx tenant.Tx, kind Kind, rules any, by string) error {
	text, err := json.Marshal(rules)
	if err != nil {
		return fmt.Errorf("write policy of %ss: %w", kind, err)
	}
	if _, err := tx.Exec(ctx, save, string(kind), text, by, tx.At); err != nil {
		return fmt.Errorf("save policy of %ss: %w", kind, err)
	}
	const raise = `insert into catalog_epoch (id, epoch) values (1, 1) on conflict (id) do update set epoch = catalog_epoch.epoch + 1`
	if _, err := tx.Exec(ctx, raise); err != nil {
		return fmt.Errorf("tell charging of a policy: %w", err)
	}
	return nil
}

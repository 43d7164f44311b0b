package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/tenant"
)

// Branch is a place of business of a legal entity: accounts, users and
// postings are told apart by it.
type Branch struct {
	ID          uuid.UUID
	LegalEntity uuid.UUID
	Name        string
	Default     bool // where a new account goes if nobody says otherwise
	CreatedAt   time.Time
}

// ErrNameTaken means that another branch or legal entity has the name: people
// and imported files name them by it.
var ErrNameTaken = errors.New("another has this name")

// maxLine is the longest text on one line that bills print.
const maxLine = 200

func (b Branch) check() error {
	if !printable(b.Name) {
		return &FieldError{"name", "a name of up to 200 characters on one line"}
	}
	return nil
}

// printable says whether a text is there and fits on one line.
func printable(text string) bool { return strings.TrimSpace(text) != "" && fits(text) }

// AddBranch opens a branch of a legal entity; ErrNotFound where there is none,
// ErrNameTaken for a name that another branch has.
func AddBranch(ctx context.Context, tx tenant.Tx, b Branch) (Branch, error) {
	if err := b.check(); err != nil {
		return Branch{}, err
	}
	b.ID, b.Name, b.CreatedAt, b.Default = uuid.Must(uuid.NewV7()), strings.TrimSpace(b.Name), tx.At, false
	_, err := tx.Exec(ctx, `insert into branch (id, legal_entity, name, is_default, created_at) values ($1, $2, $3, false, $4)`,
		b.ID, b.LegalEntity, b.Name, b.CreatedAt)
	if err != nil {
		return Branch{}, fmt.Errorf("add branch: %w", nameTaken(missingReference(err)))
	}
	return b, nil
}

// ChangeBranch renames a branch, or makes it the default one. A branch never
// changes its legal entity: what was posted in it belongs there.
func ChangeBranch(ctx context.Context, tx tenant.Tx, b Branch) error {
	if err := b.check(); err != nil {
		return err
	}
	done, err := tx.Exec(ctx, `update branch set name = $2 where id = $1`, b.ID, strings.TrimSpace(b.Name))
	if err != nil {
		return fmt.Errorf("change branch %s: %w", b.ID, nameTaken(err))
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("branch %s: %w", b.ID, ErrNotFound)
	}
	if !b.Default {
		return nil
	}
	// New accounts take the default entity with its default branch, so both move.
	for _, statement := range []string{
		`update branch set is_default = false where is_default and id <> $1`,
		`update branch set is_default = true where id = $1`,
		`update legal_entity e set is_default = false where is_default and id <> (select legal_entity from branch where id = $1)`,
		`update legal_entity e set is_default = true where id = (select legal_entity from branch where id = $1)`,
	} {
		if _, err := tx.Exec(ctx, statement, b.ID); err != nil {
			return fmt.Errorf("make branch %s the default: %w", b.ID, err)
		}
	}
	return nil
}

// Branches lists all branches by name, the default one first.
func Branches(ctx context.Context, tx tenant.Tx) ([]Branch, error) {
	rows, err := tx.Query(ctx, `
		select id, legal_entity, name, is_default, created_at
		  from branch
		 order by is_default desc, lower(name), id`)
	if err != nil {
		return nil, fmt.Errorf("list branches: %w", err)
	}
	branches, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Branch])
	if err != nil {
		return nil, fmt.Errorf("list branches: %w", err)
	}
	return branches, nil
}

// Place puts an account into a branch, and so under its legal entity, from the
// next document on.
func Place(ctx context.Context, tx tenant.Tx, accountID, branch uuid.UUID) error {
	if _, err := Lock(ctx, tx, accountID); err != nil {
		return err
	}
	done, err := tx.Exec(ctx, `
		update billing_account a
		   set branch = b.id, legal_entity = b.legal_entity
		  from branch b
		 where a.id = $1 and b.id = $2`, accountID, branch)
	if err != nil {
		return fmt.Errorf("place account %s: %w", accountID, err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("branch %s: %w", branch, ErrNotFound)
	}
	return nil
}

func nameTaken(err error) error {
	const uniqueViolation = "23505"
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == uniqueViolation && strings.HasSuffix(pg.ConstraintName, "_name") {
		return ErrNameTaken
	}
	return err
}

package tenants

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Operator is a customer of ours: a company that sells telecom services.
type Operator struct {
	ID          tenant.ID // of its stack, for good
	Name        string    // in paths and host names
	DisplayName string
	LegalName   string
	Country     string
	OwnerEmail  string
	Sandbox     bool
	Settings    Settings
	Standing    Standing
	CopyOf      tenant.ID `json:",omitzero"` // whose sandbox copy it is; zero: nobody's
	CreatedBy   string
	CreatedAt   time.Time
}

// Settings is what an operator's stack is set up with. Later changes are made
// in the stack, by the operator.
type Settings struct {
	Zone             string         `json:"zone"`
	Currency         money.Currency `json:"currency"`
	Language         string         `json:"language"`
	PricesIncludeTax bool           `json:"prices_include_tax"`
	LegalEntity      LegalEntity    `json:"legal_entity"`
	TaxRates         []TaxRate      `json:"tax_rates"`          // none: those of the country
	ClockAt          *time.Time     `json:"clock_at,omitempty"` // of a sandbox
}

// TaxRate is one rate of a category from a day up to, not including, another.
type TaxRate struct {
	Category  string         `json:"category"`
	Name      string         `json:"name"`
	Percent   money.Decimal  `json:"percent"`
	ValidFrom calendar.Date  `json:"valid_from"`
	ValidTo   *calendar.Date `json:"valid_to,omitempty"`
}

func (r TaxRate) overlaps(other TaxRate) bool {
	return r.Category == other.Category &&
		(r.ValidTo == nil || other.ValidFrom.Before(*r.ValidTo)) &&
		(other.ValidTo == nil || r.ValidFrom.Before(*other.ValidTo))
}

const operatorColumns = `id, name, display_name, legal_name, country, owner_email, sandbox, settings, created_by, created_at,
	state, suspended_at, suspended_reason, grace_days, standing_no, copy_of`

func scanOperator(row pgx.CollectableRow) (Operator, error) {
	var o Operator
	var suspendedAt *time.Time
	var copyOf *uuid.UUID
	err := row.Scan(&o.ID, &o.Name, &o.DisplayName, &o.LegalName, &o.Country, &o.OwnerEmail, &o.Sandbox, &o.Settings, &o.CreatedBy, &o.CreatedAt,
		&o.Standing.State, &suspendedAt, &o.Standing.Reason, &o.Standing.GraceDays, &o.Standing.No, &copyOf)
	o.CreatedAt = o.CreatedAt.UTC()
	if suspendedAt != nil {
		o.Standing.SuspendedAt = suspendedAt.UTC()
	}
	if copyOf != nil {
		o.CopyOf = tenant.ID(*copyOf)
	}
	return o, err
}

// GetOperator reads an operator; ErrNotFound if there is none.
func GetOperator(ctx context.Context, tx Tx, id tenant.ID) (Operator, error) {
	return oneOperator(ctx, tx, `select `+operatorColumns+` from operator where id = $1`, id)
}

// OperatorByName reads the operator of a name; ErrNotFound if there is none.
func OperatorByName(ctx context.Context, tx Tx, name string) (Operator, error) {
	return oneOperator(ctx, tx, `select `+operatorColumns+` from operator where name = $1`, name)
}

func oneOperator(ctx context.Context, tx Tx, query string, key any) (Operator, error) {
	rows, err := tx.Query(ctx, query, key)
	if err != nil {
		return Operator{}, fmt.Errorf("read operator %v: %w", key, err)
	}
	o, err := pgx.CollectExactlyOneRow(rows, scanOperator)
	if errors.Is(err, pgx.ErrNoRows) {
		return Operator{}, fmt.Errorf("operator %v: %w", key, ErrNotFound)
	}
	if err != nil {
		return Operator{}, fmt.Errorf("read operator %v: %w", key, err)
	}
	return o, nil
}

// ListOperators lists operators in the order they came, those after an id
// (zero: from the first).
func ListOperators(ctx context.Context, tx Tx, after tenant.ID, limit int) ([]Operator, error) {
	rows, err := tx.Query(ctx, `select `+operatorColumns+` from operator where id > $1 order by id limit $2`, uuid.UUID(after), limit)
	if err != nil {
		return nil, fmt.Errorf("list operators: %w", err)
	}
	operators, err := pgx.CollectRows(rows, scanOperator)
	if err != nil {
		return nil, fmt.Errorf("list operators: %w", err)
	}
	return operators, nil
}

// OwnerPasswordHash is the hash of the owner's first password, "" once the
// operator's stack has taken it over.
func OwnerPasswordHash(ctx context.Context, tx Tx, id tenant.ID) (hash identity.PasswordHash, err error) {
	err = tx.QueryRow(ctx, `select owner_password_hash from operator where id = $1`, id).Scan(&hash)
	if err != nil {
		return "", fmt.Errorf("read owner's first password of %s: %w", id, err)
	}
	return hash, nil
}

// ForgetOwnerPassword drops the hash: the stack has it, and the owner will
// change it there.
func ForgetOwnerPassword(ctx context.Context, tx Tx, id tenant.ID) error {
	if _, err := tx.Exec(ctx, `update operator set owner_password_hash = '' where id = $1`, id); err != nil {
		return fmt.Errorf("forget owner's first password of %s: %w", id, err)
	}
	return nil
}

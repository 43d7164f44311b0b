package charging

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/charging/session"
	"tollhouse/billing/tenant"
)

// ErrPolicy is wrapped by a PolicyError.
var ErrPolicy = errors.New("not a policy of quotas")

// PolicyError lists all that is wrong with a policy.
type PolicyError struct{ Faults []*session.PolicyError }

func (e *PolicyError) Error() string { return ErrPolicy.Error() + ": " + e.Faults[0].Error() }

// Is lets errors.Is find ErrPolicy.
func (e *PolicyError) Is(target error) bool { return target == ErrPolicy }

// GetPolicy is how the operator grants quotas: what it has set over what is
// usual.
func GetPolicy(ctx context.Context, tx tenant.Tx) (session.Policy, error) {
	var document []byte
	if err := tx.QueryRow(ctx, `select charging from operator where id = 1`).Scan(&document); err != nil {
		return session.Policy{}, fmt.Errorf("read policy of quotas: %w", err)
	}
	return readPolicy(document)
}

func readPolicy(document []byte) (session.Policy, error) {
	policy := session.DefaultPolicy()
	if err := json.Unmarshal(document, &policy); err != nil {
		return session.Policy{}, fmt.Errorf("read policy of quotas: %w", err)
	}
	return policy, nil
}

// PutPolicy sets how the operator grants quotas, from the next grant on. A
// *PolicyError says what is wrong with it.
func PutPolicy(ctx context.Context, tx tenant.Tx, policy session.Policy) error {
	if faults := policy.Check(); faults != nil {
		return &PolicyError{faults}
	}
	document, err := json.Marshal(policy)
	if err != nil {
		return fmt.Errorf("write policy of quotas: %w", err)
	}
	done, err := tx.Exec(ctx, `update operator set charging = $1 where id = 1`, document)
	if err != nil {
		return fmt.Errorf("write policy of quotas: %w", err)
	}
	if done.RowsAffected() != 1 {
		return fmt.Errorf("write policy of quotas: %w", pgx.ErrNoRows)
	}
	return nil
}
